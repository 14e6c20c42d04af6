internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The thread of one sandbox: commands of other threads, pid 1's messages, gates, and what watches the place.
///
/// Everything but `commands` is its own thread's alone.
final class SandboxLoop: @unchecked Sendable {
    let commands: LoopCommands
    private var processes: [UInt32: StartingProcess] = [:]
    private var next: UInt32 = 1
    /// Taken, and not carried out yet.
    private var pending: [LoopCommand] = []
    private var verdict: Outcome?
    private var warnings: [String] = []
    private var isClosing = false
    /// The process that the sandbox ends with, once it has ended.
    private var last: Ended?

    private struct Ended {
        var process: StartingProcess
        var outcome: Outcome
        var usage: Usage
        var execve: ExecveFact
    }

    static let isClosed = Refusal(
        stage: "process",
        subject: "sandbox",
        message: "the sandbox is closed, or has ended",
        remedy: "open another one"
    )

    init() throws(Refusal) {
        commands = try LoopCommands()
    }

    /// Asks the thread for something that has no answer.
    func post(_ command: LoopCommand) { _ = commands.post(command) }

    /// There is no place: whatever was asked for meanwhile is refused.
    func refuse() {
        for case .start(_, let waiting) in commands.end() { waiting.set(.failure(SandboxLoop.isClosed)) }
    }

    /// Serves until the sandbox is closed or lost.
    ///
    /// - Parameters:
    ///   - place: stands, and is given up here.
    ///   - opened: called when commands are taken.
    /// - Returns: how it ended; nothing of it is left.
    func run(_ place: OpenPlace, _ opened: () -> Void) -> SandboxEnd {
        opened()
        var nextLook = cs_monotonic() + 50_000_000
        while !isClosing && verdict == nil {
            var table = [
                pollfd(fd: place.place.control.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: place.mounts.file.number, events: Int16(POLLPRI), revents: 0),
                pollfd(fd: commands.bell.number, events: Int16(POLLIN), revents: 0),
            ]
            var gates: [StartingProcess] = []
            for process in processes.values {
                guard let gate = process.gateNumber else { continue }
                gates.append(process)
                table.append(pollfd(fd: gate, events: Int16(POLLIN), revents: 0))
            }
            let before = cs_monotonic()
            let wait = pending.isEmpty ? max(0, (min(nextLook, deadline) - before + 999_999) / 1_000_000) : 0
            let ready = poll(&table, nfds_t(table.count), Int32(clamping: wait))
            let code = errno
            if ready < 0 && code != EINTR && code != ENOMEM {
                verdict = .protectionLost(what: "poll failed: errno \(code)")
                break
            }
            if ready > 0 {
                if table[1].revents & Int16(POLLPRI | POLLERR) != 0, let lost = lostMounts(place) {
                    verdict = .protectionLost(what: lost)
                    break
                }
                // pid 1's word first: a gate that closes does not say why.
                controlEvents(place)
                for (index, process) in gates.enumerated() where table[3 + index].revents != 0 {
                    gateEvent(process, place)
                }
                if table[2].revents != 0 { pending += commands.take() }
            }
            // A few at a time: pid 1 answers each, and whoever does not read while it writes waits for ever.
            for command in pending.prefix(16) { carryOut(command, place) }
            pending.removeFirst(min(16, pending.count))
            let now = cs_monotonic()
            keepTimes(now, place)
            if now >= nextLook { nextLook = now + look(place) }
        }
        return end(place)
    }

    /// The next moment at which a process is too late for something.
    private var deadline: Int64 {
        var first = Int64.max
        for process in processes.values {
            first = min(first, process.deadline)
            if let killAt = process.killAt { first = min(first, killAt) }
        }
        return first
    }

    // MARK: - Commands

    private func carryOut(_ command: LoopCommand, _ place: OpenPlace) {
        switch command {
        case .start(let options, let waiting): start(options, waiting, place)
        case .signal(let number, let signal):
            guard let process = processes[number], process.isReleased else { return }
            self.signal(process, signal, place)
        case .outputExceeded(let number, let bytes):
            guard let process = processes[number], process.isReleased, let limit = process.plan.limits.output else {
                return
            }
            verdict = verdict ?? .outputExceeded(used: ByteCount(bytes: bytes), limit: limit)
        case .close: isClosing = true
        }
    }

    private func signal(_ process: StartingProcess, _ signal: Int32, _ place: OpenPlace) {
        do throws(PlaceError) {
            try place.place.signal(signal, id: process.number)
        } catch {
            verdict = verdict ?? .signalled(signal: SIGKILL)
        }
    }

    private func start(_ options: ProcessOptions, _ waiting: Latch<StartResult>, _ place: OpenPlace) {
        do throws(Refusal) {
            let process = try planned(options, waiting, place)
            do throws(Refusal) {
                try ask(process, place)
            } catch {
                refuse(process, error, .noProcess)
                return
            }
            processes[process.number] = process
        } catch {
            waiting.set(.failure(error))
        }
    }

    private func planned(
        _ options: ProcessOptions,
        _ waiting: Latch<StartResult>,
        _ place: OpenPlace
    ) throws(Refusal) -> StartingProcess {
        let process = try place.preparation.planned(options)
        var plan = place.preparation.plan
        plan.process = process
        if let most = options.output { plan.limits.narrowOutput(to: most) }
        var context = place.context
        context.id = try OpenPlace.newID()
        context.startedAt = .now
        context.arguments = process.arguments
        context.plan = plan
        defer { next += 1 }
        return StartingProcess(
            number: next,
            plan: plan,
            options: options,
            context: context,
            store: try OpenPlace.store(place.location, place.durability),
            waiting: waiting
        )
    }

    /// Sends pid 1 the request.
    private func ask(_ process: StartingProcess, _ place: OpenPlace) throws(Refusal) {
        let theirs = try process.makeStreams()
        defer { for number in theirs { _ = close(number) } }
        let filter = place.preparation.compiled.processFilter
        let isTerminal = if case .terminal = process.options.streams { true } else { false }
        let bytes = SpawnLowering.lowered(process.plan.process, filter: filter, ownTerminal: isTerminal)
        let sealed = cs_sealed_memfd("codex-sandbox spawn", bytes, bytes.count)
        if sealed < 0 { throw Refusal(own: "memfd_create", sealed) }
        let request = OwnedFileDescriptor(owning: Int32(sealed))
        do throws(PlaceError) {
            var gate = try Gate()
            let end = gate.takeTheirs()
            try place.place.spawn(
                id: process.number,
                request: request,
                gate: end,
                stdio: theirs,
                endsPlace: false,
                hasTerminal: false
            )
            process.gate = .some(consume gate)
        } catch { throw Refusal(error, steps: process.plan.steps) }
    }

    // MARK: - Events

    private func gateEvent(_ process: StartingProcess, _ place: OpenPlace) {
        do throws(Refusal) {
            let event: Gate.Event
            do throws(PlaceError) {
                guard let next = try process.gateEvent() else { return }
                event = next
            } catch { throw Refusal(error, steps: process.plan.steps) }
            switch event {
            case .born(let pid):
                process.worker = pid
                let files = try ProcessFiles(pid: pid)
                try place.verification.verifyInherited(files, namespaces: place.namespaces, &process.findings)
            case .terminal(let pid, let controlling):
                guard pid == process.worker else {
                    _ = close(controlling)
                    throw Refusal(.unexpected("a terminal of another process"), steps: [])
                }
                try process.take(terminal: controlling, root: place.root.number)
            case .listener(_, let number):
                _ = close(number)
                throw Refusal(.unexpected("a listener that nobody asked for"), steps: [])
            case .ready(let pid, let values):
                guard pid == process.worker, process.values == nil else {
                    throw Refusal(.unexpected("another process at the gate than the one that was born"), steps: [])
                }
                process.values = values
                if process.isAtGate { try release(process, place) }
            case .executionFailed(let pid, let code, let candidate):
                // Only the process itself can say it: a sibling may have got hold of its gate.
                if pid == process.worker { process.executionError = (code, candidate) }
            case .closed:
                process.gate = nil
                if !process.isReleased { throw Refusal(.gone, steps: process.plan.steps) }
            }
        } catch {
            if process.isReleased {
                process.gate = nil
            } else {
                refuse(process, process.ownFailure() ?? error, .killedAtGate)
            }
        }
    }

    private func controlEvents(_ place: OpenPlace) {
        // As many as are there: at the end of many processes at once nothing else should have to wait for each.
        for _ in 0..<256 where verdict == nil {
            do throws(PlaceError) {
                switch try place.place.event(timeout: 0) {
                case .started(let id, let inside, let dumpable): started(id, inside, dumpable, place)
                case .exited(let id, let status, let user, let system, let resident, _, let unsure):
                    var usage = Usage.none
                    usage.userMicroseconds = UInt64(max(user, 0))
                    usage.systemMicroseconds = UInt64(max(system, 0))
                    usage.maximumResident = ByteCount(bytes: UInt64(max(resident, 0)) << 10)
                    exited(id, status, usage, isExecUnsure: unsure, place)
                case .notStarted(let id, let error):
                    if let process = processes[id] {
                        refuse(process, SandboxLoop.cannotFork(error), .noProcess)
                    }
                case .timedOut: verdict = .timedOut
                case .gone: verdict = .signalled(signal: SIGKILL)
                case .mounted, .ready, .stopped: break
                }
            } catch {
                if error == .timedOut { return }
                verdict = .signalled(signal: SIGKILL)
            }
        }
    }

    private static func cannotFork(_ errno: Int32) -> Refusal {
        Refusal(
            stage: "process",
            step: "clone",
            subject: "pid 1",
            errno: errno,
            message: "the sandbox cannot make another process",
            remedy: errno == EAGAIN
                ? "end some of its processes, or give the policy a higher limits.tasks" : "see clone(2) for this error",
            layer: .rlimits
        )
    }

    private func started(_ id: UInt32, _ inside: Int64, _ dumpable: Int64, _ place: OpenPlace) {
        guard let process = processes[id], !process.isReleased else { return }
        process.startedInside = inside
        process.findings.compare(.environment, "pid 1 is dumpable", expected: 0, found: dumpable, .selfReported)
        guard process.isAtGate else { return }
        do throws(Refusal) {
            try release(process, place)
        } catch { refuse(process, error, .killedAtGate) }
    }

    /// Compares the process at its gate, records its start, and lets it go.
    private func release(_ process: StartingProcess, _ place: OpenPlace) throws(Refusal) {
        guard let worker = process.worker, let values = process.values, let number = process.startedInside else {
            return
        }
        let files = try ProcessFiles(pid: worker)
        let inside = try place.verification.verifyProcess(
            files,
            values,
            parent: place.place.pid,
            stdio: process.identities,
            &process.findings
        )
        process.findings.compare(.pidNamespace, "NSpid of worker", expected: String(number), found: inside)
        ProcessVerification.verifyNarrowing(process.plan.process, values, &process.findings)
        process.findings.compare(
            .descriptors,
            "standard streams that were made for it",
            expected: 3,
            found: Int64(process.identities.count)
        )
        try place.group?.verify(files, as: "worker", &process.findings)
        process.findings.compare(
            .mounts,
            "mount table since it was compared",
            expected: "unchanged",
            found: place.mounts.isQuiet ? "unchanged" : "changed"
        )
        process.layers = LayerReports.list(process.plan, place.observations + process.findings.observations)
        if let refusal = process.findings.refusal() { throw refusal }
        var prepared = PreparedContext(process.context)
        prepared.worker = WorkerLookup.executable(process.plan.process, root: place.root.number)
        process.prepared = prepared
        do throws(EvidenceError) {
            try process.store.appendStart(prepared, layers: process.layers)
        } catch { throw error.refusal }
        do throws(PlaceError) {
            try process.openGate()
        } catch { throw Refusal(error, steps: process.plan.steps) }
        process.releasedAt = cs_now()
        process.releasedMonotonic = cs_monotonic()
        process.deadline =
            process.options.timeout.map { process.releasedMonotonic + Int64($0.milliseconds) * 1_000_000 } ?? Int64.max
        let handle = SandboxedProcess(
            launch: process.context.id,
            ends: process.ends,
            pid: worker,
            outputLimit: process.plan.limits.output,
            number: process.number,
            loop: self
        )
        process.process = handle
        process.waiting?.set(.success(handle))
        process.waiting = nil
        process.store.settle()
    }

    /// The process has not run and never will; its end of the gate closes, and it goes.
    private func refuse(_ process: StartingProcess, _ refusal: Refusal, _ proof: ExecveFact.Proof) {
        processes[process.number] = nil
        process.gate = nil
        process.closeEnds()
        let told: Refusal
        if process.store.hasStart, let prepared = process.prepared {
            var end = process.end(.refused(refusal))
            end.execve = .notReached(proof)
            end.exitStatus = 125
            told = refusal
            do throws(EvidenceError) {
                try process.store.appendOutcome(prepared, end)
            } catch { warnings.append("the outcome of \(process.context.id) is not recorded: \(error.message)") }
        } else {
            told = OpenPlace.recorded(refusal, &process.store, process.context, proof: proof, layers: process.layers)
        }
        process.waiting?.set(.failure(told))
        process.waiting = nil
    }

    private func exited(
        _ id: UInt32,
        _ status: Int32,
        _ usage: Usage,
        isExecUnsure: Bool,
        _ place: OpenPlace
    ) {
        guard let process = processes[id] else { return }
        guard process.isReleased else {
            refuse(process, process.ownFailure() ?? Refusal(.gone, steps: process.plan.steps), .killedAtGate)
            return
        }
        // What execve(2) said came before the end it caused.
        for _ in 0..<4 {
            do throws(PlaceError) {
                guard case .executionFailed(let pid, let code, let candidate)? = try process.gateEvent() else { break }
                if pid != process.worker { continue }
                process.executionError = (code, candidate)
            } catch { break }
        }
        let signal = status & 0x7F
        var outcome: Outcome
        if let error = process.executionError {
            let all = process.plan.process
            let path =
                error.errno == ENOENT
                ? all.arguments[0] : all.candidates[min(max(error.candidate, 0), all.candidates.count - 1)]
            outcome = .notExecuted(errno: error.errno, message: path.description)
        } else if process.timedOut {
            outcome = .timedOut
        } else {
            outcome = signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(signal: signal)
        }
        let execve: ExecveFact = process.executionError != nil ? .failed : isExecUnsure ? .notKnown : .succeeded
        if signal == SIGKILL, let exceeded = place.group?.memoryExceeded(process.plan) {
            // The kernel kills the whole place then: who is heard of first is no matter.
            verdict = verdict ?? exceeded
            outcome = exceeded
        }
        guard process.options.endsSandbox else {
            return finish(process, outcome, usage, execve, place.group?.counted())
        }
        processes[process.number] = nil
        last = Ended(process: process, outcome: outcome, usage: usage, execve: execve)
        isClosing = true
    }

    /// `left` is what was found in the workspace after it, where the sandbox has ended with it.
    private func finish(
        _ process: StartingProcess,
        _ outcome: Outcome,
        _ usage: Usage,
        _ execve: ExecveFact,
        _ counted: CgroupUsage?,
        left: SandboxEnd? = nil
    ) {
        var usage = usage
        // Of the whole place, up to now.
        usage.cgroup = counted
        processes[process.number] = nil
        var end = process.end(outcome)
        if let left {
            end.planted = left.planted
            end.removed = left.removed
            end.unseen = left.unseen
        }
        end.execve = execve
        end.usage = usage
        end.limitsReached = process.plan.limits.reached(outcome, usage)
        end.exitStatus = outcome.processStatus
        var told = ProcessEnd(outcome: outcome, usage: usage, limitsReached: end.limitsReached)
        if let prepared = process.prepared {
            do throws(EvidenceError) {
                try process.store.appendOutcome(prepared, end)
            } catch { told.warnings.append("the outcome is not recorded: \(error.message)") }
        }
        // It holds this loop, and nothing of it is asked for again: kept, it would hold both for ever, with the files of the place.
        process.process.take()?.ended(told)
    }

    // MARK: - Watching

    private func keepTimes(_ now: Int64, _ place: OpenPlace) {
        for process in Array(processes.values) {
            if !process.isReleased {
                if now >= process.deadline {
                    refuse(process, Refusal(.timedOut, steps: process.plan.steps), .killedAtGate)
                }
                continue
            }
            if let killAt = process.killAt, now >= killAt {
                process.killAt = nil
                signal(process, SIGKILL, place)
            }
            if now >= process.deadline {
                process.deadline = Int64.max
                process.timedOut = true
                signal(process, SIGTERM, place)
                signal(process, SIGCONT, place)
                process.killAt = now + Int64(process.plan.limits.grace.milliseconds) * 1_000_000
            }
        }
    }

    private func lostMounts(_ place: OpenPlace) -> String? {
        do throws(Refusal) {
            return try place.mounts.change()
        } catch {
            return error.errno == ENOENT || error.errno == ESRCH || error.errno == EINVAL
                ? nil : "mountinfo: \(error.errno)"
        }
    }

    /// One look at names, plants and memory; nanoseconds until the next.
    private func look(_ place: OpenPlace) -> Int64 {
        let limit = place.preparation.plan.limits.memory
        if let lost = place.names.lost() ?? place.plants.finding() {
            verdict = .protectionLost(what: lost)
            return 0
        }
        if let lost = place.group?.lost() {
            verdict = .protectionLost(what: lost)
            return 0
        }
        var next: Int64 = 50_000_000
        if let watch = place.workspaceWatch {
            do throws(Refusal) {
                switch try watch.look() {
                case .exceeded(let used):
                    verdict = .diskExceeded(used: ByteCount(bytes: used), limit: watch.limit)
                    return 0
                case .again(let nanoseconds): next = nanoseconds
                }
            } catch {
                verdict = .protectionLost(what: "workspace watch: \(error.message)")
                return 0
            }
        }
        if place.preparation.plan.limits.memoryIsHeld { return next }
        do throws(Refusal) {
            let used = try place.memory.look(limit: limit.bytes)
            if used > limit.bytes { verdict = .memoryExceeded(used: ByteCount(bytes: used), limit: limit) }
            return min(next, used > limit.bytes / 2 ? 10_000_000 : 50_000_000)
        } catch {
            verdict = .protectionLost(what: "memory watch: \(error.message)")
            return 0
        }
    }

    // MARK: - The end

    /// Ends every process and the place, and closes the records.
    private func end(_ place: OpenPlace) -> SandboxEnd {
        let late = pending + commands.end()
        // Nobody here had a reason: then it was the kernel's.
        if case .signalled(SIGKILL) = verdict, let exceeded = place.group?.memoryExceeded(place.preparation.plan) {
            verdict = exceeded
        }
        place.group?.group.kill()
        place.place.end()
        let counted = place.group?.counted()
        place.group?.group.end()
        let found = place.plants.settled()
        if let finding = found.finding { verdict = verdict ?? .protectionLost(what: finding) }
        for process in Array(processes.values) where !process.isReleased || !process.options.endsSandbox {
            if process.isReleased {
                finish(process, verdict ?? .signalled(signal: SIGKILL), .none, .notKnown, counted)
            } else {
                refuse(process, SandboxLoop.isClosed, .killedAtGate)
            }
        }
        for case .start(_, let waiting) in late { waiting.set(.failure(SandboxLoop.isClosed)) }
        let names = place.planted()
        if let lost = names.failure { verdict = verdict ?? .protectionLost(what: lost) }
        warnings += names.words + found.words + place.placeholders.end()
        let end = SandboxEnd(
            verdict: verdict,
            planted: names.made + (found.removed + found.remaining).filter { !names.made.contains($0) },
            removed: names.removed + found.removed.filter { !names.removed.contains($0) },
            unseen: names.unseen,
            warnings: warnings
        )
        for process in Array(processes.values) {
            finish(process, verdict ?? .signalled(signal: SIGKILL), .none, .notKnown, counted, left: end)
        }
        if let last = last.take() {
            // What ended the place is the cause; a process that went wrong by itself stays what it is.
            let outcome = found.finding.map { Outcome.protectionLost(what: $0) } ?? names.outcome(after: last.outcome)
            finish(last.process, outcome, last.usage, last.execve, counted, left: end)
        }
        return end
    }
}
