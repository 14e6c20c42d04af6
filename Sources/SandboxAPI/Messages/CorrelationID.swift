internal import WebTransport

/// The name of one request in headers and logs.
enum CorrelationID {
    static let field = "X-Request-ID"
    static let longest = 128

    /// The client's own where it is one; else a new one, 32 hexadecimal digits.
    static func of(_ head: HTTPRequestHead) -> String {
        if let own = head.headers[field], isSound(own) { return own }
        var text: [UInt8] = []
        let digits = Array("0123456789abcdef".utf8)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2 {
            var word = generator.next()
            for _ in 0..<16 {
                text.append(digits[Int(word & 15)])
                word >>= 4
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What can stand in a log line and a header as it is.
    static func isSound(_ text: String) -> Bool {
        (1...longest).contains(text.utf8.count)
            && text.utf8.allSatisfy { PercentCoding.isUnreserved($0) && $0 != UInt8(ascii: "~") }
    }
}
