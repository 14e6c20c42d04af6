import Glibc
import SandboxTestSupport
import Testing

/// Threat list C: how a job's processes are limited, and that not one outlives it.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ProcessTests {
    // MARK: - C5: what a job leaves behind

    @Test func theCountOfWhatIsLeftSeesADaemon() throws {
        let scene = try Scene(.user)
        let result = try scene.run(
            [scene.program("hostile-processes"), "daemon", scene.token],
            keeper: Caller.workerOptions + ["--patience", "100"]
        )
        #expect(result.left > 0 && !result.stuck.isEmpty, "\(result.story)")
    }

    @Test(arguments: Caller.available, [[], ["open"]])
    func aDaemonIsGoneBeforeTheStatusIsReported(caller: Caller, output: [String]) throws {
        let scene = try Scene(caller)
        let mark = Scene.randomWord()
        let result = try scene.runInside([scene.program("hostile-processes"), "daemon", mark] + output)
        let alive = try HostProcesses.mentioning(mark)
        #expect(result.values("daemon") == ["ok"] && result.ending == .exited(5), "\(result.story)")
        #expect(result.left == 0 && result.zombies == 0 && alive == [], "\(alive) \(result.story)")
    }

    // MARK: - C7: zombies

    @Test(arguments: Caller.available)
    func orphansAreReaped(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside([scene.program("hostile-processes"), "orphans", "200"])
        #expect(result.values("counter") == ["ok"], "\(result.story)")
        #expect(result.values("zombies") == ["none"] && result.ending == .exited(9), "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func unwaitedChildrenDoNotChangeTheStatus(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside([scene.program("hostile-processes"), "zombies", "50"])
        #expect(result.ending == .exited(6) && result.left == 0 && result.zombies == 0, "\(result.story)")
    }

    // MARK: - C8: signals

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT], Caller.available)
    func aSignalReachesTheWorkerOnce(number: Int32, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.startInside([scene.program("hostile-processes"), "signals"])
        try process.line("ready=")
        try process.signal(number)
        let result = try process.finish()
        #expect(result.values("got").count == 1 && result.ending == .exited(40 + number), "\(result.story)")
        #expect(result.left == 0, "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aStubbornWorkerIsKilledAfterTheGrace(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.startInside(
            [scene.program("hostile-processes"), "signals", "stubborn"],
            options: ["--grace", "300ms"] + scene.resultOptions
        )
        try process.line("ready=")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.values("got") == ["SIGTERM"] && result.left == 0, "\(result.story)")
        // What ended it, as of a job that is not stubborn.
        #expect(result.ending == .exited(128 + SIGKILL), "\(result.story)")
        #expect(result.errorText.contains("SIGTERM") && result.errorText.contains("killed"), "\(result.story)")
        let report = try scene.report()
        #expect(report.outcome == "interrupted")
    }

    @Test(arguments: Caller.available)
    func aWorkerThatHeedsTheSignalIsNotKilled(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.startInside(["/bin/sh", "-c", "echo ready=; exec sleep 600"])
        try process.line("ready=")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGTERM) && result.left == 0, "\(result.story)")
        #expect(!result.errorText.contains("killed"), "\(result.story)")
    }

    /// As the kernel does it for whoever loses the terminal (setpgid(2), orphaned process groups).
    @Test(arguments: Caller.available) func aStoppedWorkerSeesAHangUp(caller: Caller) throws {
        let scene = try Scene(caller)
        // The one that prints the line runs on, and its parent has stopped by then.
        let script = """
            p=$$; { while ! grep -q '^State:.T' /proc/$p/status; do sleep 0.05; done; echo stopped; } & kill -STOP $$
            """
        let process = try scene.startInside(["/bin/sh", "-c", script])
        try process.line("stopped")
        try process.signal(SIGHUP)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGHUP) && result.left == 0, "\(result.story)")
    }

    /// nohup(1): what the caller ignores does not end the job either.
    @Test(arguments: [SIGHUP, SIGINT], Caller.available)
    func anIgnoredSignalIsIgnored(number: Int32, caller: Caller) throws {
        let scene = try Scene(caller)
        let job = ["/bin/sh", "-c", "echo ready; read line; echo done"]
        let script = ["/bin/sh", "-c", "trap '' \(number); exec \"$@\"", "sh"]
        for (command, survives) in [(scene.sandboxed(job), false), (script + scene.sandboxed(job), true)] {
            let process = try scene.start(command, keeper: caller.keeperOptions)
            try process.line("ready")
            try process.signal(number)
            if survives {
                usleep(300_000)
                process.write("\n".utf8)
            } else {
                // Its input would be the job's way to an end of its own: it gets none before the signal has ended it.
                try process.wait("for the end", within: .seconds(60)) { $0.hasEnded() }
            }
            let result = try process.finish()
            #expect(result.ending == .exited(survives ? 0 : 128 + number), "\(result.story)")
            #expect(result.outputText.contains("done") == survives, "\(result.story)")
        }
    }

    // MARK: - C6: the supervisor dies or stops

    /// A machine that stands still shows nothing: the same again, twice at most.
    ///
    /// What stays for ever is `stuck`, at once.
    private func inTime(_ late: inout Int, _ run: () throws -> RunResult) throws -> RunResult {
        var result = try run()
        for _ in 0..<2 where result.stuck == [] && result.goneAfter >= .seconds(1) {
            late += 1
            result = try run()
        }
        return result
    }

    @Test(.runsAlone, arguments: Caller.available)
    func killingTheSupervisorAtAnyMomentLeavesNothing(caller: Caller) throws {
        var generator = SystemRandomNumberGenerator()
        var late = 0
        for _ in 0..<40 {
            let moment = Int.random(in: 0...120_000, using: &generator)
            let result = try inTime(&late) {
                let scene = try Scene(caller)
                return try scene.runInside(
                    [scene.program("hostile-processes"), "signals", "stubborn"],
                    keeper: ["--signal-after", "\(moment)", "9"]
                )
            }
            #expect(result.ending == .signalled(9), "after \(moment) µs: \(result.story)")
            #expect(result.stuck == [] && result.goneAfter < .seconds(1), "after \(moment) µs: \(result.story)")
        }
        // More is no chance of the machine's.
        #expect(late <= 4)
    }

    @Test(.runsAlone, arguments: Caller.available)
    func killingTheSupervisorEndsARunningJobWithItsDaemons(caller: Caller) throws {
        var late = 0
        let result = try inTime(&late) {
            let scene = try Scene(caller)
            let mark = Scene.randomWord()
            let daemon = "\(scene.program("hostile-processes")) daemon \(mark) && exit; exec sleep 1000"
            let process = try scene.startInside(["/bin/sh", "-c", daemon])
            try process.line("mark ")
            #expect(try HostProcesses.mentioning(mark) != [])
            try process.signal(SIGKILL)
            let ended = try process.finish()
            #expect(try HostProcesses.mentioning(mark) == [])
            return ended
        }
        #expect(result.stuck == [] && result.goneAfter < .seconds(1), "late \(late) times before: \(result.story)")
    }

    @Test(.runsAlone, arguments: Caller.available)
    func aStoppedSupervisorDoesNotStopTheWallLimit(caller: Caller) throws {
        let scene = try Scene(caller)
        let lifeline = try Lifeline(in: scene)
        let process = try scene.startInside(
            ["/bin/sh", "-c", "exec 9>lifeline; echo held; sleep 1000 & sleep 1000"],
            options: ["--timeout", "8s"]
        )
        try process.line("held")
        try process.signal(SIGSTOP)
        #expect(lifeline.isReleased(within: .seconds(60)), "the job outlived its wall limit")
        try process.signal(SIGCONT)
        let result = try process.finish()
        #expect(result.ending == .exited(124) && result.left == 0, "\(result.story)")
    }

    /// Whoever has the worker's id outside can stop pid 1; a run of root's does not go on for ever because of it.
    @Test(.runsAlone, arguments: Caller.available)
    func aStoppedFirstProcessDoesNotStopTheWallLimit(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.startInside(
            ["/bin/sh", "-c", "echo ready; while :; do sleep 0.1; done"],
            options: ["--timeout", "8s", "--grace", "100ms"] + scene.resultOptions
        )
        try process.line("ready")
        let all = try HostProcesses.all()
        let launcher = try process.commandProcess()
        let first = try #require(all.first { $0.value.parent == launcher }?.key)
        #expect(kill(first, SIGSTOP) == 0)
        for _ in 0..<500 where !process.hasEnded() { usleep(100_000) }
        let ended = process.hasEnded()
        if !ended { kill(first, SIGKILL) }
        let result = try process.finish()
        #expect(ended && result.ending == .exited(124) && result.left == 0, "\(result.story)")
        #expect(try scene.report().outcome == "timed-out")
    }

    @Test(.runsAlone, arguments: Caller.available)
    func theWallLimitEndsTheJob(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(
            [scene.program("hostile-processes"), "stop-self"],
            options: ["--timeout", "4s", "--grace", "200ms"] + scene.resultOptions
        )
        #expect(result.values("stopping") == ["ok"] && result.ending == .exited(124), "\(result.story)")
        #expect(result.left == 0, "\(result.story)")
        #expect(try scene.report().outcome == "timed-out")
    }

    /// Looking for memory in so many descriptors takes the supervisor seconds; it sees to the rest meanwhile.
    @Test(.runsAlone, arguments: Caller.available)
    func manyDescriptorsDoNotHoldTheSupervisor(caller: Caller) throws {
        let scene = try Scene(caller)
        let script = """
            import os, time
            for i in range(100):
                if os.fork() == 0:
                    try:
                        while True: os.memfd_create("x")
                    except OSError: pass
                    os.write(1, b"full\\n")
                    time.sleep(900)
                    os._exit(0)
            time.sleep(900)
            """
        try scene.write(script, to: scene.workspace + "/many.py")
        let process = try scene.startInside(["/usr/bin/python3", "many.py"], options: ["--grace", "100ms"])
        try process.wait("for all descriptors", within: .seconds(600)) {
            $0.outputText.split(separator: "\n").count == 100
        }
        let clock = ContinuousClock()
        let begin = clock.now
        try process.signal(SIGTERM)
        let result = try process.finish()
        // Held, it answers when the job is over, a quarter of an hour later. The end of so many files takes five seconds on a busy machine.
        #expect(clock.now - begin < .seconds(300) && result.left == 0, "\(clock.now - begin) \(result.ending)")
    }

    // MARK: - C9: tasks

    @Test(.runsAlone, arguments: ["forks", "threads"], Caller.available)
    func tasksStayBelowTheLimit(kind: String, caller: Caller) throws {
        let control = try Scene(caller)
        let outside = try control.run(
            [control.program("hostile-processes"), kind, "300"],
            keeper: Caller.workerOptions
        )
        #expect(outside.values(kind) == ["ok"], "no control: \(outside.story)")

        let scene = try Scene(caller)
        let process = try scene.startInside(
            [scene.program("hostile-processes"), kind, "300"],
            options: ["--pids", "64"]
        )
        try process.line("made ")
        let tasks = try HostProcesses.descendants(of: process.commandProcess())
            .map { try HostProcesses.threads(of: $0) }.reduce(0, +)
        let result = try process.finish()
        #expect(result.values(kind) == ["EAGAIN"], "\(result.story)")
        #expect(tasks > 32 && tasks <= 64, "the host counts \(tasks)")
        #expect(result.left == 0, "\(result.story)")
    }

    @Test(.runsAlone, arguments: Caller.available)
    func aForkBombEndsAtTheWallLimitAndTheHostGoesOn(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.startInside(
            [scene.program("hostile-processes"), "fork-bomb", ProcessAttempts.hostPidNamespace],
            options: ["--pids", "128", "--timeout", "8s", "--grace", "100ms"]
        )
        try process.line("bomb=")
        let meanwhile = try scene.run(["/bin/true"], keeper: Caller.workerOptions)
        #expect(meanwhile.ending == .exited(0))
        let result = try process.finish()
        #expect(result.ending == .exited(124) && result.left == 0 && result.stuck == [], "\(result.story)")
    }

    // MARK: - C10: memory

    @Test(
        .runsAlone,
        arguments: [
            "private", "shared", "tmp", "memfd", "segments", "children", "leaderless-private", "leaderless-memfd",
        ],
        Caller.available
    )
    func aMemoryBombEndsTheJob(kind: String, caller: Caller) throws {
        let control = try Scene(caller)
        let outside = try control.run(
            [control.program("hostile-processes"), "memory", "400", kind],
            keeper: Caller.workerOptions
        )
        #expect(outside.values("memory").first == "ok", "no control: \(outside.story)")
        let leaving = try control.run(["/bin/rm", "-f", "/tmp/memory"], keeper: Caller.workerOptions)
        #expect(leaving.ending == .exited(0), "\(leaving.story)")

        let scene = try Scene(caller)
        let process = try scene.startInside(
            [scene.program("hostile-processes"), "memory", "400", kind],
            options: ["--memory", "64MiB", "--timeout", "30s"] + scene.resultOptions
        )
        // The program keeps what it has until its input ends.
        try process.wait("for the end", within: .seconds(120)) { $0.hasEnded() }
        let result = try process.finish()
        let report = try scene.report()
        #expect(report.outcome == "memory-exceeded", "\(kind): \(report.outcome) \(result.story)")
        #expect(result.ending != .exited(0) && result.left == 0, "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aJobWithinItsMemoryIsLeftAlone(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(
            [scene.program("hostile-processes"), "memory", "32", "private"],
            options: ["--memory", "128MiB"]
        )
        #expect(result.values("memory") == ["ok"] && result.ending == .exited(0), "\(result.story)")
    }
}
