extension Migration {
    /// What a job has changed: apart from its row, which is read far more often.
    static let jobChanges = Migration(
        number: 4,
        name: "job-changes",
        sql: """
            CREATE TABLE job_changes (
                job_id TEXT NOT NULL PRIMARY KEY REFERENCES jobs (id),
                changes TEXT NOT NULL
            );
            """
    )
}
