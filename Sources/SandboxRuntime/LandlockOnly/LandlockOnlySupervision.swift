internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// From the release to the worker's end: forwards signals, watches memory and output, relays streams.
struct LandlockOnlySupervision: ~Copyable {
    struct End {
        var outcome: Outcome
        var execve: ExecveFact
        var usage: Usage
    }

    private let plan: LaunchPlan
    private let group: GroupMembership?
    private let processes: OwnedFileDescriptor
    private var tree: JobTree
    private var verdict: Outcome?
    private var killAt: Int64?
    private var gateOpen = true
    /// Whether the gate was seen to close by an exec, and not by a death.
    private var hasExecuted = false
    private var executionError: (errno: Int32, candidate: Int)?
    private var status: Int32?
    private var usage = Usage.none
    private var isGone = false

    init(
        _ plan: LaunchPlan,
        keeper: Int32,
        worker: borrowing ProcessFiles,
        group: GroupMembership?
    ) throws(Refusal) {
        self.plan = plan
        self.group = group
        let number = cs_openat2(
            FileReading.currentFolder,
            "/proc",
            UInt64(CS_O_PATH) | UInt64(CS_O_DIRECTORY),
            0,
            0
        )
        if number < 0 { throw Refusal(own: "openat2", number) }
        processes = OwnedFileDescriptor(owning: Int32(number))
        tree = JobTree(keeper: keeper, processes: Int32(number))
    }

    /// Returns when the worker has ended, or has to.
    mutating func watch(
        _ keeper: borrowing KeeperProcess,
        worker: borrowing ProcessFiles,
        gate: borrowing Gate,
        signals: borrowing SignalSource,
        relays: [Relay]
    ) -> End {
        let blocked = SignalSource.forwarded + [SIGPIPE, SIGXFSZ]
        _ = cs_block_signals(blocked, Int32(blocked.count))
        var nextLook = cs_monotonic() + 50_000_000
        // The keeper ends everything at the wall limit; this is for the case that somebody stopped it.
        let most = plan.limits.wall.milliseconds + plan.limits.grace.milliseconds + 1000
        let wallAt = cs_monotonic() + Int64(most) * 1_000_000
        var failedPolls = 0
        while status == nil {
            var table = [
                pollfd(fd: keeper.control.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.file.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: gateOpen ? gate.ours.number : -1, events: Int16(POLLIN), revents: 0),
            ]
            let relaying = RelayTable(relays, appendingTo: &table)
            let deadline = min(nextLook, killAt ?? Int64.max)
            let wait = max(0, min(1000, (deadline - cs_monotonic() + 999_999) / 1_000_000))
            let ready = poll(&table, nfds_t(table.count), Int32(wait))
            let code = errno
            if ready >= 0 { failedPolls = 0 }
            if ready < 0 && code != EINTR {
                // Once may pass (memory was short); a supervisor that stays blind ends the job.
                failedPolls += 1
                if failedPolls > 10 { verdict = verdict ?? .protectionLost(what: "poll failed: errno \(code)") }
            }
            if ready > 0 {
                if table[2].revents != 0 { gateEvent(gate, worker) }
                relaying.step(table)
                if table[1].revents != 0 { forward(signals, keeper) }
                if table[0].revents != 0 { controlEvent(keeper) }
            }
            let now = cs_monotonic()
            check(relays)
            if let killAt, now >= killAt { verdict = verdict ?? .interrupted(signal: SIGTERM, wasKilled: true) }
            if now >= wallAt { verdict = verdict ?? .timedOut }
            if now >= nextLook, verdict == nil { nextLook = now + look() }
            if mustEnd { break }
        }
        if gateOpen { gateEvent(gate, worker) }
        for _ in 0..<4 where gateOpen && isGone { gateEvent(gate, worker) }
        usage.cgroup = group?.group.counted()
        if verdict == nil, let status, status & 0x7F == SIGKILL, let exceeded = group?.memoryExceeded(plan) {
            verdict = exceeded
        }
        usage.memoryPeakWatched = ByteCount(bytes: tree.peak)
        return End(outcome: outcome, execve: execve, usage: usage)
    }

    /// Whether something has been decided that does not wait for the worker: TERM and its grace do.
    private var mustEnd: Bool {
        switch verdict {
        case nil: false
        case .timedOut: killAt.map { cs_monotonic() >= $0 } ?? true
        default: true
        }
    }

    private var execve: ExecveFact {
        if executionError != nil { return .failed }
        if hasExecuted { return .succeeded }
        // A gate that a death has closed says nothing; one that ended by itself had executed.
        if let status, status & 0x7F == 0 { return .succeeded }
        return .notKnown
    }

    // MARK: - Events

    private mutating func gateEvent(_ gate: borrowing Gate, _ worker: borrowing ProcessFiles) {
        do throws(PlaceError) {
            switch try gate.event(timeout: 0) {
            case .executionFailed(_, let code, let candidate): executionError = (code, candidate)
            case .closed:
                gateOpen = false
                hasExecuted = executionError == nil && LandlockOnlySupervision.hasExecuted(worker)
            case .born, .ready: break
            case .terminal(_, let number), .listener(_, let number): _ = close(number)
            }
        } catch {
            if error != .timedOut { gateOpen = false }
        }
    }

    /// Whether the kernel's PF_FORKNOEXEC is gone, which field 9 of /proc/PID/stat has, also of one that is not reaped yet.
    ///
    /// The name in field 2 may hold anything, but is in braces (proc(5)).
    private static func hasExecuted(_ worker: borrowing ProcessFiles) -> Bool {
        let text: [UInt8]
        do throws(Refusal) { text = try worker.read("stat") } catch { return false }
        guard let name = text.lastIndex(of: UInt8(ascii: ")")) else { return false }
        let fields = text[(name + 1)...].split(separator: 0x20)
        // The first of these is field 3.
        guard fields.count > 6 else { return false }
        let field = Array(fields[6])
        guard let flags = KernelText.number(field, in: field.indices) else { return false }
        return flags & 0x40 == 0
    }

    private mutating func controlEvent(_ keeper: borrowing KeeperProcess) {
        do throws(PlaceError) {
            switch try keeper.event(timeout: 0) {
            case .exited(let found, let user, let system, let resident, let isAll, _):
                usage.userMicroseconds = UInt64(max(user, 0))
                usage.systemMicroseconds = UInt64(max(system, 0))
                usage.maximumResident = ByteCount(bytes: UInt64(max(resident, 0)) << 10)
                status = found
                isGone = true
                if !isAll { verdict = verdict ?? .protectionLost(what: "the keeper could not end all of the job") }
            case .timedOut:
                verdict = verdict ?? .timedOut
                // The keeper ends everything after the grace; this is for the case that it cannot.
                killAt = cs_monotonic() + Int64(plan.limits.grace.milliseconds + 1000) * 1_000_000
            case .gone: lost()
            case .ready, .started, .notStarted: break
            }
        } catch {
            if error != .timedOut { lost() }
        }
    }

    /// After the wall limit the keeper ends with the job; at any other time somebody has ended it.
    private mutating func lost() {
        isGone = true
        if verdict == .timedOut {
            killAt = cs_monotonic()
            return
        }
        verdict = verdict ?? .protectionLost(what: "the keeper of the job was ended by somebody")
    }

    private mutating func forward(_ signals: borrowing SignalSource, _ keeper: borrowing KeeperProcess) {
        while let signal = signals.next() {
            do throws(PlaceError) { try keeper.signal(signal) } catch { lost() }
            // As the kernel does it at a hang-up: a stopped job would not see it (setpgid(2), orphaned process groups).
            // It may have ended the keeper already, which is seen without this.
            if signal == SIGHUP { do throws(PlaceError) { try keeper.signal(SIGCONT) } catch {} }
            if signal == SIGTERM && killAt == nil {
                killAt = cs_monotonic() + Int64(plan.limits.grace.milliseconds) * 1_000_000
            }
        }
    }

    // MARK: - Limits

    private mutating func check(_ relays: [Relay]) {
        guard let limit = plan.limits.output else { return }
        let outward = relays.filter { $0.isOutward }
        let written = outward.reduce(0) { $0 &+ $1.carried }
        if written > limit.bytes {
            verdict = verdict ?? .outputExceeded(used: ByteCount(bytes: written), limit: limit)
        }
    }

    /// One look at memory and group; nanoseconds until the next.
    private mutating func look() -> Int64 {
        if let lost = group?.lost() {
            verdict = verdict ?? .protectionLost(what: lost)
            return 0
        }
        if plan.limits.memoryIsHeld { return 50_000_000 }
        let limit = plan.limits.memory.bytes
        let used = tree.look(limit: limit)
        if used > limit {
            verdict = verdict ?? .memoryExceeded(used: ByteCount(bytes: used), limit: plan.limits.memory)
        }
        return used > limit / 2 ? 10_000_000 : 50_000_000
    }

    private var outcome: Outcome {
        Outcome(verdict, executionError, status, of: plan.process)
    }
}
