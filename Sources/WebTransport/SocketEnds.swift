import CMicrohttpd
import Glibc

/// Who is at the other end of an accepted socket.
struct SocketEnds {
    let peer: HTTPPeer
    /// The account, or else the address without port.
    let key: String

    private struct End {
        var family: Int32
        var address: [UInt8]
        var port: UInt16

        var isLoopback: Bool {
            if family == AF_INET { return address[0] == 127 }
            if isMapped { return address[12] == 127 }
            return address.dropLast().allSatisfy { $0 == 0 } && address.last == 1
        }

        /// An IPv4 address in IPv6's clothes (RFC 4291, 2.5.5.2).
        var isMapped: Bool {
            family == AF_INET6 && address[..<10].allSatisfy { $0 == 0 } && address[10] == 0xFF && address[11] == 0xFF
        }

        /// The kernel knows the other end of a mapped connection as an IPv4 socket, or as another mapped one.
        var unmapped: End? { isMapped ? End(family: AF_INET, address: Array(address[12...]), port: port) : nil }

        var text: String {
            var buffer = [CChar](repeating: 0, count: 64)
            guard inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else { return "unknown" }
            let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return family == AF_INET6 ? "[\(text)]" : text
        }
    }

    init(_ descriptor: Int32) {
        guard let other = SocketEnds.end(descriptor, getpeername), let own = SocketEnds.end(descriptor, getsockname)
        else {
            let uid = SocketEnds.family(descriptor) == AF_UNIX ? PeerOwner.unix(descriptor) : nil
            let kind: HTTPPeer.Kind = SocketEnds.family(descriptor) == AF_UNIX ? .unix : .remote
            peer = HTTPPeer(kind: kind, address: kind == .unix ? "unix" : "unknown", uid: uid)
            key = uid.map { "uid \($0)" } ?? peer.address
            return
        }
        let isHere = other.isLoopback || other.address == own.address
        let uid = isHere ? SocketEnds.owner(other, own) : nil
        let shown = other.unmapped ?? other
        peer = HTTPPeer(kind: isHere ? .loopback : .remote, address: "\(shown.text):\(other.port)", uid: uid)
        key = uid.map { "uid \($0)" } ?? shown.text
    }

    private static func owner(_ other: End, _ own: End) -> UInt32? {
        if let uid = PeerOwner.tcp(
            family: other.family,
            peer: (other.address, other.port),
            own: (own.address, own.port)
        ) {
            return uid
        }
        guard let otherFour = other.unmapped, let ownFour = own.unmapped else { return nil }
        return PeerOwner.tcp(family: AF_INET, peer: (otherFour.address, other.port), own: (ownFour.address, own.port))
    }

    private static func family(_ descriptor: Int32) -> Int32 {
        var domain: Int32 = -1
        var length = socklen_t(4)
        return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 ? domain : -1
    }

    private static func end(
        _ descriptor: Int32,
        _ ask: (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32
    ) -> End? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer -> End? in
            let result = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(descriptor, $0, &length) }
            guard result == 0 else { return nil }
            let bytes = UnsafeRawBufferPointer(start: pointer, count: MemoryLayout<sockaddr_storage>.size)
            if Int32(pointer.pointee.ss_family) == AF_INET {
                let address = bytes.loadUnaligned(as: sockaddr_in.self)
                return End(
                    family: AF_INET,
                    address: withUnsafeBytes(of: address.sin_addr) { Array($0) },
                    port: UInt16(bigEndian: address.sin_port)
                )
            }
            guard Int32(pointer.pointee.ss_family) == AF_INET6 else { return nil }
            let address = bytes.loadUnaligned(as: sockaddr_in6.self)
            return End(
                family: AF_INET6,
                address: withUnsafeBytes(of: address.sin6_addr) { Array($0) },
                port: UInt16(bigEndian: address.sin6_port)
            )
        }
    }
}
