import Glibc

/// Where a server shall listen.
public enum HTTPListenAddress: Hashable, Sendable {
    /// An IPv4 or IPv6 address in numbers; port 0 lets the kernel choose.
    case tcp(host: String, port: UInt16)
    /// At most 107 bytes, no NUL (unix(7)).
    case unix(path: String)
    /// The sockets that the service manager has handed over (sd_listen_fds(3)), all or those of one name.
    case inherited(name: String?)
    /// A listening socket with that number.
    case descriptor(Int32)

    /// Reads `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000` (which is 127.0.0.1), `unix:/path`, `fd`, `fd:NAME`, and
    /// `fd:N` with N from 3.
    ///
    /// - Throws: `.malformed`. Other names than `localhost` are refused, because what they mean can change.
    public init(_ text: String) throws(ListenError) {
        if text == "fd" {
            self = .inherited(name: nil)
        } else if text.hasPrefix("fd:") {
            let rest = text.dropFirst(3)
            if Self.isSocketName(rest) {
                self = .inherited(name: String(rest))
                return
            }
            guard let number = Self.number(rest, limit: 1_048_575), number >= 3 else {
                throw Self.malformed(text, "behind fd: stands a socket's name, or the number of a descriptor from 3 on")
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

    /// A letter, then letters, digits, dots, hyphens and underscores; 64 at most.
    private static func isSocketName(_ text: Substring) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
        guard let first = text.utf8.first, isLetter(first), text.utf8.count <= 64 else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || [0x2D, 0x2E, 0x5F].contains($0) }
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
