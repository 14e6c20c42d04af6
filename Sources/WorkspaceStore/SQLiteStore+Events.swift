extension SQLiteStore {
    public func add(_ events: [JobEvent], to job: String) throws(StoreError) {
        guard !events.isEmpty else { return }
        try write { (connection) throws(StoreError) in
            try EventAccount.add(events, to: job, limits: options.limits, connection)
        }
    }

    public func events(of job: String, after number: Int64, limit: Int) throws(StoreError) -> [JobEvent] {
        let limit = try RowRule.check(limit: limit)
        return try read { (connection) throws(StoreError) in
            var events: [JobEvent] = []
            var bytes = 0
            try connection.rows(
                "SELECT \(JobEvent.columns) FROM job_events WHERE job_id = ? AND number > ? ORDER BY number LIMIT ?",
                .text(job),
                .integer(number),
                limit,
                table: "job_events"
            ) { (row) throws(StoreError) in
                let event = try JobEvent(row)
                bytes += event.data.count
                guard events.isEmpty || bytes <= StoreLimits.answerBytes else { return false }
                events.append(event)
                return true
            }
            return events
        }
    }

    public func interruptUnfinished(at time: StoredTime) throws(StoreError) -> [Job] {
        try write { (connection) throws(StoreError) in
            var jobs: [Job] = []
            try connection.rows(
                "SELECT \(Job.columns) FROM jobs WHERE status IN ('queued', 'in_progress') ORDER BY rowid",
                table: "jobs"
            ) { (row) throws(StoreError) in
                jobs.append(try Job(row))
                return true
            }
            for index in jobs.indices {
                try SQLiteStore.interrupt(&jobs[index], at: time, options.limits, connection)
            }
            // A project says what its latest job says; one that was cut off before its first job has only itself.
            try connection.run(
                """
                UPDATE projects SET updated_at = ?1, status = coalesce(
                    (SELECT status FROM jobs WHERE project_id = projects.id ORDER BY rowid DESC LIMIT 1), 'error')
                WHERE status IN ('queued', 'in_progress')
                """,
                .time(time)
            )
            return jobs
        }
    }

    private static func interrupt(
        _ job: inout Job,
        at time: StoredTime,
        _ limits: StoreLimits,
        _ connection: SQLiteConnection
    ) throws(StoreError) {
        job.status = .error
        job.reason = "interrupted"
        job.summary = job.summary ?? "the server ended before the job did"
        job.updatedAt = time
        job.endedAt = time
        try connection.run(
            "UPDATE jobs SET status = ?, reason = ?, summary = ?, updated_at = ?, ended_at = ? WHERE id = ?",
            .text(job.status.rawValue),
            .optional(job.reason),
            .optional(job.summary),
            .time(time),
            .time(time),
            .text(job.id)
        )
        try connection.run(
            """
            UPDATE projects SET status = 'error', updated_at = ?1, summary = ?4
            WHERE id = ?2 AND (SELECT id FROM jobs WHERE project_id = ?2 ORDER BY rowid DESC LIMIT 1) = ?3
            """,
            .time(time),
            .text(job.projectID),
            .text(job.id),
            .text(job.projectSummary)
        )
        try EventAccount.interrupt(job.id, at: time, limits: limits, connection)
    }
}
