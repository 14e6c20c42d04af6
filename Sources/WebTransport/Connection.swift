import Glibc
import Synchronization

/// One accepted socket, from accept(2) until libmicrohttpd closes it.
final class Connection: Sendable {
    enum Phase: Sendable {
        case idle
        case head
        case body
        /// A closure of `HTTPAnswer.later` runs.
        case running
        case answering
        case streaming
    }

    struct State: Sendable {
        /// Between libmicrohttpd's two notifications: only then is `descriptor` this connection's.
        var isOpen = false
        /// libmicrohttpd's, which serves this connection and others from its begin to its end.
        var thread: pthread_t?
        var phase = Phase.head
        var deadline: UInt64
        /// In `head` and `body`: when the bytes that have come would have come at the slowest rate allowed; in `answering`: when
        /// the answer would have been read at the slowest that is waited for while others wait.
        var since: UInt64
        var exchange: Exchange?
        var stream: HTTPStream?
        /// An answer has just ended.
        ///
        /// A client that ended its side before is not seen by libmicrohttpd, whose one event of
        /// it came with the request.
        var isFresh = false
        /// The file that is sent, while it is.
        var source: SentFile?
        /// Whether the server has shut it down.
        var isShut = false
    }

    let descriptor: Int32
    let peer: HTTPPeer
    /// Whom the limit for each peer counts.
    let peerKey: String
    /// Whether the server is for others (`HTTPServerSettings.trustedUIDs`).
    let isStranger: Bool
    private let answerSeconds: Double
    private let state: Mutex<State>

    init(descriptor: Int32, peer: HTTPPeer, peerKey: String, isStranger: Bool, settings: HTTPServerSettings) {
        self.descriptor = descriptor
        self.peer = peer
        self.peerKey = peerKey
        self.isStranger = isStranger
        answerSeconds = settings.answerSeconds
        state = Mutex(State(deadline: MonotonicTime.after(settings.headSeconds), since: MonotonicTime.now()))
    }

    var now: State { state.withLock { $0 } }

    /// Called by the thread that serves it.
    func opened() {
        let thread = pthread_self()
        state.withLock { state in
            state.isOpen = true
            state.thread = thread
        }
    }

    /// What libmicrohttpd may be reading of it on the calling thread; nil where that is nothing.
    var reading: Reading? {
        state.withLock { state in
            guard state.isOpen, !state.isShut, let thread = state.thread, pthread_equal(thread, pthread_self()) != 0
            else { return nil }
            switch state.phase {
            case .idle, .head, .body: return Reading(hasRequestLine: state.exchange != nil, phase: state.phase)
            case .running, .answering, .streaming: return nil
            }
        }
    }

    /// The server has shut it, and libmicrohttpd, on the calling thread, has not closed it yet.
    var isEnding: Bool {
        state.withLock { state in
            guard state.isOpen, state.isShut, let thread = state.thread else { return false }
            return pthread_equal(thread, pthread_self()) != 0
        }
    }

    struct Reading {
        /// Of the request that comes.
        var hasRequestLine: Bool
        var phase: Phase
    }

    func closed() {
        state.withLock { state in
            state.isOpen = false
            state.exchange = nil
            state.stream = nil
            state.source = nil
        }
    }

    func enter(_ phase: Phase, until deadline: UInt64, due: UInt64? = nil) {
        let since = due ?? MonotonicTime.now()
        state.withLock { state in
            state.phase = phase
            state.since = since
            state.deadline = deadline
            state.source = nil
        }
    }

    /// The answer that begins is a file.
    func sends(_ source: SentFile?) { state.withLock { $0.source = source } }

    func begins(_ exchange: Exchange, headSeconds: Double) {
        let deadline = MonotonicTime.after(headSeconds)
        let now = MonotonicTime.now()
        state.withLock { state in
            state.exchange = exchange
            // The first head counts from the connection's begin.
            state.deadline = min(state.deadline, deadline)
            if state.phase == .idle { state.since = now }
            state.phase = .head
        }
    }

    func ends(idleSeconds: Double) {
        let deadline = MonotonicTime.after(idleSeconds)
        state.withLock { state in
            state.exchange = nil
            state.stream = nil
            state.source = nil
            state.phase = .idle
            state.isFresh = true
            state.deadline = deadline
        }
    }

    /// Whether an answer has ended since this was asked last.
    func takeFresh() -> Bool {
        state.withLock { state in
            defer { state.isFresh = false }
            return state.isFresh
        }
    }

    /// Nothing more will come: an earlier deadline.
    func hurry(until deadline: UInt64) {
        state.withLock { state in
            guard state.phase == .head || state.phase == .body else { return }
            state.deadline = min(state.deadline, deadline)
        }
    }

    /// A body's bytes have come: each gives it further time.
    func received(_ nanoseconds: UInt64) {
        let now = MonotonicTime.now()
        state.withLock { state in
            // Not ahead of the clock: who has sent much and then nothing is behind too.
            let (since, isAhead) = state.since.addingReportingOverflow(nanoseconds)
            state.since = isAhead ? now : min(since, now)
            let (sum, isOver) = state.deadline.addingReportingOverflow(nanoseconds)
            state.deadline = isOver ? MonotonicTime.never : sum
        }
    }

    func streams(_ stream: HTTPStream) {
        let deadline = MonotonicTime.after(answerSeconds)
        state.withLock { state in
            state.stream = stream
            state.phase = .streaming
            state.deadline = deadline
        }
    }

    /// The stream has been taken from.
    func hasTaken() {
        let deadline = MonotonicTime.after(answerSeconds)
        state.withLock { $0.deadline = deadline }
    }

    /// The stream waits for its maker, which may last.
    func waits() { state.withLock { $0.deadline = MonotonicTime.never } }

    /// Ends both directions; libmicrohttpd then sees the end and closes the socket.
    func shut() {
        state.withLock { state in
            guard state.isOpen else { return }
            state.isShut = true
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
    }

    /// Ends it if it is still late in that phase, with a last answer where nothing has been sent yet.
    func shut(lateSince now: UInt64, in phase: Phase, answer: [UInt8]) {
        state.withLock { state in
            guard state.phase == phase, state.deadline <= now else { return }
            end(&state, answer, Int32(SHUT_RDWR))
        }
    }

    /// Ends it for the sake of others if it is still behind in that phase, as `shut(lateSince:in:answer:)` does.
    func giveWay(behind then: UInt64, in phase: Phase, answer: [UInt8]) {
        state.withLock { state in
            guard state.phase == phase, state.since <= then else { return }
            end(&state, answer, Int32(SHUT_RDWR))
        }
    }

    /// Writes the last answer directly, and ends the sending side: whatever libmicrohttpd has to say itself goes nowhere.
    func writeLast(_ answer: [UInt8]) { state.withLock { end(&$0, answer, Int32(SHUT_WR)) } }

    private func end(_ state: inout State, _ answer: [UInt8], _ sides: Int32) {
        guard state.isOpen, !state.isShut else { return }
        state.isShut = true
        if !answer.isEmpty {
            answer.withUnsafeBytes { bytes in
                _ = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
        }
        shutdown(descriptor, sides)
    }
}
