import SandboxPlan
import Testing

@testable import SandboxPolicy

@Suite struct DenyPatternTests {
    /// Whether a walk from `folder` down to the path would meet a match on the way or at its end.
    private func denies(_ pattern: OSString, _ path: OSString, from folder: OSString = "/w") -> Bool {
        let pattern = DenyPattern(pattern)
        var progress = pattern.start(at: folder)
        for name in path.components {
            progress = pattern.progress(progress, into: name)
            if pattern.isMatch(progress) { return true }
            if progress.isOver { return false }
        }
        return false
    }

    @Test(
        arguments: [
            ("*.pem", ["a.pem", ".pem", "x/y/a.pem"], ["a.pem.txt", "pem", "x/pem"]),
            (".env*", [".env", ".env.local", "x/.env"], ["env", "a.env"]),
            ("**/.env", [".env", "x/.env", "x/y/.env"], [".env2", "x/.envrc"]),
            ("config/*.key", ["config/a.key", "config/.key"], ["a.key", "x/config/a.key", "config/x/a.key"]),
            ("**/config/*.key", ["config/a.key", "x/config/a.key"], ["config/x/a.key"]),
            ("secrets/**", ["secrets", "secrets/a/b"], ["x/secrets"]),
            ("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a/b/c"], ["b", "x/a/b"]),
            ("id_?", ["id_a"], ["id_", "id_ab"]),
            ("a*b*c", ["abc", "axxbyyc", "abbc"], ["ab", "acb"]),
            ("./x/./y", ["x/y"], ["y"]),
        ] as [(OSString, [OSString], [OSString])]
    )
    func namesAreMatched(pattern: OSString, denied: [OSString], shown: [OSString]) {
        for path in denied { #expect(denies(pattern, path), "\(pattern) \(path)") }
        for path in shown { #expect(!denies(pattern, path), "\(pattern) \(path)") }
    }

    @Test func aWholePathBeginsAtTheRoot() {
        #expect(denies("/w/*/x", "a/x") && !denies("/w/*/x", "x") && !denies("/w/*/x", "a/x", from: "/v"))
        #expect(denies("/**/x", "a/b/x", from: "/v/w"))
        // Somewhere else it is known at once that nothing can match.
        #expect(DenyPattern("/v/x").start(at: "/w").isOver && !DenyPattern("/v/x").start(at: "/v").isOver)
    }

    @Test(arguments: ["", "**", "/**", "**/**", "a/../b", "~/x", "a/**b", "a\0"])
    func whatIsNoPatternHasAReason(text: String) { #expect(DenyPattern.defect(OSString(text)) != nil) }

    @Test func thirtyTwoNamesFit() {
        let most = OSString(Array(repeating: "**", count: 31).joined(separator: "/") + "/x")
        #expect(DenyPattern.defect(most) == nil && denies(most, "x") && denies(most, "a/b/c/x"))
        #expect(DenyPattern.defect(most.appending("y")) != nil)
        #expect(DenyPattern.defect(OSString([0xFF, 0x2A])) == nil)
    }

    /// Time that a hostile name or pattern could cost stays small.
    @Test func manyStarsAreReadOnce() {
        let name = [UInt8](repeating: 0x61, count: 255)
        #expect(!DenyPattern.matches(name, Array(repeating: [0x2A, 0x61], count: 100).joined() + [0x62]))
    }
}
