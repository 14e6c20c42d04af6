internal import Glibc

extension DatabaseAdministration {
    /// Copies the database as it is at one moment, beside a running server, to a file of its own.
    ///
    /// - Parameter path: absolute; nothing may be there.
    /// - Returns: the number of the last migration that it has had.
    /// - Throws: `StoreError` where either file cannot be used, or the database is none of this program's.
    public func backUp(to path: String) throws(StoreError) -> Int {
        let file = try DatabaseFile(url.path)
        try RestoreMark.checkNone(file.path)
        guard file.exists, file.size != 0 else {
            throw StoreError(
                kind: .unwritable,
                message: "there is no database \(file.path)",
                remedy: "name another one with --database URL or --data-dir DIR"
            )
        }
        let source = try SQLiteConnection(file.path, .inspect, busyTimeout: DatabaseAdministration.busyTimeout)
        let copy = try DatabaseFile(path)
        try copy.create()
        do throws(StoreError) {
            let target = try SQLiteConnection(copy.path, .write, busyTimeout: DatabaseAdministration.busyTimeout)
            try source.copy(to: target)
            return try DatabaseAdministration.checked(target, copy.path, tool, migrations)
        } catch {
            _ = unlink(copy.path)
            throw error
        }
    }

    /// Looks through a whole copy that somebody wants to use.
    ///
    /// - Returns: the number of the last migration that it has had.
    /// - Throws: `StoreError` for a damaged one, and for one of another program or a newer version.
    public func checkCopy() throws(StoreError) -> Int {
        let file = try DatabaseFile(url.path)
        let connection = try SQLiteConnection(file.path, .inspect, busyTimeout: DatabaseAdministration.busyTimeout)
        return try DatabaseAdministration.checked(connection, file.path, tool, migrations)
    }

    private static func checked(
        _ connection: SQLiteConnection,
        _ path: String,
        _ tool: String,
        _ migrations: [Migration]
    ) throws(StoreError) -> Int {
        try SQLiteCheck(connection: connection).whole()
        switch try SchemaVersion.read(connection, migrations) {
        case .applied(let count, _): return count
        case .unknown(let what): throw what.error(path: path, tool: tool, known: migrations.count)
        case .empty, .original, .unmarked:
            throw StoreError(
                kind: .unknownSchema,
                message: "\(path) is no database that a server of this kind has used",
                remedy: "start the server once, or see codex-sandbox db status"
            )
        }
    }
}

/// A database that is about to be replaced; nobody else has it meanwhile.
///
/// The new file is written beside it, to `stagedPath`. From `begin` on the replacement only goes on: where it is interrupted, no server
/// starts until `finish` was called again, each step of which finds what the one before has done.
public final class DatabaseReplacement: Sendable {
    /// Absolute.
    public let path: String
    private let lock: ServerLock

    /// - Throws: `StoreError`, `.busy` while a server has it; `DatabaseFile`'s where it could not be used.
    public init(_ url: DatabaseURL) throws(StoreError) {
        let file = try DatabaseFile(url.path)
        lock = try ServerLock(of: file.path)
        path = file.path
    }

    public var stagedPath: String { path + ".restored" }
    /// What `begin` writes, and who ends it reads.
    public var markPath: String { path + RestoreMark.ending }
    public var isBegun: Bool { RestoreMark.isThere(path) }
    public var exists: Bool { DatabaseReplacement.isThere(path) }

    /// Puts the staged database in its place; what was there stays beside it, with this ending.
    ///
    /// - Throws: `StoreError`; to be called again then.
    public func finish(movingOldTo ending: String) throws(StoreError) {
        guard DatabaseReplacement.isThere(stagedPath) else { return }
        // The old log belongs to the old file: played into another one it would ruin it.
        if exists { try move(path, path + ending) }
        if DatabaseReplacement.isThere(path + "-wal") { try move(path + "-wal", path + ending + "-wal") }
        if DatabaseReplacement.isThere(path + "-journal") { try move(path + "-journal", path + ending + "-journal") }
        _ = unlink(path + "-shm")
        try move(stagedPath, path)
    }

    private func move(_ old: String, _ new: String) throws(StoreError) {
        guard rename(old, new) == 0 else {
            throw StoreError(
                kind: .unwritable,
                message: "renaming \(old) to \(new): \(errorText(errno))",
                remedy: "let this account write the folder, and run codex-sandbox db restore once more"
            )
        }
    }

    private static func isThere(_ path: String) -> Bool {
        var found = stat()
        return lstat(path, &found) == 0
    }
}
