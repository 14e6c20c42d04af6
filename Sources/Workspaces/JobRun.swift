internal import Glibc
internal import SandboxPlan
internal import SandboxRuntime
internal import WorkspaceStore

/// One job from its request to its end, on a thread of its own.
struct JobRun {
    /// How long a worker has from SIGTERM to SIGKILL when it is told to end.
    static let grace: TimeSpan = .seconds(2)

    let settings: WorkspaceSettings
    let folders: ProjectFolders
    let store: any WorkspaceStore
    let hub: JobHub
    let statistics: LaunchStatistics
    /// Stores its end, now or later, and answers the job as it is stored; `.constraint` where it never can be.
    let storeEnd: (LastWord) throws(StoreError) -> Job
    let log: @Sendable (String) -> Void
    let control: JobControl
    /// Of the project.
    let policy: PolicyReference

    private(set) var job: Job
    private var output: JobOutput
    /// Limits that the worker has met.
    private var limits: [HeldLimit.Name] = []
    /// What it has written, in bytes, whatever of it is kept.
    private var written: UInt64 = 0
    /// Of a worker that speaks so.
    private var codex: CodexOutput?

    init(
        _ job: Job,
        policy: PolicyReference,
        control: JobControl,
        settings: WorkspaceSettings,
        folders: ProjectFolders,
        store: any WorkspaceStore,
        hub: JobHub,
        statistics: LaunchStatistics,
        storeEnd: @escaping (LastWord) throws(StoreError) -> Job,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.job = job
        self.policy = policy
        self.control = control
        self.settings = settings
        self.folders = folders
        self.store = store
        self.hub = hub
        self.statistics = statistics
        self.storeEnd = storeEnd
        self.log = log
        codex = settings.worker.manner == .codex ? CodexOutput() : nil
        // The first event is that it was queued.
        output = JobOutput(limit: settings.keptOutput, first: 2)
    }

    /// How it has ended, as it is to be stored.
    struct LastWord {
        var job: Job
        var events: [JobEvent]
        /// Of the project's files, where they are not stored yet.
        var changes: String?

        init(_ job: Job, events: [JobEvent], changes: String? = nil) {
            self.job = job
            self.events = events
            self.changes = changes
        }

        /// What a worker has said may be too much to be kept, and then the rest is: that it has ended before all.
        ///
        /// - Returns: the job, as it is stored.
        /// - Throws: `.constraint` where it can never be stored.
        @discardableResult
        func write(to store: any WorkspaceStore) throws(StoreError) -> Job {
            do throws(StoreError) {
                try put(into: store)
                return job
            } catch {
                guard error.kind == .constraint, job.result != nil || changes != nil || events.count > 1 else {
                    throw error
                }
            }
            var word = withoutResult
            do throws(StoreError) { try word.put(into: store) } catch {
                guard error.kind == .constraint else { throw error }
                word.events = []
                word.changes = nil
                try word.put(into: store)
            }
            return word.job
        }

        private var withoutResult: LastWord {
            var word = self
            word.job.result = nil
            word.job.status = .error
            word.job.reason = "result_too_large"
            word.job.summary = "the worker's result cannot be kept"
            if let last = word.events.last, last.kind == .state {
                let data = Array("\(JobStatus.error.rawValue) result_too_large".utf8)
                word.events[word.events.count - 1] = JobEvent(
                    number: last.number,
                    kind: .state,
                    at: last.at,
                    data: data
                )
            }
            return word
        }

        /// The project says the same as the job: a status of the one with a summary of another would contradict itself.
        private func put(into store: any WorkspaceStore) throws(StoreError) {
            if let changes { try store.setChanges(changes, of: job.id) }
            try store.update(job, projectStatus: job.status, projectSummary: job.projectSummary, events: events)
        }
    }

    /// Whether its beginning is stored.
    private(set) var hasBegun = false
    /// What another process's lock has kept from the store; it goes with what comes next.
    private var held: [JobEvent] = []
    private var heldChanges: String?
    /// By which it last was kept: nothing waits for the same lock again, so that a job that is to end does.
    private var lock: StoreError?

    /// Runs it; what is answered is stored already.
    ///
    /// - Throws: `StoreError` where its beginning or its end could not be stored; `hasBegun` says which.
    mutating func run() throws(StoreError) -> Job {
        job.worker = settings.worker.name
        job.status = .inProgress
        job.startedAt = .now()
        job.updatedAt = .now()
        output.add(.state, Array(JobStatus.inProgress.rawValue.utf8))
        try store.update(job, projectStatus: job.status, projectSummary: job.projectSummary, events: output.flush())
        hasBegun = true
        hub.wake(job.id)
        let end = relative(worked())
        try finish(end)
        return job
    }

    private mutating func finish(_ end: JobEnd) throws(StoreError) {
        job.status = end.status
        job.reason = end.reason
        job.summary = end.summary
        job.exitStatus = end.exitStatus
        job.updatedAt = .now()
        job.endedAt = job.updatedAt
        output.finish()
        output.add(.state, Array(JobRun.words(end).utf8))
        job = try storeEnd(LastWord(job, events: held + output.flush(), changes: heldChanges))
        hub.wake(job.id)
    }

    private static func words(_ end: JobEnd) -> String {
        end.reason.map { "\(end.status.rawValue) \($0)" } ?? end.status.rawValue
    }

    /// The differences first of all that is too much.
    private mutating func keep(_ changes: JobChanges) {
        var changes = changes
        if changes.json.count > StoreLimits.textBytes {
            for index in changes.changes.indices { changes.changes[index].difference = nil }
            changes.isCut = true
        }
        while changes.json.count > StoreLimits.textBytes { changes.changes.removeLast(changes.changes.count / 2) }
        let text = String(decoding: changes.json, as: UTF8.self)
        guard isFree() else { return heldChanges = text }
        do throws(StoreError) {
            try store.setChanges(text, of: job.id)
        } catch {
            guard error.kind == .busy else { return statistics.lostOutput(error) }
            lock = error
            heldChanges = text
        }
    }

    // MARK: - The work

    private mutating func worked() -> JobEnd {
        if let why = control.stopReason { return .stopped(why) }
        let exchange: JobExchange
        do throws(WorkspaceError) {
            exchange = try JobExchange(job, try folders.folder(job.projectID))
        } catch {
            return JobEnd(status: .error, reason: "workspace", summary: error.message)
        }
        if let problem = settings.worker.problem {
            let end = JobEnd(status: .error, reason: "no-worker", summary: problem)
            job.result = exchange.leave(end)
            return end
        }
        let end = launched(exchange)
        let changes = exchange.changes()
        if let changes { keep(changes) }
        if end == nil, let codex {
            let end = codex.end(job.exitStatus).naming(limits)
            job.result = exchange.leave(end, changes)
            return end
        }
        guard let end else {
            let (result, verdict) = exchange.result(exitStatus: job.exitStatus, limits: limits)
            job.result = result
            return verdict
        }
        job.result = exchange.leave(relative(end))
        return end
    }

    private func relative(_ end: JobEnd) -> JobEnd {
        var end = end
        end.summary = WorkspaceText.relative(end.summary, to: settings.root.appending(OSString(job.projectID)))
        return end
    }

    /// Nil where the worker has ended by itself, and its result is to be read.
    private mutating func launched(_ exchange: JobExchange) -> JobEnd? {
        let began = LaunchStatistics.now()
        let sandbox: Sandbox
        do throws(Refusal) {
            sandbox = try Sandbox(launch.place, launcher: settings.launcher)
        } catch {
            statistics.refused(error)
            job.launch = lastLaunch()
            return .refused(error)
        }
        statistics.opened()
        defer { statistics.closed() }
        if let why = control.stopReason {
            _ = sandbox.close()
            return .stopped(why)
        }
        let project = settings.root.appending(OSString(job.projectID))
        if let why = PolicyChoice.refusal(of: sandbox.policy, settings, project: project) {
            _ = sandbox.close()
            return JobEnd(status: .error, reason: "refused", summary: why)
        }
        guard let started = launch.process(job.instruction, sandbox.policy) else {
            _ = sandbox.close()
            return JobEnd(
                status: .error,
                reason: "no-worker",
                summary: PolicyChoice.noCommand(in: sandbox.policy)
            )
        }
        let process: SandboxedProcess
        do throws(Refusal) {
            process = try sandbox.start(started)
        } catch {
            statistics.refused(error)
            _ = sandbox.close()
            job.launch = lastLaunch()
            return .refused(error)
        }
        statistics.released(after: LaunchStatistics.now() - began)
        job.launch = process.launch.description
        if let input = process.ends.input { _ = close(input) }
        let control = control
        let ended = Ended()
        process.whenEnded { end in
            ended.set(end)
            control.ring()
        }
        control.whenStopped { process.signal(SIGTERM) }
        var streams = OutputStreams(process.ends)
        carry(&streams, until: ended, process)
        // Whoever the worker has left behind holds the pipes open: it goes first, then what they hold is all there is.
        let place = sandbox.close()
        let deadline = LaunchStatistics.now() + 5
        while !streams.areClosed, LaunchStatistics.now() < deadline { read(&streams, [], wait: 100) }
        streams.close()
        tell(place)
        if let pieces = codex?.finish() { add(pieces) }
        store(output.flush())
        let end = process.wait()
        if let why = control.stopReason { return .stopped(why) }
        if case .exited(let code) = end.outcome { job.exitStatus = code }
        limits = end.limitsReached
        return JobEnd.ofLaunch(end.outcome, verdict: place.verdict, limits: limits)
    }

    /// Carries output into the store until the worker has ended, or has been made to.
    private mutating func carry(_ streams: inout OutputStreams, until ended: Ended, _ process: SandboxedProcess) {
        var lastResort: Double?
        var isFlooded = false
        while !ended.isSet {
            read(&streams, [control.number], wait: 100)
            control.hush()
            if let limit = process.outputLimit, written > limit.bytes, !isFlooded {
                isFlooded = true
                process.outputExceeded(written)
            }
            if control.stopReason != nil {
                let now = LaunchStatistics.now()
                if let moment = lastResort {
                    // The place is closed by the caller, which ends whatever is in it.
                    if now >= moment { return }
                } else {
                    // Its signal was sent by who stopped it.
                    lastResort = now + Double(Self.grace.milliseconds) / 1000
                }
            }
        }
    }

    private mutating func read(_ streams: inout OutputStreams, _ others: [Int32], wait: Int32) {
        for (kind, bytes) in streams.read(others, wait: wait) {
            written &+= UInt64(bytes.count)
            if kind == .stdout, let pieces = codex?.take(bytes) {
                add(pieces)
            } else {
                output.take(bytes[...], kind)
            }
        }
        // Small output goes at once, so that viewers see it; a flood goes in pieces.
        if !output.pending.isEmpty, isFree() { store(output.flush()) }
    }

    /// What the job has made where tools obey it, for viewers and for the operator; the record has it too.
    private mutating func tell(_ place: SandboxEnd) {
        func paths(_ paths: [OSString]) -> JSONValue {
            let own = settings.root.appending(OSString(job.projectID))
            // By the names that the project's files have, and not more than one event may hold.
            return .array(
                paths.prefix(1000).map { path in
                    let isOwn = path.isWithin(own) && path != own
                    return .string("\(isOwn ? OSString(path.bytes[(own.bytes.count + 1)...]) : path)")
                }
            )
        }
        if !place.planted.isEmpty || !place.unseen.isEmpty {
            let value: JSONValue = [
                "planted": paths(place.planted), "removed": paths(place.removed), "type": "sandbox.planted",
                "unseen": paths(place.unseen),
            ]
            output.takeWhole(value.canonical.bytes, .worker)
        }
        for warning in place.warnings { log("job \(job.id): \(warning)") }
    }

    private mutating func add(_ pieces: [CodexOutput.Piece]) {
        for piece in pieces {
            switch piece {
            case .event(let bytes, let log):
                output.takeWhole(bytes, .worker)
                output.take(log[...], .stdout)
            case .text(let bytes): output.take(bytes[...], .stdout)
            }
        }
    }

    /// A store that cannot take output now does not end a job: what is missing is counted by nobody, and its end tells.
    ///
    /// Where another process has it locked nothing is missing: it comes later, and no more of it is kept here than is kept there.
    private mutating func store(_ events: [JobEvent]) {
        held += events
        guard !held.isEmpty, isFree() else { return }
        do throws(StoreError) {
            try store.add(held, to: job.id)
            held = []
            hub.wake(job.id)
        } catch {
            if error.kind == .busy { return lock = error }
            held = []
            statistics.lostOutput(error)
        }
    }

    /// Whether the lock that was met is gone, by a look that does not wait for it; true where none was met.
    private mutating func isFree() -> Bool {
        guard lock != nil else { return true }
        do throws(StoreError) { try store.checkWritable() } catch {
            lock = error
            return false
        }
        lock = nil
        return true
    }

    // MARK: -

    private var launch: WorkerLaunch { WorkerLaunch(settings: settings, project: job.projectID, policy: policy) }

    /// A refused launch is recorded, but its number is told to nobody: of a project one job runs at a time, so it is the last.
    private func lastLaunch() -> String? {
        do throws(EvidenceError) {
            let found = try WorkspaceEvidence(settings).launches(of: job.projectID, .last)
            return found.last?.id.description
        } catch { return nil }
    }

    /// The end of the process, for the thread that looks now and then.
    private final class Ended: Sendable {
        private let end = Held<ProcessEnd?>(nil)

        var isSet: Bool { end.value != nil }
        func set(_ value: ProcessEnd) { end.value = value }
    }
}
