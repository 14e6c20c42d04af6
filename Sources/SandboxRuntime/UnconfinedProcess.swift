internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// `danger-full-access`: the command as the caller's own child, with the wall limit and the grace around it.
///
/// It dies with this process (PR_SET_PDEATHSIG). Whoever it leaves behind is ended where this process ends the job, by the wall
/// limit or after TERM, as far as `/proc` shows them as its descendants; what it leaves at an end of its own goes on, and so
/// does all but itself when this process is killed: without a pid namespace nobody can hold more.
struct UnconfinedProcess {
    let plan: LaunchPlan
    /// The caller's, `NAME=VALUE` each.
    let environment: [OSString]

    /// For a person, at every launch: one line.
    static let warning =
        WeakerProfile.unconfinedBegins
        + "danger-full-access holds nothing: the command can do whatever the caller can"

    /// Records, runs, and waits for the end; every layer is `not requested`.
    func launch(record: (Established) throws(Refusal) -> Void) -> CompletedLaunch {
        var result = CompletedLaunch.notReached(.noProcess)
        result.layers = LayerReports.list(plan, [])
        do throws(Refusal) {
            let blocked = cs_block_all_signals()
            if blocked < 0 { throw Refusal(own: "rt_sigprocmask", blocked) }
            let signals = try SignalSource()
            try record(Established(layers: result.layers, worker: 0, executable: nil))
            result.released = true
            result.releasedAt = cs_now()
            let from = cs_monotonic()
            let end = run(signals)
            result.wallNanoseconds = cs_monotonic() - from
            result.outcome = end.outcome
            result.execve = end.execve
            result.usage = end.usage
        } catch {
            result.outcome = .refused(error)
        }
        return result
    }

    private struct End {
        var outcome: Outcome
        var execve: ExecveFact
        var usage: Usage
    }

    private func run(_ signals: borrowing SignalSource) -> End {
        var pid: Int32 = 0
        let code = spawn(&pid)
        guard code == 0 else {
            let outcome = Outcome.notExecuted(errno: code, message: plan.process.arguments[0].description)
            return End(outcome: outcome, execve: .failed, usage: .none)
        }
        let wall = cs_monotonic() + Int64(plan.limits.wall.milliseconds) * 1_000_000
        let grace = Int64(plan.limits.grace.milliseconds) * 1_000_000
        var verdict: Outcome?
        var killAt: Int64?
        var isStopped = false
        var mayPrecedeIt = true
        while true {
            let wasContinued = cs_unconfined_continued() == 1
            if let (status, usage) = event(of: pid, &isStopped) {
                // Ended by us: then nothing of it stays.
                if killAt != nil { UnconfinedProcess.endDescendants() }
                let signal = status & 0x7F
                let ended: Outcome = signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(signal: signal)
                return End(outcome: verdict ?? ended, execve: .started, usage: usage)
            }
            // A shell continues the whole group, and the person may have stopped it again before we got here: only where the
            // command is in the stop it was in is it for us to wake it.
            if wasContinued && isStopped { _ = kill(pid, SIGCONT) }
            while let (signal, isOfKernel) = signals.received() {
                // A key of the terminal reaches the whole group that has it: the command once, not once more by us. What came
                // before there was a command is ours to pass on, and the terminal's end, which its session's leader is told.
                let isOursAlone = mayPrecedeIt || signal == SIGHUP && getsid(0) == getpid()
                if isOfKernel && !isOursAlone && getpgid(pid) == getpgrp() { continue }
                _ = kill(pid, signal)
                if signal == SIGTERM {
                    // To its process group, as in a sandbox, but for the caller's processes, who may be in it.
                    let group = getpgid(pid)
                    if group > 0 { _ = cs_unconfined_signal(SIGTERM, group, pid) }
                    killAt = killAt ?? cs_monotonic() + grace
                }
                // As the kernel does it at a hang-up: a stopped process would not see it (setpgid(2)).
                if signal == SIGHUP { _ = kill(pid, SIGCONT) }
            }
            mayPrecedeIt = false
            let now = cs_monotonic()
            if now >= wall && verdict == nil {
                verdict = .timedOut
                _ = cs_unconfined_signal(SIGTERM, 0, 0)
                // A stopped process would not see TERM.
                _ = cs_unconfined_signal(SIGCONT, 0, 0)
                killAt = min(killAt ?? Int64.max, now + grace)
            }
            if let killAt, now >= killAt {
                verdict = verdict ?? .interrupted(signal: SIGTERM, wasKilled: true)
                _ = kill(pid, SIGKILL)
            }
            var waiting = pollfd(fd: signals.file.number, events: Int16(POLLIN), revents: 0)
            _ = poll(&waiting, 1, 10)
        }
    }

    /// What has become of the children: the command's wait status once it has ended, nil before.
    ///
    /// Where it was stopped by the terminal, so is this process, which the caller's shell looks at.
    private func event(of pid: Int32, _ isStopped: inout Bool) -> (status: Int32, usage: Usage)? {
        var status: Int32 = 0
        var used = cs_usage()
        while true {
            let child = Int32(cs_unconfined_event(&status, &used))
            if child <= 0 { return nil }
            // Somebody whom the command has left behind.
            if child != pid { continue }
            // wait(2): WIFCONTINUED.
            if status == 0xFFFF {
                isStopped = false
                continue
            }
            guard status & 0xFF == 0x7F else {
                var usage = Usage.none
                usage.userMicroseconds = UInt64(max(used.user_us, 0))
                usage.systemMicroseconds = UInt64(max(used.system_us, 0))
                usage.maximumResident = ByteCount(bytes: UInt64(max(used.max_rss_kib, 0)) << 10)
                return (status, usage)
            }
            let signal = status >> 8 & 0xFF
            isStopped = true
            // SIGSTOP is between the command and whoever sends it: nobody would continue this process.
            guard [SIGTSTP, SIGTTIN, SIGTTOU].contains(signal) else { continue }
            let mayBeOrphaned = cs_unconfined_orphaned() != 0
            // Where nobody can wake us, it would not have stopped by the keyboard either.
            if cs_unconfined_stop(signal, pid) != 1 && mayBeOrphaned && signal == SIGTSTP { _ = kill(pid, SIGCONT) }
        }
    }

    /// SIGKILL for all that the command has left, until none is there: one may have made another meanwhile.
    private static func endDescendants() {
        var status: Int32 = 0
        var used = cs_usage()
        let until = cs_monotonic() + 5_000_000_000
        while cs_unconfined_signal(SIGKILL, 0, 0) > 0 && cs_monotonic() < until {
            while cs_unconfined_event(&status, &used) > 0 {}
            _ = poll(nil, 0, 2)
        }
    }

    /// 0, or the errno of the step that failed.
    private func spawn(_ pid: inout Int32) -> Int32 {
        guard plan.process.workingDirectory.withPointer({ chdir($0) }) == 0 else { return errno }
        let arguments = plan.process.arguments.map { $0.withPointer { strdup($0) } }
        let variables = environment.map { $0.withPointer { strdup($0) } }
        defer { (arguments + variables).forEach { free($0) } }
        return Int32(-cs_unconfined_start(arguments + [nil], variables + [nil], &pid))
    }
}
