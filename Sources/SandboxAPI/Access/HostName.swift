/// A host and perhaps a port, as `Host` and origins write them (RFC 9110, 7.2): `localhost`, `127.0.0.1:8000`, `[::1]:8000`.
struct HostName: Hashable {
    /// Lower case, without port and without a dot at the end; an IPv6 address in brackets.
    var name: String

    init?(_ text: some StringProtocol) {
        var host = Array(text.utf8)[...]
        guard host.count <= 260 else { return nil }
        if host.first == UInt8(ascii: "[") {
            guard let end = host.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let inside = String(decoding: Array(host[..<end].dropFirst()), as: UTF8.self)
            guard NumericAddress.isIPv6(inside), HostName.isPort(host[host.index(after: end)...]) else { return nil }
            name = "[\(inside.lowercased())]"
            return
        }
        if let colon = host.firstIndex(of: UInt8(ascii: ":")) {
            guard HostName.isPort(host[colon...]) else { return nil }
            host = host[..<colon]
        }
        if host.last == UInt8(ascii: ".") { host = host.dropLast() }
        // Names of the DNS, and those that only this host knows (RFC 3986, 3.2.2, without percent forms).
        let isPlain = host.allSatisfy { PercentCoding.isUnreserved($0) }
        guard isPlain, !host.isEmpty else { return nil }
        name = String(decoding: Array(host), as: UTF8.self).lowercased()
    }

    /// A colon and a port, or nothing.
    private static func isPort(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first else { return true }
        return first == UInt8(ascii: ":") && text.count <= 6
            && text.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    var isNumeric: Bool { name.hasPrefix("[") || NumericAddress.isIPv4(name) }
}
