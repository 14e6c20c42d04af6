import Foundation
import SandboxTestSupport
import Testing

/// Records while launches go on: read, signed and collected at the same time.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct EvidenceTests {
    private func evidence(_ scene: Scene, _ words: [String]) throws -> RunResult {
        let places = ["--state-dir", scene.state + "/codex-sandbox", "--workspace", scene.workspace]
        return try scene.run([scene.workshop.launcher] + words + places, keeper: scene.caller.keeperOptions)
    }

    private func verified(_ scene: Scene) throws -> [String: Any] {
        let result = try evidence(scene, ["evidence", "verify", "--json"])
        #expect(result.ending == .exited(0), "\(result.story)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any]
        return try #require(object)
    }

    /// Sixteen launches at a time, while somebody verifies, lists, signs and collects: none is lost, none called interrupted.
    @Test(arguments: Caller.available) func nothingIsLostWhileLaunchesGoOn(caller: Caller) throws {
        let scene = try Scene(caller)
        let script = """
            places="--state-dir $2 --workspace $3"
            "$1" run --quiet $places -- /bin/true || echo "failed $?"
            for loop in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
                ( for turn in 1 2 3 4 5 6 7 8 9 10; do "$1" run --quiet $places -- /bin/true || echo "failed $?"; done ) &
                loops="$loops $!"
            done
            while kill -0 $loops 2>/dev/null; do
                "$1" evidence list --limit 200 $places | grep interrupted
                "$1" evidence verify $places | grep -e interrupted -e NOT
                "$1" evidence sign $places >/dev/null || echo "sign failed"
                "$1" gc --keep 20 $places >/dev/null || echo "gc failed"
            done
            wait
            """
        let words = [
            "/bin/sh", "-c", script, "sh", scene.workshop.launcher, scene.state + "/codex-sandbox", scene.workspace,
        ]
        let result = try scene.run(words, keeper: caller.keeperOptions)
        #expect(result.outputText.isEmpty, "\(result.story)")
        #expect(try evidence(scene, ["gc", "--keep", "20"]).ending == .exited(0))
        // The last launches may have ended after the loop's last signature.
        #expect(try evidence(scene, ["evidence", "sign"]).ending == .exited(0))
        let answer = try verified(scene)
        let launches = try #require(answer["launches"] as? [String: Int])
        let checkpoint = try #require(answer["checkpoint"] as? [String: Any])
        #expect(launches["refused"] == 0 && launches["withoutOutcome"] == 0)
        // A cut is made where no launch was under way, so that some more may stay.
        let closed = try #require(launches["closed"])
        #expect(closed >= 20 && checkpoint["removedLaunches"] as? Int == 161 - closed, "\(answer)")
        let signatures = try #require(answer["signatures"] as? [String: Any])
        #expect(signatures["unsigned"] as? Int == 0)
    }

    /// Why records went is said as it is, and so is why more stay than were asked for.
    @Test(arguments: Caller.available) func whatWentAndWhatStaysIsSaidWithItsReason(caller: Caller) throws {
        let scene = try Scene(caller)
        for _ in 0..<3 { #expect(try scene.runInside(["/bin/true"]).ending == .exited(0)) }
        let cut = try evidence(scene, ["gc", "--keep", "1"])
        #expect(cut.errorText.contains("reason=number ") && cut.outputText.contains(", 1 kept; "), "\(cut.story)")
        let job = try scene.startInside(["/bin/sh", "-c", "echo ready; read line"])
        try job.line("ready")
        for _ in 0..<2 { #expect(try scene.runInside(["/bin/true"]).ending == .exited(0)) }
        job.write("\n".utf8)
        _ = try job.finish()
        let kept = try evidence(scene, ["gc", "--keep", "1"])
        #expect(kept.outputText.contains(", 3 kept (more than 1: "), "\(kept.story)")
        let both = try evidence(scene, ["gc", "--keep", "0", "--older-than", "90"])
        #expect(both.errorText.contains("reason=age,number "), "\(both.story)")
        #expect(!both.outputText.contains("more than"), "\(both.story)")
    }

    /// A job finds neither records nor keys, wherever it looks for them.
    @Test(arguments: Caller.available) func noJobSeesTheKey(caller: Caller) throws {
        let scene = try Scene(caller)
        #expect(try scene.runInside(["/bin/true"]).ending == .exited(0))
        let signed = try evidence(scene, ["evidence", "sign"])
        #expect(signed.ending == .exited(0), "\(signed.story)")
        let home = try #require(scene.callerEnvironment["HOME"])
        let key = home + "/.config/codex-sandbox/keys/evidence.key"
        // The control: there it is.
        #expect(try scene.run(["/bin/cat", key], keeper: caller.keeperOptions).outputText.contains("PRIVATE KEY"))
        let inside = try scene.runInside([
            "/bin/sh", "-c", "cat \(key) || cat $HOME/.config/codex-sandbox/keys/*; ls -A \(home)",
        ])
        #expect(
            !inside.outputText.contains("PRIVATE KEY") && inside.errorText.contains("No such file"),
            "\(inside.story)"
        )
    }
}
