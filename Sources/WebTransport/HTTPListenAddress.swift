import Glibc

/// Where a server shall listen.
public enum HTTPListenAddress: Hashable, Sendable {
    /// An IPv4 or IPv6 address in numbers; port 0 lets the kernel choose.
    case tcp(host: String, port: UInt16)
    /// At most 107 bytes, no NUL (unix(7)).
    case unix(path: String)
    /// The one socket that the service manager has handed over (sd_listen_fds(3)).
    case inherited
    /// A listening socket with that number.
    case descriptor(Int32)

    /// Reads `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000` (which is 127.0.0.1), `unix:/path`, `fd`, and `fd:N` with N from 3.
    ///
    /// - Throws: `.malformed`. Other names than `localhost` are refused, because what they mean can change.
    public init(_ text: String) throws(ListenError) {
        if text == "fd" {
            self = .inherited
        } else if text.hasPrefix("fd:") {
            guard let number = Self.number(text.dropFirst(3), limit: 1_048_575), number >= 3 else {
                throw Self.malformed(text, "the number of a descriptor is 3 or more")
            }
            self = .descriptor(Int32(number))
        } else if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else {
                throw Self.malformed(text, "the path of a unix socket has 1 to 107 bytes and no NUL")
            }
            self = .unix(path: path)
        } else {
            self = try Self.tcp(text)
        }
    }

    private static func tcp(_ text: String) throws(ListenError) -> HTTPListenAddress {
        guard let colon = text.lastIndex(of: ":"), let port = number(text[text.index(after: colon)...], limit: 65_535)
        else { throw malformed(text, "there is no port of 0 to 65535 behind the last colon") }
        let host = String(text[..<colon])
        if host == "localhost" { return .tcp(host: "127.0.0.1", port: UInt16(port)) }
        if host.hasPrefix("["), host.hasSuffix("]"), host.utf8.count > 2 {
            let inner = String(host.dropFirst().dropLast())
            var bytes = in6_addr()
            guard !inner.utf8.contains(0), inet_pton(AF_INET6, inner, &bytes) == 1 else {
                throw malformed(text, "between the brackets is no IPv6 address in numbers")
            }
            return .tcp(host: inner, port: UInt16(port))
        }
        var bytes = in_addr()
        guard !host.utf8.contains(0), inet_pton(AF_INET, host, &bytes) == 1 else {
            throw malformed(
                text,
                "the host is no IPv4 address in numbers, no IPv6 address in brackets, and not localhost"
            )
        }
        return .tcp(host: host, port: UInt16(port))
    }

    private static func number(_ text: Substring, limit: Int) -> Int? {
        guard (1...7).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let number = Int(text)
        else { return nil }
        return number <= limit ? number : nil
    }

    private static func malformed(_ text: String, _ why: String) -> ListenError {
        ListenError(
            kind: .malformed,
            what: "'\(text)'",
            why: why,
            remedy: "Write 127.0.0.1:8000, [::1]:8000, unix:/path or fd."
        )
    }
}
