/// Where a server listens, as text: `127.0.0.1:8000`, `[::1]:8000`, `unix:/path`, `fd`, `fd:NAME`.
public enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A numeric address without brackets, or `localhost`.
    case tcp(host: String, port: UInt16)
    /// An absolute or relative path.
    case unix(path: String)
    /// The sockets that the service manager opened (sd_listen_fds(3)), or those of one name (`FileDescriptorName=`).
    case inherited(name: String?)

    /// Nil for anything else; names other than `localhost` are no addresses, because they may mean several.
    public init?(_ text: String) {
        if text == "fd" {
            self = .inherited(name: nil)
            return
        }
        if text.hasPrefix("fd:") {
            let name = text.dropFirst(3).utf8
            // A number would be a descriptor, which nobody can know beforehand.
            guard let first = name.first, (0x61...0x7A).contains(first | 0x20), name.count <= 64,
                name.allSatisfy({ PercentCoding.isUnreserved($0) && $0 != UInt8(ascii: "~") })
            else { return nil }
            self = .inherited(name: String(text.dropFirst(3)))
            return
        }
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // sun_path holds 107 bytes and a NUL (unix(7)).
            guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            String(port) == text[text.index(after: colon)...]
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard NumericAddress.isIPv6(host) else { return nil }
        } else {
            guard host == "localhost" || NumericAddress.isIPv4(host) else { return nil }
        }
        self = .tcp(host: host, port: port)
    }

    /// Whether the service manager has opened it.
    public var isInherited: Bool {
        switch self {
        case .tcp, .unix: false
        case .inherited: true
        }
    }

    /// Whether only this host's own processes reach it; of an inherited socket that is not known.
    public var isLocal: Bool {
        switch self {
        case .tcp(let host, _):
            host == "localhost" || host == "::1" || NumericAddress.isIPv4(host) && host.hasPrefix("127.")
        case .unix: true
        case .inherited: false
        }
    }

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        case .inherited(let name): name.map { "fd:\($0)" } ?? "fd"
        }
    }
}
