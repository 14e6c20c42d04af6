import SandboxPlan
import Testing

@testable import SandboxPolicy

@Suite struct GitLeadTests {
    private func leads(_ text: String, home: OSString? = "/home/u") -> [GitLead] {
        GitLead.all(Array(text.utf8), in: "/w", home: home)
    }

    @Test(arguments: [
        ("[core]\n\thooksPath = .husky/_\n", "core.hooksPath", "/w/.husky/_"),
        ("[CORE]\r\n HOOKSPATH=\"a b\" # x\r\n", "core.hooksPath", "/w/a b"),
        ("[core] hooksPath = /x/../y\n", "core.hooksPath", "/y"),
        ("[core]\nhooksPath = ~/hooks\n", "core.hooksPath", "/home/u/hooks"),
        ("[core]\nfsmonitor = .git/../tools/watch --fast\n", "core.fsmonitor", "/w/tools/watch"),
        ("[include]\npath = ../settings\n", "include.path", "/w/settings"),
        ("[include]\npath = inner\n", "include.path", "/w/.git/inner"),
        ("[includeIf \"gitdir:~/a]b/\"] path = ../settings\n", "includeIf.path", "/w/settings"),
    ])
    func aLeadIsFound(text: String, key: String, path: OSString) {
        #expect(leads(text) == [GitLead(key: key, path: path)])
    }

    @Test(arguments: [
        "", "[core]\nfsmonitor = true\n", "[user]\nhooksPath = x\n", "[core \"x\"\n[core\nhooksPath = \"x\n",
        "[core]\nhooksPath\n", "[core]\nhooksPath =\n", "[core]\nhooksPath = ~other/x\n", "hooksPath = x\n[", "[]=\n=",
        "[core]\n# hooksPath = x\n; hooksPath = x\n",
    ])
    func whatIsNoneIsPassedOver(text: String) {
        #expect(leads(text) == [])
    }

    @Test func withoutAHomeItsNameSaysNothing() {
        #expect(leads("[core]\nhooksPath = ~/x\n", home: nil) == [])
    }
}
