import CMicrohttpd
import Glibc

/// The system calls of a listening socket.
enum ListeningSocket {
    /// A burst that overflows it costs the next client a second, because its SYN is lost.
    ///
    /// The kernel holds it to its somaxconn.
    static let backlog: Int32 = 4_096

    static func tcp(host: String, port: UInt16) throws(ListenError) -> Int32 {
        let isSix = host.contains(":")
        let what = isSix ? "[\(host)]:\(port)" : "\(host):\(port)"
        let descriptor = try make(isSix ? AF_INET6 : AF_INET, what: what)
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        var result: Int32
        if isSix {
            // Else [::] would also take IPv4, or not, as a sysctl says.
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size)
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            inet_pton(AF_INET, host, &address.sin_addr)
            result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        if result == 0 { result = listen(descriptor, backlog) }
        guard result == 0 else {
            let reason = errno
            close(descriptor)
            throw error(what, reason)
        }
        return descriptor
    }

    static func make(_ family: Int32, what: String) throws(ListenError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw error(what, errno) }
        return descriptor
    }

    /// Takes over a socket that listens already.
    static func inherited(_ descriptor: Int32) throws(ListenError) -> Int32 {
        func refused(_ why: String) -> ListenError {
            ListenError(
                kind: .notListening,
                what: "descriptor \(descriptor)",
                why: why,
                remedy: "Hand over a stream socket that listens, of IPv4, IPv6 or unix."
            )
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            throw refused("it is no socket")
        }
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 else {
            throw refused("it is no socket (error \(errno))")
        }
        guard value == 1 else { throw refused("it does not listen") }
        guard getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &value, &size) == 0,
            [AF_INET, AF_INET6, AF_UNIX].contains(value)
        else { throw refused("it is of another family") }
        guard getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &value, &size) == 0, value == Int32(SOCK_STREAM.rawValue)
        else {
            throw refused("it is no stream")
        }
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
        else { throw refused("its flags cannot be set (error \(errno))") }
        return descriptor
    }

    /// Where a socket is bound.
    static func bound(_ descriptor: Int32) -> (text: String, port: UInt16?, isPublic: Bool) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return ("unknown", nil, true) }
        let family = Int32(storage.ss_family)
        return withUnsafeBytes(of: &storage) { bytes in
            var text = [CChar](repeating: 0, count: 64)
            switch family {
            case AF_INET:
                var address = bytes.loadUnaligned(as: sockaddr_in.self)
                inet_ntop(AF_INET, &address.sin_addr, &text, 64)
                let first = withUnsafeBytes(of: &address.sin_addr) { $0[0] }
                let port = UInt16(bigEndian: address.sin_port)
                return ("http://\(string(text)):\(port)", port, first != 127)
            case AF_INET6:
                var address = bytes.loadUnaligned(as: sockaddr_in6.self)
                inet_ntop(AF_INET6, &address.sin6_addr, &text, 64)
                let port = UInt16(bigEndian: address.sin6_port)
                return ("http://[\(string(text))]:\(port)", port, string(text) != "::1")
            case AF_UNIX:
                let path = bytes[2..<max(2, min(Int(length), bytes.count))].prefix { $0 != 0 }
                return ("unix:\(String(decoding: path, as: UTF8.self))", nil, false)
            case _: return ("unknown", nil, true)
            }
        }
    }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func error(_ what: String, _ reason: Int32) -> ListenError {
        switch reason {
        case EADDRINUSE:
            ListenError(
                kind: .busy,
                what: what,
                why: "something listens there already",
                remedy: "Stop it, or choose another address; `ss -lptn` shows who it is."
            )
        case EACCES, EPERM:
            ListenError(
                kind: .permission,
                what: what,
                why: "this account may not",
                remedy:
                    "Ports below 1024 need CAP_NET_BIND_SERVICE, a unix socket a folder that is writable; choose another."
            )
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            ListenError(
                kind: .notHere,
                what: what,
                why: "this host has no such address",
                remedy: "`ip address` lists those it has."
            )
        case _:
            ListenError(
                kind: .fault,
                what: what,
                why: "the system answers error \(reason) (\(String(cString: strerror(reason))))",
                remedy: "Choose another address."
            )
        }
    }
}
