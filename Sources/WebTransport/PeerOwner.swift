import CMicrohttpd
import Glibc

/// The account that owns the other end of a connection.
public enum PeerOwner {
    /// Asks the kernel whose socket is at the other end of a TCP connection within this host (sock_diag(7)), or of a unix
    /// socket (unix(7), SO_PEERCRED).
    ///
    /// - Returns: the effective user of the socket's maker, as this process's user namespace numbers it; nil if the peer is on
    ///   another host, has closed its socket (the kernel then says 0, which would be root), or the kernel does not answer.
    public static func uid(ofPeerOf descriptor: Int32) -> UInt32? { SocketEnds(descriptor).peer.uid }

    static func unix(_ descriptor: Int32) -> UInt32? {
        var credentials = (pid: Int32(0), uid: UInt32(0), gid: UInt32(0))
        var length = socklen_t(12)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0, length == 12 else {
            return nil
        }
        return credentials.uid == UInt32.max ? nil : credentials.uid
    }

    private struct Question {
        var header = nlmsghdr()
        var request = inet_diag_req_v2()
    }

    /// - Parameters:
    ///   - family: AF_INET with 4 address bytes, AF_INET6 with 16.
    ///   - peer: the socket that is asked for, with its port in host order.
    ///   - own: its other end.
    /// - Returns: the account; nil if no process holds that very socket, or the kernel does not answer.
    static func tcp(
        family: Int32,
        peer: (address: [UInt8], port: UInt16),
        own: (address: [UInt8], port: UInt16)
    ) -> UInt32? {
        let link = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
        guard link >= 0 else { return nil }
        defer { close(link) }
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var identity = inet_diag_sockid()
        identity.idiag_sport = peer.port.bigEndian
        identity.idiag_dport = own.port.bigEndian
        withUnsafeMutableBytes(of: &identity.idiag_src) { $0.copyBytes(from: peer.address) }
        withUnsafeMutableBytes(of: &identity.idiag_dst) { $0.copyBytes(from: own.address) }
        identity.idiag_cookie = (UInt32.max, UInt32.max)
        var question = Question()
        question.header.nlmsg_len = UInt32(MemoryLayout<Question>.size)
        question.header.nlmsg_type = 20  // SOCK_DIAG_BY_FAMILY
        question.header.nlmsg_flags = 1  // NLM_F_REQUEST
        question.request.sdiag_family = UInt8(family)
        question.request.sdiag_protocol = UInt8(IPPROTO_TCP)
        question.request.idiag_states = UInt32.max
        question.request.id = identity
        let size = MemoryLayout<Question>.size
        guard send(link, &question, size, 0) == size else { return nil }
        return answer(link, to: identity, family: family)
    }

    /// The kernel's answer, if it is about that very socket while a process holds it.
    private static func answer(_ link: Int32, to identity: inet_diag_sockid, family: Int32) -> UInt32? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(link, &buffer, buffer.count, 0)
        let headerBytes = MemoryLayout<nlmsghdr>.size
        guard count >= headerBytes + MemoryLayout<inet_diag_msg>.size else { return nil }
        return buffer.withUnsafeBytes { bytes -> UInt32? in
            let header = bytes.loadUnaligned(as: nlmsghdr.self)
            guard header.nlmsg_type == 20, Int(header.nlmsg_len) <= count else { return nil }
            let message = bytes.loadUnaligned(fromByteOffset: headerBytes, as: inet_diag_msg.self)
            var found = message.id
            var asked = identity
            // Ports and addresses: the first 36 bytes (linux/inet_diag.h). A listener at that port is another socket.
            let isSame = withUnsafeBytes(of: &found) { found in
                withUnsafeBytes(of: &asked) { asked in found[..<36].elementsEqual(asked[..<36]) }
            }
            // Established, both FIN_WAITs, CLOSE_WAIT; what has no process any more has no inode, and is said to be root's.
            let held: [UInt8] = [1, 4, 5, 8]
            guard isSame, Int32(message.idiag_family) == family, held.contains(message.idiag_state),
                message.idiag_inode != 0
            else { return nil }
            return message.idiag_uid
        }
    }
}
