import CMicrohttpd
import Glibc
import Synchronization

/// A listening socket, owned: close-on-exec, non-blocking, and closed once.
///
/// A unix socket's file has mode 0600 from the first moment, and is removed with it if it is still this socket's.
public final class HTTPListener: Sendable {
    /// Where a client finds it, with the port that it has got: `http://127.0.0.1:8000`, `unix:/path`.
    public let address: String
    /// Of TCP: the port; nil for a unix socket.
    public let port: UInt16?
    /// Whether other hosts can reach it: it is bound to no loopback address.
    public let isPublic: Bool
    let descriptor: Int32
    private let file: UnixSocketFile?
    private let isOpen = Mutex(true)

    /// Opens a socket and listens.
    ///
    /// - Parameter address: where; `.inherited` may mean several, which `all` opens.
    /// - Throws: `ListenError`; nothing is left behind then.
    public convenience init(_ address: HTTPListenAddress) throws(ListenError) {
        switch address {
        case .tcp(let host, let port):
            try self.init(owned: try ListeningSocket.tcp(host: host, port: port), file: nil)
        case .unix(let path):
            let (descriptor, file) = try UnixSocketFile.listen(at: path)
            try self.init(owned: descriptor, file: file)
        case .inherited:
            throw ListenError(
                kind: .notListening,
                what: "'fd'",
                why: "nobody has handed a socket over",
                remedy: "Name an address."
            )
        case .descriptor(let number):
            try self.init(owned: try ListeningSocket.inherited(number), file: nil)
        }
    }

    private init(owned: Int32, file: UnixSocketFile?) throws(ListenError) {
        descriptor = owned
        self.file = file
        let bound = ListeningSocket.bound(owned)
        address = bound.text
        port = bound.port
        isPublic = bound.isPublic
    }

    deinit { close() }

    /// Ends listening; a second time does nothing.
    public func close() {
        let isFirst = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        guard isFirst else { return }
        file?.remove()
        Glibc.close(descriptor)
    }
}
