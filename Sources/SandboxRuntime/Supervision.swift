internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// From the release to the end: forwards signals, watches mounts and memory, relays streams, and ends the place.
struct Supervision: ~Copyable {
    struct End {
        var outcome: Outcome
        var execve: ExecveFact
        var usage: Usage
        /// What was planted, whatever the verdict.
        var plants: Plants
    }

    private let plan: LaunchPlan
    private let plants: PlantWatch
    private let group: GroupMembership?
    private let workspace: WorkspaceWatch?
    private var verdict: Outcome?
    private var killAt: Int64?
    /// The worker has ended, and pid 1 is alone: all that is left of it is the kernel's work.
    private var wasLast = false
    /// The gate closes by a death as it does by an exec.
    private var isExecUnsure = false
    private var executionError: (errno: Int32, candidate: Int)?

    private static let worker: UInt32 = 1

    init(plan: LaunchPlan, plants: PlantWatch, group: GroupMembership?, workspace: WorkspaceWatch?) {
        self.workspace = workspace
        self.plan = plan
        self.plants = plants
        self.group = group
    }

    /// Returns when every process of the place is gone, but for a pid 1 that is ending with nobody left beside it.
    mutating func watch(
        _ place: inout PlaceProcess,
        mounts: consuming MountWatch,
        names: consuming ProtectedNames,
        memory: consuming MemoryWatch,
        gate: borrowing Gate,
        signals: borrowing SignalSource,
        relays: [Relay],
        terminals: Terminals?,
        denials: DenialListener?
    ) -> End {
        // From here on a stop from the terminal stops the supervisor as it would any program.
        // A sink that takes nothing more, or has become too large, is an error of write(2), not our end.
        let blocked = SignalSource.forwarded + [SIGPIPE, SIGXFSZ] + (terminals?.blocked ?? [])
        terminals?.take()
        _ = cs_block_signals(blocked, Int32(blocked.count))
        var status: Int32?
        var usage = Usage.none
        var gateOpen = true
        var gateClosedAt: Int64 = 0
        var failedPolls = 0
        var nextLook = cs_monotonic() + 50_000_000
        // pid 1 ends everything at the wall limit; this is for the case that somebody stopped it.
        let most = plan.limits.wall.milliseconds + plan.limits.grace.milliseconds + 1000
        let wallAt = cs_monotonic() + Int64(most) * 1_000_000
        let awakeUntil = cs_monotonic() + 2_500_000
        while status == nil {
            var table = [
                pollfd(fd: place.control.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: mounts.file.number, events: Int16(POLLPRI), revents: 0),
                pollfd(fd: signals.file.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: gateOpen ? gate.ours.number : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: terminals?.signals.number ?? -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: Supervision.asked(denials), events: Int16(POLLIN), revents: 0),
            ]
            let relaying = RelayTable(relays, appendingTo: &table)
            let deadline = min(nextLook, killAt ?? Int64.max)
            let before = cs_monotonic()
            // The worker may have ended before a sleep would have begun (CShims/cs_awake.h).
            let wait = before < awakeUntil ? 0 : max(0, min(1000, (deadline - before + 999_999) / 1_000_000))
            let ready = poll(&table, nfds_t(table.count), Int32(wait))
            let code = errno
            if ready >= 0 { failedPolls = 0 }
            if ready == 0 && wait == 0 { _ = sched_yield() }
            if ready < 0 && code != EINTR {
                // Once may pass (memory was short); a supervisor that stays blind ends the job.
                failedPolls += 1
                if failedPolls > 10 {
                    verdict = verdict ?? .protectionLost(what: "poll failed: errno \(code)")
                    break
                }
            }
            if ready > 0 {
                if table[3].revents != 0 {
                    gateOpen = gateEvent(gate)
                    if !gateOpen { gateClosedAt = cs_monotonic() }
                }
                if table[1].revents & Int16(POLLPRI | POLLERR) != 0, let lost = lostProtection(mounts) {
                    verdict = verdict ?? .protectionLost(what: lost)
                    break
                }
                if table[5].revents != 0, let error = denials?.answer() {
                    // Whoever waits for an answer would wait for ever.
                    verdict = verdict ?? .protectionLost(what: "refused calls: \(error.call), errno \(error.errno)")
                    break
                }
                relaying.step(table)
                if let limit = plan.limits.output, let written = Supervision.written(relays), written > limit.bytes {
                    verdict = verdict ?? .outputExceeded(used: ByteCount(bytes: written), limit: limit)
                    break
                }
                if table[2].revents != 0 { forward(signals, place) }
                if table[4].revents != 0, let terminals { heed(terminals, place) }
                if table[0].revents != 0 { status = controlEvent(place, &usage) }
                if let signal = stoppedBy, let terminals {
                    stoppedBy = nil
                    if terminals.canStop, stop(terminals, place, mounts, names, &memory) {
                        // It was said by whoever watched meanwhile, or the job goes on.
                        if verdict != nil { break }
                        wake(place)
                    } else if signal == SIGTSTP {
                        // Where nobody can wake us, it would not have stopped by the keyboard either.
                        wake(place)
                    }
                }
                if status == nil && verdict != nil && placeIsGone { break }
            }
            let now = cs_monotonic()
            if let killAt, now >= killAt {
                verdict = verdict ?? .interrupted(signal: SIGTERM, wasKilled: true)
                break
            }
            if now >= wallAt {
                verdict = verdict ?? .timedOut
                break
            }
            if now >= nextLook {
                nextLook = now + look(&memory, names)
                // Brought to the foreground without a word.
                terminals?.take()
                if case .memoryExceeded = verdict { break }
                if case .diskExceeded = verdict { break }
                if case .protectionLost = verdict { break }
            }
        }
        if status != nil, verdict == nil, !mounts.isQuiet, let lost = lostProtection(mounts) {
            verdict = .protectionLost(what: lost, afterEnd: true)
        }
        if verdict == nil, let lost = names.lost() { verdict = .protectionLost(what: lost, afterEnd: status != nil) }
        usage.cgroup = group?.group.counted()
        if let counted = usage.cgroup, wasKilled(status), counted.memoryLimitHits > 0, counted.memoryKills > 0 {
            verdict = .memoryExceeded(used: counted.memoryPeak ?? plan.limits.memory, limit: plan.limits.memory)
        }
        // Whoever holds a part of the place delays its end; and the mounts are there as long as somebody holds their table,
        // which those names are looked for in.
        _ = consume mounts
        let peak = memory.peak
        _ = consume names
        _ = consume memory
        // A gate that is open when we kill says nothing about execve: it closes by the death, too.
        if gateOpen {
            gateOpen = gateEvent(gate)
            if !gateOpen { gateClosedAt = cs_monotonic() }
        }
        // Nor does one that closed just before pid 1 was found dead, which takes the worker along.
        let isUnknown = status == nil && (gateOpen || (placeIsGone && cs_monotonic() - gateClosedAt < 100_000_000))
        // Killed by us, or with processes that it left: they are gone when pid 1 is.
        if !wasLast || verdict != nil {
            group?.group.kill()
            place.end()
        }
        let found = plants.settled()
        if let finding = found.finding { verdict = verdict ?? .protectionLost(what: finding, afterEnd: status != nil) }
        // Its end is closed now: at most the exec's failure is left to read, which may come after the end it caused.
        for _ in 0..<4 where gateOpen { gateOpen = gateEvent(gate) }
        usage.memoryPeakWatched = ByteCount(bytes: peak)
        let execve: ExecveFact =
            executionError != nil ? .failed : isUnknown || isExecUnsure ? .notKnown : .succeeded
        return End(outcome: outcome(status), execve: execve, usage: usage, plants: found)
    }

    private var placeIsGone = false
    /// The worker has stopped, and pid 1 waits for an answer.
    private var stoppedBy: Int32?

    // MARK: - Events

    /// Answers whether the gate is still open.
    private mutating func gateEvent(_ gate: borrowing Gate) -> Bool {
        do throws(PlaceError) {
            switch try gate.event(timeout: 0) {
            case .executionFailed(_, let code, let candidate):
                executionError = (code, candidate)
                return true
            case .closed: return false
            case .born, .ready: return true
            case .terminal(_, let number), .listener(_, let number):
                _ = close(number)
                return true
            }
        } catch {
            return error == .timedOut
        }
    }

    /// The worker's wait status once it has ended.
    private mutating func controlEvent(
        _ place: borrowing PlaceProcess,
        _ usage: inout Usage
    ) -> Int32? {
        do throws(PlaceError) {
            switch try place.event(timeout: 0) {
            case .exited(Self.worker, let status, let user, let system, let resident, let last, let unsure):
                wasLast = last
                isExecUnsure = unsure
                usage.userMicroseconds = UInt64(max(user, 0))
                usage.systemMicroseconds = UInt64(max(system, 0))
                usage.maximumResident = ByteCount(bytes: UInt64(max(resident, 0)) << 10)
                return status
            case .timedOut:
                verdict = verdict ?? .timedOut
                // pid 1 ends everything after the grace; this is for the case that it cannot.
                killAt = cs_monotonic() + Int64(plan.limits.grace.milliseconds + 1000) * 1_000_000
            case .gone:
                placeIsGone = true
                verdict = verdict ?? .signalled(signal: SIGKILL)
            case .stopped(Self.worker, let signal): stoppedBy = signal
            case .exited, .started, .mounted, .ready, .stopped, .notStarted: break
            }
        } catch {
            placeIsGone = true
            verdict = verdict ?? .signalled(signal: SIGKILL)
        }
        return nil
    }

    /// What poll(2) is to look at; a listener that is over would be there for ever.
    private static func asked(_ denials: DenialListener?) -> Int32 {
        guard let denials, !denials.isOver else { return -1 }
        return denials.file.number
    }

    private mutating func forward(_ signals: borrowing SignalSource, _ place: borrowing PlaceProcess) {
        while let signal = signals.next() {
            pass(signal, to: place)
            // As the kernel does it at a hang-up: a stopped job would not see it (setpgid(2), orphaned process groups).
            // It may have ended the place already, which is seen without this.
            if signal == SIGHUP { do throws(PlaceError) { try place.signal(SIGCONT, id: Self.worker) } catch {} }
            if signal == SIGTERM && killAt == nil {
                killAt = cs_monotonic() + Int64(plan.limits.grace.milliseconds) * 1_000_000
            }
        }
    }

    /// Stops this process, with a copy of it that goes on watching.
    ///
    /// - Returns: whether it was stopped.
    private mutating func stop(
        _ terminals: Terminals,
        _ place: borrowing PlaceProcess,
        _ mounts: borrowing MountWatch,
        _ names: borrowing ProtectedNames,
        _ memory: inout MemoryWatch
    ) -> Bool {
        let watching = StandIn.begin(place, mounts: mounts.file.number) {
            if !mounts.isQuiet, let lost = lostProtection(mounts) { return .wrong(.lost(lost)) }
            let next = look(&memory, names)
            switch verdict {
            case nil: return .again(nanoseconds: next)
            case .memoryExceeded(let used, _): return .wrong(.memory(used: used.bytes))
            case .diskExceeded(let used, _): return .wrong(.disk(used: used.bytes))
            case .protectionLost(let what, _): return .wrong(.lost(what))
            case let other?: return .wrong(.lost(other.word))
            }
        }
        guard let watching else { return false }
        let wasStopped = terminals.stop()
        switch watching.end() {
        case .lost(let what): verdict = verdict ?? .protectionLost(what: what)
        case .memory(let used):
            verdict = verdict ?? .memoryExceeded(used: ByteCount(bytes: used), limit: plan.limits.memory)
        case .disk(let used):
            let limit = plan.limits.workspace?.most ?? ByteCount(bytes: 0)
            verdict = verdict ?? .diskExceeded(used: ByteCount(bytes: used), limit: limit)
        case nil: break
        }
        return wasStopped || verdict != nil
    }

    /// What the caller's terminal and its shell say.
    private mutating func heed(_ terminals: Terminals, _ place: borrowing PlaceProcess) {
        while let signal = terminals.nextSignal() {
            switch signal {
            case SIGWINCH: terminals.resize()
            case SIGTSTP: pass(SIGTSTP, to: place)
            case SIGCONT:
                terminals.resume()
                terminals.resize()
                wake(place)
            default: preconditionFailure("signal \(signal) was not asked for")
            }
        }
    }

    private mutating func wake(_ place: borrowing PlaceProcess) { pass(SIGCONT, to: place) }

    private mutating func pass(_ signal: Int32, to place: borrowing PlaceProcess) {
        do throws(PlaceError) {
            try place.signal(signal, id: Self.worker)
        } catch {
            placeIsGone = true
        }
    }

    /// Whether SIGKILL ended the worker, or pid 1, and nobody here had a reason for it.
    private func wasKilled(_ status: Int32?) -> Bool {
        switch verdict {
        case nil: status.map { $0 & 0x7F == SIGKILL } ?? true
        case .signalled(SIGKILL): true
        case .exited, .signalled, .timedOut, .memoryExceeded, .diskExceeded, .outputExceeded, .protectionLost,
            .interrupted, .refused, .notExecuted:
            false
        }
    }

    private func lostProtection(_ mounts: borrowing MountWatch) -> String? {
        do throws(Refusal) {
            return try mounts.change()
        } catch {
            // pid 1 may be gone already: then there is nothing left to protect from.
            return error.errno == ENOENT || error.errno == ESRCH || error.errno == EINVAL
                ? nil : "mountinfo: \(error.errno)"
        }
    }

    /// One look at names, plants and memory; nanoseconds until the next.
    private mutating func look(_ memory: inout MemoryWatch, _ names: borrowing ProtectedNames) -> Int64 {
        let limit = plan.limits.memory.bytes
        if let lost = names.lost() {
            verdict = verdict ?? .protectionLost(what: lost)
            return 0
        }
        if let finding = plants.finding() {
            verdict = verdict ?? .protectionLost(what: finding)
            return 0
        }
        if let lost = group?.lost() {
            verdict = verdict ?? .protectionLost(what: lost)
            return 0
        }
        var next: Int64 = 50_000_000
        if let workspace {
            do throws(Refusal) {
                switch try workspace.look() {
                case .exceeded(let used):
                    verdict = verdict ?? .diskExceeded(used: ByteCount(bytes: used), limit: workspace.limit)
                    return 0
                case .again(let nanoseconds): next = nanoseconds
                }
            } catch {
                verdict = verdict ?? .protectionLost(what: "workspace watch: \(error.message)")
                return 0
            }
        }
        if plan.limits.memoryIsHeld { return next }
        do throws(Refusal) {
            let used = try memory.look(limit: limit)
            if used > limit {
                verdict = verdict ?? .memoryExceeded(used: ByteCount(bytes: used), limit: plan.limits.memory)
            }
            // Near the limit twice as often would be too late for a fast writer.
            return min(next, used > limit / 2 ? 10_000_000 : 50_000_000)
        } catch {
            verdict = verdict ?? .protectionLost(what: "memory watch: \(error.message)")
            return 0
        }
    }

    /// Bytes of the job's output so far; nil where nothing of it passes through here.
    private static func written(_ relays: [Relay]) -> UInt64? {
        let outward = relays.filter { $0.isOutward }
        return outward.isEmpty ? nil : outward.reduce(0) { $0 &+ $1.carried }
    }

    private func outcome(_ status: Int32?) -> Outcome {
        Outcome(verdict, executionError, status, of: plan.process)
    }
}
