extension SQLiteStore {
    public func add(_ project: Project, firstJob: Job, events: [JobEvent]) throws(StoreError) {
        try RowRule.check(id: project.id)
        try RowRule.check(project.instruction, project.summary, project.policy)
        guard firstJob.projectID == project.id else { throw RowRule.broken("the first job is of another project") }
        try write { (connection) throws(StoreError) in
            try connection.run(
                """
                INSERT INTO projects (id, created_at, updated_at, instruction, status, summary, workspace_path, policy)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                .text(project.id),
                .time(project.createdAt),
                .time(project.updatedAt),
                .text(project.instruction),
                .text(project.status.rawValue),
                .optional(project.summary),
                .text("\(options.workspaceRoot)/\(project.id)"),
                .optional(project.policy)
            )
            try SQLiteStore.insert(firstJob, connection)
            try EventAccount.add(events, to: firstJob.id, limits: options.limits, connection)
        }
    }

    public func project(_ id: String) throws(StoreError) -> Project? {
        try read { (connection) throws(StoreError) in
            try connection.row("SELECT \(Project.columns) FROM projects WHERE id = ?", .text(id), table: "projects") {
                (row) throws(StoreError) in try Project(row)
            }
        }
    }

    public func projects(in status: JobStatus?, limit: Int, after: String?) throws(StoreError) -> [Project] {
        let limit = try RowRule.check(limit: limit)
        let status = SQLiteValue.optional(status?.rawValue)
        return try read { (connection) throws(StoreError) in
            var projects: [Project] = []
            let take = { (row: SQLiteRow) throws(StoreError) -> Bool in
                projects.append(try Project(row))
                return true
            }
            guard let after else {
                try connection.rows(
                    """
                    SELECT \(Project.columns) FROM projects WHERE ?1 IS NULL OR status = ?1
                    ORDER BY created_at DESC, id LIMIT ?2
                    """,
                    status,
                    limit,
                    table: "projects",
                    take
                )
                return projects
            }
            let place = try connection.row(
                "SELECT rowid, created_at FROM projects WHERE id = ?",
                .text(after),
                table: "projects"
            ) {
                (row) throws(StoreError) in try row.text(1)
            }
            guard let place else { throw SQLiteStore.noPage(after) }
            // The first condition is what the index finds; rows of the same moment are in the order of their ids.
            try connection.rows(
                """
                SELECT \(Project.columns) FROM projects WHERE created_at <= ?1 AND (created_at < ?1 OR id > ?2)
                AND (?3 IS NULL OR status = ?3) ORDER BY created_at DESC, id LIMIT ?4
                """,
                .text(place),
                .text(after),
                status,
                limit,
                table: "projects",
                take
            )
            return projects
        }
    }

    public func countProjects(in status: JobStatus?) throws(StoreError) -> Int {
        try read { (connection) throws(StoreError) in
            let take = { (row: SQLiteRow) throws(StoreError) -> Int in Int(try row.integer(0)) }
            let all = "SELECT count(*) FROM projects"
            guard let status else { return try connection.row(all, table: "projects", take) ?? 0 }
            let value = SQLiteValue.text(status.rawValue)
            return try connection.row("\(all) WHERE status = ?", value, table: "projects", take) ?? 0
        }
    }

    public func removeProject(_ id: String) throws(StoreError) -> Bool {
        try write { (connection) throws(StoreError) in try SQLiteStore.remove(id, connection) }
    }

    static func remove(_ id: String, _ connection: SQLiteConnection) throws(StoreError) -> Bool {
        let jobs = "(SELECT id FROM jobs WHERE project_id = ?)"
        try connection.run("DELETE FROM job_events WHERE job_id IN \(jobs)", .text(id))
        try connection.run("DELETE FROM job_accounts WHERE job_id IN \(jobs)", .text(id))
        try connection.run("DELETE FROM job_changes WHERE job_id IN \(jobs)", .text(id))
        try connection.run("DELETE FROM jobs WHERE project_id = ?", .text(id))
        return try connection.run("DELETE FROM projects WHERE id = ?", .text(id)) > 0
    }

    static func noPage(_ after: String) -> StoreError {
        StoreError(
            kind: .noPage,
            message: "the page cannot go on behind \(Quoted.text(after)), which is not there any more",
            remedy: "begin at the first page"
        )
    }
}
