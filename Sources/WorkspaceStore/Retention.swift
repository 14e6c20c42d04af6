/// A project in which no job waits or runs, as whoever makes room looks at it.
public struct IdleProject: Hashable, Sendable {
    public var id: String
    /// Of the project or its latest job.
    public var updatedAt: StoredTime

    public init(id: String, updatedAt: StoredTime) {
        self.id = id
        self.updatedAt = updatedAt
    }
}

/// What is kept of the output of a job that has ended.
public struct KeptLog: Hashable, Sendable {
    public var job: String
    public var project: String
    public var endedAt: StoredTime
    /// Of `stdout`, `stderr` and `worker` events.
    public var bytes: Int64

    public init(job: String, project: String, endedAt: StoredTime, bytes: Int64) {
        self.job = job
        self.project = project
        self.endedAt = endedAt
        self.bytes = bytes
    }
}

extension SQLiteStore {
    public func idleProjects() throws(StoreError) -> [IdleProject] {
        try read { (connection) throws(StoreError) in try RetentionRows.projects(connection) }
    }

    public func keptLogs() throws(StoreError) -> [KeptLog] {
        try read { (connection) throws(StoreError) in try RetentionRows.logs(connection) }
    }

    public func removeIdleProject(_ project: IdleProject) throws(StoreError) -> Bool {
        try write { (connection) throws(StoreError) in
            let found = try connection.row(
                "SELECT \(RetentionRows.projectColumns) FROM projects WHERE id = ? AND \(RetentionRows.isIdle)",
                .text(project.id),
                table: "projects"
            ) { (row) throws(StoreError) in try RetentionRows.project(row) }
            guard found == project else { return false }
            return try SQLiteStore.remove(project.id, connection)
        }
    }

    public func removeLog(of job: String) throws(StoreError) -> Int64 {
        try write { (connection) throws(StoreError) in
            let hasEnded = try connection.row(
                "SELECT 1 FROM jobs WHERE id = ? AND status IN ('completed', 'error')",
                .text(job),
                table: "jobs"
            ) { (_) throws(StoreError) in true }
            guard hasEnded == true else { return 0 }
            return try EventAccount.letGo(of: job, connection)
        }
    }
}

extension DatabaseAdministration {
    /// What `SQLiteStore.idleProjects` and `keptLogs` answer, read beside a running server; nothing is changed.
    ///
    /// - Throws: `StoreError`, `.unknownSchema` for a database that is not up to date with this program.
    public func retained() throws(StoreError) -> (projects: [IdleProject], logs: [KeptLog]) {
        try current { (connection) throws(StoreError) in
            (try RetentionRows.projects(connection), try RetentionRows.logs(connection))
        }
    }
}

/// The rows that are asked for by age and size.
enum RetentionRows {
    static let projectColumns =
        "rowid, id, max(updated_at, coalesce((SELECT max(updated_at) FROM jobs WHERE project_id = projects.id), ''))"

    /// Whether nothing of a project waits or runs; one without a job was cut off, and the next start ends it.
    static let isIdle = """
        status IN ('completed', 'error') AND NOT EXISTS
            (SELECT 1 FROM jobs WHERE project_id = projects.id AND status IN ('queued', 'in_progress'))
        """

    static func project(_ row: SQLiteRow) throws(StoreError) -> IdleProject {
        IdleProject(id: try row.id(1), updatedAt: try row.time(2))
    }

    /// The oldest first.
    static func projects(_ connection: SQLiteConnection) throws(StoreError) -> [IdleProject] {
        var projects: [IdleProject] = []
        try connection.rows("SELECT \(projectColumns) FROM projects WHERE \(isIdle) ORDER BY 3, 2", table: "projects") {
            (row) throws(StoreError) in
            projects.append(try project(row))
            return true
        }
        return projects
    }

    /// The oldest first; those without a byte are left out.
    static func logs(_ connection: SQLiteConnection) throws(StoreError) -> [KeptLog] {
        var logs: [KeptLog] = []
        try connection.rows(
            """
            SELECT jobs.rowid, jobs.id, jobs.project_id, coalesce(jobs.ended_at, jobs.updated_at), output_bytes + worker_bytes
            FROM jobs JOIN job_accounts ON job_accounts.job_id = jobs.id
            WHERE jobs.status IN ('completed', 'error') AND output_events + worker_events > 0 ORDER BY 4, 1
            """,
            table: "jobs"
        ) { (row) throws(StoreError) in
            logs.append(
                KeptLog(
                    job: try row.id(1),
                    project: try row.id(2),
                    endedAt: try row.time(3),
                    bytes: max(try row.integer(4), 0)
                )
            )
            return true
        }
        return logs
    }
}
