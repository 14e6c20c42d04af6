/// Where projects, jobs and their events are kept.
///
/// Every call is one transaction: done when it returns, or not at all. Safe from any thread; a call may wait for the disk, and for
/// other calls that write. What is returned by pages is bounded by `StoreLimits.rows` whatever `limit` says; a limit below 1 is
/// `.constraint`, and so is an `after` that is not there any more.
public protocol WorkspaceStore: Sendable {
    /// Tells this database from every other one, and from what another one's backup makes of it; at most 200 bytes.
    var identity: String { get }
    /// Adds a project, its first job, and that job's first events, as `add(_:to:)` does.
    ///
    /// - Throws: `.constraint` for an id that is there already or is no UUID in lower case, and for a text of more than
    ///   `StoreLimits.textBytes`.
    func add(_ project: Project, firstJob: Job, events: [JobEvent]) throws(StoreError)
    func project(_ id: String) throws(StoreError) -> Project?
    /// The newest first; `after` is the last id of the page before.
    ///
    /// Projects of the same microsecond are in the order of their ids: a page goes on where the one before ended, whatever has been
    /// added or removed meanwhile.
    /// Of one status, where that is given; a page goes on there, too, when `after` has another by now.
    func projects(in status: JobStatus?, limit: Int, after: String?) throws(StoreError) -> [Project]
    func countProjects(in status: JobStatus?) throws(StoreError) -> Int
    /// The project, its jobs and their events; false if it was not there.
    func removeProject(_ id: String) throws(StoreError) -> Bool
    /// Projects in which nothing waits or runs, the one first that has been so the longest.
    func idleProjects() throws(StoreError) -> [IdleProject]
    /// As `removeProject`, where the project is still what `idleProjects` said; else false, and nothing is done.
    func removeIdleProject(_ project: IdleProject) throws(StoreError) -> Bool
    /// What is kept of the output of jobs that have ended, the oldest first; jobs without any are left out.
    func keptLogs() throws(StoreError) -> [KeptLog]
    /// Lets go the output of a job that has ended, which then counts as `dropped`; its states stay.
    ///
    /// - Returns: how many bytes went; 0 for a job that has not ended or is not there.
    func removeLog(of job: String) throws(StoreError) -> Int64

    /// With its first events.
    ///
    /// - Throws: `.constraint` as for projects, and where the job's project is not there.
    func add(_ job: Job, events: [JobEvent]) throws(StoreError)
    func job(_ id: String) throws(StoreError) -> Job?
    /// In the order of their making; `after` is the last id of the page before.
    ///
    /// A page ends early behind `StoreLimits.answerBytes` of texts: only an empty one is the end.
    /// Of one status, where that is given.
    func jobs(of project: String, in status: JobStatus?, limit: Int, after: String?) throws(StoreError) -> [Job]
    func countJobs(_ status: JobStatus) throws(StoreError) -> Int

    /// Writes what changes of a job, and its project's `status` and `summary` where they are given.
    ///
    /// Moves `updatedAt` of both to the job's, and adds the events, as `add(_:to:)` does. Type, instruction and `createdAt` stay.
    ///
    /// - Throws: `.constraint` where the project has no such job.
    func update(_ job: Job, projectStatus: JobStatus?, projectSummary: String?, events: [JobEvent]) throws(StoreError)

    /// Adds events, whose numbers the caller gives: each above the last one that the job ever had.
    ///
    /// What a job may have is bounded (`StoreLimits`): `stdout` and `stderr` beyond it, and `worker` events beyond theirs, are not
    /// kept but counted by the one `dropped` event, which takes the number of the latest one let go. The caller may give `dropped`
    /// itself for bytes that it let go: they are added.
    ///
    /// - Throws: `.constraint` for a number that does not rise, a job that is not there, a single event or a state that is too large.
    /// Keeps what a job has changed, as JSON text of at most 1 MiB.
    func setChanges(_ changes: String, of job: String) throws(StoreError)
    /// Nil where none were kept.
    func changes(of job: String) throws(StoreError) -> String?

    func add(_ events: [JobEvent], to job: String) throws(StoreError)
    /// In the order of their numbers, in which some may be missing.
    ///
    /// A page ends early behind `StoreLimits.answerBytes`: only an empty one is the end of what there is now.
    func events(of job: String, after number: Int64, limit: Int) throws(StoreError) -> [JobEvent]

    /// Ends what was queued or running when the last server ended: `error`, `interrupted`, with an event each.
    ///
    /// A project that was unfinished then says what its latest job says, or `error` if it has none.
    ///
    /// - Returns: the jobs, as they are now: as many as there were.
    func interruptUnfinished(at time: StoredTime) throws(StoreError) -> [Job]
    /// Throws where a call that writes would: the file is not the one any more that was opened, or the store is closed.
    ///
    /// Does not wait for such a call.
    func checkReady() throws(StoreError)
    /// Whether a call that writes would find the database free: another process may hold the lock of who writes.
    ///
    /// Waits for no such lock, and writes nothing. A lock that is met by one call alone may be that of a short write: it counts from a
    /// quarter of a second on, in which every call has met it, or once a call that writes has waited for it in vain.
    ///
    /// - Throws: `.busy` while another process keeps the lock, and what `checkReady` throws.
    func checkWritable() throws(StoreError)
    /// Gives back the memory that only makes later calls faster; connections that are in use keep theirs.
    func releaseMemory()
    /// Later calls are errors.
    func close()
}

extension WorkspaceStore {
    /// Without an event.
    public func add(_ project: Project, firstJob: Job) throws(StoreError) {
        try add(project, firstJob: firstJob, events: [])
    }

    /// The same.
    public func add(_ job: Job) throws(StoreError) { try add(job, events: []) }
}

/// Why the store did not do what was asked.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// Not a database, or not a sound one; or a row that no program of ours has written.
        case corrupt
        /// Of a newer program, or a shape nobody knows.
        case unknownSchema
        /// Read-only, not allowed, on a network, not safe from others, or not the file any more that was opened.
        case unwritable
        /// No room on the file system or in a quota; works again when there is, without a restart.
        case full
        /// Another server has the database, or another program a lock in it.
        case busy
        /// A row that must not be there, or must.
        case constraint
        /// The entry that a page goes on behind is not there any more.
        case noPage
        /// An I/O error; no memory; a store that is closed.
        case other
    }

    public var kind: Kind
    /// What, where and why; names paths of the host, and quotes foreign text in short: for the log and the terminal.
    public var message: String
    public var remedy: String

    public init(kind: Kind, message: String, remedy: String) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
    }

    public var description: String { "\(message); \(remedy)" }
}

extension WorkspaceStore {
    /// Whatever their status.
    public func projects(limit: Int, after: String?) throws(StoreError) -> [Project] {
        try projects(in: nil, limit: limit, after: after)
    }

    public func countProjects() throws(StoreError) -> Int { try countProjects(in: nil) }

    /// Whatever their status.
    public func jobs(of project: String, limit: Int, after: String?) throws(StoreError) -> [Job] {
        try jobs(of: project, in: nil, limit: limit, after: after)
    }
}

extension WorkspaceStore {
    /// Of one that is no file.
    public var identity: String { "" }
}
