internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// `danger-full-access`: the command as the caller's own child, with the wall limit and the grace around it.
///
/// It dies with this process (PR_SET_PDEATHSIG). Whoever it leaves behind is ended where this process ends the job, by the wall
/// limit or after TERM, as far as `/proc` shows them as its descendants; what it leaves at an end of its own goes on, and so
/// does all but itself when this process is killed: without a pid namespace nobody can hold more. What was a descendant of
/// this process before the command, for the caller became it by an exec, is left alone.
struct UnconfinedProcess {
    let plan: LaunchPlan
    /// The caller's, `NAME=VALUE` each.
    let environment: [OSString]

    /// For a person, at every launch: one line.
    static let warning =
        WeakerProfile.unconfinedBegins
        + "danger-full-access holds nothing: the command can do whatever the caller can"

    /// Records, runs, and waits for the end; every layer is `not requested`.
    ///
    /// `warnings` gets what could not be held, for a person.
    func launch(_ warnings: inout [String], record: (Established) throws(Refusal) -> Void) -> CompletedLaunch {
        var result = CompletedLaunch.notReached(.noProcess)
        result.layers = LayerReports.list(plan, [])
        do throws(Refusal) {
            let blocked = cs_block_all_signals()
            if blocked < 0 { throw Refusal(own: "rt_sigprocmask", blocked) }
            let signals = try SignalSource()
            try record(Established(layers: result.layers, worker: 0, executable: nil))
            let (at, from) = (cs_now(), cs_monotonic())
            let start = try spawn()
            let end = try follow(start, from, signals, &result.execve, &warnings)
            (result.released, result.releasedAt) = (true, at)
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

    /// The command as a job of the terminal.
    private struct Job {
        var isStopped = false
        /// A process group of its own had the terminal when it stopped (`bash -i`): a shell gives it to ours.
        var hadTerminal = false
    }

    /// Throws where a step before execve(2) has failed; `execve` has then how it is known that this was not reached.
    ///
    /// The clocks run `from` before the start: execve(2) may wait for somebody else (a lease on the program's file, fcntl(2)).
    private func follow(
        _ start: cs_unconfined,
        _ from: Int64,
        _ signals: borrowing SignalSource,
        _ execve: inout ExecveFact,
        _ warnings: inout [String]
    ) throws(Refusal) -> End {
        var start = start
        let pid = start.pid
        let wall = from + Int64(plan.limits.wall.milliseconds) * 1_000_000
        let grace = Int64(plan.limits.grace.milliseconds) * 1_000_000
        var verdict: Outcome?
        var killAt: Int64?
        var job = Job()
        var mayPrecedeIt = true
        while true {
            let wasContinued = cs_unconfined_continued() == 1
            if start.report >= 0 {
                let code = Int32(-cs_unconfined_started(&start))
                if code > 0 && start.step != nil {
                    execve = .notReached(.failedStep)
                    throw notStarted(start, code)
                }
                if code > 0 {
                    let outcome = Outcome.notExecuted(errno: code, message: plan.process.arguments[0].description)
                    return End(outcome: outcome, execve: .failed, usage: .none)
                }
            }
            // Its end says nothing of the program once it is reaped: so that is not taken before the start is known.
            let only = start.report >= 0 ? pid : 0
            if let (status, usage) = event(of: pid, only: only, &job, isEnding: killAt != nil) {
                // Ended by us: then nothing of it stays.
                if killAt != nil { UnconfinedProcess.endDescendants(&warnings) }
                let signal = status & 0x7F
                let ended: Outcome = signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(signal: signal)
                let isUnsure = signal != 0 && start.may_not_have_executed != 0
                return End(outcome: verdict ?? ended, execve: isUnsure ? .notKnown : .started, usage: usage)
            }
            // A shell continues the whole group, and the person may have stopped it again before we got here: only where the
            // command is in the stop it was in is it for us to wake it.
            if wasContinued && job.isStopped {
                if job.hadTerminal { cs_unconfined_give_terminal(pid) }
                UnconfinedProcess.tell(pid, SIGCONT, &warnings)
            }
            while let (signal, isOfKernel) = signals.received() {
                // A key of the terminal reaches the whole group that has it: the command once, not once more by us. What came
                // before there was a command is ours to pass on, and the terminal's end, which its session's leader is told.
                let isOursAlone = mayPrecedeIt || signal == SIGHUP && getsid(0) == getpid()
                if isOfKernel && !isOursAlone && getpgid(pid) == getpgrp() { continue }
                UnconfinedProcess.tell(pid, signal, &warnings)
                if signal == SIGTERM {
                    // To its process group, as in a sandbox, but for the caller's processes, who may be in it.
                    let group = getpgid(pid)
                    if group > 0 { UnconfinedProcess.signal(SIGTERM, group: group, but: pid, &warnings) }
                    killAt = killAt ?? cs_monotonic() + grace
                }
                // As the kernel does it at a hang-up: a stopped process would not see it (setpgid(2)).
                if signal == SIGHUP { UnconfinedProcess.tell(pid, SIGCONT, &warnings) }
            }
            mayPrecedeIt = false
            let now = cs_monotonic()
            if now >= wall && verdict == nil {
                verdict = .timedOut
                // A stopped process would not see TERM. The command itself is reached whatever is known of the others.
                for signal in [SIGTERM, SIGCONT] {
                    UnconfinedProcess.tell(pid, signal, &warnings)
                    UnconfinedProcess.signal(signal, but: pid, &warnings)
                }
                killAt = min(killAt ?? Int64.max, now + grace)
            }
            if let killAt, now >= killAt {
                verdict = verdict ?? .interrupted(signal: SIGTERM, wasKilled: true)
                UnconfinedProcess.tell(pid, SIGKILL, &warnings)
            }
            // A negative one is passed over, poll(2).
            var waiting = [signals.file.number, start.report].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = poll(&waiting, nfds_t(waiting.count), 10)
        }
    }

    /// What has become of the children, or of that one `only` but for its end: the command's wait status once it has ended, nil before.
    ///
    /// Where it was stopped by the terminal, or has the terminal and was stopped otherwise, so is this process, which the caller's
    /// shell looks at; but not once it is to end (`isEnding`): the command could put that off as long as it likes.
    private func event(
        of pid: Int32,
        only: Int32,
        _ job: inout Job,
        isEnding: Bool
    ) -> (status: Int32, usage: Usage)? {
        var status: Int32 = 0
        var used = cs_usage()
        // Not for ever: the clocks have to be looked at, whatever the command makes end.
        for _ in 0..<1000 {
            let child = Int32(cs_unconfined_event(only, &status, &used))
            if child <= 0 { return nil }
            // Somebody whom the command has left behind.
            if child != pid { continue }
            // wait(2): WIFCONTINUED.
            if status == 0xFFFF {
                job.isStopped = false
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
            job.isStopped = true
            let terminal = cs_unconfined_terminal(pid)
            if terminal != Int(CS_TERMINAL_OTHERS) {
                job.hadTerminal = terminal == Int(CS_TERMINAL_COMMANDS)
            }
            // SIGSTOP is between the command and whoever sends it, but for a terminal that nobody would have any more: a shell
            // takes it back when this process stops, and continues it. It stops by the signal that cannot miss a SIGCONT.
            if signal == SIGSTOP && !isEnding && terminal != Int(CS_TERMINAL_OTHERS)
                && cs_unconfined_is_job() == 1 && cs_is_ignored(SIGTSTP) != 1
            {
                _ = cs_unconfined_stop(SIGTSTP, pid)
                continue
            }
            guard [SIGTSTP, SIGTTIN, SIGTTOU].contains(signal) else { continue }
            // Where nothing can stop us, or nobody wake us, it goes on: its caller would not get to see that it has stopped.
            let mayGoOn = cs_unconfined_orphaned() != 0 || cs_is_ignored(signal) == 1
            if isEnding || cs_unconfined_stop(signal, pid) != 1 && mayGoOn {
                _ = kill(pid, SIGCONT)
                // It may stop again at once.
                return nil
            }
        }
        return nil
    }

    /// To the command itself; that it cannot be signalled is told once.
    private static func tell(_ pid: Int32, _ number: Int32, _ warnings: inout [String]) {
        if kill(pid, number) == 0 || errno != EPERM { return }
        let words =
            "the command could not be signalled: it has become another account's (setuid); it was waited for, whatever --timeout and --grace say"
        if !warnings.contains(words) { warnings.append(words) }
    }

    /// To the command's descendants; that not all of them may have been found is told once.
    @discardableResult
    private static func signal(
        _ number: Int32,
        group: Int32 = 0,
        but: Int32 = 0,
        _ warnings: inout [String]
    ) -> cs_reached {
        var reached = cs_reached()
        cs_unconfined_signal(number, group, but, &reached)
        if reached.error != 0 {
            let why = "\(String(cString: reached.call)): \(String(cString: strerror(reached.error)))"
            let words =
                "what the command has started could not all be signalled (\(why)): some of it may still run"
            if !warnings.contains(words) { warnings.append(words) }
        }
        return reached
    }

    /// SIGKILL for all that the command has left, until none is there: one may have made another meanwhile.
    private static func endDescendants(_ warnings: inout [String]) {
        var status: Int32 = 0
        var used = cs_usage()
        let until = cs_monotonic() + 5_000_000_000
        while true {
            let reached = signal(SIGKILL, &warnings)
            if reached.count == 0 {
                if reached.others > 0 { warnings.append(words(others: reached)) }
                return
            }
            if cs_monotonic() >= until {
                if reached.others > 0 { warnings.append(words(others: reached)) }
                warnings.append(
                    "what the command has started did not all end within 5 s of SIGKILL: some of it may still run"
                )
                return
            }
            while cs_unconfined_event(0, &status, &used) > 0 {}
            _ = poll(nil, 0, 2)
        }
    }

    private static func words(others reached: cs_reached) -> String {
        let numbers = withUnsafeBytes(of: reached.other) { bytes in
            bytes.bindMemory(to: Int32.self).prefix(Int(reached.others)).map { String($0) }
        }
        let more = Int(reached.others) > numbers.count ? ", …" : ""
        let who =
            reached.others == 1
            ? "1 process of another account" : "\(reached.others) processes of other accounts"
        return
            "\(who) that the command has started could not be ended (\(numbers.joined(separator: ", "))\(more))"
    }

    /// The command, on its way to its program.
    private func spawn() throws(Refusal) -> cs_unconfined {
        let folder = plan.process.workingDirectory
        guard folder.withPointer({ chdir($0) }) == 0 else {
            throw refusal(
                "chdir",
                folder.description,
                errno,
                remedy: "see that this folder is there, and can be entered"
            )
        }
        let arguments = plan.process.arguments.map { $0.withPointer { strdup($0) } }
        let variables = environment.map { $0.withPointer { strdup($0) } }
        defer { (arguments + variables).forEach { free($0) } }
        var started = cs_unconfined()
        let code = Int32(-cs_unconfined_start(arguments + [nil], variables + [nil], &started))
        if code != 0 { throw notStarted(started, code) }
        return started
    }

    private func notStarted(_ start: cs_unconfined, _ code: Int32) -> Refusal {
        let remedy =
            code == EAGAIN
            ? "raise the limit of processes (ulimit -u, pids.max of the cgroup)" : "see why this call fails here"
        return refusal(String(cString: start.step), plan.process.arguments[0].description, code, remedy: remedy)
    }

    private func refusal(_ step: String, _ subject: String, _ code: Int32, remedy: String) -> Refusal {
        Refusal(
            stage: "process",
            step: step,
            subject: subject,
            errno: code,
            message: "the command could not be started: \(step) failed",
            remedy: remedy
        )
    }
}
