/// Brings a database to this program's schema.
struct Migrator {
    let connection: SQLiteConnection
    /// Name and version, for the table.
    let tool: String
    var migrations = Migration.all

    /// What was done.
    struct Outcome: Hashable {
        /// How many migrations the database had already when it was adopted; 0 if it was not.
        var adopted = 0
        var applied: [Int] = []
    }

    /// Adopts an original's database, applies what is missing, and leaves the file in WAL mode.
    ///
    /// Each step is a transaction: wherever it ends, the next start goes on from there. Where `stamps`, a database of our own shape
    /// without its table is taken, too.
    func run(at time: StoredTime, stamps: Bool = false) throws(StoreError) -> Outcome {
        var outcome = Outcome()
        // Until it is known that the file is ours, closing it must not write.
        try connection.leaveLog(true)
        switch try SchemaVersion.read(connection, migrations) {
        case .empty, .applied: break
        case .original: outcome.adopted = 1
        case .unmarked(let count):
            guard stamps else {
                throw StoreError(
                    kind: .unknownSchema,
                    message:
                        "\(connection.path) has the tables of schema \(count), but nothing says that they came by its migrations; "
                        + "nothing was changed",
                    remedy: "run codex-sandbox db stamp, if the tables are as they should be"
                )
            }
            outcome.adopted = count
        case .unknown(let what): throw what.error(path: connection.path, tool: tool, known: migrations.count)
        }
        if outcome.adopted > 0 { try adopt(outcome.adopted, at: time) }
        try connection.leaveLog(false)
        try useLog()
        outcome.applied = try applyMissing(at: time)
        return outcome
    }

    private func adopt(_ count: Int, at time: StoredTime) throws(StoreError) {
        try connection.transaction { () throws(StoreError) in
            try AdoptionCheck(connection: connection).run()
            try connection.script(Migration.record)
            for migration in migrations.prefix(count) { try record(migration, at: time, isAdopted: true) }
        }
    }

    private func applyMissing(at time: StoredTime) throws(StoreError) -> [Int] {
        var done = try count()
        var applied: [Int] = []
        while done < migrations.count {
            let migration = migrations[done]
            try connection.transaction { () throws(StoreError) in
                if done == 0 { try connection.script(Migration.record) }
                try connection.script(migration.sql)
                try record(migration, at: time, isAdopted: false)
            }
            applied.append(migration.number)
            done += 1
        }
        return applied
    }

    private func count() throws(StoreError) -> Int {
        switch try SchemaVersion.read(connection, migrations) {
        case .empty: return 0
        case .applied(let count, _): return count
        case .original, .unmarked:
            throw StoreError(
                kind: .busy,
                message: "\(connection.path) was changed by another program while it was opened",
                remedy: "end that program, and start again"
            )
        case .unknown(let what): throw what.error(path: connection.path, tool: tool, known: migrations.count)
        }
    }

    private func record(_ migration: Migration, at time: StoredTime, isAdopted: Bool) throws(StoreError) {
        try connection.run(
            "INSERT INTO \(Migration.recordTable) (number, name, sql, applied_at, tool, adopted) VALUES (?, ?, ?, ?, ?, ?)",
            .integer(Int64(migration.number)),
            .text(migration.name),
            .text(migration.sql),
            .time(time),
            .text(tool),
            .integer(isAdopted ? 1 : 0)
        )
    }

    private func useLog() throws(StoreError) {
        let mode = try connection.row("PRAGMA journal_mode = WAL", table: "") { (row) throws(StoreError) in
            try row.text(0)
        }
        guard mode == "wal" else {
            throw StoreError(
                kind: .unwritable,
                message: "\(connection.path): SQLite keeps the journal mode \(mode ?? "?") instead of WAL",
                remedy: "put the database on a local file system with shared memory maps"
            )
        }
    }
}
