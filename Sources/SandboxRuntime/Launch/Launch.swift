internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// One launch of one process: place, verification, gate, release, watch, end.
///
/// pid 1 is started before the plan is made: it needs only its ids and namespaces, and its exec takes as long as the
/// planning. It stands at gate A until the plan is there.
public struct Launch: ~Copyable {
    var place: PlaceProcess
    private let signals: SignalSource
    let identity: IdentityPlan
    let namespaces: [Layer]
    /// Steps that pid 1 was told before there was a plan.
    var doneBefore = 0
    /// What the place is put into, where the plan has one.
    var group: LimitGroup?

    /// What a started place is given to do.
    public struct Task: Sendable {
        public var plan: LaunchPlan
        /// Filters that belong to the plan's policy.
        public var compiled: CompiledPolicy
        /// Facts the plan was made from.
        public var host: HostFacts
        /// For each terminal of the plan, the streams that are it.
        public var terminals: [[Int]]
    }

    /// Begins to make the namespaces and pid 1, which will stand at gate A.
    ///
    /// From here on every signal waits. What the kernel does not allow is known in `run`.
    ///
    /// - Parameters:
    ///   - identity: ids of the worker.
    ///   - namespaces: what is made.
    /// - Throws: `Refusal` when the kernel does not allow it; nothing is left then.
    public init(identity: IdentityPlan, namespaces: [Layer]) throws(Refusal) {
        let blocked = cs_block_all_signals()
        if blocked < 0 { throw Refusal(own: "rt_sigprocmask", blocked) }
        let limited = cs_no_core_dumps()
        if limited < 0 { throw Refusal(own: "prlimit64", limited) }
        let source = try SignalSource()
        place = try Launch.begin(identity, namespaces)
        signals = source
        self.identity = identity
        self.namespaces = namespaces
    }

    /// Names the cgroup of the place; it is ended with it.
    mutating func use(_ group: LimitGroup?) { self.group = group }

    /// Sets up, verifies, records, releases and waits for the end; nothing is left when it returns.
    ///
    /// - Parameters:
    ///   - task: what is to be done.
    ///   - streams: what the worker gets as 0, 1 and 2; the caller ends them, because output may still be on the way.
    ///   - held: gets the place's network namespace, for the caller to keep as long as there is something left to do.
    ///   - meanwhile: work of the caller's for the time that pid 1 needs; a throw ends the launch.
    ///   - record: writes the start record; a throw means that the worker never runs.
    ///   - released: work of the caller's for the time that the worker needs to start.
    ///   - ended: the same for the time that the kernel needs for the place's end; every process of the job is gone. Not
    ///     called for a launch that was not released.
    /// - Returns: how it went; a refusal is an outcome too.
    public consuming func run(
        _ task: Task,
        streams: inout StandardStreams,
        held: inout HeldNetwork,
        meanwhile: () throws(Refusal) -> Void,
        record: (Established) throws(Refusal) -> Void,
        released: () -> Void,
        ended: (CompletedLaunch) -> Void
    ) -> CompletedLaunch {
        var result = CompletedLaunch.notReached(.killedAtGate)
        do throws(Refusal) {
            try run(task, &streams, &held, meanwhile, record, released, ended, into: &result)
        } catch {
            // What pid 1 says of its own end is the cause; that it was not there any more is what came of it.
            result.outcome = .refused(place.lastWord(task.plan) ?? group?.lackOfMemory(task.plan) ?? error)
        }
        place.end()
        group?.end()
        return result
    }

    private mutating func run(
        _ task: Task,
        _ streams: inout StandardStreams,
        _ held: inout HeldNetwork,
        _ meanwhile: () throws(Refusal) -> Void,
        _ record: (Established) throws(Refusal) -> Void,
        _ released: () -> Void,
        _ ended: (CompletedLaunch) -> Void,
        into result: inout CompletedLaunch
    ) throws(Refusal) {
        let plan = task.plan
        guard plan.identity == identity, plan.namespaces == namespaces else {
            throw Refusal(
                stage: "plan",
                message: "the plan is for other ids or namespaces than the place was made with",
                remedy: "the workspace's owner changed meanwhile? try again"
            )
        }
        if plan.process.reportsDenials { try DenialListener.check() }
        try go(task)
        result.beganEarly = doneBefore > 0

        var gate = try attempt(plan) { () throws(PlaceError) in try Gate() }
        let request = try sealed(SpawnLowering.lowered(plan.process, filter: task.compiled.processFilter), "spawn")
        do throws(PlaceError) {
            try place.started()
        } catch {
            result.execve = .notReached(.noProcess)
            throw Refusal(error, steps: plan.steps)
        }
        var findings = Findings()
        let files = try ProcessFiles(pid: place.pid)
        // Before the worker is asked for: it is born where pid 1 is.
        var membership = try GroupMembership(plan, group)
        try membership?.take(files)
        // Read before the worker is asked for: pid 1 then closes its memory, and this file with it.
        try ProcessVerification.verifyEnvironment(files, for: plan, &findings)
        // pid 1 takes the request when the place is ready, without waiting for a word of ours; the worker stands at
        // gate B while both are verified.
        var order = Optional(SpawnOrder(request: request, gate: gate.takeTheirs()))
        // Terminals are not there before the place is.
        if task.terminals.isEmpty, let order = order.take() { try spawn(order, streams, plan) }

        // pid 1 is busy now; whatever needs nothing from it is done here.
        let mounts = MountVerification(plan: plan)
        try meanwhile()
        let plants = try PlantWatch(plan)
        let verification = try ProcessVerification(plan: plan, host: task.host)
        // Of pid 1 this is settled since its exec; the worker's, which is looked at when nothing can change it any more, must
        // be the same.
        let namespaces = try verification.verifyNamespace(files, &findings)
        if plan.namespaces.contains(.networkNamespace) { held = try HeldNetwork(of: files) }

        // What stands after the last mount is compared while pid 1 goes on; the watch tells of a change from here on.
        try mounted(plan)
        let watch = try MountWatch(files)
        let root = try files.open("root", flags: UInt64(CS_O_PATH) | UInt64(CS_O_DIRECTORY))
        try mounts.verify(watch.text, root: root.number, &findings)
        FileVerification.verify(plan, root: root.number, &findings)
        let names = try ProtectedNames(plan, root: root)
        let executable = WorkerLookup.executable(plan.process, root: root.number)

        let report = try ready(plan)
        let sharedMemory = OwnedFileDescriptor(owning: report.sharedMemory)
        try verification.verifyPlace(files, report, &findings)
        let members = try PlaceMembers(plan, files)
        let memory = try MemoryWatch(
            root: root.number,
            targets: plan.tmpfsTargets,
            sharedMemory: sharedMemory,
            members: members
        )
        let workspace = try WorkspaceWatch(plan.limits.workspace, root: root.number, members: members)
        if let order = order.take() {
            try streams.attach(report.terminals, task.terminals)
            if let opened = streams.terminals { try TerminalVerification.verify(opened, root: root.number, &findings) }
            try spawn(order, streams, plan)
        } else if !report.terminals.isEmpty {
            for number in report.terminals { _ = close(number) }
            throw Refusal(.unexpected("terminals that nobody asked for"), steps: plan.steps)
        }
        let identities = streams.identities
        // Whoever holds a part of the place delays its end.
        dropped(root)

        let worker = try born(plan, gate)
        let process = try ProcessFiles(pid: worker)
        do throws(Refusal) {
            try verification.verifyInherited(process, namespaces: namespaces, &findings)
        } catch {
            // It may have failed meanwhile: what it says of that is the cause.
            guard let failure = gate.failure(timeout: 100) else { throw error }
            throw Refusal(failure, steps: plan.steps)
        }
        // Most of the record's text, while the worker is on its way.
        let written = WrittenObservations(findings.observations)

        let listener = try listener(plan, gate, worker, task.compiled.processFilter)
        let values = try atGate(plan, gate, worker, listener)
        let inside = try verification.verifyProcess(process, values, parent: place.pid, stdio: identities, &findings)
        if let terminals = streams.terminals, plan.process.terminal != nil {
            try TerminalVerification.verify(terminals, process, values, parent: files, &findings)
        }
        if let listener { try verifyListener(listener, &findings) }
        try attempt(plan) { () throws(PlaceError) in try place.freeProcessors(of: worker) }
        for (who, process) in [("pid 1", place.pid), ("worker", worker)] {
            findings.compare(
                .attributes,
                "processors of \(who)",
                expected: "the caller's",
                found: PlaceProcess.hasOwnProcessors(process) ? "the caller's" : "others"
            )
        }
        try membership?.verify(files, process, &findings)
        try verifySealed(plan, worker: inside, &findings)
        findings.compare(
            .mounts,
            "mount table since it was compared",
            expected: "unchanged",
            found: watch.isQuiet ? "unchanged" : "changed"
        )
        result.layers = LayerReports.list(plan, findings.observations)
        if let refusal = findings.refusal() { throw refusal }
        try record(
            Established(
                layers: result.layers,
                written: written,
                worker: worker,
                executable: executable,
                standardStreams: streams.terminals == nil ? nil : streams.recorded
            )
        )

        var supervision = Supervision(plan: plan, plants: plants, group: membership, workspace: workspace)
        streams.closeGiven()
        if let early = signals.early() {
            result.outcome = .interrupted(signal: early)
            return
        }
        try attempt(plan) { () throws(PlaceError) in try gate.release() }
        result.released = true
        result.releasedAt = cs_now()
        let from = cs_monotonic()
        place.settle()
        released()
        let end = supervision.watch(
            &place,
            mounts: watch,
            names: names,
            memory: memory,
            gate: gate,
            signals: signals,
            relays: streams.relays,
            terminals: streams.terminals,
            denials: listener
        )
        result.wallNanoseconds = cs_monotonic() - from
        result.outcome = end.outcome
        result.execve = end.execve
        result.usage = end.usage
        result.plants = end.plants
        result.denials = listener?.denials
        // The kernel takes the place's mounts away meanwhile.
        ended(result)
    }

    /// Closes it here, and not at the end of whoever had it.
    private func dropped(_ descriptor: consuming OwnedFileDescriptor) {}
}
