/// A request target in its parts, as sent (RFC 9112, 3.2).
struct RequestTarget {
    var path: [UInt8]
    var query: [UInt8]?
    /// Of the absolute form: it must be that of the Host field, or two readers could see two hosts.
    var authority: [UInt8]?

    /// Takes the origin form (`/path?query`), the absolute form of `http`, and `*` of OPTIONS.
    ///
    /// - Parameters:
    ///   - bytes: visible ASCII only; anything else is no target.
    ///   - method: as sent.
    /// - Throws: for every other form, and for an authority that is empty or names a user.
    init(_ bytes: [UInt8], method: String) throws(HeadFault) {
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HeadFault(400, "the request target has bytes that no target has (RFC 9112, 3.2); encode them as %XX")
        }
        if bytes[0] == UInt8(ascii: "/") {
            (path, query) = RequestTarget.split(bytes[...])
            return
        }
        if bytes == [UInt8(ascii: "*")], method == "OPTIONS" {
            path = bytes
            return
        }
        let scheme = Array("http://".utf8)
        guard method != "CONNECT", bytes.count > scheme.count,
            zip(bytes, scheme).allSatisfy({ HTTPHeaders.lower($0) == $1 })
        else { throw HeadFault(400, "the request target is neither a path nor an http URI (RFC 9112, 3.2)") }
        let rest = bytes[scheme.count...]
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        let host = Array(rest[..<(end ?? rest.endIndex)])
        guard !host.isEmpty, !host.contains(UInt8(ascii: "@")) else {
            throw HeadFault(400, "the request target has no host, or names a user (RFC 9110, 4.2.4)")
        }
        authority = host
        (path, query) = RequestTarget.split(rest[(end ?? rest.endIndex)...])
        if path.isEmpty { path = [UInt8(ascii: "/")] }
    }

    private static func split(_ bytes: ArraySlice<UInt8>) -> ([UInt8], [UInt8]?) {
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return (Array(bytes), nil) }
        return (Array(bytes[..<mark]), Array(bytes[(mark + 1)...]))
    }
}

/// Why a head is not taken.
struct HeadFault: Error {
    var status: Int
    var reason: String

    init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}
