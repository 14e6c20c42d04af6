/// What `codex-sandbox db migrate|stamp|status` do; nothing is printed here.
public struct DatabaseAdministration: Sendable {
    /// What a database is, beside what this program knows.
    public struct Status: Hashable, Sendable {
        public enum State: Hashable, Sendable {
            /// There is no file, or an empty one: the first start makes it.
            case missing
            /// The first orchestrator's: the next start adopts it, or says which row it cannot take.
            case original
            /// Its tables are those of that migration, but nothing says so: `stamp` takes it.
            case unmarked(Int)
            case current
            /// Migrations are pending: the next start applies them.
            case behind
            /// Refused, and why.
            case unknown(StoreError)
        }

        /// Absolute.
        public var path: String
        public var state: State
        /// Of this program, in their order.
        public var migrations: [MigrationStatus]
        /// Of the main file, in bytes; nil where there is none.
        public var size: Int64?
    }

    public struct MigrationStatus: Hashable, Sendable {
        /// From 1.
        public var number: Int
        public var name: String
        /// nil while it is pending.
        public var appliedAt: StoredTime?
        /// Name and version of the program that applied it.
        public var tool: String?
        /// Whether its tables were found as they are, and not made.
        public var isAdopted: Bool
    }

    /// What `migrate` or `stamp` has done.
    public struct Change: Hashable, Sendable {
        /// How many migrations were taken as done already; 0 if none.
        public var adopted: Int
        /// The numbers of those applied.
        public var applied: [Int]
    }

    let url: DatabaseURL
    let tool: String
    let migrations: [Migration]
    static let busyTimeout: Int32 = 5000

    /// - Parameters:
    ///   - url: where the database is, or will be.
    ///   - tool: name and version of the program, for the table of migrations.
    public init(_ url: DatabaseURL, tool: String) {
        self.init(url, tool: tool, migrations: Migration.all)
    }

    init(_ url: DatabaseURL, tool: String, migrations: [Migration]) {
        self.url = url
        self.tool = tool
        self.migrations = migrations
    }

    /// Changes nothing, leaves nothing beside the file that was not there, and works beside a running server.
    ///
    /// - Throws: `StoreError` where the file is refused as at a start, or is no database; a schema that is not known is a state.
    public func status() throws(StoreError) -> Status {
        let file = try DatabaseFile(url.path)
        var status = Status(path: file.path, state: .missing, migrations: [], size: file.size)
        var applied: [AppliedMigration] = []
        if file.exists, file.size != 0 {
            let connection = try SQLiteConnection(file.path, .inspect, busyTimeout: DatabaseAdministration.busyTimeout)
            let version = try SchemaVersion.read(connection, migrations)
            switch version {
            case .empty: status.state = .missing
            case .original: status.state = .original
            case .unmarked(let count): status.state = .unmarked(count)
            case .applied(let count, let lines):
                status.state = count == migrations.count ? .current : .behind
                applied = lines
            case .unknown(let what):
                status.state = .unknown(what.error(path: file.path, tool: tool, known: migrations.count))
            }
        }
        status.migrations = migrations.map { migration in
            let line = applied.first { $0.number == migration.number }
            return MigrationStatus(
                number: migration.number,
                name: migration.name,
                appliedAt: line?.appliedAt,
                tool: line?.tool,
                isAdopted: line?.isAdopted ?? false
            )
        }
        return status
    }

    /// Does what a start does, and ends: makes the database, adopts an original's, applies what is pending.
    ///
    /// - Throws: `StoreError`, `.busy` while a server has it.
    public func migrate(at time: StoredTime = .now()) throws(StoreError) -> Change {
        try change(at: time, stamps: false, makes: true)
    }

    /// Takes a database whose tables are exactly those of one of this program's migrations, and applies what is pending behind it.
    ///
    /// The first migration's tables are the original's. A database that is marked already is left as it is, but for what is pending.
    ///
    /// - Throws: `StoreError`, `.unknownSchema` with what differs; `.unwritable` where there is no file.
    public func stamp(at time: StoredTime = .now()) throws(StoreError) -> Change {
        try change(at: time, stamps: true, makes: false)
    }

    /// Compares everything in the file, indexes with tables, too.
    ///
    /// Takes the time to read it all. Works beside a running server.
    ///
    /// - Throws: `StoreError`, `.corrupt` with what SQLite found first.
    public func check() throws(StoreError) {
        let file = try DatabaseFile(url.path)
        let connection = try SQLiteConnection(file.path, .inspect, busyTimeout: DatabaseAdministration.busyTimeout)
        try SQLiteCheck(connection: connection).whole()
    }

    /// Reads a database that is up to date with this program, beside whoever has it.
    ///
    /// - Throws: `StoreError`, `.unknownSchema` for any other.
    func current<Value>(
        _ body: (SQLiteConnection) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let file = try DatabaseFile(url.path)
        guard file.exists, file.size != 0 else {
            throw StoreError(
                kind: .unwritable,
                message: "there is no database \(file.path)",
                remedy: "name another one with --database URL or --data-dir DIR"
            )
        }
        let connection = try SQLiteConnection(file.path, .inspect, busyTimeout: DatabaseAdministration.busyTimeout)
        switch try SchemaVersion.read(connection, migrations) {
        case .applied(migrations.count, _): return try body(connection)
        case .unknown(let what): throw what.error(path: file.path, tool: tool, known: migrations.count)
        case .applied, .empty, .original, .unmarked:
            throw StoreError(
                kind: .unknownSchema,
                message: "the database \(file.path) is not of this program's version",
                remedy: "start the server once, or see codex-sandbox db status"
            )
        }
    }

    /// Keeps servers away from the database for as long as the value lives; nil where there is none.
    ///
    /// - Throws: `StoreError`, `.busy` while a server has it.
    public func keepUnserved() throws(StoreError) -> UnservedDatabase? {
        let file = try DatabaseFile(url.path)
        return file.exists ? UnservedDatabase(lock: try ServerLock(of: file.path)) : nil
    }

    private func change(at time: StoredTime, stamps: Bool, makes: Bool) throws(StoreError) -> Change {
        let file = try DatabaseFile(url.path)
        guard file.exists || makes else {
            throw StoreError(
                kind: .unwritable,
                message: "there is no database \(file.path)",
                remedy: "codex-sandbox db migrate makes one"
            )
        }
        let lock = try ServerLock(of: file.path)
        defer { withExtendedLifetime(lock) {} }
        try RestoreMark.checkNone(file.path)
        if !file.exists { try file.create() }
        let connection = try SQLiteConnection(file.path, .write, busyTimeout: DatabaseAdministration.busyTimeout)
        try SQLiteCheck(connection: connection).quick(upTo: .max, size: file.size)
        let outcome = try Migrator(connection: connection, tool: tool, migrations: migrations).run(
            at: time,
            stamps: stamps
        )
        return Change(adopted: outcome.adopted, applied: outcome.applied)
    }
}

/// A database that no server has, nor gets.
public struct UnservedDatabase: Sendable {
    let lock: ServerLock
}
