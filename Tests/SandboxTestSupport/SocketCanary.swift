import Glibc

/// A listener of the host that must not hear anything.
///
/// Nobody accepts: a connection or a datagram waits in the queue until the test looks.
public final class SocketCanary {
    public enum Address: Sendable {
        case loopback
        case loopback6
        /// Any address of the host, so that its address in a network reaches it.
        case anywhere
        case abstract(String)
        case pathname(String)
    }

    private let descriptor: Int32
    private let isDatagram: Bool
    /// 0 for unix sockets.
    public private(set) var port: UInt16 = 0

    public init(_ address: Address, type: Int32) throws {
        let family: Int32
        switch address {
        case .loopback, .anywhere: family = AF_INET
        case .loopback6: family = AF_INET6
        case .abstract, .pathname: family = AF_UNIX
        }
        isDatagram = type == Int32(SOCK_DGRAM.rawValue)
        let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = try check("socket", "\(address)", socket(family, type | flags, 0))
        switch address {
        case .loopback, .anywhere:
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            if case .loopback = address { name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian }
            try bind(&name, size: MemoryLayout<sockaddr_in>.size)
        case .loopback6:
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_addr = in6addr_loopback
            try bind(&name, size: MemoryLayout<sockaddr_in6>.size)
        case .abstract(let text):
            try bindUnix([0] + Array(text.utf8), terminated: false)
        case .pathname(let path):
            try bindUnix(Array(path.utf8), terminated: true)
        }
        if !isDatagram { try check("listen", "\(address)", listen(descriptor, 16)) }
    }

    deinit { close(descriptor) }

    private func bindUnix(_ bytes: [UInt8], terminated: Bool) throws {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard bytes.count < MemoryLayout.size(ofValue: name.sun_path) else {
            throw TestFailure("a socket name of \(bytes.count) bytes is too long")
        }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        try bind(&name, size: MemoryLayout<sa_family_t>.size + bytes.count + (terminated ? 1 : 0))
    }

    private func bind<Name>(_ name: inout Name, size: Int) throws {
        try withUnsafeMutablePointer(to: &name) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                try check("bind", "", Glibc.bind(descriptor, address, socklen_t(size)))
                var found = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                try withUnsafeMutablePointer(to: &found) { storage in
                    let result = storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        getsockname(descriptor, $0, &length)
                    }
                    try check("getsockname", "", result)
                    // sin_port and sin6_port are in the same place.
                    storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        if $0.pointee.sin_family != sa_family_t(AF_UNIX) {
                            port = UInt16(bigEndian: $0.pointee.sin_port)
                        }
                    }
                }
            }
        }
    }

    /// Whether anything has come, ever since the last time this was asked.
    public func wasReached() -> Bool {
        var reached = false
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            if isDatagram {
                guard recv(descriptor, &buffer, buffer.count, 0) >= 0 else { return reached }
            } else {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return reached }
                close(connection)
            }
            reached = true
        }
    }
}

extension Scene {
    public var socketCanaries: [SocketCanary] { canaries.compactMap { $0 as? SocketCanary } }

    /// The listener stays as long as the scene.
    public func keep(_ canary: SocketCanary) {
        canaries.append(canary)
    }

    /// A listener at a path, which the worker's id may connect to.
    public func keepSocket(at path: String) throws {
        keep(try SocketCanary(.pathname(path), type: Int32(SOCK_STREAM.rawValue)))
        try own(path)
    }
}
