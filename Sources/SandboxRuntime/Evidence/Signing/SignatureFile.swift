internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The signatures of a workspace's records, open and locked for whoever writes to them: a signer, or `gc`.
///
/// They stand in the order of their records. A line that a killed signer left half is cut off by the next one: its record
/// is signed again, so nothing is lost with it.
struct SignatureFile: ~Copyable {
    private let descriptor: OwnedFileDescriptor
    private let path: OSString
    private var length: Int64
    /// The signature of the record that was signed last; nil when none was.
    private(set) var last: RecordSignature?

    /// Opens or makes the file, waits for its lock, and mends its end.
    ///
    /// - Throws: `EvidenceError` when another process has held it for 5 seconds, or its last line is no signature.
    init(_ location: EvidenceLocation, in folder: borrowing EvidenceFolder) throws(EvidenceError) {
        let path = location.signatures
        let opened = try SignatureFile.locked(in: folder, path)
        let status = try OwnedByUs.check(opened.number, path, remedy: "look at who wrote to it")
        let whole = try SignatureFile.wholeLines(of: opened.number, Int64(status.st_size), path)
        let last = try SignatureFile.last(of: opened.number, whole, path)
        self.path = path
        descriptor = opened
        length = whole
        self.last = last
    }

    var number: Int32 { descriptor.number }
    var size: Int64 { length }

    /// Opened again while another had taken its place under the lock.
    private static func locked(
        in folder: borrowing EvidenceFolder,
        _ path: OSString
    ) throws(EvidenceError) -> OwnedFileDescriptor {
        while true {
            let flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
            let number = EvidenceLocation.signaturesName.withCString {
                openat(folder.descriptor.number, $0, flags, 0o600)
            }
            let code = errno
            guard number >= 0 else { throw failure("open the file of signatures", path, "openat", code) }
            let descriptor = OwnedFileDescriptor(owning: number)
            try FileLock.take(descriptor.number, path)
            var status = stat()
            let result = fstat(descriptor.number, &status)
            let statCode = errno
            guard result == 0 else { throw failure("look at", path, "fstat", statCode) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw EvidenceError(
                    action: "keep signatures in",
                    subject: path,
                    cause: "it is no regular file",
                    remedy: "look at who put it there"
                )
            }
            if status.st_nlink > 0 { return descriptor }
        }
    }

    /// Cuts off half a line at the end; where the whole ones end.
    private static func wholeLines(of file: Int32, _ length: Int64, _ path: OSString) throws(EvidenceError) -> Int64 {
        let count = Int(min(length, 64 << 10))
        let tail = try read(count, at: length - Int64(count), of: file, path)
        guard tail.last.map({ $0 != UInt8(ascii: "\n") }) == true else { return length }
        let newline = ByteSearch.lastNewline(in: tail, before: tail.count)
        guard newline != nil || Int64(count) == length else { throw damaged(path) }
        let whole = length - Int64(count) + Int64(newline.map { $0 + 1 } ?? 0)
        let result = ftruncate(file, off_t(whole))
        let code = errno
        guard result == 0 else { throw failure("cut half a line off", path, "ftruncate", code) }
        return whole
    }

    private static func last(
        of file: Int32,
        _ length: Int64,
        _ path: OSString
    ) throws(EvidenceError) -> RecordSignature? {
        guard length > 0 else { return nil }
        let count = Int(min(length, 4096))
        let tail = try read(count, at: length - Int64(count), of: file, path)
        let start = ByteSearch.lastNewline(in: tail, before: tail.count - 1).map { $0 + 1 } ?? 0
        guard let signature = RecordSignature(reading: Array(tail[start..<(tail.count - 1)])) else {
            throw damaged(path)
        }
        return signature
    }

    private static func read(
        _ count: Int,
        at offset: Int64,
        of file: Int32,
        _ path: OSString
    ) throws(EvidenceError) -> [UInt8] {
        do throws(SyscallError) {
            return try FileBytes.read(count, at: offset, of: file, named: path)
        } catch {
            throw failure("read the end of", path, error.call, error.errno)
        }
    }

    /// Appends signatures: all of them, or, where it throws, none.
    mutating func append(_ signatures: [RecordSignature]) throws(EvidenceError) {
        guard let newest = signatures.last else { return }
        var bytes: [UInt8] = []
        for signature in signatures { bytes += signature.line.bytes + [UInt8(ascii: "\n")] }
        do throws(SyscallError) {
            try FileBytes.write(bytes, to: descriptor.number, named: path)
        } catch {
            _ = ftruncate(descriptor.number, off_t(length))
            throw SignatureFile.failure("append to", path, error.call, error.errno)
        }
        length += Int64(bytes.count)
        last = newest
    }

    private static func damaged(_ path: OSString) -> EvidenceError {
        EvidenceError(
            action: "go on with the signatures in",
            subject: path,
            cause: "its last line is no signature",
            remedy:
                "see what `codex-sandbox evidence verify` says of it, and move it away: all records are signed anew then"
        )
    }

    private static func failure(_ action: String, _ path: OSString, _ call: String, _ code: Int32) -> EvidenceError {
        EvidenceError(action: action, subject: path, call: call, errno: code, remedy: EvidenceFolder.remedy)
    }
}
