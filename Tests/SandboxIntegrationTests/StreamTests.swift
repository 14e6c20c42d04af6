import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// Output reaches a slow reader whole, one that never reads holds up nothing but the output, and one that goes is missed.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct StreamTests {
    /// Runs a script of the caller's with the command, inside, as its arguments.
    private func start(
        _ script: String,
        _ command: [String],
        _ scene: Scene,
        options: [String] = []
    ) throws -> KeptProcess {
        try scene.start(
            ["/bin/sh", "-c", script, "sh"] + scene.sandboxed(command, options: scene.resultOptions + options),
            keeper: scene.caller.keeperOptions
        )
    }

    /// Standard output is a FIFO that stays open and that nobody reads; the launcher is the command itself.
    private static let unread = "mkfifo ./unread; exec 9<> ./unread; exec \"$@\" > ./unread"

    private func waitForTheResult(_ process: KeptProcess, _ scene: Scene) throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(100)
        while try !scene.exists(scene.resultFile) || scene.text(of: scene.resultFile).last != "\n" {
            guard clock.now < end, !process.hasEnded() else { throw TestFailure("no result was written") }
            usleep(10_000)
        }
    }

    // MARK: - Slow readers

    /// 20,000 lines fit into the pipes, so that the job ends long before anybody reads; 1,000,000 do not.
    @Test(arguments: [20_000, 1_000_000], Caller.available)
    func aSlowReaderGetsEverything(lines: Int, caller: Caller) throws {
        let scene = try Scene(caller)
        let command = ["/usr/bin/seq", "\(lines)"]
        let direct = try scene.run(["/bin/sh", "-c", "\"$@\" | cksum", "sh"] + command)
        let result = try start("\"$@\" < /dev/null | { sleep 2.5; cksum; }", command, scene).finish()
        #expect(result.output == direct.output && result.errors == [], "\(result.story)")
        #expect(try scene.report().outcome == "exited")
    }

    @Test(arguments: Caller.available)
    func outputAndErrorsInOnePipeKeepTheirOrder(caller: Caller) throws {
        let scene = try Scene(caller)
        let job = "i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
        let result = try start("\"$@\" 2>&1 < /dev/null | cat", ["/bin/sh", "-c", job], scene).finish()
        #expect(result.lines == (0..<300).flatMap { ["out \($0)", "err \($0)"] }, "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aSocketGetsEverythingAndKeepsItsFlags(caller: Caller) throws {
        let scene = try Scene(caller)
        let host = ["/usr/bin/python3", "-B", scene.program("stream-host.py"), "socket"]
        let job = "sleep 0.2; : > go-on; head -c 1000000 /dev/zero"
        let result = try scene.run(host + scene.sandboxed(["/bin/sh", "-c", job]), keeper: caller.keeperOptions)
        #expect(result.lines == ["flags=same", "status=0", "received=1000000"], "\(result.story)")
    }

    // MARK: - Readers that go

    @Test(arguments: Caller.available)
    func aReaderThatGoesAwayEndsTheJob(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try start("\"$@\" | head -c 1", ["/usr/bin/yes"], scene, options: ["--quiet"]).finish()
        #expect(result.outputText == "y", "\(result.story)")
        #expect(try scene.report().outcome == "signalled")
    }

    @Test(arguments: Caller.available)
    func aReaderThatHasGoneIsMissedByTheFirstWrite(caller: Caller) throws {
        let scene = try Scene(caller)
        let job = ["/bin/sh", "-c", "trap '' PIPE; sleep 3; echo x; echo wrote $? >&2"]
        let direct = try scene.run(["/bin/sh", "-c", "\"$@\" | :", "sh"] + job)
        #expect(!direct.errorText.contains("wrote 0"), "no control: \(direct.story)")
        let result = try start("\"$@\" | :", job, scene).finish()
        #expect(result.errorText.contains("wrote 1"), "\(result.story)")
    }

    /// The launcher has the pipe's other direction open itself, so that nobody but it could ever end the wait.
    @Test(arguments: Caller.available)
    func aPipeForTheOtherDirectionKeepsNobodyWaiting(caller: Caller) throws {
        let scene = try Scene(caller)
        let job = ["/bin/sh", "-c", "trap '' PIPE; echo x >&2; echo wrote $?; read line; echo read $?"]
        let wrong = "mkfifo ./in ./out; exec 8<> ./in 9<> ./out; \"$@\" 2< ./out 0> ./in"
        let direct = try scene.run(["/bin/sh", "-c", wrong, "sh"] + job)
        #expect(direct.lines.count == 2 && !direct.outputText.contains("wrote 0"), "no control: \(direct.story)")
        #expect(try scene.run(["/bin/rm", "in", "out"]).ending == .exited(0))
        let result = try start(wrong, job, scene).finish()
        #expect(result.lines.count == 2 && !result.outputText.contains("wrote 0"), "\(result.story)")
        #expect(result.lines.last == "read 1", "\(result.story)")
    }

    // MARK: - Readers that never read

    @Test(.runsAlone, arguments: ["timed-out", "memory-exceeded"], Caller.available)
    func limitsHoldWhileNobodyReads(outcome: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let program = scene.program("hostile-processes")
        let bomb = "yes & sleep 0.3; exec '\(program)' memory 400 private > /dev/null"
        let job = outcome == "timed-out" ? "exec yes" : bomb
        let process = try start(
            Self.unread,
            ["/bin/sh", "-c", job],
            scene,
            options: outcome == "timed-out" ? ["--timeout", "1s", "--grace", "100ms"] : ["--memory", "64MiB"]
        )
        try waitForTheResult(process, scene)
        #expect(try scene.report().outcome == outcome)
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.errorText.contains("is lost: signal 15"), "\(result.story)")
        #expect(result.left == 0 && result.stuck == [], "\(result.story)")
    }

    /// Notes are said after the release: not at the price of a job that nobody watches.
    ///
    /// A terminal with room for a part of a line is called writable, and does not take the line (poll(2)).
    @Test(.runsAlone, arguments: ["pipe", "terminal"], Caller.available)
    func limitsHoldWhileOurOwnWordsHaveNoReader(which: String, caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.makeFolder(scene.workspace + "/.git")
        try scene.write("[core]\n\thooksPath = hooks\n", to: scene.workspace + "/.git/config")
        let heard = try scene.runInside(["/bin/true"])
        #expect(heard.errorText.contains("note: "), "no control: \(heard.story)")
        let full =
            which == "terminal"
            ? "exec /usr/bin/python3 -B '\(scene.program("stream-host.py"))' terminal \"$@\""
            : """
            mkfifo ./said; exec 9<> ./said
            dd if=/dev/zero of=./said bs=4096 oflag=nonblock conv=notrunc 2> /dev/null; exec "$@" 2> ./said
            """
        let bomb = "exec '\(scene.program("hostile-processes"))' memory 400 private"
        let process = try start(full, ["/bin/sh", "-c", bomb], scene, options: ["--memory", "64MiB"])
        try waitForTheResult(process, scene)
        #expect(try scene.report().outcome == "memory-exceeded")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.left == 0 && result.stuck == [], "\(result.story)")
    }

    @Test(.runsAlone, arguments: ["1", "12"], Caller.available)
    func limitsHoldOnATerminalThatNobodyReads(which: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.startInside(
            ["/usr/bin/yes"],
            options: ["--timeout", "1s", "--grace", "100ms"] + scene.resultOptions,
            keeper: ["--pty", which]
        )
        try waitForTheResult(process, scene)
        #expect(try scene.report().outcome == "timed-out")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(124) && result.left == 0, "\(result.story)")
        if which == "1" { #expect(result.errorText.contains("is lost: signal 15"), "\(result.story)") }
    }

    @Test(.runsAlone, arguments: ["", " 2>&1"], Caller.available)
    func aSignalEndsTheWaitForAReader(errors: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(Self.unread + errors, ["/usr/bin/head", "-c", "120000", "/dev/zero"], scene)
        try waitForTheResult(process, scene)
        usleep(200_000)
        #expect(!process.hasEnded(), "it did not wait")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(0), "\(result.story)")
        if errors.isEmpty { #expect(result.errorText.contains("is lost: signal 15"), "\(result.story)") }
        #expect(try scene.recordedOutcomes().last == "exited")
    }

    /// Our own words are for a reader, too: before the job, after it, and about a refusal.
    @Test(.runsAlone, arguments: ["note", "warning", "refusal", "result"], Caller.available)
    func aSignalEndsTheWaitWithOurOwnWords(which: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let full = "mkfifo ./full; exec 9<> ./full; head -c 65536 /dev/zero > ./full; "
        let script: String
        var job = ["/bin/true"]
        var options: [String] = []
        switch which {
        case "note": script = full + "exec \"$@\" 2> ./full"  // standard input is the keeper's own pipe
        case "warning":
            script = full + "exec \"$@\" < /dev/null 2> ./full"
            job = ["/bin/mkdir", ".vscode"]
        case "refusal":
            script = full + "exec \"$@\" < /dev/null 2> ./full"
            options = ["--read", scene.folder + "/missing"]
        default:
            script = full + "exec \"$@\" < /dev/null"
            options = ["--result", "9"]
        }
        let process = try scene.start(
            ["/bin/sh", "-c", script, "sh"] + scene.sandboxed(job, options: options),
            keeper: caller.keeperOptions
        )
        // The shell that fills the pipe becomes the launcher.
        let pid = try process.commandProcess()
        for _ in 0..<6000 where !process.hasEnded() {
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
            if program?.hasSuffix("/codex-sandbox") == true { break }
            usleep(10_000)
        }
        usleep(1_500_000)
        let waited = !process.hasEnded()
        if waited { try process.signal(SIGTERM) }
        for _ in 0..<600 where !process.hasEnded() { usleep(100_000) }
        let ended = process.hasEnded()
        if !ended { try process.signal(SIGKILL) }
        let result = try process.finish()
        #expect(ended && result.left == 0, "\(result.story)")
        // The keeper need not have the same pipe as its own input: then there is no note, and nothing to wait for.
        if which != "note" { #expect(waited, "no control: \(result.story)") }
    }

    @Test(.runsAlone, arguments: Caller.available)
    func theRecordIsWholeBeforeTheReaderHasEverything(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(Self.unread, ["/usr/bin/head", "-c", "120000", "/dev/zero"], scene)
        try waitForTheResult(process, scene)
        try process.signal(SIGKILL)
        let result = try process.finish()
        #expect(result.ending == .signalled(SIGKILL) && result.left == 0, "\(result.story)")
        #expect(try scene.recordedOutcomes().last == "exited")
    }

    // MARK: - Shared input

    @Test(arguments: Caller.available)
    func inputThatIsSharedWithTheParentIsSaid(caller: Caller) throws {
        let scene = try Scene(caller)
        let shared = try start("\"$@\"; cat > /dev/null", ["/bin/true"], scene).finish()
        #expect(shared.errorText.contains("stdin is shared with the process that started us"), "\(shared.story)")
        let redirected = try start("\"$@\" < /dev/null; cat > /dev/null", ["/bin/true"], scene).finish()
        #expect(redirected.errors == [], "\(redirected.story)")
        let own = try scene.runInside(["/bin/true"], input: Array("x".utf8))
        #expect(own.errors == [], "\(own.story)")
    }
}
