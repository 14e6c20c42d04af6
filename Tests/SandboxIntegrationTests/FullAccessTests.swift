import Foundation
import SandboxTestSupport
import Testing

/// `--danger-full-access`: what is held of a command that nothing confines.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct FullAccessTests {
    private func start(_ scene: Scene, _ script: String, _ options: [String] = []) throws -> KeptProcess {
        let launcher = [scene.workshop.launcher, "run", "--workspace", scene.workspace, "--danger-full-access"]
        return try scene.start(
            launcher + options + scene.resultOptions + ["--", "/bin/sh", "-c", script],
            keeper: scene.caller.keeperOptions
        )
    }

    private static let warning = "codex-sandbox: WARNING: no sandbox: danger-full-access holds nothing"

    @Test(arguments: [[], ["--quiet"]], Caller.available)
    func itIsSaidAtEveryLaunch(options: [String], caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try start(scene, "echo ran", options).finish()
        #expect(result.ending == .exited(0) && result.outputText == "ran\n", "\(result.story)")
        #expect(result.errorText.hasPrefix(Self.warning), "\(result.story)")
        let lines = result.errorText.split(separator: "\n")
        #expect(lines.filter { $0.contains("WARNING") }.count == 1, "\(result.story)")
    }

    /// There is no gate that could have closed.
    @Test(arguments: Caller.available) func theRecordNamesNoGate(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try start(scene, "exit 3").finish()
        #expect(result.ending == .exited(3), "\(result.story)")
        #expect(try scene.text(of: scene.resultFile).contains("\"execveKnownBy\":\"started-without-gate\""))
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP], Caller.available)
    func aSignalEndsTheCommand(number: Int32, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(scene, "echo ready; exec sleep 1000")
        try process.line("ready")
        try process.signal(number)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + number) && result.left == 0, "\(result.story)")
    }

    /// As by nohup(1): the command is in the group that the terminal's end is said to.
    @Test(arguments: [true, false], Caller.available)
    func whatTheCallerIgnoresTheCommandIgnores(isIgnored: Bool, caller: Caller) throws {
        let scene = try Scene(caller)
        let launcher = [scene.workshop.launcher, "run", "--workspace", scene.workspace, "--danger-full-access", "--"]
        let around = ["/bin/sh", "-c", (isIgnored ? "trap '' HUP; " : "") + "exec \"$@\"", "sh"]
        let result = try scene.run(
            around + launcher + ["/bin/sh", "-c", "kill -HUP $$; echo survived"],
            keeper: scene.caller.keeperOptions
        )
        #expect(result.ending == .exited(isIgnored ? 0 : 128 + SIGHUP), "\(result.story)")
        #expect(result.outputText == (isIgnored ? "survived\n" : ""), "\(result.story)")
    }

    @Test(arguments: Caller.available) func whoIgnoresTermIsKilledAfterTheGrace(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(
            scene,
            "trap '' TERM; (sleep 1000 & setsid sleep 1000) & echo ready; sleep 1000",
            ["--grace", "300ms"]
        )
        try process.line("ready")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGKILL) && result.left == 0, "\(result.story)")
        #expect(result.errorText.contains("--grace"), "\(result.story)")
        #expect(try scene.report().outcome == "interrupted")
    }

    @Test(arguments: Caller.available) func theWallLimitEndsItsChildrenToo(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(
            scene,
            "(trap '' TERM; sleep 1000 & exec sleep 1000) & (setsid sleep 1000 &) ; echo ready; wait",
            ["--timeout", "5s", "--grace", "300ms"]
        )
        try process.line("ready")
        let result = try process.finish()
        #expect(result.ending == .exited(124) && result.left == 0, "\(result.story)")
        #expect(try scene.report().outcome == "timed-out")
    }

    /// What it leaves behind at an end of its own is the caller's, as it would be without us.
    @Test(arguments: Caller.available) func whatItLeavesAtItsOwnEndGoesOn(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(scene, "sleep 1000 > /dev/null 2>&1 < /dev/null & exit 0")
        let result = try process.finish()
        #expect(result.ending == .exited(0) && result.left == 1, "\(result.story)")
    }

    @Test(arguments: Caller.available) func theCommandDiesWithTheLauncher(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(scene, "echo ready; exec sleep 1000")
        try process.line("ready")
        try process.signal(SIGKILL)
        let result = try process.finish()
        #expect(result.ending == .signalled(SIGKILL), "\(result.story)")
        #expect(result.stuck == [] && result.goneAfter < .seconds(30), "\(result.story)")
    }
}
