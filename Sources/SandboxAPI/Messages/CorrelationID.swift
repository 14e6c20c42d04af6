internal import Synchronization
internal import WebTransport

/// The name of one request in headers and logs.
enum CorrelationID {
    static let field = "X-Request-ID"
    static let longest = 128

    /// The client's own where it is one; else a new one, 32 hexadecimal digits.
    static func of(_ head: HTTPRequestHead) -> String {
        if let own = head.headers[field], isSound(own) { return own }
        let number = made.add(1, ordering: .relaxed).newValue
        return String(unsafeUninitializedCapacity: 32) { text in
            write(server, into: text, at: 0)
            // An odd factor: no two numbers give the same word, and neighbours do not look alike.
            write(number &* 0x9E37_79B9_7F4A_7C15, into: text, at: 16)
            return 32
        }
    }

    /// A name is unique, and no secret: one word is random for each server (getrandom(2)), the other one of each request.
    private static let server = SystemRandomNumberGenerator.word()
    private static let made = Atomic<UInt64>(SystemRandomNumberGenerator.word())

    private static func write(_ word: UInt64, into text: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        var rest = word
        for index in start..<start + 16 {
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            text[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
            rest >>= 4
        }
    }

    /// What can stand in a log line and a header as it is.
    static func isSound(_ text: String) -> Bool {
        (1...longest).contains(text.utf8.count)
            && text.utf8.allSatisfy { PercentCoding.isUnreserved($0) && $0 != UInt8(ascii: "~") }
    }
}

extension SystemRandomNumberGenerator {
    fileprivate static func word() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
