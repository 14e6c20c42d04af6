internal import Dispatch
internal import Glibc
internal import SandboxPlan
internal import SandboxRuntime
internal import Synchronization
public import WorkspaceStore

extension Orchestrator {
    // MARK: - Projects

    public func createProject(
        instruction: String,
        policy: String?,
        waits: Bool
    ) async throws(WorkspaceError) -> Project {
        let id = UUIDText.random()
        let now = StoredTime.now()
        let project = Project(
            id: id,
            instruction: instruction,
            status: .queued,
            summary: "Initial job status: \(JobStatus.queued.rawValue)",
            policy: policy,
            createdAt: now,
            updatedAt: now
        )
        let job = newJob(of: id, .initialProject, instruction, now)
        try takePlace(job)
        do throws(WorkspaceError) {
            if let policy { try PolicyChoice(settings).check(policy) }
            try await aside { [self] () throws(WorkspaceError) in try make(project, firstJob: job) }
        } catch {
            giveUpPlace(job)
            throw error
        }
        try checkBegun(job, await run(job, waits: waits))
        try checkStored(job.id)
        return try self.project(id)
    }

    /// Folder and rows: both, or neither, also where the server is killed meanwhile.
    ///
    /// The folder is there first, as a removal's is there last: with the same mark beside it, so that the next start finds one without rows.
    private func make(_ project: Project, firstJob job: Job) throws(WorkspaceError) {
        let id = project.id
        var isGone = true
        let isMarked = try removal.mark(id)
        defer { removal.unmark(id, stays: !isGone) }
        guard isMarked else {
            throw WorkspaceError(
                .unavailable,
                "The server has no room for a project",
                detail: "there is no room for the mark of project \(id)"
            )
        }
        do throws(WorkspaceError) {
            _ = try folders.create(id, owner: settings.owner)
            try stored { () throws(StoreError) in
                try store.add(project, firstJob: job, events: [queued(job)])
            }
        } catch {
            // Where the name is another's, it is not ours to take away.
            if error.kind != .conflict { isGone = removeFolder(id) }
            throw error
        }
    }

    public func project(_ id: String) throws(WorkspaceError) -> Project {
        let found = try stored { () throws(StoreError) in try store.project(id) }
        guard let found else { throw WorkspaceError(.noProject, "Project not found") }
        return found
    }

    public func projects(in status: JobStatus?, limit: Int, after: String?) throws(WorkspaceError) -> [Project] {
        try stored { () throws(StoreError) in try store.projects(in: status, limit: limit, after: after) }
    }

    public func countProjects(in status: JobStatus? = nil) throws(WorkspaceError) -> Int {
        try stored { () throws(StoreError) in try store.countProjects(in: status) }
    }

    public func removeProject(_ id: String) async throws(WorkspaceError) {
        _ = try project(id)
        let jobs = state.withLock { state in
            state.beginRemoval(of: id)
            return state.queue.jobs(of: id)
        }
        defer { state.withLock { $0.endRemoval(of: id) } }
        _ = try await stopAside(jobs, "cancelled")
        for job in jobs { await ended(job) }
        // The lock that has kept their ends from the store would be waited for once more.
        if !jobs.isEmpty { try stored { () throws(StoreError) in try store.checkWritable() } }
        let wasThere = try await aside { [self] () throws(WorkspaceError) in
            try removeNow(id) { () throws(WorkspaceError) in
                try stored { () throws(StoreError) in try store.removeProject(id) }
            }
        }
        guard wasThere else { throw WorkspaceError(.noProject, "Project not found") }
    }

    /// Its rows and its folder's name at once; taking that apart lasts as long as a worker has made it, and holds nobody up.
    func removeNow(_ id: String, _ rows: () throws(WorkspaceError) -> Bool) throws(WorkspaceError) -> Bool {
        let (wasThere, folder) = try removal.begin(id, rows)
        guard wasThere else { return false }
        knownFolders.forget(id)
        if let folder { removals.async { [removal] in removal.finish(folder, of: id) } }
        return true
    }

    /// Of a project that never came to be.
    ///
    /// - Returns: whether its name is gone.
    private func removeFolder(_ project: String) -> Bool {
        do throws(WorkspaceError) {
            guard let removed = try folders.setAside(project) else { return true }
            removals.async { [removal] in removal.finish(removed, of: project) }
            return true
        } catch {
            log("the folder of project \(project) belongs to none, and stays until the next start: \(error.detail)")
            return false
        }
    }

    public func workspacePath(_ id: String) -> String {
        WrittenPath.path(of: id, in: settings.rootAsWritten)
    }

    // MARK: - Jobs

    public func addJob(
        to project: String,
        type: JobType,
        instruction: String,
        waits: Bool
    ) async throws(WorkspaceError) -> Job {
        _ = try self.project(project)
        let job = newJob(of: project, type, instruction, .now())
        try takePlace(job)
        do throws(WorkspaceError) {
            try await aside { [self] () throws(WorkspaceError) in
                try stored { () throws(StoreError) in try store.add(job, events: [queued(job)]) }
            }
        } catch {
            giveUpPlace(job)
            // It may have been removed just now.
            _ = try self.project(project)
            throw error
        }
        try checkBegun(job, await run(job, waits: waits))
        // It may have been removed meanwhile, and with it what there was to be stored.
        _ = try self.project(project)
        try checkStored(job.id)
        return try self.job(job.id, of: project)
    }

    public func job(_ id: String, of project: String) throws(WorkspaceError) -> Job {
        let found = try stored { () throws(StoreError) in try store.job(id) }
        guard let found, found.projectID == project else { throw WorkspaceError(.noJob, "Job not found") }
        return found
    }

    public func jobs(
        of project: String,
        in status: JobStatus? = nil,
        limit: Int,
        after: String?
    ) throws(WorkspaceError) -> [Job] {
        _ = try self.project(project)
        return try stored { () throws(StoreError) in
            try store.jobs(of: project, in: status, limit: limit, after: after)
        }
    }

    public func cancelJob(_ id: String, of project: String) async throws(WorkspaceError) -> Job {
        let job = try job(id, of: project)
        await arrived(id)
        guard !job.status.hasEnded, try await stopAside([id], "cancelled") else {
            try checkStored(id)
            throw WorkspaceError(.conflict, "Job has ended already")
        }
        await ended(id)
        try checkStored(id)
        return try self.job(id, of: project)
    }

    public func rerunJob(_ id: String, of project: String, waits: Bool) async throws(WorkspaceError) -> Job {
        let job = try job(id, of: project)
        return try await addJob(to: project, type: job.type, instruction: job.instruction, waits: waits)
    }

    public func queuePosition(_ id: String) -> Int? { state.withLock { $0.queue.position(id) } }

    /// Ends those that run at once; only what waits has an end to be stored here, for which the database may be waited for.
    ///
    /// - Returns: whether there was one that waited or ran.
    private func stopAside(_ jobs: [String], _ reason: String) async throws(WorkspaceError) -> Bool {
        let held = state.withLock { state in jobs.map { (job: $0, control: state.controls[$0]) } }
        var isAny = false
        for case (_, let control?) in held {
            control.stop(reason)
            isAny = true
        }
        // One that could not begin may have been put back before it heard of it.
        let others = state.withLock { state in
            held.filter { $0.control == nil || state.isBack($0.job, from: $0.control) }.map(\.job)
        }
        guard !others.isEmpty else { return isAny }
        let isOther = try await aside { [self] in others.reduce(false) { stopNow($1, reason) || $0 } }
        return isAny || isOther
    }

    /// - Returns: false if it neither waits nor runs.
    @discardableResult
    func stopNow(_ job: String, _ reason: String) -> Bool {
        let (entry, control, waiters) = state.withLock { state in
            let entry = state.queue.withdraw(job)
            return (entry, state.controls[job], entry == nil ? [] : state.waiters.removeValue(forKey: job) ?? [])
        }
        if let entry {
            do throws(StoreError) {
                try end(stub(entry), reason, "the job was \(reason) before it began")
            } catch { log("job \(job) could not be stored as \(reason): \(error)") }
            for waiter in waiters { waiter.resume(returning: true) }
            return true
        }
        control?.stop(reason)
        if control != nil, state.withLock({ $0.isBack(job, from: control) }) { stopNow(job, reason) }
        return control != nil
    }

    private func newJob(of project: String, _ type: JobType, _ instruction: String, _ time: StoredTime) -> Job {
        Job(
            id: UUIDText.random(),
            projectID: project,
            type: type,
            instruction: instruction,
            status: .queued,
            createdAt: time,
            updatedAt: time
        )
    }

    /// A job's first event.
    private func queued(_ job: Job) -> JobEvent {
        JobEvent(number: 1, kind: .state, at: job.createdAt, data: Array(JobStatus.queued.rawValue.utf8))
    }

    /// Takes a place among those that wait, before anything is stored: while the database is waited for, others ask for one, too.
    private func takePlace(_ job: Job) throws(WorkspaceError) {
        try state.withLock { (state) throws(WorkspaceError) in
            if state.isClosed || state.isEnding { throw WorkspaceError(.unavailable, "The server is ending") }
            guard state.queue.hasRoom else { throw WorkspaceError(.tooMuch, "Too many jobs are waiting") }
            guard state.queue.hasRoom(for: job.projectID) else {
                throw WorkspaceError(.tooMuch, "Too many jobs of this project are waiting")
            }
            // That may be in vain, and then the project stays.
            guard !state.isBeingRemoved(job.projectID) else {
                throw WorkspaceError(.conflict, "The project is being removed")
            }
            state.queue.expect(JobQueue.Entry(job: job.id, project: job.projectID, type: job.type))
        }
    }

    private func giveUpPlace(_ job: Job) { state.withLock { $0.queue.turnAway(job.id) } }

    private func checkBegun(_ job: Job, _ isOver: Bool) throws(WorkspaceError) {
        if isOver { return }
        throw WorkspaceError(
            .unavailable,
            "Job \(job.id) of project \(job.projectID) waits: the server cannot store now that it begins, and does it later; "
                + "do not send it again"
        )
    }

    /// Returns when a job whose row is there waits, or has been turned away: between the two is no more than a step of the one who made it.
    private func arrived(_ job: String) async {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline, state.withLock({ $0.queue.isArriving(job) }) {
            do { try await Task.sleep(for: .milliseconds(1)) } catch { return }
        }
    }

    // MARK: - What is known of a job

    public func events(of job: String, after number: Int64, limit: Int) throws(WorkspaceError) -> [JobEvent] {
        try stored { () throws(StoreError) in try store.events(of: job, after: number, limit: limit) }
    }

    public func watch(job: String, wake: @escaping @Sendable () -> Void) -> JobWatch { hub.watch(job, wake) }

    public func folder(of project: String) throws(WorkspaceError) -> ProjectFolder {
        if let known = knownFolders.folder(project, in: folders) { return known }
        let time = knownFolders.time
        _ = try self.project(project)
        let folder = try folders.folder(project)
        knownFolders.keep(folder, of: project, since: time)
        return folder
    }

    public func changes(of job: String, in project: String) throws(WorkspaceError) -> JobChanges {
        let job = try self.job(job, of: project)
        let kept = try stored { () throws(StoreError) in try store.changes(of: job.id) }
        guard let text = kept else { return JobChanges(changes: [], isCut: false) }
        return try JobChanges(json: Array(text.utf8))
    }

    public func evidence(of job: String, in project: String) throws(WorkspaceError) -> [UInt8] {
        let job = try self.job(job, of: project)
        guard let launch = job.launch else { return [] }
        return try recorded { () throws(EvidenceError) in
            WorkspaceEvidence.lines(
                try WorkspaceEvidence(settings).launches(of: project, .id(beginning: launch))
            )
        }
    }

    public func evidence(of project: String) throws(WorkspaceError) -> [UInt8] {
        _ = try self.project(project)
        return try recorded { () throws(EvidenceError) in
            WorkspaceEvidence.lines(try WorkspaceEvidence(settings).launches(of: project, .newest(1000)).reversed())
        }
    }

    private func recorded(_ body: () throws(EvidenceError) -> [UInt8]) throws(WorkspaceError) -> [UInt8] {
        do throws(EvidenceError) {
            return try body()
        } catch {
            throw WorkspaceError(.fault, "The records cannot be read", detail: "\(error.message); \(error.remedy)")
        }
    }

    public func explanation(of project: String) throws(WorkspaceError) -> String {
        let project = try self.project(project)
        if let name = project.policy {
            do throws(WorkspaceError) {
                try PolicyChoice(settings).check(name)
            } catch {
                guard error.kind == .unknownPolicy else { throw error }
                throw WorkspaceError(.conflict, "A launch would be refused: \(error.message)", detail: error.detail)
            }
        }
        do throws(Refusal) {
            return try planned(project)
        } catch {
            // What is being removed is half there, and then not at all.
            _ = try self.project(project.id)
            let root = settings.root.appending(OSString(project.id))
            let words = "A launch would be refused: \(WorkspaceText.relative(error.message, to: root))"
            let detail = "\(error.message); \(error.remedy)"
            if activity(of: project.id).isBusy {
                throw WorkspaceError(
                    .conflict,
                    "A job of the project waits or runs, beside which there is no plan now; ask again when it has ended. \(words)",
                    detail: detail
                )
            }
            // The next job makes it; this one, or all before it, ended before they began.
            guard hasResult(project.id) else {
                throw WorkspaceError(
                    .conflict,
                    "There is no plan before a job has begun in the project, or made the result's file anew. \(words)",
                    detail: detail
                )
            }
            throw WorkspaceError(.unavailable, words, detail: detail)
        }
    }

    private func hasResult(_ project: String) -> Bool {
        do throws(WorkspaceError) { return try ExchangeFolder.hasResult(in: try folders.folder(project)) } catch {
            // Then that is why, and the launch's words say it.
            return true
        }
    }

    /// The plan in words, as the next launch would find the project.
    ///
    /// A job that begins takes its predecessor's result away and puts an empty one there, and the first that waits finds none yet:
    /// what is refused beside one is looked at again.
    func planned(_ project: Project, within patience: Duration = .milliseconds(100)) throws(Refusal) -> String {
        let launch = WorkerLaunch(settings: settings, project: project.id, policy: policy(of: project))
        let end = ContinuousClock.now + patience
        while true {
            let before = activity(of: project.id)
            do throws(Refusal) {
                return try launch.explanation()
            } catch {
                let now = activity(of: project.id)
                let isAlone = !before.isRunning && !now.isRunning && before.begun == now.begun
                if isAlone || ContinuousClock.now >= end { throw error }
            }
            usleep(20_000)
        }
    }

    /// Whether a job of a project waits or runs, whether one runs, and how many of all projects have begun.
    private func activity(of project: String) -> (isBusy: Bool, isRunning: Bool, begun: UInt64) {
        state.withLock { state in
            (
                state.queue.isBusy(project), state.queue.running.contains { $0.project == project },
                state.begun
            )
        }
    }

    func policy(of project: Project) -> PolicyReference { project.policy.map { .named($0) } ?? settings.policy }

    // MARK: - The server

    public func policies() -> [PolicySummary] { PolicyChoice(settings).list(log) }

    public func readiness() -> String? {
        // A probe asks every few seconds: the log has each reason once. That of the host has been told by its trial.
        if let problem = serverProblem() ?? lockProblem() ?? endProblem() ?? choiceProblem() { return problem }
        toldUnready.withLock { $0 = nil }
        return hostProblem.withLock { $0 }
    }

    /// Asked each time: whoever mends the policy need tell nobody.
    private func choiceProblem() -> String? {
        guard let problem = policyProblem() else { return nil }
        // It names a file, by a path of the host, which is nothing for clients.
        tellUnready("every job would be refused: \(problem)")
        return "every job would be refused: the server's policy cannot be used; the log says why"
    }

    /// What has ended and cannot be stored is `in_progress` for who asks, whatever else the store takes meanwhile.
    private func endProblem() -> String? {
        let (ends, isStalled) = state.withLock { ($0.unstored.count, $0.isStalled) }
        if ends == 0 && !isStalled { return nil }
        return "the store does not take the beginnings or ends of jobs; the log says why"
    }

    private func tellUnready(_ why: String) {
        let isNew = toldUnready.withLock { told in
            defer { told = why }
            return told != why
        }
        if isNew { log("not ready: \(why)") }
    }

    /// What is seen of the server without asking its database: where it differs, there may be something to tell.
    public var signs: OrchestratorSigns {
        let load = load
        return OrchestratorSigns(running: load.running, waiting: load.waiting, hostProblem: hostProblem.withLock { $0 })
    }

    /// What another server could mend; a host that confines no job is the same for each.
    public func serverProblem() -> String? {
        if state.withLock({ $0.isClosed || $0.isEnding }) { return "the server is ending" }
        do throws(StoreError) {
            try store.checkReady()
            _ = try store.countProjects()
        } catch {
            tellUnready("\(error)")
            return "the store cannot be used; the log says why"
        }
        guard folders.isThere else { return "the folder of the workspaces is not in its place any more" }
        return nil
    }

    /// Another server would meet the same lock: not among what the watchdog has the server started again for.
    private func lockProblem() -> String? {
        do throws(StoreError) {
            try store.checkWritable()
            return nil
        } catch {
            tellUnready("\(error)")
            return error.kind == .busy
                ? "another process holds the lock of the database; the log says of which file"
                : "the store cannot be used; the log says why"
        }
    }

    public func statistics() -> WorkspaceStatistics {
        var statistics = WorkspaceStatistics()
        launches.write(to: &statistics)
        statistics.jobsWaiting = state.withLock { $0.queue.waiting.count }
        for status in JobStatus.allCases {
            do throws(StoreError) {
                statistics.jobsByStatus[status] = try store.countJobs(status)
            } catch { log("jobs could not be counted: \(error)") }
        }
        return statistics
    }
}
