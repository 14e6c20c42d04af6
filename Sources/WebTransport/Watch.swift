import CMicrohttpd
import Glibc

/// The server's one thread of its own: takes connections, holds deadlines, and ends the server.
///
/// libmicrohttpd accepts nothing itself: its own timeout is one of inactivity, its own limit is per thread, and
/// MHD_quiesce_daemon of 0.9.75 can abort the process when a thread changes its listening state at the same moment.
final class Watch {
    let core: ServerCore
    let listeners: [HTTPListener]
    let daemons: [OpaquePointer]
    var turn = 0
    private var isListening = true
    private let drained: Ended
    private var isDrained = false
    /// Accepting failed for want of descriptors or memory: not tried again before then.
    var pausedUntil: UInt64 = 0
    /// Accepted, and waiting for a place.
    var waiting: [Arrival] = []
    private var nextLook: UInt64 = 0
    private static let tick: Int32 = 250

    init(core: ServerCore, listeners: [HTTPListener], daemons: [OpaquePointer], drained: Ended) {
        self.core = core
        self.listeners = listeners
        self.daemons = daemons
        self.drained = drained
    }

    /// Returns when everything is closed.
    func run() {
        while !step() {}
        // The last connection may have ended between the look for those who could ask and the end.
        if !isDrained { endGrace() }
        for listener in listeners { listener.close() }
        // Those who wait at the other end learn of the end.
        for descriptor in core.takeSelfTests() { Glibc.close(descriptor) }
    }

    private func step() -> Bool {
        let count = core.count
        let takes = isListening && waiting.count < Watch.waitingLimit && MonotonicTime.now() >= pausedUntil
        let lingering = core.lingeringDescriptors
        var polled = [pollfd(fd: core.bell, events: Int16(POLLIN), revents: 0)]
        polled += listeners.map { pollfd(fd: takes ? $0.descriptor : -1, events: Int16(POLLIN), revents: 0) }
        polled += lingering.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let isIdle = count == 0 && lingering.isEmpty && !core.isStopping && MonotonicTime.now() >= pausedUntil
        // A connection that has become idle rings no bell.
        let isBrief = core.isStopping || !waiting.isEmpty
        let ready = poll(&polled, nfds_t(polled.count), isIdle ? -1 : isBrief ? 20 : Watch.tick)
        if ready > 0, polled[0].revents != 0 {
            var rings: UInt64 = 0
            _ = read(core.bell, &rings, 8)
        }
        if core.isStopping, isListening {
            isListening = false
            for listener in listeners { listener.close() }
        }
        if core.isStopping, !isDrained { drain() }
        if !core.isClosing { takeSelfTests() }
        admitWaiting()
        if isListening, ready > 0 {
            for (index, listener) in listeners.enumerated() where polled[index + 1].revents != 0 {
                accept(from: listener)
            }
        }
        if !waiting.isEmpty { makeRoom(for: waiting.count) }
        let now = MonotonicTime.now()
        core.eachLingering { drain($0, now) }
        // Every end of a connection wakes this thread: looking at all the others each time would be quadratic.
        if now >= nextLook || core.isStopping {
            nextLook = now + 50_000_000
            for connection in core.all { look(at: connection, now) }
        }
        guard core.isStopping else { return false }
        return stopStep(now)
    }

    // MARK: - Deadlines

    private func look(at connection: Connection, _ now: UInt64) {
        let state = connection.now
        guard state.isOpen, !state.isShut else { return }
        let isLate = state.deadline <= now
        switch state.phase {
        case .idle:
            if isLate || isDrained || connection.takeFresh() && hasLeft(connection) { connection.shut() }
        case .head where isDrained && state.exchange == nil: connection.shut()
        case .head where isLate:
            let words = core.refusal(408, "the head of the request came too slowly", nil, for: connection.peer)
            connection.shut(lateSince: now, in: .head, answer: core.raw(words, nil))
        case .body where isLate:
            let words = core.refusal(408, "the body of the request came too slowly", nil, for: connection.peer)
            connection.shut(lateSince: now, in: .body, answer: core.raw(words, nil))
        case .answering where isLate:
            connection.shut()
        case .running:
            guard let exchange = state.exchange else { return }
            if isLate {
                let words = "the request took longer than the server allows"
                exchange.expire(core.refusal(503, words, nil, for: connection.peer))
            } else if hasLeft(connection) {
                exchange.cancel()
            }
        case .streaming:
            if isLate {
                connection.shut()
                state.stream?.cut()
                return
            }
            if core.isStopping { state.stream?.endSoon() }
            state.stream?.beatIfDue(now)
        case .head, .body:
            // libmicrohttpd does not see an end that came together with bytes: its one event was for those.
            if hasLeft(connection), !hasUnread(connection) { connection.hurry(until: MonotonicTime.after(0.5)) }
        case .answering:
            // What was sent of it has arrived or will; nothing more can come.
            if let source = state.source, source.isCut, !hasUnsent(connection) { connection.shut() }
        }
    }

    /// Whether the kernel still has bytes that the client has not taken; also where it does not say.
    private func hasUnsent(_ connection: Connection) -> Bool {
        var count: Int32 = 0
        return ioctl(connection.descriptor, UInt(TIOCOUTQ), &count) != 0 || count > 0
    }

    /// Whether the client has ended its side, or the connection is broken.
    private func hasLeft(_ connection: Connection) -> Bool {
        let readHangUp: Int16 = 0x2000
        var polled = pollfd(fd: connection.descriptor, events: readHangUp, revents: 0)
        return poll(&polled, 1, 0) > 0 && polled.revents & (readHangUp | Int16(POLLHUP) | Int16(POLLERR)) != 0
    }

    private func hasUnread(_ connection: Connection) -> Bool {
        var byte: UInt8 = 0
        return recv(connection.descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) > 0
    }

    /// Reads what a client still sends behind its answer; true to go on.
    private func drain(_ lingering: ServerCore.Lingering, _ now: UInt64) -> Bool {
        guard lingering.deadline > now, !core.isStopping else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            for _ in 0..<8 {
                let count = recv(lingering.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count == 0 { return false }
                if count < 0 { return errno == EAGAIN || errno == EINTR }
            }
            return true
        }
    }

    // MARK: - Stopping

    /// Ends the time in which further requests begin: at its deadline, or once nobody is there who could send one.
    private func drain() {
        let mayAsk = core.all.contains { connection in
            let state = connection.now
            // One that is not open yet has only just been handed over.
            guard !state.isShut else { return false }
            switch state.phase {
            case .idle, .head, .body: return true
            case .running, .answering, .streaming: return false
            }
        }
        guard !mayAsk && waiting.isEmpty || core.stop.graceDeadline <= MonotonicTime.now() else { return }
        endGrace()
    }

    private func endGrace() {
        isDrained = true
        core.endGrace()
        turnAway()
        drained.set()
    }

    private func stopStep(_ now: UInt64) -> Bool {
        let connections = core.all
        guard connections.isEmpty || core.stop.deadline <= now else { return false }
        if !connections.isEmpty {
            let words = core.refusal(503, "the server has stopped", nil, for: nil)
            for connection in connections {
                let state = connection.now
                if state.phase == .running { state.exchange?.expire(words) }
                state.stream?.cut()
            }
            // For the last answers to leave.
            let end = MonotonicTime.after(0.3)
            while core.count > 0, MonotonicTime.now() < end {
                for connection in core.all where connection.now.phase == .idle { connection.shut() }
                usleep(10_000)
            }
        }
        // From here on nothing is suspended again, and what is has been woken: MHD_stop_daemon aborts otherwise.
        core.close()
        for connection in core.all {
            let state = connection.now
            state.exchange?.expire(nil)
            state.stream?.cut()
        }
        for daemon in daemons { MHD_stop_daemon(daemon) }
        core.eachLingering { _ in false }
        return true
    }
}
