internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A file of records, one line each, that several processes append to.
///
/// A line is one writev(2) under an exclusive flock(2), which also makes the lines a chain: under it the last one is read. If it does not fit, the file is cut back to its length under the same
/// lock, so that a full disk leaves no half line; a half line that a killed writer left is closed off by the next append, and
/// a reader reports it.
struct RecordFile: ~Copyable {
    private let descriptor: OwnedFileDescriptor
    let path: OSString
    private let durable: Bool

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

    /// A line that this process appended, and where the file ended then.
    struct Appended {
        var line: LinkedRecord
        var end: Int64
    }

    /// Appends a record with its link to the line before and a newline: all of it, or nothing.
    ///
    /// `settle` comes next.
    ///
    /// - Parameters:
    ///   - record: as canonical JSON it has no newline in it.
    ///   - known: an earlier line of this process with its digest; where it is still the last, nothing is read.
    /// - Returns: the line as it stands in the file now; nil where the file has no name any more, because `gc` has put another
    ///   in its place, or somebody removed it: what is appended to such a one is lost.
    /// - Throws: `EvidenceError`; nothing of the record is in the file then.
    borrowing func append(
        _ record: UnlinkedRecord,
        after known: (line: Appended, digest: [UInt8])? = nil
    ) throws(EvidenceError) -> Appended? {
        try lock()
        defer { _ = flock(descriptor.number, LOCK_UN) }
        // Under the lock: whoever replaces the file holds it.
        let status = try status()
        guard status.st_nlink > 0 else { return nil }
        let length = Int64(status.st_size)
        if let known, known.line.end == length {
            let link = ChainLink(previous: known.digest, sequence: known.line.line.link.sequence + 1)
            return try append(LinkedRecord(record, link), after: length, newlinesBefore: 0)
        }
        let end = try ChainEnd(of: descriptor.number, length: length, path: path)
        return try append(LinkedRecord(record, end.next), after: length, newlinesBefore: end.isHalfLine ? 1 : 0)
    }

    /// Appends a line that stands in another file, as it stands there.
    borrowing func append(copyOf line: LinkedRecord) throws(EvidenceError) {
        try lock()
        defer { _ = flock(descriptor.number, LOCK_UN) }
        let length = Int64(try status().st_size)
        _ = try append(line, after: length, newlinesBefore: try endsInHalfLine(length) ? 1 : 0)
    }

    private borrowing func append(
        _ line: LinkedRecord,
        after length: Int64,
        newlinesBefore before: Int
    ) throws(EvidenceError) -> Appended {
        try checkLineLimit(line.count)
        let end = length + Int64(before + line.count + 1)
        try checkFileSizeLimit(end)
        try write(line, newlinesBefore: before, after: length)
        return Appended(line: line, end: end)
    }

    private borrowing func lock() throws(EvidenceError) { try FileLock.take(descriptor.number, path) }

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

    /// A line that no reader takes is no record, and the next one could not be linked to it.
    private borrowing func checkLineLimit(_ count: Int) throws(EvidenceError) {
        guard count > ChainEnd.sizeLimit else { return }
        throw EvidenceError(
            action: "append to",
            subject: path,
            cause: "the record would have \(count) bytes, and readers take \(ChainEnd.sizeLimit)",
            remedy: "hand long arguments over in a file"
        )
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
        _ line: LinkedRecord,
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

    private static func write(_ line: LinkedRecord, newlinesBefore before: Int, to descriptor: Int32) -> Int {
        var newline = UInt8(ascii: "\n")
        return withUnsafeMutablePointer(to: &newline) { newline in
            line.withPieces { first, link, last in
                var parts = (
                    iovec(iov_base: newline, iov_len: before), part(first), part(link), part(last),
                    iovec(iov_base: newline, iov_len: 1)
                )
                return withUnsafePointer(to: &parts) {
                    $0.withMemoryRebound(to: iovec.self, capacity: 5) { writev(descriptor, $0, 5) }
                }
            }
        }
    }

    /// A piece to write: writev(2) only reads.
    private static func part(_ bytes: UnsafeRawBufferPointer) -> iovec {
        iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }

    /// Waits until what was appended is on the disk, if that was asked for; other launches need not wait for it.
    ///
    /// Where it throws, the line stands in the file nevertheless.
    borrowing func settle() throws(EvidenceError) {
        guard durable else { return }
        let result = fdatasync(descriptor.number)
        let code = errno
        guard result == 0 else { throw failure("bring to the disk", "fdatasync", code) }
    }

    private borrowing func failure(_ action: String, _ call: String, _ errno: Int32) -> EvidenceError {
        EvidenceError(action: action, subject: path, call: call, errno: errno, remedy: EvidenceFolder.remedy)
    }
}
