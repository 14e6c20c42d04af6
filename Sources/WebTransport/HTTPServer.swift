import CMicrohttpd
import Glibc
import Synchronization

/// An HTTP/1.1 server on one listener, on libmicrohttpd (RFC 9110, RFC 9112).
///
/// It runs from `init` until a stop, whether or not anyone holds it. Every thread of it blocks all signals, every descriptor
/// is close-on-exec. A connection upgrade (WebSocket) will be a further case of `HTTPAnswer`, with MHD_ALLOW_UPGRADE in
/// `wt_start` and a phase of `Connection` without deadline; nothing else need know of it.
public final class HTTPServer: Sendable {
    private let core: ServerCore
    private let ended: Ended
    /// Where it listens, as a person writes it: `http://127.0.0.1:8000`, `unix:/run/api.sock`.
    public let addresses: [String]
    private let drained: Ended

    /// Starts the threads and takes connections at once.
    ///
    /// - Parameters:
    ///   - listeners: one or more, taken over; the server closes them when it stops, and also if this throws.
    ///   - settings: the limits.
    ///   - handler: answers; kept until the server has stopped.
    /// - Throws: for a setting out of range, and where the system gives no thread or descriptor.
    public init(
        listeners: [HTTPListener],
        settings: HTTPServerSettings = HTTPServerSettings(),
        handler: any HTTPHandler
    ) throws(HTTPServerError) {
        addresses = listeners.map(\.address)
        do throws(HTTPServerError) {
            try settings.check()
            (core, drained, ended) = try HTTPServer.start(listeners, settings, handler)
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
    }

    /// The same at one address.
    public convenience init(
        listener: HTTPListener,
        settings: HTTPServerSettings = HTTPServerSettings(),
        handler: any HTTPHandler
    ) throws(HTTPServerError) {
        try self.init(listeners: [listener], settings: settings, handler: handler)
    }

    private static func start(
        _ listeners: [HTTPListener],
        _ settings: HTTPServerSettings,
        _ handler: any HTTPHandler
    ) throws(HTTPServerError) -> (ServerCore, drained: Ended, ended: Ended) {
        let bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard bell >= 0 else { throw HTTPServerError(failed: "eventfd(2) answers error \(errno)") }
        let core = ServerCore(settings: settings, handler: handler, bell: bell)
        // Threads inherit the mask (pthread_sigmask(3)).
        var everything = sigset_t()
        var before = sigset_t()
        sigfillset(&everything)
        pthread_sigmask(SIG_SETMASK, &everything, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var daemons: [OpaquePointer] = []
        // Never reached: the limits are the watch's.
        let connectionLimit = UInt32(settings.connections) + UInt32(settings.strangerConnections) + 64
        for _ in 0..<settings.threads {
            guard let daemon = wt_start(Callbacks.table(core), settings.headBytes, connectionLimit)
            else {
                let reason = errno
                for daemon in daemons { MHD_stop_daemon(daemon) }
                throw HTTPServerError(failed: "libmicrohttpd starts no thread (error \(reason))")
            }
            daemons.append(daemon)
        }
        let (drained, ended) = (Ended(), Ended())
        let watch = Watch(core: core, listeners: listeners, daemons: daemons, drained: drained)
        let start = WatchThread(watch: watch, core: core, ended: ended)
        guard start.run() else {
            for daemon in daemons { MHD_stop_daemon(daemon) }
            throw HTTPServerError(failed: "pthread_create(3) fails")
        }
        return (core, drained, ended)
    }

    /// Connections that are open now.
    public var connectionCount: Int { core.count }

    /// Stops gracefully: no new connections, no further requests, and an end for what runs.
    ///
    /// A client that is connected already has `HTTPServerSettings.stopGraceSeconds` to send one more request, which is still
    /// carried out: nobody who was let in is turned away because the stop came between his connection and his words.
    /// Running requests and streams go on up to the deadline; then tasks are cancelled and their clients answered 503, and
    /// streams broken. Event streams end at once (see `HTTPStream`). Everything is closed when it returns, which is soon after
    /// the deadline at the latest if the handler's synchronous calls return. Asked twice the earlier deadline counts.
    public func stop(within seconds: Double) async {
        beginStop(within: seconds)
        await withCheckedContinuation { ended.wait($0) }
    }

    /// Asks for a stop and returns at once.
    public func beginStop(within seconds: Double) { core.askStop(within: seconds) }

    /// Blocks the calling thread until no further request begins, once a stop was asked for.
    public func waitUntilDrained() { drained.wait() }

    /// Whether a stop is complete.
    public var hasStopped: Bool { ended.isSet }

    /// Asks the server for a path as a client of its own account would, through each of its threads, and around its limits: a
    /// server that is besieged still answers.
    ///
    /// - Parameters:
    ///   - path: begins with a slash.
    ///   - seconds: how long may pass.
    /// - Returns: the status that each thread answered, which is 503 while the server stops; nil for one that did not in time, and
    ///   for all once it has stopped.
    public func selfTest(_ path: String, within seconds: Double) -> [Int?] {
        if hasStopped { return [Int?](repeating: nil, count: core.settings.threads) }
        return SelfTest(path: path, seconds: seconds).run(core)
    }

    /// Blocks the calling thread until a stop is complete.
    public func waitUntilStopped() { ended.wait() }
}

extension HTTPServerError {
    init(failed why: String) {
        self.init(
            what: "the HTTP server cannot start",
            why: why,
            remedy: "Look at the limits of descriptors, threads and memory."
        )
    }
}

extension HTTPServerSettings {
    fileprivate func check() throws(HTTPServerError) {
        func hold(_ name: String, _ range: String, _ isHeld: Bool) throws(HTTPServerError) {
            guard !isHeld else { return }
            throw HTTPServerError(
                what: "the HTTP server cannot start",
                why: "its setting \(name) is out of range",
                remedy: "Give it a value of \(range)."
            )
        }
        try hold("threads", "1 … 64", (1...64).contains(threads))
        try hold("connections", "1 … 1,000,000", (1...1_000_000).contains(connections))
        try hold("strangerConnections", "0 … 1,000,000", (0...1_000_000).contains(strangerConnections))
        try hold("connectionsPerPeer", "1 or more", connectionsPerPeer ?? 1 >= 1)
        try hold("headBytes", "4,096 … 1,048,576", (4_096...1_048_576).contains(headBytes))
        try hold("bodyBytesPerSecond", "1 or more", bodyBytesPerSecond >= 1)
        try hold("answerBytesPerSecond", "1 or more", answerBytesPerSecond >= 1)
        try hold("stopGraceSeconds", "0 … 60", (0...60).contains(stopGraceSeconds))
        try hold("crowdedBytesPerSecond", "1 or more", crowdedBytesPerSecond >= 1)
        let seconds = [
            ("headSeconds", headSeconds), ("bodySeconds", bodySeconds), ("idleSeconds", idleSeconds),
            ("answerSeconds", answerSeconds), ("laterSeconds", laterSeconds ?? 1),
        ]
        for (name, value) in seconds { try hold(name, "more than 0 seconds", value > 0) }
    }
}

/// Whether the server has ended, for those who wait.
final class Ended: Sendable {
    private struct State {
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    var isSet: Bool { state.withLock { $0.isOver } }

    private let state = Mutex(State())
    private let gate = Gate()

    func set() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
        gate.open()
    }

    func wait(_ continuation: CheckedContinuation<Void, Never>) {
        let isOver = state.withLock { state in
            if !state.isOver { state.waiting.append(continuation) }
            return state.isOver
        }
        if isOver { continuation.resume() }
    }

    func wait() { gate.pass() }
}

/// A semaphore that stays open (sem_init(3)).
private final class Gate: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func open() { sem_post(semaphore) }

    func pass() {
        while sem_wait(semaphore) != 0 {}
        sem_post(semaphore)
    }
}

/// Runs the watch on a thread that holds everything until the end.
private final class WatchThread {
    private let watch: Watch
    private let core: ServerCore
    private let ended: Ended

    init(watch: Watch, core: ServerCore, ended: Ended) {
        self.watch = watch
        self.core = core
        self.ended = ended
    }

    func run() -> Bool {
        let held = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                let held = Unmanaged<WatchThread>.fromOpaque(context).takeRetainedValue()
                held.watch.run()
                held.ended.set()
                return nil
            },
            held.toOpaque()
        )
        guard result == 0 else {
            held.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
