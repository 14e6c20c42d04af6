internal import CSQLite
internal import Glibc

/// What a result code of SQLite means to the store's users.
enum SQLiteFailure {
    /// Reads the connection's state: to be called before anything else is done with it.
    ///
    /// `code` is an extended result code; its low byte is the primary one (sqlite.org/rescode.html). `systemError` is errno as the
    /// call left it, if it was 0 before: sqlite3_system_errno knows it of some calls only.
    static func error(
        _ code: Int32,
        of database: OpaquePointer?,
        systemError: Int32,
        path: String,
        doing: String
    ) -> StoreError {
        // Other errors leave numbers behind that mean nothing: files looked for that need not be there.
        let isSystems = [SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_FULL].contains(code & 0xff)
        let known = database.map { sqlite3_system_errno($0) } ?? 0
        let systemError = isSystems ? (known != 0 ? known : systemError) : 0
        let detail = database.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
        let system = systemError == 0 ? "" : ", \(String(cString: strerror(systemError)))"
        let message = "\(doing): \(path): \(detail) (SQLite \(code)\(system))"
        return StoreError(kind: kind(code, systemError), message: message, remedy: remedy(code, systemError, path))
    }

    static func kind(_ code: Int32, _ systemError: Int32) -> StoreError.Kind {
        switch code & 0xff {
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
        case SQLITE_FULL: .full
        case SQLITE_IOERR:
            switch systemError {
            // EFBIG: the process's own limit of a file's size (setrlimit(2), RLIMIT_FSIZE).
            case ENOSPC, EDQUOT, EFBIG: .full
            case EROFS, EACCES, EPERM: .unwritable
            default: .other
            }
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_AUTH: .unwritable
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: .busy
        case SQLITE_CONSTRAINT: .constraint
        // Only what was stored can be too big: what is bound is measured before.
        case SQLITE_TOOBIG: .corrupt
        default: .other
        }
    }

    static func remedy(_ code: Int32, _ systemError: Int32, _ path: String) -> String {
        switch kind(code, systemError) {
        case .corrupt: corrupt(path)
        case .full:
            "make room on the file system of \(path) (df), or raise the limit of a file's size; no restart is needed"
        case .unwritable:
            "let this account write \(path) and the folder around it, on a file system that is not read-only"
        case .busy: "end the other program that holds \(path) (fuser \(path)), or try again"
        case .constraint: "this is a fault of the program, unless somebody else writes to the database"
        case .unknownSchema, .noPage, .other:
            "look at the disk and at the kernel's log; the database is as it was before"
        }
    }

    static func corrupt(_ path: String) -> String {
        "restore a backup of \(path), or move it away with its -wal and -shm, and a new one is made"
    }
}
