extension Migration {
    /// What a run of a worker leaves, and the orders in which rows are asked for.
    ///
    /// Columns that may be NULL, so that whoever knows the original's only can still add rows.
    static let jobRuns = Migration(
        number: 2,
        name: "job-runs",
        sql: """
            ALTER TABLE projects ADD COLUMN policy TEXT;
            ALTER TABLE jobs ADD COLUMN worker TEXT;
            ALTER TABLE jobs ADD COLUMN reason TEXT;
            ALTER TABLE jobs ADD COLUMN summary TEXT;
            ALTER TABLE jobs ADD COLUMN exit_status INTEGER;
            ALTER TABLE jobs ADD COLUMN launch TEXT;
            ALTER TABLE jobs ADD COLUMN result TEXT;
            ALTER TABLE jobs ADD COLUMN started_at DATETIME;
            ALTER TABLE jobs ADD COLUMN ended_at DATETIME;
            CREATE INDEX projects_newest ON projects (created_at DESC, id);
            CREATE INDEX jobs_of_project ON jobs (project_id);
            CREATE INDEX jobs_in_status ON jobs (status);
            """
    )
}
