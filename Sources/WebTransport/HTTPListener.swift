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
    /// - Parameters:
    ///   - address: where.
    ///   - inherited: for `.inherited`: the number that `inheritedDescriptor` has found.
    /// - Throws: `ListenError`; nothing is left behind then.
    public convenience init(_ address: HTTPListenAddress, inherited: Int32? = nil) throws(ListenError) {
        switch address {
        case .tcp(let host, let port):
            try self.init(owned: try ListeningSocket.tcp(host: host, port: port), file: nil)
        case .unix(let path):
            let (descriptor, file) = try UnixSocketFile.listen(at: path)
            try self.init(owned: descriptor, file: file)
        case .inherited:
            guard let inherited else {
                throw ListenError(
                    kind: .notListening,
                    what: "'fd'",
                    why: "no socket was handed over (LISTEN_FDS)",
                    remedy: "Start the server by its socket unit, or name an address."
                )
            }
            try self.init(owned: try ListeningSocket.inherited(inherited), file: nil)
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

    /// The one socket that a service manager has handed to this process (sd_listen_fds(3)): LISTEN_PID is this process and
    /// LISTEN_FDS is 1.
    ///
    /// - Returns: 3, or nil if the variables are not there or name another process.
    /// - Throws: `.notListening` if there are several, or the numbers are none.
    public static func inheritedDescriptor(
        listenPID: String?,
        listenFDs: String?,
        pid: Int32
    ) throws(ListenError) -> Int32? {
        guard let listenPID, let listenFDs else { return nil }
        guard let owner = Int32(listenPID), let count = Int32(listenFDs) else {
            throw ListenError(
                kind: .notListening,
                what: "'fd'",
                why: "LISTEN_PID or LISTEN_FDS is no number",
                remedy: "Start the server by its socket unit."
            )
        }
        guard owner == pid else { return nil }
        guard count == 1 else {
            throw ListenError(
                kind: .notListening,
                what: "'fd'",
                why: "\(count) sockets were handed over",
                remedy: "Give the socket unit one ListenStream."
            )
        }
        return 3
    }
}
