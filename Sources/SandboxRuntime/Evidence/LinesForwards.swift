internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The lines of a file in their order, one in memory at a time.
struct LinesForwards: ~Copyable {
    struct Line {
        /// From 1.
        var number: Int
        /// Where the line begins, in bytes from the start of the file.
        var offset: Int64
        /// Without the newline; empty when `isTooLong`.
        var bytes: [UInt8]
        /// SHA-256 of the line without its newline, however long it is.
        var digest: [UInt8]
        /// No newline follows: the writer was cut off.
        var isCutOff: Bool
        var isTooLong: Bool
    }

    private let descriptor: OwnedFileDescriptor
    private let path: OSString
    private var length: Int64
    private let lineLimit: Int
    private let chunkSize: Int
    private var number = 0
    /// Bytes of the file from here on are unread.
    private var offset: Int64
    /// What is read, of which the bytes before `position` are given out.
    private var held: [UInt8] = []
    private var position = 0
    /// The line given out last had no newline: a newline that comes later is its own.
    private var wasCutOff = false

    /// Reads from `offset`, where a line begins, to `length`, the file's length at a moment when nobody was writing.
    init(
        _ descriptor: consuming OwnedFileDescriptor,
        path: OSString,
        length: Int64,
        from offset: Int64 = 0,
        lineLimit: Int = JSONReader.defaultSizeLimit,
        chunkSize: Int = 256 << 10
    ) {
        self.descriptor = descriptor
        self.path = path
        self.length = length
        self.offset = offset
        self.lineLimit = lineLimit
        self.chunkSize = chunkSize
    }

    enum Later: Hashable {
        case nothing
        /// Whole lines, which `next` gives out now.
        case lines
        /// The file has lost its name to another, so what came later stands there.
        case anotherFile
    }

    /// Takes what was appended since, at a moment when nobody is writing.
    mutating func settleAgain() throws(EvidenceError) -> Later {
        try FileLock.share(descriptor.number, path)
        defer { _ = flock(descriptor.number, LOCK_UN) }
        var status = stat()
        let result = fstat(descriptor.number, &status)
        let code = errno
        guard result == 0 else { throw failure("look at", "fstat", code) }
        if status.st_nlink == 0 { return .anotherFile }
        guard Int64(status.st_size) > length else { return .nothing }
        length = Int64(status.st_size)
        return .lines
    }

    private func failure(_ action: String, _ call: String, _ errno: Int32) -> EvidenceError {
        EvidenceError(action: action, subject: path, call: call, errno: errno, remedy: "try again")
    }

    /// The next line; nil at the end.
    mutating func next() throws(EvidenceError) -> Line? {
        if position == held.count {
            guard try fill() else { return nil }
        }
        if wasCutOff {
            wasCutOff = false
            if held[position] == UInt8(ascii: "\n") {
                position += 1
                return try next()
            }
        }
        number += 1
        var line = Line(
            number: number,
            offset: offset - Int64(held.count - position),
            bytes: [],
            digest: [],
            isCutOff: false,
            isTooLong: false
        )
        var hash = SHA256()
        while true {
            let newline = nextNewline()
            let end = newline ?? held.count
            held.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[position..<end])) }
            line.isTooLong = line.isTooLong || line.bytes.count + end - position > lineLimit
            if line.isTooLong { line.bytes = [] } else { line.bytes += held[position..<end] }
            position = newline.map { $0 + 1 } ?? end
            if newline != nil { break }
            if try !fill() {
                line.isCutOff = true
                wasCutOff = true
                break
            }
        }
        line.digest = hash.digest()
        return line
    }

    private func nextNewline() -> Int? {
        held.withUnsafeBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            guard let start = rest.baseAddress, let found = memchr(start, Int32(UInt8(ascii: "\n")), rest.count) else {
                return nil
            }
            return position + (UnsafeRawPointer(found) - start)
        }
    }

    /// Reads the next piece; false at the end.
    private mutating func fill() throws(EvidenceError) -> Bool {
        guard offset < length else { return false }
        let count = Int(min(Int64(chunkSize), length - offset))
        do throws(SyscallError) {
            held = try FileBytes.read(count, at: offset, of: descriptor.number, named: path)
        } catch {
            throw EvidenceError(
                action: "read",
                subject: path,
                call: error.call,
                errno: error.errno,
                remedy: "see whether the file system is in order"
            )
        }
        position = 0
        guard held.count == count else {
            throw EvidenceError(
                action: "read",
                subject: path,
                cause: "it became shorter while it was read",
                remedy: "try again"
            )
        }
        offset += Int64(count)
        return true
    }
}
