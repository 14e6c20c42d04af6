/// What a database is, judged by its schema before anything is changed.
enum SchemaVersion {
    /// Nothing in it.
    case empty
    /// The first orchestrator's tables, with or without Alembic's mark; nothing of ours.
    case original
    /// Ours after that many migrations, all as this program has them.
    case applied(count: Int, [AppliedMigration])
    /// The shape of ours after that many migrations, but without the table that says so.
    case unmarked(count: Int)
    /// Nobody's, or a newer program's.
    case unknown(UnknownSchema)
}

/// Why a schema is not taken.
enum UnknownSchema {
    case newer(AppliedMigration)
    /// A migration that this program has otherwise, or not at all.
    case otherMigration(String)
    case otherShape([String])
}

/// A line of the table of applied migrations.
struct AppliedMigration {
    var number: Int64
    var name: String
    var sql: String
    var appliedAt: StoredTime
    var tool: String
    var isAdopted: Bool
}

extension SchemaVersion {
    /// `migrations` are those that this program knows; tests give others.
    static func read(_ connection: SQLiteConnection, _ migrations: [Migration]) throws(StoreError) -> SchemaVersion {
        var shape = try DatabaseShape.read(connection)
        guard !shape.isEmpty else { return .empty }
        let expected = try shapes(migrations)
        guard shape.tables[Migration.recordTable] != nil else {
            let withoutMark = try removingAlembic(shape, connection)
            if withoutMark.problems.isEmpty, let count = expected.lastIndex(of: withoutMark.shape), count > 0 {
                return count == 1 ? .original : .unmarked(count: count)
            }
            return .unknown(.otherShape(withoutMark.problems + withoutMark.shape.differences(from: expected[1])))
        }
        let record = try recordShape()
        let recordDifferences = DatabaseShape(tables: shape.tables.filter { $0.key == Migration.recordTable })
            .differences(from: record)
        guard recordDifferences.isEmpty else { return .unknown(.otherShape(recordDifferences)) }
        let applied = try appliedMigrations(connection)
        if let problem = problem(of: applied, migrations) { return .unknown(problem) }
        shape.tables[Migration.recordTable] = nil
        let bare = try removingAlembic(shape, connection)
        let differences = bare.problems + bare.shape.differences(from: expected[applied.count])
        guard differences.isEmpty else { return .unknown(.otherShape(differences)) }
        return .applied(count: applied.count, applied)
    }

    private static func problem(of applied: [AppliedMigration], _ migrations: [Migration]) -> UnknownSchema? {
        // The newest first: what a newer program has done is no fault of the file.
        if let last = applied.last, last.number > migrations.count { return .newer(last) }
        guard !applied.isEmpty else { return .otherMigration("its table of migrations is empty") }
        for (index, line) in applied.enumerated() {
            guard line.number == index + 1 else {
                return .otherMigration("migration \(index + 1) is missing in its table")
            }
            let known = migrations[index]
            guard line.name == known.name, line.sql == known.sql else {
                return .otherMigration(
                    "migration \(line.number) was \(Quoted.text(line.name)) by \(Quoted.text(line.tool)), and is "
                        + (line.name == known.name ? "another text of that name" : known.name) + " here"
                )
            }
        }
        return nil
    }

    private static func appliedMigrations(_ connection: SQLiteConnection) throws(StoreError) -> [AppliedMigration] {
        var applied: [AppliedMigration] = []
        try connection.rows(
            "SELECT rowid, number, name, sql, applied_at, tool, adopted FROM \(Migration.recordTable) ORDER BY number LIMIT 1000",
            table: Migration.recordTable
        ) { (row) throws(StoreError) in
            applied.append(
                AppliedMigration(
                    number: try row.integer(1),
                    name: try row.text(2),
                    sql: try row.text(3),
                    appliedAt: try row.time(4),
                    tool: try row.text(5),
                    isAdopted: try row.integer(6) != 0
                )
            )
            return true
        }
        return applied
    }

    // MARK: - What is expected

    /// The shapes after 0, 1, 2 … migrations, made by doing them.
    static func shapes(_ migrations: [Migration]) throws(StoreError) -> [DatabaseShape] {
        let scratch = try SQLiteConnection(":memory:", .scratch, busyTimeout: 0)
        var shapes = [DatabaseShape()]
        for migration in migrations {
            try scratch.script(migration.sql)
            shapes.append(try DatabaseShape.read(scratch))
        }
        return shapes
    }

    private static func recordShape() throws(StoreError) -> DatabaseShape {
        let scratch = try SQLiteConnection(":memory:", .scratch, busyTimeout: 0)
        try scratch.script(Migration.record)
        return try DatabaseShape.read(scratch)
    }

    /// Alembic's table may stand beside, empty or with the one mark that the first orchestrator ever had.
    private static func removingAlembic(
        _ shape: DatabaseShape,
        _ connection: SQLiteConnection
    ) throws(StoreError) -> (shape: DatabaseShape, problems: [String]) {
        guard let found = shape.tables["alembic_version"] else { return (shape, []) }
        let scratch = try SQLiteConnection(":memory:", .scratch, busyTimeout: 0)
        try scratch.script("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        let expected = try DatabaseShape.read(scratch)
        var problems = DatabaseShape(tables: ["alembic_version": found]).differences(from: expected)
        if problems.isEmpty {
            try connection.rows("SELECT rowid, version_num FROM alembic_version LIMIT 10", table: "alembic_version") {
                (row) throws(StoreError) in
                let mark = try row.text(1)
                if mark != "0001" { problems.append("alembic_version is \(Quoted.text(mark)), and 0001 is known only") }
                return true
            }
        }
        var rest = shape
        rest.tables["alembic_version"] = nil
        return (rest, problems)
    }
}

extension UnknownSchema {
    func error(path: String, tool: String, known: Int) -> StoreError {
        switch self {
        case .newer(let last):
            StoreError(
                kind: .unknownSchema,
                message:
                    "\(path) has the schema \(last.number) (\(Quoted.text(last.name)), by \(Quoted.text(last.tool))), and this "
                    + "is \(tool), which knows it up to \(known); nothing was changed",
                remedy: "run the newer version, or restore the backup from before the upgrade"
            )
        case .otherMigration(let what):
            StoreError(
                kind: .unknownSchema,
                message: "\(path) was made by another program or a changed one: \(what); nothing was changed",
                remedy: "run the program that made it, or move it away"
            )
        case .otherShape(let differences):
            StoreError(
                kind: .unknownSchema,
                message:
                    "\(path) is a database of a shape that is not known: \(UnknownSchema.short(differences)); nothing was changed",
                remedy: "set a DATABASE_URL of its own, or undo what differs and run codex-sandbox db stamp"
            )
        }
    }

    static func short(_ differences: [String]) -> String {
        differences.prefix(5).joined(separator: "; ")
            + (differences.count > 5 ? "; and \(differences.count - 5) more" : "")
    }
}
