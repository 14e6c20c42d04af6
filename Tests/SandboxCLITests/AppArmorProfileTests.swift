import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct AppArmorProfileTests {
    @Test func eachExecutableHasAProfileOfItsName() throws {
        let text = try #require(
            AppArmorProfile(executables: ["/usr/bin/codex-sandbox", "/usr/libexec/codex-sandbox/codex-sandboxd"]).text
        )
        #expect(text.contains("\nabi <abi/4.0>,\n"))
        #expect(text.contains("\nprofile codex-sandbox \"/usr/bin/codex-sandbox\" flags=(unconfined) {\n  userns,\n"))
        #expect(
            text.contains(
                "\nprofile codex-sandboxd \"/usr/libexec/codex-sandbox/codex-sandboxd\" flags=(unconfined) {\n"
            )
        )
        #expect(text.hasSuffix("\n}\n"))
    }

    /// Whatever would be a pattern, a variable or the end of the word in apparmor.d(5) is a plain character.
    @Test func aPathMatchesItselfOnly() throws {
        let text = try #require(AppArmorProfile(executables: ["/a b/*{x,y}[z]?^\\\"@{HOME}/codex-sandbox"]).text)
        #expect(text.contains("\"/a b/\\*\\{x\\,y\\}\\[z\\]\\?\\^\\\\\\\"\\@\\{HOME\\}/codex-sandbox\""))
    }

    @Test(arguments: [OSString("/a\nprofile b /c {}/codex-sandbox"), OSString([0x2F, 0xFF]), OSString("/a\u{7F}")])
    func whatNoProfileCanNameIsRefused(_ path: OSString) {
        #expect(AppArmorProfile(executables: ["/usr/bin/codex-sandbox", path]).text == nil)
    }
}
