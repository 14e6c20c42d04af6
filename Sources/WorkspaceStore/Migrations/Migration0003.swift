extension Migration {
    /// What happened to a job, and how much of its output is kept.
    static let jobEvents = Migration(
        number: 3,
        name: "job-events",
        sql: """
            CREATE TABLE job_events (
                job_id TEXT NOT NULL REFERENCES jobs (id),
                number INTEGER NOT NULL CHECK (number > 0),
                kind TEXT NOT NULL,
                at TEXT NOT NULL,
                data BLOB NOT NULL,
                PRIMARY KEY (job_id, number)
            );
            CREATE TABLE job_accounts (
                job_id TEXT NOT NULL PRIMARY KEY REFERENCES jobs (id),
                last_number INTEGER NOT NULL,
                state_events INTEGER NOT NULL,
                output_bytes INTEGER NOT NULL,
                output_events INTEGER NOT NULL,
                worker_bytes INTEGER NOT NULL,
                worker_events INTEGER NOT NULL,
                output_dropped INTEGER NOT NULL,
                worker_dropped INTEGER NOT NULL,
                dropped_number INTEGER
            ) WITHOUT ROWID;
            """
    )
}
