internal import Glibc
internal import SandboxPlan

/// The lock of a file that several processes append to (flock(2)).
enum FileLock {
    /// In milliseconds: a stopped process may hold it for ever.
    private static let patience = 5000

    /// Takes the exclusive lock; closing the file, or LOCK_UN, gives it back.
    ///
    /// - Throws: `EvidenceError` when another process has held it for 5 seconds.
    static func take(_ descriptor: Int32, _ path: OSString) throws(EvidenceError) {
        try take(LOCK_EX, descriptor, path)
    }

    /// The same with a lock that readers share.
    static func share(_ descriptor: Int32, _ path: OSString) throws(EvidenceError) {
        try take(LOCK_SH, descriptor, path)
    }

    private static func take(_ kind: Int32, _ descriptor: Int32, _ path: OSString) throws(EvidenceError) {
        var waited = 0
        while true {
            let result = flock(descriptor, kind | LOCK_NB)
            let code = errno
            if result == 0 { return }
            guard code == EWOULDBLOCK || code == EINTR, waited < patience else {
                throw EvidenceError(
                    action: "lock",
                    subject: path,
                    call: "flock",
                    errno: code,
                    cause: code == EWOULDBLOCK ? "another process has held it for 5 s" : "",
                    remedy: "find the process with lsof or fuser and end or continue it"
                )
            }
            var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
            _ = nanosleep(&pause, nil)
            waited += 1
        }
    }
}
