/// What a client asked, once its whole body is there (RFC 9112, 3).
public struct HTTPRequest: Sendable {
    public var head: HTTPRequestHead
    /// Empty where a sink took it.
    public var body: [UInt8]

    public init(head: HTTPRequestHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}

/// A request up to its body.
///
/// A class, because each step of a request takes it along.
public final class HTTPRequestHead: Sendable {
    /// As sent; methods are case-sensitive.
    public let method: String
    /// The bytes of the target before any `?`, as sent: nothing is decoded, joined or normalised.
    ///
    /// Visible ASCII. Begins with `/`, or is `*` (of OPTIONS); of `http://host/path` it is what follows the host, which is then
    /// the same as that of the Host field.
    public let path: [UInt8]
    /// The bytes behind the first `?`, as sent; nil where there is none.
    public let query: [UInt8]?
    /// Has one Host field, in HTTP/1.0 perhaps none.
    public let headers: HTTPHeaders
    public let peer: HTTPPeer
    /// Of the body in bytes, where the client has said it; nil for none.
    public let contentLength: UInt64?

    public init(
        method: String,
        path: [UInt8],
        query: [UInt8]?,
        headers: HTTPHeaders,
        peer: HTTPPeer,
        contentLength: UInt64? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.contentLength = contentLength
    }
}

/// Who is at the other end of a connection.
public struct HTTPPeer: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The server itself (`HTTPServer.selfTest`): both ends are its own, and neither has a name.
        case itself
        /// Of a unix socket (unix(7), SO_PEERCRED).
        case unix
        /// From this host.
        case loopback
        /// From another host.
        case remote
    }

    public var kind: Kind
    /// For a person and for logs: `127.0.0.1:40312`, `[::1]:40312`, `unix`, `itself`.
    public var address: String
    /// The account that owns the peer's socket; nil where the kernel does not say, which is no permission.
    public var uid: UInt32?

    public init(kind: Kind, address: String, uid: UInt32?) {
        self.kind = kind
        self.address = address
        self.uid = uid
    }
}
