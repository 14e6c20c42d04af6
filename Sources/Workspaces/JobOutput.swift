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
    /// Events of streams, and of workers that speak in them, that were made; as many as are stored.
    private var made = (streams: 0, worker: 0)
    /// Nothing more of the streams is kept; what a worker says of itself still is.
    private var isClosed = false
    private static let most = (streams: StoreLimits().keptOutputEvents, worker: StoreLimits().keptWorkerEvents)
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
        let room = isClosed ? 0 : max(limit - kept, 0)
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
            guard made.streams < Self.most.streams else {
                // Nothing behind it either: what is kept has no gaps.
                isClosed = true
                kept -= rest.count
                dropped += UInt64(rest.count)
                return
            }
            made.streams += 1
            add(kind, JobOutput.copy(rest.prefix(Self.pieceSize)), at: time)
            rest = rest.dropFirst(Self.pieceSize)
        }
    }

    /// Takes what is one thing: all of it or nothing is kept.
    mutating func takeWhole(_ bytes: [UInt8], _ kind: JobEvent.Kind, at time: StoredTime = .now()) {
        guard bytes.count <= limit - kept, made.worker < Self.most.worker else {
            dropped += UInt64(bytes.count)
            return
        }
        kept += bytes.count
        made.worker += 1
        add(kind, JobOutput.copy(bytes[...]), at: time)
    }

    /// No more memory than bytes: a part of an array that is all of it would keep the room that was made to read into.
    private static func copy(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
            count = buffer.initialize(fromContentsOf: bytes)
        }
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
