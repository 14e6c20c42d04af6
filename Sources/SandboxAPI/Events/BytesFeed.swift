internal import Synchronization
internal import WebTransport

/// A large answer, pulled by the transport: counted as long as a client reads it.
final class BytesFeed: Sendable {
    private let bytes: [UInt8]
    private let position = Mutex(0)
    private let work: HeavyWork

    /// The caller has begun a large answer with `work`; it ends with this one.
    init(_ bytes: [UInt8], _ work: HeavyWork) {
        self.bytes = bytes
        self.work = work
    }

    deinit { work.endLarge() }

    func stream() -> HTTPStream {
        HTTPStream(heartbeat: nil, next: { self.next(room: $0) }, closed: {})
    }

    private func next(room: Int) -> HTTPStream.Piece {
        position.withLock { position in
            guard position < bytes.count else { return .end }
            let end = min(position + min(room, 64 << 10), bytes.count)
            defer { position = end }
            return .bytes(Array(bytes[position..<end]))
        }
    }
}
