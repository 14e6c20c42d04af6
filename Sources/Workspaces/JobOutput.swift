internal import Glibc
internal import WorkspaceStore

/// A job's output on its way into the store: in pieces, numbered, and no more of it than is kept.
///
/// Used by the job's own thread alone.
struct JobOutput {
    /// Of one event, in bytes: as a viewer gets it, each may have become six.
    static let pieceSize = 8 << 10

    private let limit: Int
    private var kept = 0
    private var dropped: UInt64 = 0
    private var next: Int64
    private(set) var pending: [JobEvent] = []

    /// - Parameters:
    ///   - limit: bytes that are kept.
    ///   - first: number of the first event.
    init(limit: Int, first: Int64) {
        self.limit = limit
        next = first
    }

    /// Takes what a stream gave.
    mutating func take(_ bytes: ArraySlice<UInt8>, _ kind: JobEvent.Kind, at time: StoredTime = .now()) {
        let room = max(limit - kept, 0)
        let taken = bytes.prefix(room)
        dropped += UInt64(bytes.count - taken.count)
        kept += taken.count
        var rest = taken
        while !rest.isEmpty {
            // Small pieces that come one after the other are one event.
            if let last = pending.last, last.kind == kind, last.data.count < Self.pieceSize {
                let more = rest.prefix(Self.pieceSize - last.data.count)
                pending[pending.count - 1].data += more
                rest = rest.dropFirst(more.count)
                continue
            }
            add(kind, Array(rest.prefix(Self.pieceSize)), at: time)
            rest = rest.dropFirst(Self.pieceSize)
        }
    }

    /// Takes what is one thing: all of it or nothing is kept.
    mutating func takeWhole(_ bytes: [UInt8], _ kind: JobEvent.Kind, at time: StoredTime = .now()) {
        guard bytes.count <= limit - kept else {
            dropped += UInt64(bytes.count)
            return
        }
        kept += bytes.count
        add(kind, bytes, at: time)
    }

    mutating func add(_ kind: JobEvent.Kind, _ data: [UInt8], at time: StoredTime = .now()) {
        pending.append(JobEvent(number: next, kind: kind, at: time, data: data))
        next += 1
    }

    /// What is to be stored now.
    mutating func flush() -> [JobEvent] {
        defer { pending = [] }
        return pending
    }

    /// The last one, if anything was let go.
    mutating func finish() {
        if dropped > 0 { add(.dropped, Array(String(dropped).utf8)) }
    }
}
