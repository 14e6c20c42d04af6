import CMicrohttpd
import Glibc

/// An accepted socket that is no connection of libmicrohttpd's yet.
struct Arrival {
    var descriptor: Int32
    var address: sockaddr_storage
    var addressBytes: socklen_t
    var ends: SocketEnds
    var isStranger: Bool
}

/// Who comes in, and who must give way.
///
/// Sockets are accepted also while there is no room: only behind accept(2) can the peer's account be asked for, and strangers
/// in the backlog would keep those behind them waiting.
extension Watch {
    /// Sockets that are accepted and wait for a place.
    static let waitingLimit = 64

    /// - Parameter listener: one that has somebody waiting.
    func accept(from listener: HTTPListener) {
        for _ in 0..<256 where waiting.count < Watch.waitingLimit {
            var address = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let descriptor = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    wt_accept(listener.descriptor, $0, &length)
                }
            }
            guard descriptor >= 0 else {
                let reason = errno
                if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(reason) {
                    pausedUntil = MonotonicTime.after(0.25)
                    makeRoom(for: 1, withStrangers: true)
                }
                // A client that has left already says nothing about the others.
                if reason == ECONNABORTED || reason == EINTR { continue }
                return
            }
            let ends = SocketEnds(descriptor)
            let arrival = Arrival(
                descriptor: descriptor,
                address: address,
                addressBytes: length,
                ends: ends,
                isStranger: core.isStranger(ends.peer)
            )
            if !admit(arrival) { waiting.append(arrival) }
        }
    }

    /// In the order in which they came.
    func admitWaiting() {
        guard let stays = waiting.firstIndex(where: { !admit($0) }) else {
            waiting.removeAll()
            return
        }
        waiting.removeFirst(stays)
    }

    /// Resets those that wait.
    func turnAway() {
        for arrival in waiting { Watch.reset(arrival.descriptor) }
        waiting.removeAll()
    }

    /// False if it must wait.
    private func admit(_ arrival: Arrival) -> Bool {
        let connection = Connection(
            descriptor: arrival.descriptor,
            peer: arrival.ends.peer,
            peerKey: arrival.ends.key,
            isStranger: arrival.isStranger,
            settings: core.settings
        )
        switch core.add(connection) {
        case .full: return false
        case .refused: Watch.reset(arrival.descriptor)
        case .taken: hand(connection, arrival)
        }
        return true
    }

    private func hand(_ connection: Connection, _ arrival: Arrival) {
        turn = (turn + 1) % daemons.count
        hand(connection, arrival, to: daemons[turn])
    }

    /// One for each thread (`SelfTest`).
    func takeSelfTests() {
        for (index, descriptor) in core.takeSelfTests().enumerated() {
            let ends = SocketEnds(descriptor)
            var address = sockaddr_storage()
            address.ss_family = sa_family_t(AF_UNIX)
            let connection = Connection(
                descriptor: descriptor,
                peer: HTTPPeer(kind: .itself, address: "itself", uid: ends.peer.uid),
                // Not the account's: it is not counted among those when it comes, and must not be when it goes.
                peerKey: "itself",
                isStranger: false,
                settings: core.settings
            )
            _ = core.add(connection, isSelfTest: true)
            let arrival = Arrival(
                descriptor: descriptor,
                address: address,
                addressBytes: 2,
                ends: ends,
                isStranger: false
            )
            hand(connection, arrival, to: daemons[index % daemons.count])
        }
    }

    private func hand(_ connection: Connection, _ arrival: Arrival, to daemon: OpaquePointer) {
        let isTaken = withUnsafePointer(to: arrival.address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                MHD_add_connection(daemon, arrival.descriptor, $0, max(arrival.addressBytes, 2))
            }
        }
        // libmicrohttpd has closed what it does not take.
        if isTaken != .YES { core.remove(connection) }
    }

    /// Closes without a TIME_WAIT (socket(7), SO_LINGER): thousands turned away leave nothing.
    private static func reset(_ descriptor: Int32) {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        Glibc.close(descriptor)
    }

    /// Closes as many connections as are awaited: the longest idle ones first, then those that are behind the most with their
    /// head, body or reading, by a second at least.
    ///
    /// - Parameters:
    ///   - wanted: how many.
    ///   - withStrangers: also those of strangers, and these first: what is short are not places, but descriptors.
    func makeRoom(for wanted: Int, withStrangers: Bool = false) {
        struct Candidate {
            var connection: Connection
            var phase: Connection.Phase
            var time: UInt64

            func goes(before other: Candidate) -> Bool {
                guard connection.isStranger == other.connection.isStranger else { return connection.isStranger }
                return time < other.time
            }
        }
        let (then, isEarly) = MonotonicTime.now().subtractingReportingOverflow(1_000_000_000)
        var missing = wanted
        var idle: [Candidate] = []
        var behind: [Candidate] = []
        for connection in core.all where withStrangers || !connection.isStranger {
            let state = connection.now
            guard !state.isShut else {
                // Its place is as good as free.
                missing -= 1
                continue
            }
            guard state.isOpen else { continue }
            switch state.phase {
            case .idle: idle.append(Candidate(connection: connection, phase: .idle, time: state.deadline))
            case .head, .body:
                guard !isEarly, state.since <= then else { continue }
                behind.append(Candidate(connection: connection, phase: state.phase, time: state.since))
            case .answering:
                guard !isEarly, state.since <= then else { continue }
                behind.append(Candidate(connection: connection, phase: .answering, time: state.since))
            case .running, .streaming: break
            }
        }
        guard missing > 0 else { return }
        idle.sort { $0.goes(before: $1) }
        for candidate in idle.prefix(missing) { candidate.connection.shut() }
        missing -= min(missing, idle.count)
        guard missing > 0, !behind.isEmpty else { return }
        behind.sort { $0.goes(before: $1) }
        let refusal = core.refusal(408, "the request came too slowly while others waited", nil, for: nil)
        let words = core.raw(refusal, nil)
        for candidate in behind.prefix(missing) {
            // In an answer there is no place for another.
            let last = candidate.phase == .answering ? [] : words
            candidate.connection.giveWay(behind: then, in: candidate.phase, answer: last)
        }
    }
}
