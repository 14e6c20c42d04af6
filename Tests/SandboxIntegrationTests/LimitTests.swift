import Foundation
import SandboxTestSupport
import Testing

/// Limits that the supervisor watches, as a caller of `run` meets them: each beside the same act within it.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct LimitTests {
    private func run(
        _ scene: Scene,
        _ limits: String,
        _ script: String
    ) throws -> (result: RunResult, report: LaunchReport) {
        let file = scene.folder + "/limits.toml"
        try scene.write("version = 1\n[limits]\nwall = \"60s\"\n\(limits)\n", to: file)
        let result = try scene.runInside(
            ["/bin/sh", "-c", script],
            options: ["--policy", file] + scene.resultOptions
        )
        return (result, try scene.report())
    }

    /// Then it waits: who fills a disk need not go on for it.
    private static let filler = "head -c 40M /dev/zero > big; exec tail -f /dev/null"

    @Test func aWorkspaceThatGrowsTooLargeEndsTheJob() throws {
        let scene = try Scene(.user)
        let control = try run(scene, "workspace = \"64MiB\"", "head -c 4M /dev/zero > small")
        #expect(control.report.outcome == "exited" && control.report.limitsReached == [], "\(control.result.story)")
        let (result, report) = try run(scene, "workspace = \"16MiB\"", Self.filler)
        #expect(report.outcome == "disk-exceeded" && report.exitStatus == 137, "\(result.story)")
        #expect(report.limitsReached == ["workspace"])
        #expect(result.errorText.contains("limits.workspace") && result.left == 0, "\(result.story)")
        // What is there is too much for another launch.
        let again = try run(scene, "workspace = \"16MiB\"", "echo ran")
        #expect(again.result.ending == .exited(125) && again.result.outputText == "", "\(again.result.story)")
        #expect(again.report.refusal.contains("limits.workspace"))
        let rid = try run(scene, "", "rm big")
        #expect(rid.report.outcome == "exited", "\(rid.result.story)")
        #expect(try run(scene, "workspace = \"16MiB\"", "echo ran").result.outputText == "ran\n")
    }

    /// Alone: what others free beside it hides what it takes.
    @Test(.runsAlone) func aFileThatHasNoNameCountsToo() throws {
        let scene = try Scene(.user)
        let job = "exec 3> f; rm f; head -c 200M /dev/zero >&3; exec tail -f /dev/null"
        let (result, report) = try run(scene, "workspace = \"16MiB\"", job)
        #expect(report.outcome == "disk-exceeded", "\(result.story)")
        #expect(result.left == 0)
    }

    @Test func outputThatIsTooMuchEndsTheJob() throws {
        let scene = try Scene(.user)
        let control = try run(scene, "output = \"1MiB\"", "head -c 900000 /dev/zero")
        #expect(control.report.outcome == "exited" && control.result.output.count == 900_000)
        let (result, report) = try run(scene, "output = \"1MiB\"", "exec yes")
        #expect(report.outcome == "output-exceeded" && report.limitsReached == ["output"], "\(result.story)")
        #expect(result.output.count < 2 << 20 && result.left == 0)
    }

    /// A file that the caller gives would be passed as it is: what goes into it is counted all the same.
    @Test func outputIntoAFileCountsToo() throws {
        let scene = try Scene(.user)
        let options = scene.resultOptions + (try scene.policy("[limits]\noutput = \"1MiB\"\n"))
        let file = scene.folder + "/out"
        for (redirection, other) in [(">'\(file)' 2>&1", "exec yes >&2"), (">'\(file)'", "exec yes")] {
            let result = try scene.run(
                ["/bin/sh", "-c", "exec \"$@\" \(redirection)", "sh"]
                    + scene.sandboxed(["/bin/sh", "-c", "echo first; \(other)"], options: options),
                keeper: scene.caller.keeperOptions
            )
            #expect(try scene.report().outcome == "output-exceeded", "\(result.story)")
            let text = try scene.text(of: file)
            #expect(text.hasPrefix("first\ny\n") && text.utf8.count > 1 << 19 && text.utf8.count < 2 << 20)
        }
    }

    @Test func theWallLimitIsNamed() throws {
        let scene = try Scene(.user)
        let result = try scene.runInside(
            ["/bin/sh", "-c", "exec tail -f /dev/null"],
            options: ["--timeout", "1s", "--grace", "100ms"] + scene.resultOptions
        )
        #expect(try scene.report().limitsReached == ["wall"], "\(result.story)")
    }

    @Test func processorTimeIsNamed() throws {
        let scene = try Scene(.user)
        let result = try scene.runInside(
            ["/bin/sh", "-c", "while :; do :; done"],
            options: ["--cpu", "1s"] + scene.resultOptions
        )
        #expect(try scene.report().limitsReached == ["cpu"], "\(result.story)")
        // By the same measure on standard error, and in what a person is shown of the record.
        #expect(result.errorText.contains("(--cpu)"), "\(result.story)")
        let shown = try scene.run(
            [scene.workshop.launcher, "evidence", "show", "--last", "--workspace", scene.workspace],
            keeper: scene.caller.keeperOptions
        )
        let row = shown.lines.first { $0.contains("limits reached") }
        #expect(row?.hasSuffix(" cpu") == true, "\(shown.story)")
    }
}
