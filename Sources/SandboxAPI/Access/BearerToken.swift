/// The secret that a client shows (RFC 6750, 2.1).
struct BearerToken: Sendable {
    private let secret: [UInt8]

    init(_ secret: String) {
        self.secret = Array(secret.utf8)
    }

    /// Whether a field `Authorization` carries it.
    ///
    /// Takes as long for a wrong token as for the right one of that length.
    func isIn(_ authorization: String) -> Bool {
        let field = Array(authorization.utf8)
        let scheme = Array("bearer ".utf8)
        guard field.count > scheme.count,
            zip(field, scheme).allSatisfy({ $0 == $1 || $0 | 0x20 == $1 && $1 != UInt8(ascii: " ") })
        else { return false }
        let offered = field.dropFirst(scheme.count).drop { $0 == UInt8(ascii: " ") }
        var difference = offered.count ^ secret.count
        for (index, byte) in offered.enumerated() { difference |= Int(byte ^ secret[index % secret.count]) }
        return difference == 0
    }
}
