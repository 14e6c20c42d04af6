import CMicrohttpd
import Synchronization

/// A body of unknown length that is pulled: nothing of it is kept but what the client's socket takes.
///
/// The closures are called from the server's threads, `next` never twice at once. A stream belongs to one answer.
///
/// At the server's stop a stream with a heartbeat has no end of its own (events): it ends cleanly the first time that it
/// would wait. One without is part of something whole (an archive): it runs on to the stop's deadline and is then broken,
/// so that its client cannot take a part for all.
public final class HTTPStream: Sendable {
    /// What is sent when nothing else was, so that clients that have gone are found: a suspended connection sees nothing.
    public struct Heartbeat: Hashable, Sendable {
        /// 1 … 64 bytes, such as `:\n\n` for events.
        public var bytes: [UInt8]
        /// At least 0.05; a client that has gone is found at the second one.
        public var seconds: Double

        public init(bytes: [UInt8], seconds: Double) {
            precondition((1...64).contains(bytes.count) && seconds >= 0.05)
            self.bytes = bytes
            self.seconds = seconds
        }
    }

    /// The next of a stream.
    public enum Piece: Hashable, Sendable {
        /// At most as many as there was room for, which is always 64 or more; a larger piece breaks the stream.
        case bytes([UInt8])
        /// Nothing now: asked again after `wake()`.
        case waiting
        /// All was sent.
        case end
        /// Cuts the connection such that the client sees that something is missing.
        case broken
    }

    private struct State {
        /// Of libmicrohttpd, as a number: it is used by whichever thread holds the lock.
        var handle = UInt(0)
        var owner: Connection?
        var isUsed = false
        var isSuspended = false
        var isWoken = false
        var isEnding = false
        var isCut = false
        var isClosed = false
        var beat = MonotonicTime.never
    }

    let heartbeat: Heartbeat?
    private let next: @Sendable (Int) -> Piece
    private let closed: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - heartbeat: nil for a stream that ends by itself and soon.
    ///   - next: the next piece; its argument is the room in bytes. Must not block.
    ///   - closed: called once, when nothing more is asked, whatever the reason.
    public init(
        heartbeat: Heartbeat?,
        next: @escaping @Sendable (_ room: Int) -> Piece,
        closed: @escaping @Sendable () -> Void
    ) {
        self.heartbeat = heartbeat
        self.next = next
        self.closed = closed
    }

    /// Has `next` asked again; from any thread, at any time, also before the stream is sent and after it has ended.
    public func wake() {
        state.withLock { state in
            state.isWoken = true
            HTTPStream.resume(&state)
        }
    }

    // MARK: - The server's side

    /// False if it has been given to an answer before.
    func claim() -> Bool {
        state.withLock { state in
            guard !state.isUsed else { return false }
            state.isUsed = true
            return true
        }
    }

    func attach(_ connection: OpaquePointer, of owner: Connection) {
        let beat = heartbeat.map { MonotonicTime.after($0.seconds) } ?? MonotonicTime.never
        let handle = UInt(bitPattern: connection)
        state.withLock { state in
            state.handle = handle
            state.owner = owner
            state.beat = beat
        }
    }

    /// Has the heartbeat sent where it is due.
    func beatIfDue(_ now: UInt64) {
        state.withLock { state in
            guard now >= state.beat else { return }
            HTTPStream.resume(&state)
        }
    }

    /// Asks an endless stream to end where it would wait.
    func endSoon() {
        guard heartbeat != nil else { return }
        state.withLock { state in
            state.isEnding = true
            HTTPStream.resume(&state)
        }
    }

    /// Breaks the stream now, and keeps it from being suspended again.
    func cut() {
        state.withLock { state in
            state.isCut = true
            HTTPStream.resume(&state)
        }
    }

    /// The connection has no further use for it.
    func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            state.handle = 0
            state.owner = nil
            state.isSuspended = false
            return !state.isClosed
        }
        if isFirst { closed() }
    }

    /// libmicrohttpd's reader: bytes written, 0 once suspended, or one of its two ends.
    func pull(into buffer: UnsafeMutableRawPointer, room: Int) -> Int {
        while true {
            let isCut = state.withLock { state in
                state.isWoken = false
                return state.isCut
            }
            if isCut { return HTTPStream.brokenEnd }
            switch next(room) {
            case .bytes(let bytes) where !bytes.isEmpty:
                return write(bytes, into: buffer, room: room)
            case .waiting, .bytes:
                if let result = wait(into: buffer, room: room) { return result }
            case .end: return HTTPStream.cleanEnd
            case .broken: return HTTPStream.brokenEnd
            }
        }
    }

    private static let cleanEnd = -1
    private static let brokenEnd = -2

    private func write(_ bytes: [UInt8], into buffer: UnsafeMutableRawPointer, room: Int) -> Int {
        guard bytes.count <= room else { return HTTPStream.brokenEnd }
        bytes.withUnsafeBytes {
            buffer.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(buffer), byteCount: $0.count)
        }
        let beat = heartbeat.map { MonotonicTime.after($0.seconds) } ?? MonotonicTime.never
        let owner = state.withLock { state in
            state.beat = beat
            return state.owner
        }
        owner?.hasTaken()
        return bytes.count
    }

    /// Suspends, unless there is something to do after all; nil to ask again.
    private func wait(into buffer: UnsafeMutableRawPointer, room: Int) -> Int? {
        let now = MonotonicTime.now()
        var isDue = false
        let result: Int? = state.withLock { state in
            if state.isCut { return HTTPStream.brokenEnd }
            // A wake that came after `next` had looked.
            if state.isWoken { return nil }
            if state.isEnding { return HTTPStream.cleanEnd }
            if now >= state.beat {
                isDue = true
                return nil
            }
            guard let connection = OpaquePointer(bitPattern: state.handle) else { return HTTPStream.brokenEnd }
            // Under the lock, so that a wake finds it either not yet suspended or suspended whole.
            state.isSuspended = true
            state.owner?.waits()
            MHD_suspend_connection(connection)
            return 0
        }
        guard isDue, let heartbeat else { return result }
        return write(heartbeat.bytes, into: buffer, room: room)
    }

    /// Once for each suspension: a resume too many would undo the next one (libmicrohttpd 0.9.75).
    private static func resume(_ state: inout State) {
        guard state.isSuspended, let connection = OpaquePointer(bitPattern: state.handle) else { return }
        state.isSuspended = false
        state.owner?.hasTaken()
        MHD_resume_connection(connection)
    }
}
