internal import Dispatch
internal import SandboxKernel
internal import SandboxRuntime
internal import Synchronization
public import WorkspaceStore

/// Projects and their jobs: who asks, what runs when, and what has come of it.
///
/// The state of every job is in the store before anybody is told of it, so that a server that is killed leaves nothing that
/// looks as if it still ran: the next one says of it that it was interrupted.
public final class Orchestrator: WorkspaceService {
    struct State {
        var queue: JobQueue
        var controls: [String: JobControl] = [:]
        /// Told whether the job is over.
        var waiters: [String: [CheckedContinuation<Bool, Never>]] = [:]
        /// Projects whose folders are going away: nothing new is begun in them.
        ///
        /// How many are at it with each.
        private var removals: [String: Int] = [:]
        /// Jobs that were begun: who sees the same number twice, and none running, has had none in between.
        var begun: UInt64 = 0
        /// Ends that the store did not take, in their order: they are tried again.
        var unstored: [JobRun.LastWord] = []
        /// The store did not take that a job begins: none does until it takes something.
        var isStalled = false
        /// Why none did, as the log has it.
        var toldStall: String?
        /// Who tries again, and so many milliseconds later.
        var settling: (number: UInt64, pause: Int)?
        var settlings: UInt64 = 0
        /// Nothing new is taken.
        var isClosed = false
        /// Nothing is begun.
        var isEnding = false

        init(queue: JobQueue) { self.queue = queue }

        /// Projects that are to say what a job has ended with before another begins in them.
        var blocked: Set<String> { Set(unstored.map(\.job.projectID)) }

        /// Who waits for jobs that wait; of some projects, or of all.
        mutating func takeWaiters(of projects: Set<String>? = nil) -> [CheckedContinuation<Bool, Never>] {
            var taken: [CheckedContinuation<Bool, Never>] = []
            for entry in queue.waiting where projects?.contains(entry.project) ?? true {
                taken += waiters.removeValue(forKey: entry.job) ?? []
            }
            return taken
        }

        /// Whether a job that had a control waits again, or has begun with another.
        func isBack(_ job: String, from control: JobControl?) -> Bool {
            controls[job] !== control && (controls[job] != nil || queue.position(job) != nil)
        }

        func isBeingRemoved(_ project: String) -> Bool { removals[project] != nil }

        mutating func beginRemoval(of project: String) { removals[project, default: 0] += 1 }

        /// Of two that remove the same project the one that ends first, in vain perhaps, leaves the other's mark.
        mutating func endRemoval(of project: String) {
            let left = (removals[project] ?? 0) - 1
            removals[project] = left > 0 ? left : nil
        }
    }

    /// What becomes of jobs when the server stops.
    public enum StopManner: Hashable, Sendable {
        /// Running ones are ended by their teardown, waiting ones not begun.
        case end
        /// What was taken is carried out for so many seconds, then ended.
        case finish(seconds: Double)
    }

    private let configuration: Mutex<WorkspaceSettings>
    var settings: WorkspaceSettings { configuration.withLock { $0 } }
    let store: any WorkspaceStore
    let folders: ProjectFolders
    let removal: ProjectRemoval
    let knownFolders = KnownFolders()
    /// Takes folders of removed projects apart, one at a time; what is left at the end goes at the next start.
    let removals = DispatchQueue(label: "codex-sandbox.removals", qos: .utility)
    let hub = JobHub()
    let launches = LaunchStatistics()
    let state: Mutex<State>
    /// Why the host would refuse every job, by the last trial.
    let hostProblem = Mutex<String?>(nil)
    /// Why the server is not ready, as the log has it.
    let toldUnready = Mutex<String?>(nil)
    /// Calls of `aside` that have not come to their end.
    let callsAside = Atomic<Int>(0)
    /// One stores ends at a time, so that each is stored once.
    let storing = Mutex<Void>(())
    let log: @Sendable (String) -> Void

    /// - Parameters:
    ///   - settings: folders, worker, limits.
    ///   - store: open, its schema up to date.
    ///   - log: gets sentences for the operator.
    /// - Throws: `WorkspaceError` where the workspaces' folder cannot be used, or the store not be written.
    public convenience init(
        _ settings: WorkspaceSettings,
        store: any WorkspaceStore,
        log: @escaping @Sendable (String) -> Void
    ) throws(WorkspaceError) {
        try self.init(settings, store: store, withoutGroups: (), log: log)
        let group = DelegatedGroup.prepare()
        log("limits: \(group.words)")
        guard group.hasLeftOvers else { return }
        // Beside everything else: a job that ends slowly keeps no client waiting.
        let isStarted = JobThread.start { for problem in group.removeLeftOvers() { log(problem) } }
        if !isStarted {
            log("what a killed server has left of cgroups stays until the next launch: there is no thread")
        }
    }

    /// The same, and this process stays in its cgroup: for tests, which are no server.
    init(
        _ settings: WorkspaceSettings,
        store: any WorkspaceStore,
        withoutGroups: Void,
        log: @escaping @Sendable (String) -> Void
    ) throws(WorkspaceError) {
        configuration = Mutex(settings)
        self.store = store
        self.log = log
        state = Mutex(
            State(queue: JobQueue(mostRunning: settings.maximumJobs, mostWaiting: settings.maximumWaiting))
        )
        try PolicyChoice(settings).checkOwn()
        do throws(EvidenceError) { try WorkspaceEvidence(settings).checkFolder() } catch {
            throw WorkspaceError(
                .unavailable,
                "The folder of records cannot be used",
                detail: "\(error.message); \(error.remedy)"
            )
        }
        folders = try ProjectFolders(at: settings.rootAsWritten)
        removal = try ProjectRemoval(folders, of: store.identity, log: log)
        try removal.finishBegun { (id) throws(StoreError) in try store.project(id) != nil }
        let interrupted = try stored { () throws(StoreError) in try store.interruptUnfinished(at: .now()) }
        for job in interrupted {
            log("job \(job.id) was interrupted when the last server ended")
            let end = JobEnd(status: .error, reason: "interrupted", summary: "the server ended before the job did")
            // Who waits for the result learns of it; a folder that is gone has nobody waiting.
            do throws(WorkspaceError) {
                try JobExchange.leave(end, of: job, in: try folders.folder(job.projectID))
            } catch { log("job \(job.id): no result could be left: \(error.detail)") }
        }
        // What the killed server's jobs had covered is not there any more when somebody looks into the folder.
        for project in Set(interrupted.map { $0.projectID }).sorted() {
            do throws(EvidenceError) {
                try InterruptedWorkspace.settle(try WorkspaceEvidence(settings).location(of: project))
            } catch { log("project \(project): \(error.message); the next job in it tries again") }
        }
    }

    /// Takes other settings for what begins from now on: worker, credentials, policy's texts, how many run at a time.
    ///
    /// Folders, store and the name of the policy stay those of the start.
    ///
    /// - Throws: `WorkspaceError` where the server's policy cannot be used; nothing is changed then.
    public func reload(_ other: WorkspaceSettings) throws(WorkspaceError) {
        var settings = self.settings
        settings.worker = other.worker
        settings.environment = other.environment
        settings.maximumJobs = other.maximumJobs
        try PolicyChoice(settings).checkOwn()
        let chosen = settings
        configuration.withLock { $0 = chosen }
        state.withLock { $0.queue.mostRunning = chosen.maximumJobs }
        startNext()
    }

    /// Why every job would be refused by the text that the server's policy has now; nil where none would be.
    ///
    /// Policies are read at each launch: one that was not taken by `reload` is none of before either.
    public func policyProblem() -> String? {
        do throws(WorkspaceError) {
            try PolicyChoice(settings).checkOwn()
            return nil
        } catch { return error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)" }
    }

    /// Why every job would be `no-worker`, for the operator; nil where there is a worker.
    public func workerProblem() -> String? { PolicyChoice(settings).workerProblem() }

    /// How many jobs run and wait.
    public var load: (running: Int, waiting: Int) {
        state.withLock { ($0.queue.running.count, $0.queue.waiting.count) }
    }

    /// Takes no new jobs, and returns when none runs or waits any more.
    ///
    /// May be asked again: `.end` then cuts a `.finish` short.
    public func stop(_ manner: StopManner = .end) async {
        state.withLock { $0.isClosed = true }
        if case .finish(let seconds) = manner { await finish(within: seconds) }
        await end()
    }

    private func finish(within seconds: Double) async {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            let isOver = state.withLock { $0.isEnding || $0.queue.running.isEmpty && $0.queue.waiting.isEmpty }
            if isOver { return }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    /// Ends the running jobs by their teardown and with their records, and waits for them; no new ones begin.
    private func end() async {
        let (controls, waiting, waiters) = state.withLock { state in
            state.isEnding = true
            let (waiting, waiters) = (state.queue.waiting, state.takeWaiters())
            for entry in waiting { _ = state.queue.withdraw(entry.job) }
            return (Array(state.controls), waiting, waiters)
        }
        for (_, control) in controls { control.stop("interrupted") }
        for entry in waiting { endLater(entry, "interrupted") }
        for (job, _) in controls { await ended(job) }
        // What is not stored by then is interrupted by the next start.
        let deadline = ContinuousClock.now + .seconds(3)
        while state.withLock({ !$0.unstored.isEmpty }), ContinuousClock.now < deadline {
            // A lock would be waited for longer than there is time.
            do {
                try store.checkWritable()
                try await aside { [self] in storeUnstored() }
                if state.withLock({ $0.unstored.isEmpty }) { break }
                try await Task.sleep(for: .milliseconds(50))
            } catch { do { try await Task.sleep(for: .milliseconds(50)) } catch { break } }
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    // MARK: - Running

    /// Puts a stored job, which is expected, in the queue; returns when it has ended, where it is waited for.
    ///
    /// A project that is being removed, and a server that ends, begin nothing: such a job is ended here.
    ///
    /// - Returns: false where it goes on waiting, for the store does not take that a job begins.
    func run(_ job: Job, waits: Bool) async -> Bool {
        func enter(_ state: inout State) -> Bool {
            guard !state.isClosed, !state.isEnding, !state.isBeingRemoved(job.projectID) else {
                state.queue.turnAway(job.id)
                return false
            }
            state.queue.add(JobQueue.Entry(job: job.id, project: job.projectID, type: job.type))
            return true
        }
        if !waits {
            if !state.withLock({ enter(&$0) }) { await endUnrun(job) }
            startNext()
            await begun(job.id)
            return true
        }
        var isIn = false
        let isOver = await withCheckedContinuation { continuation in
            isIn = state.withLock { state in
                guard enter(&state) else { return false }
                state.waiters[job.id, default: []].append(continuation)
                return true
            }
            if !isIn { continuation.resume(returning: true) }
            startNext()
        }
        if !isIn { await endUnrun(job) }
        return isOver
    }

    /// Returns when a job that has its turn is stored as begun, so that who made it hears so; at the latest in a second.
    private func begun(_ id: String) async {
        let deadline = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < deadline, state.withLock({ $0.queue.position(id) == nil }) {
            do throws(StoreError) {
                guard try store.job(id)?.status == .queued else { return }
            } catch { return }
            do { try await Task.sleep(for: .milliseconds(1)) } catch { return }
        }
    }

    private func endUnrun(_ job: Job) async {
        let why = "the server was ending, or the project being removed"
        do throws(WorkspaceError) {
            try await aside { [self] () throws(WorkspaceError) in
                try stored { () throws(StoreError) in try end(job, "interrupted", why) }
            }
        } catch {
            log("job \(job.id), which was not begun, is not stored as ended: \(error.detail)")
            // Where it could not even be tried.
            if !isUnstored(job.id) { storeLater(word(of: job, "interrupted", why)) }
        }
    }

    /// Returns when the job has ended; at once where it neither waits nor runs.
    func ended(_ job: String) async {
        _ = await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isThere = state.queue.position(job) != nil || state.queue.running.contains { $0.job == job }
                if isThere { state.waiters[job, default: []].append(continuation) }
                return !isThere
            }
            if isOver { continuation.resume(returning: true) }
        }
    }

    /// Starts what may run now.
    func startNext() {
        while true {
            let begun: (JobQueue.Entry, JobControl?)? = state.withLock { state in
                guard !state.isEnding, !state.isStalled, let entry = state.queue.next(without: state.blocked) else {
                    return nil
                }
                let control = JobControl()
                state.controls[entry.job] = control
                state.begun += 1
                return (entry, control)
            }
            guard let (entry, control) = begun else { return }
            let isStarted = JobThread.start { [self] in carryOut(entry, control) }
            if !isStarted { carryOut(entry, control, hasThread: false) }
        }
    }

    /// On the job's own thread; without a control there is not enough to run it with.
    private func carryOut(_ entry: JobQueue.Entry, _ control: JobControl?, hasThread: Bool = true) {
        do throws(StoreError) {
            // A lock that another has waited for in vain is not waited for again: those behind this one wait, too.
            do throws(StoreError) { try store.checkWritable() } catch { if error.kind == .busy { throw error } }
            // The project is to say of this job what it says, and not of the one before it.
            if state.withLock({ $0.unstored.contains { $0.job.projectID == entry.project } }) { storeUnstored() }
            if state.withLock({ $0.unstored.contains { $0.job.projectID == entry.project } }) {
                throw Orchestrator.laterOnly
            }
            if let job = try store.job(entry.job), let project = try store.project(job.projectID) {
                if let lock = carryOut(job, of: project, hasThread ? control : nil) { throw lock }
                state.withLock { $0.toldStall = nil }
            } else {
                log("job \(entry.job) is gone before it ran")
            }
            over(entry.job)
        } catch {
            if error.kind == .busy { return putBack(entry, control, error) }
            // A row that cannot be read, or a disk: the others are none the worse for it.
            log("job \(entry.job) could not be looked up when it was to begin: \(error)")
            storeLater(word(of: stub(entry), "no-resources", "the server could not read the job when it was to begin"))
            over(entry.job)
        }
    }

    /// - Returns: of another process's lock that keeps it from beginning; nil where it has ended.
    private func carryOut(_ job: Job, of project: Project, _ control: JobControl?) -> StoreError? {
        let id = job.id
        do throws(StoreError) {
            if let name = project.policy {
                // The server's policy may be another one by now, and so may a policy of that name.
                do throws(WorkspaceError) {
                    try PolicyChoice(settings).check(name)
                } catch {
                    try end(job, "refused", "\(error.message): \(name)")
                    return nil
                }
            }
            guard let control else {
                try end(job, "no-resources", "the server has too few threads or descriptors")
                return nil
            }
            var run = JobRun(
                job,
                policy: policy(of: project),
                control: control,
                settings: settings,
                folders: folders,
                store: store,
                hub: hub,
                statistics: launches,
                storeEnd: { [self] (word) throws(StoreError) in try storeEnd(word) },
                log: log
            )
            let done: Job
            do throws(StoreError) {
                done = try run.run()
            } catch {
                if run.hasBegun { throw error }
                if error.kind == .busy { return error }
                log("the beginning of job \(id) could not be stored: \(error)")
                try end(job, "no-resources", "the server could not store that the job begins")
                return nil
            }
            log(
                "job \(id) of project \(done.projectID): \(done.status.rawValue)\(done.reason.map { " (\($0))" } ?? "")"
            )
        } catch {
            // Until it can be, it is `in_progress` there; the next start would interrupt it. Nothing of it runs.
            log("the end of job \(id) could not be stored: \(error)")
        }
        return nil
    }

    /// One that could not begin is the next that does: it was accepted, and the fault is none of its own.
    ///
    /// Who waits for it, or behind it, learns that this lasts.
    private func putBack(_ entry: JobQueue.Entry, _ control: JobControl?, _ error: StoreError) {
        let (why, isFirst, waiters) = state.withLock { state in
            let why = control?.stopReason ?? (state.isEnding ? "interrupted" : nil)
            guard why == nil else { return (why, false, [CheckedContinuation<Bool, Never>]()) }
            let isFirst = state.toldStall != "\(error)"
            state.toldStall = "\(error)"
            state.queue.putBack(entry)
            state.controls[entry.job] = nil
            state.isStalled = true
            return (why, isFirst, state.takeWaiters())
        }
        if let why {
            endLater(entry, why)
            return over(entry.job)
        }
        if isFirst { log("no job begins until the store can be used again: \(error)") }
        for waiter in waiters { waiter.resume(returning: false) }
        settleLater()
    }

    private func over(_ job: String) {
        let waiters = state.withLock { state in
            state.queue.end(job)
            state.controls[job] = nil
            return state.waiters.removeValue(forKey: job) ?? []
        }
        for waiter in waiters { waiter.resume(returning: true) }
        startNext()
    }

    // MARK: -

    func stored<Value>(_ body: () throws(StoreError) -> Value) throws(WorkspaceError) -> Value {
        try ProjectRemoval.stored(body)
    }
}
