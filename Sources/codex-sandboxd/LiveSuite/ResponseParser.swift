/// Reads one answer of HTTP/1.1 (RFC 9112) as it comes, strictly and within limits.
///
/// Taken is what says how long it is: by `Content-Length`, or `Transfer-Encoding: chunked`. An answer that ends when the
/// connection does could have been cut off, and is refused.
struct ResponseParser {
    /// Of the status line and the fields together, in bytes.
    static let headLimit = 64 << 10
    static let fieldLimit = 128
    static let bodyLimit = 64 << 20
    /// Of a chunk's size with its extensions, in bytes.
    private static let chunkLineLimit = 256
    /// Answers with 1xx before the answer.
    private static let interimLimit = 4

    private enum Phase {
        case head
        case sized(Int)
        case chunkLine
        case chunk(Int)
        case chunkEnd
        case trailer
        case done
    }

    private var phase = Phase.head
    private var buffer: [UInt8] = []
    private var position = 0
    private var headLength = 0
    private var interim = 0
    private var lines: [[UInt8]] = []
    private var trailerFields = 0
    private var answer = SuiteResponse(status: 0, headers: [], body: [])

    /// There once all of it came.
    var response: SuiteResponse? {
        if case .done = phase { return answer }
        return nil
    }

    /// What the answer is still without, for a sentence.
    var missing: String {
        switch phase {
        case .head: lines.isEmpty && buffer.isEmpty ? "an answer" : "the rest of its fields"
        case .sized(let rest): "\(rest) bytes of its body"
        case .chunkLine, .chunk, .chunkEnd, .trailer: "the last chunk of its body"
        case .done: "nothing"
        }
    }

    mutating func feed(_ bytes: some Collection<UInt8>) throws(SuiteError) {
        buffer += bytes
        while try step() {}
        if case .done = phase, position < buffer.count {
            throw SuiteError(
                "the answer goes on behind its end, with \(SuiteText.quoted(buffer[position...].prefix(40)))"
            )
        }
        buffer.removeFirst(position)
        position = 0
    }

    /// Whether there may be more to do with what has come.
    private mutating func step() throws(SuiteError) -> Bool {
        switch phase {
        case .head:
            guard let line = try line(limit: ResponseParser.headLimit - headLength, "the head of the answer") else {
                return false
            }
            headLength += line.count + 2
            if line.isEmpty {
                try endHead()
            } else {
                guard lines.count <= ResponseParser.fieldLimit else {
                    throw SuiteError("the answer has more than \(ResponseParser.fieldLimit) fields")
                }
                lines.append(line)
            }
            return true
        case .sized(let rest):
            let taken = take(rest)
            phase = taken == rest ? .done : .sized(rest - taken)
            return false
        case .chunkLine:
            guard let line = try line(limit: ResponseParser.chunkLineLimit, "the size of a chunk") else { return false }
            let size = try chunkSize(line)
            guard answer.body.count + size <= ResponseParser.bodyLimit else { throw tooLong }
            phase = size == 0 ? .trailer : .chunk(size)
            return true
        case .chunk(let rest):
            let taken = take(rest)
            phase = taken == rest ? .chunkEnd : .chunk(rest - taken)
            return taken == rest
        case .chunkEnd:
            guard let line = try line(limit: 2, "the end of a chunk") else { return false }
            guard line.isEmpty else { throw SuiteError("a chunk is longer than it says") }
            phase = .chunkLine
            return true
        case .trailer:
            guard let line = try line(limit: ResponseParser.headLimit, "the trailer of the answer") else {
                return false
            }
            if line.isEmpty {
                phase = .done
                return false
            }
            _ = try ResponseParser.field(line)
            trailerFields += 1
            guard trailerFields <= ResponseParser.fieldLimit else {
                throw SuiteError("the trailer has too many fields")
            }
            return true
        case .done: return false
        }
    }

    /// The next line without its CR LF; nil when it has not come whole.
    private mutating func line(limit: Int, _ what: String) throws(SuiteError) -> [UInt8]? {
        guard let end = buffer[position...].firstIndex(of: 0x0A) else {
            guard buffer.count - position <= limit else { throw SuiteError("\(what) is longer than the limit") }
            return nil
        }
        guard end - position <= limit else { throw SuiteError("\(what) is longer than the limit") }
        guard end > position, buffer[end - 1] == 0x0D else { throw SuiteError("a line of the answer ends without CR") }
        defer { position = end + 1 }
        return Array(buffer[position..<(end - 1)])
    }

    private mutating func take(_ count: Int) -> Int {
        let taken = min(count, buffer.count - position)
        answer.body += buffer[position..<(position + taken)]
        position += taken
        return taken
    }

    private mutating func endHead() throws(SuiteError) {
        guard let first = lines.first else { throw SuiteError("the answer begins with an empty line") }
        let status = try ResponseParser.status(first)
        var headers: [(name: String, value: String)] = []
        for line in lines.dropFirst() { headers.append(try ResponseParser.field(line)) }
        lines = []
        if (100..<200).contains(status) {
            interim += 1
            guard status != 101, interim <= ResponseParser.interimLimit else {
                throw SuiteError("the server answers \(status), which nobody asked for")
            }
            return
        }
        answer.status = status
        answer.headers = headers
        phase = try framing(status, headers)
    }

    /// RFC 9112, 6.3.
    private func framing(_ status: Int, _ headers: [(name: String, value: String)]) throws(SuiteError) -> Phase {
        let codings = headers.filter { $0.name == "transfer-encoding" }.map(\.value)
        let lengths = headers.filter { $0.name == "content-length" }.map(\.value)
        if status == 204 || status == 304 { return .done }
        guard codings.isEmpty || lengths.isEmpty else {
            throw SuiteError("the answer has both Content-Length and Transfer-Encoding")
        }
        if !codings.isEmpty {
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                throw SuiteError("the answer has a Transfer-Encoding that is not chunked")
            }
            return .chunkLine
        }
        guard lengths.count == 1, let text = lengths.first else {
            throw SuiteError("the answer does not say how long it is, once, by Content-Length or chunks")
        }
        guard !text.isEmpty, text.utf8.count <= 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(text)
        else {
            throw SuiteError("the answer has a Content-Length that is no number")
        }
        guard length <= ResponseParser.bodyLimit else { throw tooLong }
        return length == 0 ? .done : .sized(length)
    }

    private var tooLong: SuiteError {
        SuiteError("the body of the answer is longer than \(ResponseParser.bodyLimit >> 20) MiB")
    }

    private func chunkSize(_ line: [UInt8]) throws(SuiteError) -> Int {
        // Behind a semicolon come extensions, which mean nothing here.
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard (1...8).contains(digits.count), let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
            digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") })
        else { throw SuiteError("a chunk has the size \(SuiteText.quoted(digits.prefix(20)))") }
        return size
    }

    private static func status(_ line: [UInt8]) throws(SuiteError) -> Int {
        let start = Array("HTTP/1.1 ".utf8)
        let digits = line.dropFirst(start.count).prefix(3)
        guard line.starts(with: start), digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            line.count == start.count + 3 || line[start.count + 3] == 0x20,
            let status = Int(String(decoding: digits, as: UTF8.self)), (100...599).contains(status)
        else {
            throw SuiteError("what answers is no server of HTTP/1.1: it begins \(SuiteText.quoted(line.prefix(60)))")
        }
        return status
    }

    private static func field(_ line: [UInt8]) throws(SuiteError) -> (name: String, value: String) {
        let name = line.prefix { $0 != UInt8(ascii: ":") }
        let value = line.dropFirst(name.count + 1)
        let isToken = name.allSatisfy { (0x21..<0x7F).contains($0) && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
        guard name.count < line.count, !name.isEmpty, isToken,
            value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
        else {
            throw SuiteError("a field of the answer cannot be read: \(SuiteText.quoted(line.prefix(60)))")
        }
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        let trimmed = value.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        return (String(decoding: name, as: UTF8.self).lowercased(), String(decoding: Array(trimmed), as: UTF8.self))
    }
}
