import Foundation
import SandboxTestSupport
import Testing

/// `codex-sandbox verify` on a real host: it says that a sandbox holds, and that a weakened one does not.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct VerifyTests {
    private struct Answer {
        var ending: Ending
        var holds: Bool
        /// By act: verdict, judge, how it ended outside and inside.
        var acts: [String: [String: String]]

        func verdict(_ act: String) -> String { acts[act]?["verdict"] ?? "absent" }
        func count(_ verdict: String) -> Int { acts.values.count { $0["verdict"] == verdict } }
    }

    /// Acts that need nothing of the host that a sandbox does not need itself.
    private static let everywhere = [
        "read-outside", "read-by-link", "read-descriptor", "read-environment", "write-outside", "write-by-link",
        "create-outside", "remove-outside", "git-hook", "set-uid-file", "tcp", "udp", "unix-socket", "abstract-socket",
        "see-process", "many-processes", "user-namespace", "mount", "kill-process",
    ]

    private func verify(_ scene: Scene, _ runOptions: [String] = []) throws -> Answer {
        let words = [scene.workshop.launcher, "verify", "--json", "--state-dir", scene.state]
        let result = try scene.run(
            words + (runOptions.isEmpty ? [] : ["--"] + runOptions),
            keeper: scene.caller.keeperOptions
        )
        let object = try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any]
        let answer = try #require(object, "\(result.story)")
        var acts: [String: [String: String]] = [:]
        for act in try #require(answer["acts"] as? [[String: String]]) { acts[act["name"] ?? ""] = act }
        let workspace = try #require(answer["workspace"] as? String)
        #expect(!scene.exists(workspace), "\(workspace) was left behind")
        return Answer(ending: result.ending, holds: try #require(answer["holds"] as? Bool), acts: acts)
    }

    @Test(arguments: Caller.available) func theDefaultSandboxHolds(caller: Caller) throws {
        let scene = try Scene(caller)
        let answer = try verify(scene)
        #expect(answer.holds && answer.ending == .exited(0), "\(answer.acts.filter { $0.value["verdict"] != "held" })")
        for act in Self.everywhere { #expect(answer.verdict(act) == "held", "\(act): \(answer.acts[act] ?? [:])") }
        #expect(answer.count("broken") == 0 && answer.count("not tried") == 0)
        #expect(answer.acts.values.allSatisfy { $0["verdict"] != "held" || $0["outside"] == "let through" })
        // One launch for each act, all of them recorded.
        let records = try scene.records().filter { $0.hasSuffix("/records.jsonl") }
        let lines = try records.map { try scene.text(of: $0).split(separator: "\n").count }.reduce(0, +)
        #expect(lines == 2 * answer.acts.count)
    }

    /// The control: without a sandbox, everything that this host allows is let through.
    @Test(arguments: Caller.available) func noSandboxDoesNotHold(caller: Caller) throws {
        let answer = try verify(try Scene(caller), ["--danger-full-access"])
        #expect(!answer.holds && answer.ending == .exited(1))
        // As root the command is root's then, and not that of the user who made the acts outside.
        let acts = caller == .user ? Self.everywhere : Self.everywhere.filter { $0 != "mount" }
        for act in acts { #expect(answer.verdict(act) == "broken", "\(act): \(answer.acts[act] ?? [:])") }
        #expect(caller == .root || answer.count("held") == 0)
    }

    /// One hole, and only what goes through it.
    @Test func aHoleIsNamed() throws {
        let answer = try verify(try Scene(.user), ["--network", "host", "--danger-host-network"])
        #expect(!answer.holds && answer.ending == .exited(1))
        for act in ["tcp", "udp"] { #expect(answer.verdict(act) == "broken", "\(answer.acts[act] ?? [:])") }
        for act in ["read-outside", "write-outside", "kill-process", "git-hook"] {
            #expect(answer.verdict(act) == "held", "\(act): \(answer.acts[act] ?? [:])")
        }
    }

    /// A launch that is refused has shown nothing.
    @Test func aRefusedLaunchIsNoDenial() throws {
        let scene = try Scene(.user)
        try scene.write("version = 1\nunheard-of = 1\n", to: scene.folder + "/wrong.toml")
        let answer = try verify(scene, ["--policy", scene.folder + "/wrong.toml"])
        #expect(!answer.holds && answer.ending == .exited(1) && answer.count("not tried") == answer.acts.count)
        #expect(answer.acts["tcp"]?["reason"]?.contains("unheard-of") == true, "\(answer.acts["tcp"] ?? [:])")
    }

    /// A worker's policy wants a file that a server makes; here it is made, too.
    @Test func theWorkersPolicyIsTried() throws {
        let answer = try verify(try Scene(.user), ["--policy", "codex-worker"])
        #expect(
            answer.holds && answer.count("not tried") == 0,
            "\(answer.acts.filter { $0.value["verdict"] != "held" })"
        )
    }

    @Test func theTextAnswersFirst() throws {
        let scene = try Scene(.user)
        let command = [scene.workshop.launcher, "verify", "--state-dir", scene.state]
        let result = try scene.run(command, keeper: scene.caller.keeperOptions)
        #expect(result.ending == .exited(0) && result.errorText.isEmpty, "\(result.story)")
        #expect(result.lines.first?.hasPrefix("the sandbox holds: yes, ") == true)
        #expect(result.lines.contains { $0.contains("kill-process") && $0.hasSuffix("held") })
    }
}
