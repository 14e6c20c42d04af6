extension SQLiteStore {
    public func add(_ job: Job, events: [JobEvent]) throws(StoreError) {
        try write { (connection) throws(StoreError) in
            try SQLiteStore.insert(job, connection)
            try EventAccount.add(events, to: job.id, limits: options.limits, connection)
        }
    }

    static func insert(_ job: Job, _ connection: SQLiteConnection) throws(StoreError) {
        try RowRule.check(id: job.id)
        try check(job)
        try connection.run(
            """
            INSERT INTO jobs (id, project_id, created_at, updated_at, job_type, instruction, status, worker, reason, summary,
                exit_status, launch, result, started_at, ended_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(job.id),
            .text(job.projectID),
            .time(job.createdAt),
            .time(job.updatedAt),
            .text(job.type.rawValue),
            .text(job.instruction),
            .text(job.status.rawValue),
            .optional(job.worker),
            .optional(job.reason),
            .optional(job.summary),
            job.exitStatus.map { .integer(Int64($0)) } ?? .null,
            .optional(job.launch),
            .optional(job.result),
            .optional(job.startedAt),
            .optional(job.endedAt)
        )
    }

    public func job(_ id: String) throws(StoreError) -> Job? {
        try read { (connection) throws(StoreError) in
            try connection.row("SELECT \(Job.columns) FROM jobs WHERE id = ?", .text(id), table: "jobs") {
                (row) throws(StoreError) in try Job(row)
            }
        }
    }

    public func jobs(
        of project: String,
        in status: JobStatus?,
        limit: Int,
        after: String?
    ) throws(StoreError) -> [Job] {
        let limit = try RowRule.check(limit: limit)
        return try read { (connection) throws(StoreError) in
            var place: Int64 = 0
            if let after {
                let found = try connection.row(
                    "SELECT rowid FROM jobs WHERE id = ? AND project_id = ?",
                    .text(after),
                    .text(project),
                    table: "jobs"
                ) { (row) throws(StoreError) in try row.integer(0) }
                guard let found else { throw SQLiteStore.noPage(after) }
                place = found
            }
            var jobs: [Job] = []
            var bytes = 0
            // Row numbers are in the order of making, whatever the clock did meanwhile; VACUUM keeps their order.
            try connection.rows(
                """
                SELECT \(Job.listColumns) FROM jobs WHERE project_id = ?1 AND rowid > ?2 AND (?3 IS NULL OR status = ?3)
                ORDER BY rowid LIMIT ?4
                """,
                .text(project),
                .integer(place),
                .optional(status?.rawValue),
                limit,
                table: "jobs"
            ) { (row) throws(StoreError) in
                let job = try Job(row)
                bytes += job.textBytes
                guard jobs.isEmpty || bytes <= StoreLimits.answerBytes else { return false }
                jobs.append(job)
                return true
            }
            return jobs
        }
    }

    public func setChanges(_ changes: String, of job: String) throws(StoreError) {
        try RowRule.check(changes)
        _ = try write { (connection) throws(StoreError) in
            try connection.run(
                "INSERT INTO job_changes (job_id, changes) VALUES (?, ?) ON CONFLICT (job_id) DO UPDATE SET changes = excluded.changes",
                .text(job),
                .text(changes)
            )
        }
    }

    public func changes(of job: String) throws(StoreError) -> String? {
        try read { (connection) throws(StoreError) in
            try connection.row("SELECT changes FROM job_changes WHERE job_id = ?", .text(job), table: "job_changes") {
                (row) throws(StoreError) in try row.text(0)
            }
        }
    }

    public func countJobs(_ status: JobStatus) throws(StoreError) -> Int {
        try read { (connection) throws(StoreError) in
            try connection.row("SELECT count(*) FROM jobs WHERE status = ?", .text(status.rawValue), table: "jobs") {
                (row) throws(StoreError) in Int(try row.integer(0))
            } ?? 0
        }
    }

    public func update(
        _ job: Job,
        projectStatus: JobStatus?,
        projectSummary: String?,
        events: [JobEvent]
    ) throws(StoreError) {
        try SQLiteStore.check(job)
        try RowRule.check(projectSummary)
        try write { (connection) throws(StoreError) in
            let jobs = try connection.run(
                """
                UPDATE jobs SET updated_at = ?, status = ?, worker = ?, reason = ?, summary = ?, exit_status = ?, launch = ?,
                    result = ?, started_at = ?, ended_at = ? WHERE id = ? AND project_id = ?
                """,
                .time(job.updatedAt),
                .text(job.status.rawValue),
                .optional(job.worker),
                .optional(job.reason),
                .optional(job.summary),
                job.exitStatus.map { .integer(Int64($0)) } ?? .null,
                .optional(job.launch),
                .optional(job.result),
                .optional(job.startedAt),
                .optional(job.endedAt),
                .text(job.id),
                .text(job.projectID)
            )
            guard jobs == 1 else { throw RowRule.broken("there is no job \(Quoted.text(job.id)) of that project") }
            try connection.run(
                "UPDATE projects SET updated_at = ?, status = coalesce(?, status), summary = coalesce(?, summary) WHERE id = ?",
                .time(job.updatedAt),
                .optional(projectStatus?.rawValue),
                .optional(projectSummary),
                .text(job.projectID)
            )
            if !events.isEmpty {
                try EventAccount.add(events, to: job.id, limits: options.limits, connection)
            }
        }
    }

    private static func check(_ job: Job) throws(StoreError) {
        try RowRule.check(job.instruction, job.worker, job.reason, job.summary, job.launch, job.result)
    }
}
