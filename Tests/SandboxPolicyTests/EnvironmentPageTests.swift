import Foundation
import ProjectTree
import SandboxPlan
import Testing

@testable import SandboxPolicy

/// `docs/policy.md` says of the environment what the planner does.
@Suite struct EnvironmentPageTests {
    private func page() throws -> String {
        let tests = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.deletingLastPathComponent().appending(path: "docs/policy.md")
        return try String(contentsOf: file, encoding: .utf8)
    }

    private func quoted(_ names: [OSString]) -> String { names.map { "`\($0)`" }.joined(separator: " ") }

    private func planned(_ caller: [OSString], pass: [OSString] = []) -> [EnvironmentEntry] {
        var policy = CompiledPolicyCodingTests.standard.policy
        policy.environment = EnvironmentPolicy(inherit: .core, exclude: [], pass: pass, set: [])
        let request = LaunchRequest(
            workspace: "/w",
            workingDirectory: "/w",
            arguments: ["true"],
            callerEnvironment: caller,
            allowRootOwnedWorkspace: false,
            ownFolders: [],
            homes: [],
            policyFiles: []
        )
        return EnvironmentPlanner.planned(policy, request)
    }

    @Test func coreIsListed() throws {
        #expect(try page().contains("`core` is \(quoted(EnvironmentPlanner.core)) |"))
    }

    /// What a caller cannot hand over, neither as core nor by name, is what the page calls our own.
    @Test func ourOwnAreListed() throws {
        let own = planned([]).map(\.name).filter { $0 != "PATH" && $0 != "CODEX_SANDBOX_NETWORK_DISABLED" }
        let caller = own.map { OSString($0.bytes + Array("=the caller's".utf8)) }
        let passed = planned(caller, pass: own)
        #expect(own.count == 6 && !passed.contains { $0.value == "the caller's" })
        let page = try page()
        for name in own { #expect(page.contains("`\(name)`"), "\(name)") }
        let list = quoted(["HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "PWD"])
        #expect(page.contains("Of our own, whatever the caller has: \(list), and"))
        #expect(Set(own) == ["HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "PWD"])
        #expect(page.contains("`\(EnvironmentPlanner.defaultPath)`"))
    }
}
