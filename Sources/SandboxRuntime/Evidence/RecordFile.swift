internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A file of records, one line each, that several processes append to.
///
/// A line is one writev(2) under an exclusive flock(2). If it does not fit, the file is cut back to its length under the same
/// lock, so that a full disk leaves no half line; a half line that a killed writer left is closed off by the next append, and
/// a reader reports it.
struct RecordFile: ~Copyable {
    private let descriptor: OwnedFileDescriptor
    let path: OSString
    private let durable: Bool

    /// How long a lock is waited for: a stopped process may hold it for ever.
    private static let lockPatience = 5000

    /// Opens or makes `name` in `folder` for appending.
    static func open(
        _ name: OSString,
        below folder: Int32,
        path: OSString,
        durable: Bool,
        remedy: String
    ) throws(EvidenceError) -> RecordFile {
        // O_NONBLOCK: a FIFO of this name must not hold the launch up; on a regular file it means nothing.
        let flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        let number = name.withCString { openat(folder, $0, flags, 0o600) }
        let code = errno
        guard number >= 0 else {
            throw EvidenceError(
                action: "open the file of records",
                subject: path,
                call: "openat",
                errno: code,
                cause: code == ELOOP ? "it is a link" : "",
                remedy: remedy
            )
        }
        return try adopt(OwnedFileDescriptor(owning: number), path: path, durable: durable, remedy: remedy)
    }

    /// Takes over a file that is open for reading and appending.
    static func adopt(
        _ descriptor: consuming OwnedFileDescriptor,
        path: OSString,
        durable: Bool,
        remedy: String
    ) throws(EvidenceError) -> RecordFile {
        let status = try OwnedByUs.check(descriptor.number, path, remedy: remedy)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EvidenceError(
                action: "keep records in",
                subject: path,
                cause: "it is no regular file",
                remedy: remedy
            )
        }
        return RecordFile(descriptor: descriptor, path: path, durable: durable)
    }

    /// Whether the file still has a name: records appended to one without a name are lost when it is closed.
    var hasName: Bool {
        get throws(EvidenceError) { try status().st_nlink > 0 }
    }

    /// Appends `line`, which as canonical JSON has no newline in it, and a newline: all of it, or nothing.
    borrowing func append(_ line: CanonicalJSON) throws(EvidenceError) {
        try lock()
        defer { _ = flock(descriptor.number, LOCK_UN) }
        let length = Int64(try status().st_size)
        let before = try endsInHalfLine(length) ? 1 : 0
        try checkFileSizeLimit(length + Int64(before + line.bytes.count + 1))
        try write(line.bytes, newlinesBefore: before, after: length)
        if durable { try flush() }
    }

    private borrowing func lock() throws(EvidenceError) {
        var waited = 0
        while true {
            let result = flock(descriptor.number, LOCK_EX | LOCK_NB)
            let code = errno
            if result == 0 { return }
            guard code == EWOULDBLOCK || code == EINTR, waited < RecordFile.lockPatience else {
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

    private borrowing func status() throws(EvidenceError) -> stat {
        var status = stat()
        let result = fstat(descriptor.number, &status)
        let code = errno
        guard result == 0 else { throw failure("look at", "fstat", code) }
        return status
    }

    private borrowing func endsInHalfLine(_ length: Int64) throws(EvidenceError) -> Bool {
        guard length > 0 else { return false }
        do {
            return try FileBytes.read(1, at: length - 1, of: descriptor.number, named: path) != [UInt8(ascii: "\n")]
        } catch {
            throw failure("read the end of", error.call, error.errno)
        }
    }

    /// A write at the limit of RLIMIT_FSIZE would end this process with SIGXFSZ (setrlimit(2)).
    private borrowing func checkFileSizeLimit(_ length: Int64) throws(EvidenceError) {
        var limit = rlimit()
        let result = getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let code = errno
        guard result == 0 else { throw failure("ask for the file size limit of", "getrlimit", code) }
        guard UInt64(length) > limit.rlim_cur else { return }
        throw EvidenceError(
            action: "append to",
            subject: path,
            call: "writev",
            errno: EFBIG,
            cause: "it would be longer than the caller's file size limit of \(limit.rlim_cur) bytes",
            remedy: "raise the limit with ulimit -f"
        )
    }

    /// One call for the line and its newlines: what other launches append stands before it or after it (write(2), O_APPEND).
    private borrowing func write(
        _ line: [UInt8],
        newlinesBefore before: Int,
        after length: Int64
    ) throws(EvidenceError) {
        let whole = before + line.count + 1
        while true {
            let count = RecordFile.write(line, newlinesBefore: before, to: descriptor.number)
            let code = errno
            if count == whole { return }
            if count < 0 && code == EINTR { continue }
            var error = failure("append to", "writev", count < 0 ? code : ENOSPC)
            if count >= 0 { error.cause = "only \(count) of \(whole) bytes fitted" }
            error.remedy = "free space on the file system of \(path), or name another folder with --state-dir DIR"
            if count > 0 && ftruncate(descriptor.number, off_t(length)) != 0 {
                error.cause += "; and the half line could not be cut off again (\(ErrnoName.name(Glibc.errno)))"
            }
            throw error
        }
    }

    private static func write(_ line: [UInt8], newlinesBefore before: Int, to descriptor: Int32) -> Int {
        var newline = UInt8(ascii: "\n")
        return line.withUnsafeBytes { line in
            withUnsafeMutablePointer(to: &newline) { newline in
                // writev(2) only reads.
                let text = UnsafeMutableRawPointer(mutating: line.baseAddress)
                var parts = (
                    iovec(iov_base: newline, iov_len: before), iovec(iov_base: text, iov_len: line.count),
                    iovec(iov_base: newline, iov_len: 1)
                )
                return withUnsafePointer(to: &parts) {
                    $0.withMemoryRebound(to: iovec.self, capacity: 3) { writev(descriptor, $0, 3) }
                }
            }
        }
    }

    private borrowing func flush() throws(EvidenceError) {
        let result = fdatasync(descriptor.number)
        let code = errno
        guard result == 0 else { throw failure("bring to the disk", "fdatasync", code) }
    }

    private borrowing func failure(_ action: String, _ call: String, _ errno: Int32) -> EvidenceError {
        EvidenceError(action: action, subject: path, call: call, errno: errno, remedy: EvidenceFolder.remedy)
    }
}
