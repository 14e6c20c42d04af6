internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// `danger-full-access`: the command as the caller's own child, with nothing around it but the wall limit.
///
/// Nothing here ends what the command leaves running: without a pid namespace nobody can.
struct UnconfinedProcess {
    let plan: LaunchPlan
    /// The caller's, `NAME=VALUE` each.
    let environment: [OSString]

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
        var usage = Usage.none
        var pid: pid_t = 0
        let code = spawn(&pid)
        guard code == 0 else {
            let outcome = Outcome.notExecuted(errno: code, message: plan.process.arguments[0].description)
            return End(outcome: outcome, execve: .failed, usage: usage)
        }
        let wall = cs_monotonic() + Int64(plan.limits.wall.milliseconds) * 1_000_000
        var killAt = Int64.max
        var timedOut = false
        while true {
            var status: Int32 = 0
            var used = cs_usage()
            if cs_wait(pid, 0, &status, &used) != 0 {
                usage.userMicroseconds = UInt64(max(used.user_us, 0))
                usage.systemMicroseconds = UInt64(max(used.system_us, 0))
                usage.maximumResident = ByteCount(bytes: UInt64(max(used.max_rss_kib, 0)) << 10)
                let signal = status & 0x7F
                let ended: Outcome = signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(signal: signal)
                return End(outcome: timedOut ? .timedOut : ended, execve: .succeeded, usage: usage)
            }
            while let signal = signals.next() { _ = kill(pid, signal) }
            let now = cs_monotonic()
            if now >= wall && !timedOut {
                timedOut = true
                _ = kill(pid, SIGTERM)
                killAt = now + Int64(plan.limits.grace.milliseconds) * 1_000_000
            }
            if now >= killAt { _ = kill(pid, SIGKILL) }
            var waiting = pollfd(fd: signals.file.number, events: Int16(POLLIN), revents: 0)
            _ = poll(&waiting, 1, 10)
        }
    }

    /// posix_spawnp(3): 0, or the errno of the exec.
    private func spawn(_ pid: inout pid_t) -> Int32 {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        let flags = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        for code in [
            posix_spawnattr_setsigmask(&attributes, &none), posix_spawnattr_setsigdefault(&attributes, &all),
            posix_spawnattr_setflags(&attributes, flags),
        ] where code != 0 { return code }
        guard plan.process.workingDirectory.withPointer({ chdir($0) }) == 0 else { return errno }
        let arguments = plan.process.arguments.map { $0.withPointer { strdup($0) } }
        let variables = environment.map { $0.withPointer { strdup($0) } }
        defer { (arguments + variables).forEach { free($0) } }
        return posix_spawnp(&pid, arguments[0] ?? strdup(""), nil, &attributes, arguments + [nil], variables + [nil])
    }
}
