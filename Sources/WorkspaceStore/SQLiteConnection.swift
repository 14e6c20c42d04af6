internal import CSQLite
internal import Glibc

/// One open connection and its prepared statements.
///
/// Sendable unchecked: it goes from thread to thread, and whoever has it holds the `Mutex` it lives in, or is its only owner.
final class SQLiteConnection: @unchecked Sendable {
    /// What a connection is for.
    enum Use {
        case write
        case read
        /// Reading where no writer has been before: a journal that another program left is played back, as any program that reads
        /// the file would have to do, nothing else is written, and nothing is left beside the file that was not there.
        case inspect
        /// A database of its own in memory, to try migrations on.
        case scratch
    }

    let path: String
    private let handle: OpaquePointer
    private let busyTimeout: Int32
    private var statements: [String: OpaquePointer] = [:]

    /// In bytes, of a row and of a value: more than anything that is stored, less than what would hurt.
    static let lengthLimit: Int32 = 8 << 20

    // The path has no link in it, and the file is there. A lock of another process is waited for so many milliseconds.
    init(_ path: String, _ use: Use, busyTimeout: Int32) throws(StoreError) {
        self.path = path
        self.busyTimeout = busyTimeout
        let flags: Int32 =
            switch use {
            case .write, .inspect: SQLITE_OPEN_READWRITE
            case .read: SQLITE_OPEN_READONLY
            case .scratch: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY
            }
        // Looked for by name: a descriptor of ours would let go SQLite's locks when it is closed.
        var found = stat()
        let hasLog = use == .inspect && lstat(path + "-wal", &found) == 0
        var opened: OpaquePointer?
        // No mutexes in SQLite: the caller's lock is the one.
        let always = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE
        errno = 0
        let result = sqlite3_open_v2(path, &opened, flags | always, nil)
        let systemError = errno
        guard result == SQLITE_OK, let opened else {
            let error = SQLiteFailure.error(
                result,
                of: opened,
                systemError: systemError,
                path: path,
                doing: "opening the database"
            )
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        sqlite3_busy_timeout(handle, busyTimeout)
        try defend()
        if use == .inspect {
            // Opening a database in WAL mode makes a log (sqlite.org/wal.html). One that was there is another program's, and stays; else
            // closing takes it away, under the lock that only the last connection gets: never that of a server which has come meanwhile.
            try leaveLog(hasLog)
            try script("PRAGMA query_only = ON")
        }
        // SQLite opens read-only, silently, what it may not write.
        if use == .write, sqlite3_db_readonly(handle, "main") != 0 {
            throw StoreError(
                kind: .unwritable,
                message: "opening the database: \(path) is not writable",
                remedy: "let this account write it, on a file system that is not read-only"
            )
        }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// A file may be hostile: nothing in its schema runs, and nothing in it may be as large as it likes.
    private func defend() throws(StoreError) {
        let switches: [(Int32, Int32)] = [
            (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0), (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
            (SQLITE_DBCONFIG_ENABLE_VIEW, 0), (SQLITE_DBCONFIG_ENABLE_FKEY, 1), (SQLITE_DBCONFIG_DQS_DDL, 0),
            (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        ]
        for (which, on) in switches { try check(csq_switch(handle, which, on), "setting SQLite's switch \(which)") }
        let limits: [(Int32, Int32)] = [
            (SQLITE_LIMIT_LENGTH, SQLiteConnection.lengthLimit), (SQLITE_LIMIT_SQL_LENGTH, 100_000),
            (SQLITE_LIMIT_COLUMN, 100),
            (SQLITE_LIMIT_EXPR_DEPTH, 100), (SQLITE_LIMIT_COMPOUND_SELECT, 10), (SQLITE_LIMIT_ATTACHED, 0),
            (SQLITE_LIMIT_VARIABLE_NUMBER, 100), (SQLITE_LIMIT_TRIGGER_DEPTH, 1), (SQLITE_LIMIT_WORKER_THREADS, 0),
        ]
        for (which, value) in limits { sqlite3_limit(handle, which, value) }
        for setting in ["cell_size_check = ON", "mmap_size = 0", "temp_store = MEMORY", "cache_size = -1024"] {
            try script("PRAGMA \(setting)")
        }
    }

    // MARK: - Statements

    /// Runs statements that are ours and take no values.
    func script(_ sql: String) throws(StoreError) {
        try check(sqlite3_exec(handle, sql, nil, nil, nil), "a statement")
    }

    /// Runs one statement to its end.
    ///
    /// - Returns: how many rows it changed.
    @discardableResult
    func run(_ sql: String, _ values: SQLiteValue...) throws(StoreError) -> Int {
        try step(sql, values, table: "") { (_) throws(StoreError) in true }
        return Int(sqlite3_changes(handle))
    }

    /// Calls `body` with each row until it answers false.
    func rows(
        _ sql: String,
        _ values: SQLiteValue...,
        table: String,
        _ body: (SQLiteRow) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try step(sql, values, table: table, body)
    }

    /// The one row, or nil if there is none.
    func row<Value>(
        _ sql: String,
        _ values: SQLiteValue...,
        table: String,
        _ body: (SQLiteRow) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        var found: Value?
        try step(sql, values, table: table) { (row) throws(StoreError) in
            found = try body(row)
            return false
        }
        return found
    }

    private func step(
        _ sql: String,
        _ values: [SQLiteValue],
        table: String,
        _ body: (SQLiteRow) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let statement = try prepared(sql)
        // Whatever happens the statement is given back idle: one that stands on a row holds a lock.
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            try check(value.bind(to: statement, at: Int32(index + 1)), "binding a value")
        }
        let row = SQLiteRow(statement: statement, table: table, path: path)
        while true {
            errno = 0
            let result = sqlite3_step(statement)
            let systemError = errno
            if result == SQLITE_DONE { return }
            guard result == SQLITE_ROW else {
                throw SQLiteFailure.error(
                    result,
                    of: handle,
                    systemError: systemError,
                    path: path,
                    doing: table.isEmpty ? "writing the database" : "reading table \(table)"
                )
            }
            guard try body(row) else { return }
        }
    }

    private func prepared(_ sql: String) throws(StoreError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        try check(
            sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil),
            "preparing a statement"
        )
        guard let statement else {
            throw StoreError(
                kind: .other,
                message: "preparing a statement: it is empty",
                remedy: "this is a fault of the program"
            )
        }
        statements[sql] = statement
        return statement
    }

    private func check(_ result: Int32, _ doing: String) throws(StoreError) {
        guard result == SQLITE_OK else {
            throw SQLiteFailure.error(result, of: handle, systemError: 0, path: path, doing: doing)
        }
    }

    // MARK: - Transactions

    /// How long another process's lock is waited for from now on, in milliseconds.
    func waits(for time: Int32) { sqlite3_busy_timeout(handle, time) }

    /// Does all of `body`, or nothing of it.
    ///
    /// `IMMEDIATE`: another process's lock is met here, and not in the middle.
    func transaction<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try run("BEGIN IMMEDIATE")
        do {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            // SQLite has ended it itself after some errors (full disk, I/O): sqlite.org/lang_transaction.html. If the rollback
            // fails, the connection stays in the transaction, and the next BEGIN says so: nothing is committed by accident.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// Takes the lock of who writes, and gives it back; another process's is not waited for.
    ///
    /// - Throws: `.busy` if another process has it.
    func tryLock() throws(StoreError) {
        sqlite3_busy_timeout(handle, 0)
        defer { sqlite3_busy_timeout(handle, busyTimeout) }
        try transaction {}
    }

    // MARK: - The file

    /// Copies the whole database, as it is at one moment, into another one, which is a single file then.
    ///
    /// In WAL mode nobody who writes waits for it (sqlite.org/backup.html).
    func copy(to other: SQLiteConnection) throws(StoreError) {
        guard let backup = sqlite3_backup_init(other.handle, "main", handle, "main") else {
            throw SQLiteFailure.error(
                sqlite3_extended_errcode(other.handle),
                of: other.handle,
                systemError: 0,
                path: other.path,
                doing: "beginning the copy"
            )
        }
        errno = 0
        let result = sqlite3_backup_step(backup, -1)
        let systemError = errno
        let finished = sqlite3_backup_finish(backup)
        guard result == SQLITE_DONE, finished == SQLITE_OK else {
            throw SQLiteFailure.error(
                finished == SQLITE_OK ? result : finished,
                of: other.handle,
                systemError: systemError,
                path: other.path,
                doing: "copying the database"
            )
        }
        // The mode is in the copy, too; without it the one file is all there is.
        _ = try other.row("PRAGMA journal_mode = DELETE", table: "") { (row) throws(StoreError) in try row.text(0) }
    }

    /// Lets go the pages that it keeps of the file: up to `cache_size`.
    func releaseMemory() { sqlite3_db_release_memory(handle) }

    /// Whether the path leads to another file than the one that is open, or to none.
    func hasMoved() throws(StoreError) -> Bool {
        var moved: Int32 = 0
        try check(
            sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved),
            "looking whether the file is still there"
        )
        return moved != 0
    }

    /// Whether closing leaves the write-ahead log as it is, so that a file that is refused is not changed.
    func leaveLog(_ leaves: Bool) throws(StoreError) {
        try check(csq_switch(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leaves ? 1 : 0), "setting what closing does")
    }
}
