internal import CSQLite
internal import Glibc

/// The one server of a database: a lock on the file `<database>.lock`, held until the value goes or the process ends.
///
/// A file of its own, because SQLite's locks on the database are let go with any descriptor of it; and it stays when the server
/// ends, because another may be waiting on the one that would be removed.
final class ServerLock: Sendable {
    private let descriptor: Int32

    init(of database: String) throws(StoreError) {
        let path = database + ".lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            throw StoreError(
                kind: code == ENOSPC || code == EDQUOT ? .full : .unwritable,
                message: "opening the lock \(path): \(code == ELOOP ? "it is a symbolic link" : errorText(code))",
                remedy: "let this account write the folder, and move away what is in the lock's place"
            )
        }
        var found = stat()
        guard fstat(descriptor, &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_uid == geteuid() else {
            close(descriptor)
            throw StoreError(
                kind: .unwritable,
                message: "the lock \(path) is no regular file of this account",
                remedy: "move it away"
            )
        }
        if let code = ServerLock.take(descriptor) {
            let holder = ServerLock.holder(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw StoreError(
                    kind: .unwritable,
                    message: "locking \(path): \(errorText(code))",
                    remedy: "put the database on a file system with locks"
                )
            }
            throw StoreError(
                kind: .busy,
                message: "another server has the database \(database)\(holder)",
                remedy: "end that one, or set another DATABASE_URL"
            )
        }
        let text = Array("\(getpid())\n".utf8)
        // For the message above only: a lock without a number holds as well.
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
        self.descriptor = descriptor
    }

    deinit {
        // A child between fork and exec has the descriptor, too: unlocked here, it is unlocked for all (flock(2)).
        _ = csq_unlock(descriptor)
        close(descriptor)
    }

    /// Answers errno, or nil when it is held.
    ///
    /// A server that was killed may be gone a moment before its children have exec'ed, and until then they hold its lock.
    private static func take(_ descriptor: Int32) -> Int32? {
        for _ in 0..<25 {
            if csq_lock(descriptor) == 0 { return nil }
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR else { return code }
            usleep(10_000)
        }
        return EWOULDBLOCK
    }

    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 1, bytes[count - 1] == UInt8(ascii: "\n"),
            let number = Int32(String(decoding: bytes[..<(count - 1)], as: UTF8.self))
        else { return "" }
        return " (process \(number))"
    }
}
