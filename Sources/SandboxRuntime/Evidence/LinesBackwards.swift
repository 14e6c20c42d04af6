internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The lines of a file, the last one first, without reading more of the file than is asked for.
struct LinesBackwards: ~Copyable {
    struct Line {
        /// Where the line begins, in bytes from the start of the file.
        var offset: Int64
        /// Without the newline; empty when `isTooLong`.
        var bytes: [UInt8]
        /// No newline follows: the writer was cut off.
        var isCutOff: Bool
        var isTooLong: Bool
    }

    private let descriptor: OwnedFileDescriptor
    private let path: OSString
    private let lineLimit: Int
    private let chunkSize: Int
    /// Bytes of the file before `offset` are unread.
    private var offset: Int64
    /// What is read and not yet given out: it starts at `offset`.
    private var held: [UInt8] = []
    private var isFirst = true

    /// Starts at `length`, the file's length at a moment when nobody was writing; what comes later is not looked at.
    init(
        _ descriptor: consuming OwnedFileDescriptor,
        path: OSString,
        length: Int64,
        lineLimit: Int = JSONReader.defaultSizeLimit,
        chunkSize: Int = 256 << 10
    ) {
        self.descriptor = descriptor
        self.path = path
        self.lineLimit = lineLimit
        self.chunkSize = chunkSize
        offset = length
    }

    /// The line before the one given last; nil at the start of the file.
    mutating func next() throws(EvidenceError) -> Line? {
        if held.isEmpty {
            guard try fill() else { return nil }
        }
        let endsInNewline = held.last == UInt8(ascii: "\n")
        if endsInNewline { held.removeLast() }
        defer { isFirst = false }
        return try line(isCutOff: isFirst && !endsInNewline)
    }

    /// The rest of the line whose end is the end of `held`.
    private mutating func line(isCutOff: Bool) throws(EvidenceError) -> Line {
        var tail: [UInt8] = []
        var isTooLong = false
        while true {
            if let newline = held.lastIndex(of: UInt8(ascii: "\n")) {
                let bytes = Array(held[(newline + 1)...]) + tail
                let start = offset + Int64(newline) + 1
                held.removeSubrange((newline + 1)...)
                return finished(start, bytes, isCutOff, isTooLong)
            }
            tail = held + tail
            held = []
            if tail.count > lineLimit {
                isTooLong = true
                tail = []
            }
            if try !fill() { return finished(0, tail, isCutOff, isTooLong) }
        }
    }

    private func finished(_ start: Int64, _ bytes: [UInt8], _ isCutOff: Bool, _ isTooLong: Bool) -> Line {
        let tooLong = isTooLong || bytes.count > lineLimit
        return Line(offset: start, bytes: tooLong ? [] : bytes, isCutOff: isCutOff, isTooLong: tooLong)
    }

    /// Reads the piece before `offset`; false at the start of the file.
    private mutating func fill() throws(EvidenceError) -> Bool {
        guard offset > 0 else { return false }
        let count = Int(min(Int64(chunkSize), offset))
        let bytes: [UInt8]
        do {
            bytes = try FileBytes.read(count, at: offset - Int64(count), of: descriptor.number, named: path)
        } catch {
            throw EvidenceError(
                action: "read",
                subject: path,
                call: error.call,
                errno: error.errno,
                remedy: "see whether the file system is in order"
            )
        }
        guard bytes.count == count else {
            throw EvidenceError(
                action: "read",
                subject: path,
                cause: "it became shorter while it was read",
                remedy: "try again"
            )
        }
        offset -= Int64(count)
        held = bytes
        return true
    }
}
