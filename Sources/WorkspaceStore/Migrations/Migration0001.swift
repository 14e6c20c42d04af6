extension Migration {
    /// The tables that the first orchestrator had (ORC-37), as SQLAlchemy declared them: its databases are adopted as they are.
    static let originalTables = Migration(
        number: 1,
        name: "original-tables",
        sql: """
            CREATE TABLE projects (
                id VARCHAR NOT NULL,
                created_at DATETIME NOT NULL,
                updated_at DATETIME NOT NULL,
                instruction TEXT NOT NULL,
                status VARCHAR NOT NULL,
                summary TEXT,
                workspace_path VARCHAR NOT NULL,
                PRIMARY KEY (id)
            );
            CREATE TABLE jobs (
                id VARCHAR NOT NULL,
                project_id VARCHAR NOT NULL,
                created_at DATETIME NOT NULL,
                updated_at DATETIME NOT NULL,
                job_type VARCHAR NOT NULL,
                instruction TEXT NOT NULL,
                status VARCHAR NOT NULL,
                result_path VARCHAR,
                logs_path VARCHAR,
                PRIMARY KEY (id),
                FOREIGN KEY (project_id) REFERENCES projects (id)
            );
            """
    )
}
