import CMicrohttpd
import Glibc

/// What libmicrohttpd refuses itself before a head is whole: it says the status to its log, and then sends a page of HTML.
///
/// It does not say to which connection. Where only one of its thread can be meant, that one is answered here, in the words of the API,
/// and its sending side ended, so that the page goes nowhere. Where several can, none is touched: an answer to the wrong one is
/// worse than HTML. The handler hears of it all the same, and what it says is not sent.
enum LibraryFault {
    /// Of its own words: `Error processing request (HTTP response code is 431 (…`, in 0.9.75 and 1.0.
    private static let words = "HTTP response code is "

    /// Nil where it says something else.
    static func status(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer?) -> Int? {
        guard let arguments else { return nil }
        var buffer = [CChar](repeating: 0, count: 256)
        vsnprintf(&buffer, buffer.count, format, arguments)
        let text = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let words = Array(words.utf8)
        guard let start = text.indices.first(where: { text[$0...].starts(with: words) }) else { return nil }
        let digits = text[(start + words.count)...].prefix { (0x30...0x39).contains($0) }
        return digits.count == 3 ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }

    static func refuse(_ status: Int, among connections: [Connection], of server: ServerCore) {
        guard let reason = reason(status) else { return }
        // One that has been shut is still read to its end, and may be what is meant.
        guard !connections.contains(where: { $0.isEnding }) else { return tell(status, reason, server) }
        var candidates: [(connection: Connection, reading: Connection.Reading)] = []
        for connection in connections {
            if let reading = connection.reading { candidates.append((connection, reading)) }
        }
        // 0.9.75 says 431 once it has the request line, and 414 before (get_next_header_line in its connection.c); 1.0 looks at what
        // took the room.
        if wt_is_strict() == 0 {
            if status == 431 { candidates = candidates.filter { $0.reading.hasRequestLine } }
            if status == 414 { candidates = candidates.filter { !$0.reading.hasRequestLine } }
        }
        guard candidates.count == 1, let (connection, reading) = candidates.first, reading.phase != .body else {
            return tell(status, reason, server)
        }
        let answer = server.raw(server.refusal(status, reason, nil, for: connection.peer), nil)
        server.linger(connection)
        connection.writeLast(answer)
    }

    /// Of a refusal that libmicrohttpd answers itself, nobody knows whom.
    private static func tell(_ status: Int, _ reason: String, _ server: ServerCore) {
        server.refusal(status, reason, nil, for: nil).body.discard()
    }

    /// Nil for what is not refused amid a head.
    private static func reason(_ status: Int) -> String? {
        switch status {
        case 400: "the request line or a header field is malformed (RFC 9112)"
        case 414: "the request line is too long"
        case 431: "the header fields are too long"
        case 505: "the request is of another version than HTTP/1.x"
        case _: nil
        }
    }
}
