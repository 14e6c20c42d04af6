internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan
internal import SandboxPolicy

/// A launch that stands at gate B, verified: everything but the worker's execve(2) has happened.
public struct Established: Hashable, Sendable {
    public var layers: [LayerReport]
    /// A part of their observations, written before the gate was reached.
    var written = WrittenObservations()
    /// The worker in the supervisor's pid namespace.
    public var worker: Int32
    /// The first candidate that exists in the place, if any.
    public var executable: WorkerExecutable?
    /// What the worker has, where that was not known before the place stood.
    var standardStreams: [StandardStream]?
}

/// How a launch went, for records and results.
public struct CompletedLaunch: Hashable, Sendable {
    public var outcome: Outcome
    public var layers: [LayerReport]
    public var usage: Usage
    /// Whether the worker's execve(2) was asked for.
    public var released: Bool
    /// Nanoseconds since the epoch; 0 when it was not reached.
    public var releasedAt: Int64
    /// From release to end on the monotonic clock.
    public var wallNanoseconds: Int64
    /// Whether the worker's program was reached, and how that is known.
    public var execve: ExecveFact
    /// What the job planted to move git's settings elsewhere.
    public var plants = Plants()
    /// System calls that were refused; nil where nobody counted them.
    public var denials: Denials?
    /// Whether pid 1 began with the first steps of an earlier launch's plan.
    public var beganEarly = false
}

/// One launch of one process: place, verification, gate, release, watch, end.
///
/// pid 1 is started before the plan is made: it needs only its ids and namespaces, and its exec takes as long as the
/// planning. It stands at gate A until the plan is there.
public struct Launch: ~Copyable {
    private var place: PlaceProcess
    private let signals: SignalSource
    private let identity: IdentityPlan
    private let namespaces: [Layer]
    /// Steps that pid 1 was told before there was a plan.
    private var doneBefore = 0
    /// What the place is put into, where the plan has one.
    private var group: LimitGroup?

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
        let verification = try ProcessVerification(plan: plan, host: task.host, ownNamespaces: place.ownNamespaces)
        var findings = Findings()
        let files = try ProcessFiles(pid: place.pid)
        // Before the worker is asked for: it is born where pid 1 is.
        var membership = try GroupMembership(plan, group)
        try membership?.take(files)
        // Read before the worker is asked for: pid 1 then closes its memory, and this file with it.
        try verification.verifyEnvironment(files, &findings)
        // pid 1 takes the request when the place is ready, without waiting for a word of ours; the worker stands at
        // gate B while both are verified.
        var order = Optional(SpawnOrder(request: request, gate: gate.takeTheirs()))
        // Terminals are not there before the place is.
        if task.terminals.isEmpty, let order = order.take() { try spawn(order, streams, plan) }

        // pid 1 is busy now; whatever needs nothing from it is done here.
        let mounts = MountVerification(plan: plan)
        try meanwhile()
        let plants = try PlantWatch(plan)
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

    // MARK: - Steps

    /// What was begun before `main`, if it was for the same; else from the beginning.
    private static func begin(
        _ identity: IdentityPlan,
        _ namespaces: [Layer],
        _ group: LimitGroup? = nil
    ) throws(Refusal) -> PlaceProcess {
        if let begun = PlaceProcess.begun(identity: identity, namespaces: namespaces) { return begun }
        do throws(PlaceError) {
            return try PlaceProcess(identity: identity, namespaces: namespaces, group: group)
        } catch { throw Refusal(error, steps: []) }
    }

    /// Opens gate A.
    ///
    /// A place that was told to begin with something else than this plan does is given up for a new one.
    private mutating func go(_ task: Task) throws(Refusal) {
        let plan = PlanLowering.lowered(task.plan, filter: task.compiled.placeFilter)
        var done = 0
        if let told = place.firstSteps {
            if let count = told.count(in: plan) {
                done = count
            } else {
                place.end()
                place = try Launch.begin(identity, namespaces, group)
            }
        }
        let file = try sealed(plan, "plan")
        try attempt(task.plan) { () throws(PlaceError) in
            try place.go(plan: file, done: done, idMapped: task.plan.idMappedSource, id: identity.uid)
        }
        doneBefore = done
    }

    private func sealed(_ bytes: [UInt8], _ name: String) throws(Refusal) -> OwnedFileDescriptor {
        let file = cs_sealed_memfd("codex-sandbox " + name, bytes, bytes.count)
        if file < 0 { throw Refusal(own: "memfd_create", file) }
        return OwnedFileDescriptor(owning: Int32(file))
    }

    /// What pid 1 gets to start the worker with; ours of it is closed when it is sent.
    private struct SpawnOrder: ~Copyable {
        let request: OwnedFileDescriptor
        let gate: OwnedFileDescriptor
    }

    private func spawn(
        _ order: consuming SpawnOrder,
        _ streams: borrowing StandardStreams,
        _ plan: LaunchPlan
    ) throws(Refusal) {
        do throws(PlaceError) {
            try place.spawn(
                id: 1,
                request: order.request,
                gate: order.gate,
                stdio: streams.given,
                endsPlace: true,
                hasTerminal: plan.process.terminal != nil
            )
        } catch { throw Refusal(error, steps: plan.steps) }
    }

    /// Ours of the gate's other end, so that the process's exec is seen as the end of file.
    private func dropped(_ descriptor: consuming OwnedFileDescriptor) {}

    private func ready(_ plan: LaunchPlan) throws(Refusal) -> PlaceProcess.Report {
        let event = try attempt(plan) { () throws(PlaceError) in
            try place.event(timeout: milliseconds(plan.limits.setUp))
        }
        switch event {
        case .ready(let report): return report
        case .gone: throw Refusal(.gone, steps: plan.steps)
        case .mounted, .started, .exited, .timedOut, .stopped, .notStarted:
            throw Refusal(.unexpected("an event before the place was ready"), steps: plan.steps)
        }
    }

    private func mounted(_ plan: LaunchPlan) throws(Refusal) {
        let event = try attempt(plan) { () throws(PlaceError) in
            try place.event(timeout: milliseconds(plan.limits.setUp))
        }
        switch event {
        case .mounted: return
        case .gone: throw Refusal(.gone, steps: plan.steps)
        case .ready, .started, .exited, .timedOut, .stopped, .notStarted:
            throw Refusal(.unexpected("an event before the mounts were made"), steps: plan.steps)
        }
    }

    /// The worker's pid in the supervisor's pid namespace, as soon as there is one.
    private func born(_ plan: LaunchPlan, _ gate: borrowing Gate) throws(Refusal) -> Int32 {
        guard case .born(let pid) = try gateEvent(plan, gate) else {
            throw Refusal(.unexpected("a process at the gate that was not born"), steps: plan.steps)
        }
        return pid
    }

    /// The worker's listener, where it is to have one.
    private func listener(
        _ plan: LaunchPlan,
        _ gate: borrowing Gate,
        _ worker: Int32,
        _ filter: SeccompProgram
    ) throws(Refusal) -> DenialListener? {
        guard plan.process.reportsDenials else { return nil }
        guard case .listener(let pid, let number) = try gateEvent(plan, gate) else {
            throw Refusal(.unexpected("something else at the gate than a listener"), steps: plan.steps)
        }
        let file = OwnedFileDescriptor(owning: number)
        guard pid == worker else {
            throw Refusal(.unexpected("another process at the gate than the one that was born"), steps: plan.steps)
        }
        return DenialListener(file, filter: filter)
    }

    /// What the worker tried was refused by the listener, and no other call was.
    ///
    /// What a filter around us refuses it asks nobody of: one of the two may be missing. What both got is compared besides.
    private func verifyListener(_ listener: DenialListener, _ findings: inout Findings) throws(Refusal) {
        let heard = listener.takeDenials().calls.map { "\(SystemCalls.name($0.number)) \(ErrnoName.name($0.errno))" }
        let tried = ["clone3 ENOSYS", "fchmod EPERM"]
        guard !heard.isEmpty else {
            throw Refusal(
                stage: "process",
                subject: "--report-denials",
                message: "no refused call came to the supervisor: a seccomp filter around this one answers first",
                remedy: "leave out --report-denials, or run outside of what confines this process",
                layer: .seccomp
            )
        }
        let expected = tried.filter { heard.contains($0) }
        findings.compare(
            .seccomp,
            "refused calls that the supervisor answered",
            expected: (expected.isEmpty ? tried : expected).joined(separator: ", "),
            found: heard.joined(separator: ", ")
        )
    }

    /// Answers refused calls until something comes through the gate: the worker tries two on its way.
    private func answer(_ listener: DenialListener, _ plan: LaunchPlan, _ gate: borrowing Gate) throws(Refusal) {
        let until = cs_monotonic() + Int64(plan.limits.setUp.milliseconds) * 1_000_000
        while !listener.isOver {
            var table = [
                pollfd(fd: gate.ours.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener.file.number, events: Int16(POLLIN), revents: 0),
            ]
            let rest = until - cs_monotonic()
            if rest <= 0 { return }
            if poll(&table, 2, Int32(clamping: rest / 1_000_000 + 1)) < 0 && errno != EINTR {
                throw Refusal(own: "poll", Int(-errno))
            }
            if let error = listener.answer() { throw Refusal(own: error.call, Int(-error.errno)) }
            if table[0].revents != 0 { return }
        }
    }

    /// What the worker says of itself at the gate.
    private func atGate(
        _ plan: LaunchPlan,
        _ gate: borrowing Gate,
        _ worker: Int32,
        _ listener: DenialListener?
    ) throws(Refusal) -> [Int64] {
        if let listener { try answer(listener, plan, gate) }
        guard case .ready(worker, let values) = try gateEvent(plan, gate) else {
            throw Refusal(.unexpected("another process at the gate than the one that was born"), steps: plan.steps)
        }
        return values
    }

    private func gateEvent(_ plan: LaunchPlan, _ gate: borrowing Gate) throws(Refusal) -> Gate.Event {
        let event: Gate.Event
        do throws(PlaceError) {
            event = try gate.event(timeout: milliseconds(plan.limits.setUp))
        } catch { throw Refusal(error, steps: plan.steps) }
        switch event {
        case .born, .ready: return event
        case .listener(_, let number):
            if plan.process.reportsDenials { return event }
            _ = close(number)
            throw Refusal(.unexpected("a listener that nobody asked for"), steps: plan.steps)
        case .terminal(_, let controlling):
            _ = close(controlling)
            throw Refusal(.unexpected("a terminal that nobody asked for"), steps: plan.steps)
        case .closed, .executionFailed: throw Refusal(.gone, steps: plan.steps)
        }
    }

    /// pid 1 has closed its own memory to the place before anything is released in it.
    ///
    /// - Parameters:
    ///   - plan: the plan.
    ///   - worker: the pid in the place of the process that reported at the gate, as the kernel says it.
    ///   - findings: gets what pid 1 says.
    /// - Throws: `Refusal` when it says something else, or nothing.
    private func verifySealed(_ plan: LaunchPlan, worker: String, _ findings: inout Findings) throws(Refusal) {
        let event = try attempt(plan) { () throws(PlaceError) in
            try place.event(timeout: milliseconds(plan.limits.setUp))
        }
        guard case .started(1, let inside, let dumpable) = event else {
            throw Refusal(.unexpected("no word on the worker's start"), steps: plan.steps)
        }
        // What stands at the gate is what pid 1 has made, and nothing else that got hold of the gate.
        findings.compare(.pidNamespace, "NSpid of worker", expected: String(inside), found: worker)
        findings.compare(.environment, "pid 1 is dumpable", expected: 0, found: dumpable, .selfReported)
    }

    private func milliseconds(_ span: TimeSpan) -> Int32 { Int32(clamping: span.milliseconds) }

    private func attempt<Value: ~Copyable>(
        _ plan: LaunchPlan,
        _ body: () throws(PlaceError) -> Value
    ) throws(Refusal) -> Value {
        do throws(PlaceError) {
            return try body()
        } catch { throw Refusal(error, steps: plan.steps) }
    }
}

extension CompletedLaunch {
    /// A launch of which nothing is known yet but that its worker was not reached.
    static func notReached(_ proof: ExecveFact.Proof) -> CompletedLaunch {
        CompletedLaunch(
            outcome: .refused(Refusal(stage: "place", message: "the launch did not begin", remedy: "try again")),
            layers: [],
            usage: .none,
            released: false,
            releasedAt: 0,
            wallNanoseconds: 0,
            execve: .notReached(proof)
        )
    }
}

extension Usage {
    static let none = Usage(
        userMicroseconds: 0,
        systemMicroseconds: 0,
        maximumResident: ByteCount(bytes: 0),
        memoryPeakWatched: ByteCount(bytes: 0)
    )
}

extension LaunchPlan {
    /// The folder of root that is shown ID-mapped.
    var idMappedSource: OSString? {
        for case .bind(let bind) in steps where bind.origin == .idMapped { return bind.source }
        return nil
    }

    /// The private tmpfs mounts a job can fill.
    var tmpfsTargets: [OSString] {
        var targets: [OSString] = []
        for case .tmpfs(let path, _, _, _, _) in steps where path != "/.sandbox" { targets.append(path) }
        return targets
    }
}
