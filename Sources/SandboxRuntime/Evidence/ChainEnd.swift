internal import SandboxKernel
internal import SandboxPlan

/// What the next line of a file of records has to know of those before it; to be read under the file's lock.
///
/// The next record links to the last line, whatever that is: half a line that a killed writer left is in the chain by its
/// digest, so it can be neither mended nor removed unseen. Its number follows the last one that can be read, and where that is
/// not the last line's, the digest goes over all from there on (`LinkedStretch`): half a line without a link vouches for nothing.
struct ChainEnd {
    /// No newline ends the file: its writer was killed.
    var isHalfLine: Bool
    /// The next record's link.
    var next: ChainLink

    /// So many lines without a number are gone back over: killed writers leave one at a time.
    static let lineLimit = 64

    /// What a reader takes for a line, and so much of a file is gone back over.
    static let sizeLimit = JSONReader.defaultSizeLimit

    private let descriptor: Int32
    private let path: OSString

    /// Reads the end of a file of `length` bytes.
    ///
    /// - Throws: `EvidenceError` when it cannot be read, or when what stands there is so long that nothing can be linked to it.
    init(of descriptor: Int32, length: Int64, path: OSString) throws(EvidenceError) {
        self.descriptor = descriptor
        self.path = path
        isHalfLine = false
        next = .first
        var end = length
        /// The last one first.
        var stretch: [[UInt8]] = []
        for number in 0..<ChainEnd.lineLimit {
            if end == 0 {
                if !stretch.isEmpty { next.previous = LinkedStretch.digest(stretch.reversed()) }
                return
            }
            let line = try line(endingAt: end)
            if number == 0 { isHalfLine = !line.hasNewline }
            stretch.append(line.bytes)
            switch LinePlace(line.bytes) {
            case .linked(let link):
                next = ChainLink(previous: LinkedStretch.digest(stretch.reversed()), sequence: link.sequence + 1)
                return
            case .unlinked:
                next.previous = LinkedStretch.digest(stretch.reversed())
                return
            case .unknown: end = line.start
            }
            if length - end > ChainEnd.sizeLimit { break }
        }
        throw failure("what stands at its end is no record, and too long to be gone back over")
    }

    /// The line whose last byte, or newline, is before `end`.
    private func line(endingAt end: Int64) throws(EvidenceError) -> (start: Int64, bytes: [UInt8], hasNewline: Bool) {
        // An outcome is in the first piece, the start of a launch beside this one in the second.
        for size in [4 << 10, 64 << 10, 1 << 20, ChainEnd.sizeLimit + 2] {
            let count = Int(min(Int64(size), end))
            let piece = try read(count, at: end - Int64(count))
            let hasNewline = piece.last == UInt8(ascii: "\n")
            let textEnd = hasNewline ? count - 1 : count
            let newline = ByteSearch.lastNewline(in: piece, before: textEnd)
            if newline == nil && Int64(count) < end { continue }
            let first = newline.map { $0 + 1 } ?? 0
            let line = Array(piece[first..<textEnd])
            if line.count > ChainEnd.sizeLimit { break }
            return (end - Int64(count - first), line, hasNewline)
        }
        throw failure("its last line is longer than \(ChainEnd.sizeLimit) bytes")
    }

    private func read(_ count: Int, at offset: Int64) throws(EvidenceError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(SyscallError) {
            bytes = try FileBytes.read(count, at: offset, of: descriptor, named: path)
        } catch {
            throw EvidenceError(
                action: "read the end of",
                subject: path,
                call: error.call,
                errno: error.errno,
                remedy: EvidenceFolder.remedy
            )
        }
        guard bytes.count == count else { throw failure("it became shorter while it was read") }
        return bytes
    }

    private func failure(_ cause: String) -> EvidenceError {
        EvidenceError(
            action: "link a record to the end of",
            subject: path,
            cause: cause,
            remedy: "see what `codex-sandbox evidence verify` says of the file, and move it away"
        )
    }
}
