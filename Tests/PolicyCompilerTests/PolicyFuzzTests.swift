import Foundation
import Fuzzing
import ProjectTree
import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// Texts that somebody else wrote: each is a policy, or a list of problems with their places; a project's never widens.
@Suite struct PolicyFuzzTests {
    private static let policies = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "policies")

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: policies.appending(path: name + ".toml"), encoding: .utf8)
    }

    private static let words = [
        "\n", "[", "]", "=", "\"", "'''", "\"\"\"", ",", "{", "}", "\\u0000", "\\U0010FFFF", "true", "false", "inf",
        "nan",
        "[limits]\n", "[filesystem]\n", "[[x]]\n", "version = 1\n", "extends = \"strict\"\n", "write = [\"/\"]\n",
        "\"64MiB\"",
        "\"unlimited\"", "mode = \"host\"\n", "host_network = true\n", "deny = []\n", "tasks = ", "1979-05-27", "0x",
        "\r",
    ]

    /// Of some 30 keys, within what `workspace-write` allows.
    private static let project = """
        version = 1
        [workspace]
        access = "read-only"
        [filesystem]
        read = ["/usr"]
        deny = ["secrets"]
        protect = ["guarded", ".husky/_"]
        [network]
        mode = "off"
        [limits]
        tasks = 77
        memory = "64MiB"
        wall = "10m"
        open_files = 100
        [environment]
        inherit = "none"
        exclude = ["*SECRET*"]
        [seccomp]
        without = ["debug"]
        [process]
        umask = "077"
        """

    @Test func aTextIsAPolicyOrAListOfProblems() throws {
        let texts = try ["workspace-write", "strict", "codex-worker"].map { try Self.text($0) } + [Self.project]
        var fuzzing = Fuzzing(texts.map { Array($0.utf8) }, words: Self.words)
        let tally = fuzzing.run { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return false }
            do throws(PolicyError) {
                _ = try PolicyDocument(name: "fuzzed", text: text).validated()
                return true
            } catch {
                check(error, text)
                return false
            }
        }
        #expect(tally.taken > 5 && tally.refused > 20, "\(tally)")
    }

    private func check(_ error: PolicyError, _ text: String) {
        guard case .invalid(let problems) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(!problems.isEmpty)
        let lines = text.utf8.count { $0 == 0x0A } + 1
        for problem in problems where problem.position.line > lines {
            Issue.record("\(problem) is said of line \(problem.position.line) of \(lines)")
        }
        // What is quoted may drive no terminal.
        let isShown = error.description.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7F }
        #expect(isShown, "\(error.description.debugDescription)")
    }

    /// The whole way of a project's file, from its bytes to the policy of a launch.
    @Test func aProjectsFileNeverWidens() throws {
        let base = try Self.text("workspace-write")
        let plain = try EffectivePolicy(
            compiled("base", base),
            PolicyOverrides(),
            workspace: "/work",
            trust: Self.nobody
        )
        var fuzzing = Fuzzing([Array(Self.project.utf8), Array("version = 1\n".utf8)], words: Self.words)
        let tally = fuzzing.run { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return false }
            let made: CompiledPolicy
            do throws(PolicyError) {
                made = try compiled("base", base, project: text)
            } catch { return false }
            let policy: Policy
            do throws(Refusal) {
                policy = try EffectivePolicy(made, PolicyOverrides(), workspace: "/work", trust: Self.nobody).policy
            } catch { return false }
            for key in PolicyKey.allCases where policy.exceeds(plain.policy, in: key, workspace: "/work") {
                Issue.record("\(key.path) is wider with the project's \(text.debugDescription)")
            }
            return true
        }
        #expect(tally.taken > 0 && tally.refused > 20, "\(tally)")
    }

    private static let nobody = EffectivePolicy.Trust.untrusted(why: "")
}
