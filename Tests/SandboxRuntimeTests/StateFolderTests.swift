import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct StateFolderTests {
    private func path(_ flag: OSString?, _ environment: [OSString], home: OSString? = "/home/ada") throws -> OSString {
        try StateFolder.path(flag: flag, environment: environment) { () throws(SyscallError) in
            home
        }
    }

    @Test func flagBeatsVariableBeatsXDGBeatsHome() throws {
        let all: [OSString] = ["CODEX_SANDBOX_STATE_DIR=/own", "XDG_STATE_HOME=/xdg", "HOME=/home/eve"]
        #expect(try path("/flag", all) == "/flag")
        #expect(try path(nil, all) == "/own")
        #expect(try path(nil, Array(all.dropFirst())) == "/xdg/codex-sandbox")
        #expect(try path(nil, Array(all.dropFirst(2))) == "/home/eve/.local/state/codex-sandbox")
        #expect(try path(nil, []) == "/home/ada/.local/state/codex-sandbox")
    }

    @Test(arguments: ["XDG_STATE_HOME=", "XDG_STATE_HOME=relative", "HOME=", "HOME=here", "XDG_STATE_HOMER=/x"])
    func emptyAndRelativeVariablesCountAsUnset(variable: OSString) throws {
        #expect(try path(nil, [variable]) == "/home/ada/.local/state/codex-sandbox")
    }

    @Test(arguments: [nil, "", "relative"] as [OSString?]) func accountWithoutAHomeIsRefused(home: OSString?) {
        let error = #expect(throws: EvidenceError.self) { try path(nil, [], home: home) }
        #expect(error?.remedy.contains("--state-dir") == true)
    }

    @Test(arguments: ["CODEX_SANDBOX_STATE_DIR=relative", "CODEX_SANDBOX_STATE_DIR=/a/../b", "XDG_STATE_HOME=/a/.."])
    func unclearPathsAreRefused(variable: OSString) {
        #expect(throws: EvidenceError.self) { try path(nil, [variable]) }
    }

    @Test func relativeFlagStartsAtTheCurrentFolder() throws {
        let found = try path("state", [])
        #expect(found.isAbsolute && found.lastComponent == "state")
        #expect(throws: EvidenceError.self) { try path("", []) }
        #expect(throws: EvidenceError.self) { try path("../state", []) }
    }

    @Test func bytesThatAreNoTextAreKept() throws {
        #expect(try path(OSString([0x2F, 0xFF]), []) == OSString([0x2F, 0xFF]))
    }
}
