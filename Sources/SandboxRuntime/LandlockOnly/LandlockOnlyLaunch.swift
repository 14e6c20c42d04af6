internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// One launch in the weaker profile `landlock-only`: keeper, verification, gate, release, watch, end.
///
/// A path of its own beside `Launch`, which so cannot come to do without a namespace. Steps, gate, filters, streams and records
/// are the same.
struct LandlockOnlyLaunch {
    let task: Launch.Task
    let group: LimitGroup?

    /// Sets up, verifies, records, releases and waits for the end.
    ///
    /// - Parameters:
    ///   - streams: what the worker gets as 0, 1 and 2; the caller ends them.
    ///   - record: writes the start record; a throw means that the worker never runs.
    ///   - released: work of the caller's for the time that the worker needs to start.
    /// - Returns: how it went; a refusal is an outcome too.
    func run(
        streams: inout StandardStreams,
        record: (Established) throws(Refusal) -> Void,
        released: () -> Void
    ) -> CompletedLaunch {
        var result = CompletedLaunch.notReached(.killedAtGate)
        do throws(Refusal) {
            let blocked = cs_block_all_signals()
            if blocked < 0 { throw Refusal(own: "rt_sigprocmask", blocked) }
            let limited = cs_no_core_dumps()
            if limited < 0 { throw Refusal(own: "prlimit64", limited) }
            // What was begun for a place before this profile was known has moved us; nobody has taken it, or it is gone by now.
            cs_early_end()
            let restored = cs_processors_own_again()
            if restored < 0 { throw Refusal(own: "sched_setaffinity", restored) }
            let signals = try SignalSource()
            try LandlockOnlyLaunch.checkChildren()
            var keeper = try attempt { () throws(PlaceError) in try KeeperProcess() }
            do throws(Refusal) {
                try run(&keeper, &streams, signals, record, released, &result)
            } catch {
                result.outcome = .refused(group?.lackOfMemory(task.plan) ?? error)
            }
            group?.kill()
            // What ends is the job; only the kernel's word that nothing is left counts.
            if !keeper.end() && result.released {
                result.outcome = .protectionLost(what: "processes of the job could not be ended: some may still run")
            }
        } catch {
            result.outcome = .refused(error)
        }
        group?.end()
        return result
    }

    private func run(
        _ keeper: inout KeeperProcess,
        _ streams: inout StandardStreams,
        _ signals: borrowing SignalSource,
        _ record: (Established) throws(Refusal) -> Void,
        _ released: () -> Void,
        _ result: inout CompletedLaunch
    ) throws(Refusal) {
        let plan = task.plan
        guard plan.confinement == .landlockOnly, let weaker = plan.weaker?.landlockOnly else {
            throw Refusal(
                stage: "plan",
                message: "the plan is not one of the profile landlock-only",
                remedy: "report this with the record"
            )
        }
        let verification = try LandlockOnlyVerification(plan: plan, host: task.host)
        var findings = Findings()
        let files = try ProcessFiles(pid: keeper.pid)
        var membership = try GroupMembership(plan, group)
        try membership?.take(files)
        let file = try sealed(PlanLowering.lowered(plan, filter: task.compiled.placeFilter), "plan")
        try attempt { () throws(PlaceError) in try keeper.go(plan: file) }
        let values = try ready(keeper)
        try verification.verifyKeeper(files, values, &findings)

        var gate = try attempt { () throws(PlaceError) in try Gate() }
        let filter = task.compiled.processFilter.refusing(
            weaker.refusedCalls,
            weaker.argumentRules,
            unsupported: weaker.unsupportedCalls
        )
        let request = try sealed(SpawnLowering.lowered(plan.process, filter: filter), "spawn")
        let theirs = gate.takeTheirs()
        try attempt { () throws(PlaceError) in
            try keeper.spawn(request: request, gate: theirs, stdio: streams.given)
        }
        dropped(theirs)
        let worker = try started(keeper, &findings)
        let process = try ProcessFiles(pid: worker)
        let report = try atGate(gate, worker)
        try verification.verifyWorker(
            process,
            report,
            keeper: keeper.pid,
            stdio: streams.identities,
            &findings
        )
        for (who, number) in [("keeper", keeper.pid), ("worker", worker)] {
            findings.compare(
                .attributes,
                "processors of \(who)",
                expected: "the caller's",
                found: PlaceProcess.hasOwnProcessors(number) ? "the caller's" : "others"
            )
        }
        try membership?.verify(files, process, &findings)
        result.layers = LayerReports.list(plan, findings.observations)
        if let refusal = findings.refusal() { throw refusal }
        try record(Established(layers: result.layers, worker: worker, executable: executable()))

        var supervision = try LandlockOnlySupervision(plan, keeper: keeper.pid, worker: process, group: membership)
        streams.closeGiven()
        if let early = signals.early() {
            result.outcome = .interrupted(signal: early)
            return
        }
        try attempt { () throws(PlaceError) in try gate.release() }
        result.released = true
        result.releasedAt = cs_now()
        let from = cs_monotonic()
        released()
        let end = supervision.watch(keeper, worker: process, gate: gate, signals: signals, relays: streams.relays)
        result.wallNanoseconds = cs_monotonic() - from
        result.outcome = end.outcome
        result.execve = end.execve
        result.usage = end.usage
    }

    // MARK: - Steps

    /// The end of a job is here that no child of this process is left: one that somebody else has given it would be ended, too.
    ///
    /// A process keeps its children over execve(2): those of a shell that has become this launcher (`exec`).
    private static func checkChildren() throws(Refusal) {
        let list: OSString = "/proc/thread-self/children"
        let text: [UInt8]
        do throws(SyscallError) { text = try FileReading.read(list) } catch {
            throw Refusal(
                stage: "place",
                step: error.call,
                subject: list.description,
                errno: error.errno,
                message: "it cannot be told whether this process has children already",
                remedy: "see that /proc is mounted"
            )
        }
        if text.isEmpty { return }
        let numbers = text.split(separator: 0x20).map { OSString($0).description }.joined(separator: ", ")
        throw Refusal(
            stage: "place",
            step: "children",
            subject: list.description,
            message: "this process has children already (\(numbers)), from the program that it was before; with this "
                + "profile the end of a job is that no child is left, and they would be ended with it",
            remedy: "start it as a process of its own: not with `exec` from a shell that has jobs of its own"
        )
    }

    private func ready(_ keeper: borrowing KeeperProcess) throws(Refusal) -> [Int64] {
        guard case .ready(let values) = try event(keeper) else {
            throw refusal(.unexpected("an event before the keeper was ready"))
        }
        return values
    }

    /// The worker's pid, as the keeper says it, with its word that its own memory is closed by then.
    private func started(_ keeper: borrowing KeeperProcess, _ findings: inout Findings) throws(Refusal) -> Int32 {
        switch try event(keeper) {
        case .started(let pid, let dumpable):
            findings.compare(.environment, "keeper is dumpable", expected: 0, found: dumpable, .selfReported)
            return Int32(truncatingIfNeeded: pid)
        case .notStarted(let code):
            throw Refusal(
                stage: "place",
                step: "fork of the worker",
                subject: "keeper",
                errno: code,
                message: "the worker could not be made",
                remedy: code == EAGAIN
                    ? "all processes of the caller count for limits.tasks here: raise it (--pids)" : "see the errno",
                layer: .rlimits
            )
        case .ready, .exited, .timedOut: throw refusal(.unexpected("no word on the worker's start"))
        case .gone: throw refusal(.gone)
        }
    }

    private func event(_ keeper: borrowing KeeperProcess) throws(Refusal) -> KeeperProcess.Event {
        let timeout = Int32(clamping: task.plan.limits.setUp.milliseconds)
        do throws(PlaceError) {
            let event = try keeper.event(timeout: timeout)
            if event == .gone { throw .gone }
            return event
        } catch { throw refusal(error) }
    }

    /// What the worker says of itself at the gate; the kernel says who it is (SCM_CREDENTIALS).
    private func atGate(_ gate: borrowing Gate, _ worker: Int32) throws(Refusal) -> [Int64] {
        let timeout = Int32(clamping: task.plan.limits.setUp.milliseconds)
        do throws(PlaceError) {
            guard case .born(worker) = try gate.event(timeout: timeout) else {
                throw .unexpected("another process at the gate than the worker")
            }
            guard case .ready(worker, let values) = try gate.event(timeout: timeout) else {
                throw .unexpected("another process at the gate than the worker")
            }
            return values
        } catch { throw refusal(error) }
    }

    /// The first candidate that exists: there is no root but the host's.
    private func executable() -> WorkerExecutable? {
        let root = cs_openat2(FileReading.currentFolder, "/", UInt64(CS_O_PATH) | UInt64(CS_O_DIRECTORY), 0, 0)
        guard root >= 0 else { return nil }
        let folder = OwnedFileDescriptor(owning: Int32(root))
        return WorkerLookup.executable(task.plan.process, root: folder.number)
    }

    private func sealed(_ bytes: [UInt8], _ name: String) throws(Refusal) -> OwnedFileDescriptor {
        let file = cs_sealed_memfd("codex-sandbox " + name, bytes, bytes.count)
        if file < 0 { throw Refusal(own: "memfd_create", file) }
        return OwnedFileDescriptor(owning: Int32(file))
    }

    /// Ours of the gate's other end, so that the worker's exec is seen as the end of file.
    private func dropped(_ descriptor: consuming OwnedFileDescriptor) {}

    /// What a failure tells; pid 1 is the keeper here.
    private func refusal(_ error: PlaceError) -> Refusal {
        var refusal = Refusal(error, steps: task.plan.steps)
        switch error {
        case .gone: refusal.message = "the keeper of the job ended without a word"
        case .setUp:
            refusal.subject = "keeper"
            // There is no user namespace that could be the cause.
            if refusal.layer == .userNamespace { refusal.layer = nil }
        case .syscall, .step, .timedOut, .unexpected: break
        }
        return refusal
    }

    private func attempt<Value: ~Copyable>(_ body: () throws(PlaceError) -> Value) throws(Refusal) -> Value {
        do throws(PlaceError) {
            return try body()
        } catch { throw refusal(error) }
    }
}
