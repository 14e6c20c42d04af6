import CMicrohttpd
import Glibc
import Synchronization

/// What a server's threads share.
final class ServerCore: Sendable {
    struct Stopping: Sendable {
        var isAsked = false
        var deadline = MonotonicTime.never
        /// Until then requests of clients that are connected still begin.
        var graceDeadline = MonotonicTime.never
        /// Nothing may be suspended any more.
        var isClosing = false
    }

    private struct Connections {
        var byDescriptor: [Int32: Connection] = [:]
        var byPeer: [String: Int] = [:]
        var strangers = 0
    }

    enum Admission {
        case taken
        /// Its peer, or all strangers together, have as many as they may.
        case refused
        /// It must wait for another one's end.
        case full
    }

    let settings: HTTPServerSettings
    let handler: any HTTPHandler
    /// An eventfd(2) that the watch waits for.
    let bell: Int32
    private let connections = Mutex(Connections())
    private let lingering = Mutex<[Lingering]>([])
    private let stopping = Mutex(Stopping())
    private let stopAsked = Atomic<Bool>(false)
    private let graceOver = Atomic<Bool>(false)
    /// Ends of socket pairs that wait to be taken as connections (`SelfTest`).
    private let selfTests = Mutex<[Int32]>([])

    struct Lingering: Sendable {
        var descriptor: Int32
        var deadline: UInt64
    }

    init(settings: HTTPServerSettings, handler: any HTTPHandler, bell: Int32) {
        self.settings = settings
        self.handler = handler
        self.bell = bell
    }

    // Not before: whoever holds the server may still ring.
    deinit { Glibc.close(bell) }

    // MARK: - Stopping

    var isStopping: Bool { stopAsked.load(ordering: .acquiring) }
    /// No further request begins.
    var isRefusing: Bool { graceOver.load(ordering: .acquiring) }
    var isClosing: Bool { stopping.withLock { $0.isClosing } }
    var stop: Stopping { stopping.withLock { $0 } }

    /// The earliest deadline counts.
    func askStop(within seconds: Double) {
        let deadline = MonotonicTime.after(seconds)
        stopping.withLock { stopping in
            stopping.isAsked = true
            stopping.deadline = min(stopping.deadline, deadline)
            let grace = min(MonotonicTime.after(settings.stopGraceSeconds), stopping.deadline)
            stopping.graceDeadline = min(stopping.graceDeadline, grace)
        }
        stopAsked.store(true, ordering: .releasing)
        ring()
    }

    func endGrace() { graceOver.store(true, ordering: .releasing) }

    /// Hands descriptors to the watch, which answers for them from now on.
    func addSelfTests(_ descriptors: [Int32]) {
        selfTests.withLock { $0 += descriptors }
        ring()
    }

    func takeSelfTests() -> [Int32] {
        selfTests.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    func close() { stopping.withLock { $0.isClosing = true } }

    func ring() {
        var one: UInt64 = 1
        // Only a full counter refuses it, and then the watch is awake anyway.
        _ = write(bell, &one, 8)
    }

    // MARK: - Connections

    var all: [Connection] { connections.withLock { Array($0.byDescriptor.values) } }
    var count: Int { connections.withLock { $0.byDescriptor.count } }

    func isStranger(_ peer: HTTPPeer) -> Bool {
        guard let trusted = settings.trustedUIDs else { return false }
        guard let uid = peer.uid else { return true }
        return !trusted.contains(uid)
    }

    /// Whether the peer is known to be one of `trustedUIDs`.
    private func isTrusted(_ connection: Connection) -> Bool {
        settings.trustedUIDs != nil && !connection.isStranger
    }

    /// Takes a connection in, where the limits let it; one of the server's own (`SelfTest`) no limit counts.
    func add(_ connection: Connection, isSelfTest: Bool = false) -> Admission {
        connections.withLock { connections in
            // One that libmicrohttpd has closed without a word (out of memory) has the same number.
            if let old = connections.byDescriptor[connection.descriptor] { ServerCore.remove(old, from: &connections) }
            if isSelfTest {
                connections.byDescriptor[connection.descriptor] = connection
                return .taken
            }
            let limit = isTrusted(connection) ? nil : settings.connectionsPerPeer
            if let limit, connections.byPeer[connection.peerKey, default: 0] >= limit { return .refused }
            if connection.isStranger {
                guard connections.strangers < settings.strangerConnections else { return .refused }
                connections.strangers += 1
            } else {
                let others = connections.byDescriptor.count - connections.strangers
                guard others < settings.connections else { return .full }
            }
            connections.byDescriptor[connection.descriptor] = connection
            if limit != nil { connections.byPeer[connection.peerKey, default: 0] += 1 }
            return .taken
        }
    }

    func connection(_ descriptor: Int32) -> Connection? { connections.withLock { $0.byDescriptor[descriptor] } }

    func remove(_ connection: Connection) {
        connections.withLock { connections in
            guard connections.byDescriptor[connection.descriptor] === connection else { return }
            ServerCore.remove(connection, from: &connections)
        }
    }

    private static func remove(_ connection: Connection, from connections: inout Connections) {
        connections.byDescriptor[connection.descriptor] = nil
        if connection.isStranger { connections.strangers -= 1 }
        guard let count = connections.byPeer[connection.peerKey] else { return }
        connections.byPeer[connection.peerKey] = count > 1 ? count - 1 : nil
    }

    // MARK: - Lingering

    /// Keeps a socket for a moment after libmicrohttpd closes its own descriptor of it.
    func linger(_ connection: Connection) {
        guard !isClosing else { return }
        let copy = fcntl(connection.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return }
        let isKept = lingering.withLock { lingering in
            guard lingering.count < (connection.isStranger ? 32 : 64) else { return false }
            lingering.append(Lingering(descriptor: copy, deadline: MonotonicTime.after(1)))
            return true
        }
        if isKept { ring() } else { Glibc.close(copy) }
    }

    /// Calls `body` for each; it stays while that is true, else it is closed.
    func eachLingering(_ body: (Lingering) -> Bool) {
        let known = lingering.withLock { $0 }
        guard !known.isEmpty else { return }
        let done = known.filter { !body($0) }.map(\.descriptor)
        guard !done.isEmpty else { return }
        lingering.withLock { lingering in lingering.removeAll { done.contains($0.descriptor) } }
        for descriptor in done { Glibc.close(descriptor) }
    }

    var lingeringDescriptors: [Int32] { lingering.withLock { $0.map(\.descriptor) } }

    // MARK: - Words

    /// The handler's refusal; one that cannot be sent becomes an empty one.
    func refusal(_ status: Int, _ reason: String, _ head: HTTPRequestHead?, for peer: HTTPPeer?) -> HTTPResponse {
        let response = handler.refusal(status, reason: reason, head: head, peer: peer)
        guard response.fault == nil else {
            response.body.discard()
            return HTTPResponse(status: status)
        }
        return response
    }

    func raw(_ response: HTTPResponse, _ head: HTTPRequestHead?) -> [UInt8] {
        var sendable = response
        if let fault = response.fault {
            response.body.discard()
            sendable = refusal(500, fault, head, for: head?.peer)
        }
        return RawAnswer.bytes(sendable, isHead: head?.method == "HEAD")
    }
}
