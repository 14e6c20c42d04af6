import Synchronization
import WorkspaceStore

/// A store with what a test does, or breaks, at one of its calls.
final class HookedStore: WorkspaceStore {
    private let store: any WorkspaceStore
    /// How often `project` was asked.
    private let asked = Mutex(0)

    /// Whether a project is there, by how often was asked for one before.
    let finds = Mutex<@Sendable (Int) -> Bool>({ _ in true })
    /// Behind a further job.
    let added = Mutex<@Sendable () -> Void>({})
    /// What a further job, a job's update, and a project's removal, fails by.
    let addFault = Mutex<StoreError?>(nil)
    let updateFault = Mutex<StoreError?>(nil)
    let removalFault = Mutex<StoreError?>(nil)

    init(_ store: any WorkspaceStore) { self.store = store }

    static func fault(_ kind: StoreError.Kind) -> StoreError {
        StoreError(kind: kind, message: "a test", remedy: "none")
    }

    func add(_ project: Project, firstJob: Job, events: [JobEvent]) throws(StoreError) {
        try store.add(project, firstJob: firstJob, events: events)
    }
    func project(_ id: String) throws(StoreError) -> Project? {
        let before = asked.withLock { count in
            defer { count += 1 }
            return count
        }
        return finds.withLock { $0 }(before) ? try store.project(id) : nil
    }
    func projects(in status: JobStatus?, limit: Int, after: String?) throws(StoreError) -> [Project] {
        try store.projects(in: status, limit: limit, after: after)
    }
    func countProjects(in status: JobStatus?) throws(StoreError) -> Int { try store.countProjects(in: status) }
    func removeProject(_ id: String) throws(StoreError) -> Bool {
        if let fault = removalFault.withLock({ $0 }) { throw fault }
        return try store.removeProject(id)
    }
    func idleProjects() throws(StoreError) -> [IdleProject] { try store.idleProjects() }
    func removeIdleProject(_ project: IdleProject) throws(StoreError) -> Bool { try store.removeIdleProject(project) }
    func keptLogs() throws(StoreError) -> [KeptLog] { try store.keptLogs() }
    func removeLog(of job: String) throws(StoreError) -> Int64 { try store.removeLog(of: job) }

    func add(_ job: Job, events: [JobEvent]) throws(StoreError) {
        if let fault = addFault.withLock({ $0 }) { throw fault }
        try store.add(job, events: events)
        added.withLock { $0 }()
    }
    func job(_ id: String) throws(StoreError) -> Job? { try store.job(id) }
    func jobs(of project: String, in status: JobStatus?, limit: Int, after: String?) throws(StoreError) -> [Job] {
        try store.jobs(of: project, in: status, limit: limit, after: after)
    }
    func countJobs(_ status: JobStatus) throws(StoreError) -> Int { try store.countJobs(status) }
    func update(_ job: Job, projectStatus: JobStatus?, projectSummary: String?, events: [JobEvent]) throws(StoreError) {
        if let fault = updateFault.withLock({ $0 }) { throw fault }
        try store.update(job, projectStatus: projectStatus, projectSummary: projectSummary, events: events)
    }
    func setChanges(_ changes: String, of job: String) throws(StoreError) { try store.setChanges(changes, of: job) }
    func changes(of job: String) throws(StoreError) -> String? { try store.changes(of: job) }

    func add(_ events: [JobEvent], to job: String) throws(StoreError) { try store.add(events, to: job) }
    func events(of job: String, after number: Int64, limit: Int) throws(StoreError) -> [JobEvent] {
        try store.events(of: job, after: number, limit: limit)
    }

    func interruptUnfinished(at time: StoredTime) throws(StoreError) -> [Job] {
        try store.interruptUnfinished(at: time)
    }
    func checkReady() throws(StoreError) { try store.checkReady() }
    func checkWritable() throws(StoreError) { try store.checkWritable() }
    func releaseMemory() { store.releaseMemory() }
    func close() { store.close() }
}
