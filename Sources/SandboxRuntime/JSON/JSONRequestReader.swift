/// Why a request's body is not JSON, and where.
public struct JSONRequestError: Error, Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        case notUTF8
        /// Deeper than the limit; no value is that deep that anybody means.
        case tooDeep
        /// Text that is not JSON, in the words of Python's reader.
        case malformed(String)
    }

    public var reason: Reason
    /// In characters (Unicode scalars) from the start of the text, a byte order mark not counted.
    public var offset: Int
}

/// The dialect of requests: what clients of Python's `json` may send, and its words and places for what they may not.
///
/// Beside the dialect of records (`JSONReader`), which stays as strict as it is: here a number may have a fraction, an exponent
/// and any number of digits, of a key that comes twice the last value holds, and a byte order mark may stand in front. Not
/// taken over: `NaN`, `Infinity`, and half a surrogate pair, which are no JSON (RFC 8259, 6 and 8.2), and UTF-16 (8.1).
public struct JSONRequestReader {
    /// How deep objects and arrays may lie in each other.
    public static let depthLimit = 128

    private let bytes: [UInt8]
    private var position: Int

    /// The one value in `bytes`; their number is limited by whoever has read them.
    public static func value(in bytes: [UInt8]) throws(JSONRequestError) -> JSONValue {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw JSONRequestError(reason: .notUTF8, offset: 0)
        }
        var reader = JSONRequestReader(bytes: bytes)
        reader.skipSpace()
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.error("Extra data") }
        return value
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    private func error(_ words: String, at place: Int? = nil) -> JSONRequestError {
        JSONRequestError(reason: .malformed(words), offset: characters(before: place ?? position))
    }

    private func characters(before place: Int) -> Int {
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        // A scalar has one byte that is no continuation (RFC 3629, 3).
        return bytes[start..<max(start, place)].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONRequestError) -> JSONValue {
        guard let byte = next else { throw error("Expecting value") }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONRequestError) -> JSONValue {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            (position..<end).allSatisfy({ bytes[$0] == word.utf8Start[$0 - position] })
        else { throw error("Expecting value") }
        position = end
        return value
    }

    private mutating func object(depth: Int) throws(JSONRequestError) -> JSONObject {
        guard depth < Self.depthLimit else { throw JSONRequestError(reason: .tooDeep, offset: 0) }
        position += 1
        var members: [JSONObject.Member] = []
        skipSpace()
        if take("}") { return JSONObject() }
        while true {
            guard next == UInt8(ascii: "\"") else { throw error("Expecting property name enclosed in double quotes") }
            let key = try string()
            skipSpace()
            guard take(":") else { throw error("Expecting ':' delimiter") }
            skipSpace()
            members.append(JSONObject.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return JSONObject(lastOf: members) }
            guard take(",") else { throw error("Expecting ',' delimiter") }
            skipSpace()
        }
    }

    private mutating func array(depth: Int) throws(JSONRequestError) -> [JSONValue] {
        guard depth < Self.depthLimit else { throw JSONRequestError(reason: .tooDeep, offset: 0) }
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return elements }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return elements }
            guard take(",") else { throw error("Expecting ',' delimiter") }
            skipSpace()
        }
    }

    // MARK: - Numbers

    private mutating func digits() -> Int {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position - start
    }

    private mutating func number() throws(JSONRequestError) -> JSONValue {
        let start = position
        _ = take("-")
        if !take("0") && digits() == 0 { throw error("Expecting value", at: start) }
        var isWhole = true
        var end = position
        // What does not make a fraction or an exponent is not of the number, and is complained of by what comes next.
        if take("."), digits() > 0 {
            isWhole = false
            end = position
        }
        position = end
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            if digits() > 0 {
                isWhole = false
                end = position
            }
        }
        position = end
        let text = String(decoding: bytes[start..<end], as: UTF8.self)
        if isWhole, let integer = Int64(text), JSONValue.exactIntegers.contains(integer) { return .integer(integer) }
        return .number(text)
    }

    // MARK: - Strings

    private mutating func string() throws(JSONRequestError) -> String {
        let begin = position
        position += 1
        var text = ""
        while true {
            let start = position
            while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                position += 1
            }
            if position > start { text += String(decoding: bytes[start..<position], as: UTF8.self) }
            if take("\"") { return text }
            guard next != nil else { throw error("Unterminated string starting at", at: begin) }
            guard take("\\") else { throw error("Invalid control character at") }
            guard let byte = next else { throw error("Unterminated string starting at", at: begin) }
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "b"): text.unicodeScalars.append("\u{8}")
            case UInt8(ascii: "f"): text.unicodeScalars.append("\u{C}")
            case UInt8(ascii: "n"): text.unicodeScalars.append("\n")
            case UInt8(ascii: "r"): text.unicodeScalars.append("\r")
            case UInt8(ascii: "t"): text.unicodeScalars.append("\t")
            case UInt8(ascii: "u"): text.unicodeScalars.append(try escapedScalar())
            default: throw error("Invalid \\escape", at: position - 2)
            }
        }
    }

    /// The character of `XXXX` behind `\u`, or of two of them where they are a surrogate pair.
    private mutating func escapedScalar() throws(JSONRequestError) -> Unicode.Scalar {
        let place = position - 1
        var number = try fourDigits()
        if (0xD800...0xDBFF).contains(number), take("\\"), take("u") {
            let low = try fourDigits()
            guard (0xDC00...0xDFFF).contains(low) else { throw error("Invalid \\uXXXX escape", at: place) }
            number = 0x10000 + (number - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(number) else { throw error("Invalid \\uXXXX escape", at: place) }
        return scalar
    }

    private mutating func fourDigits() throws(JSONRequestError) -> UInt32 {
        let place = position - 1
        // A string does not end with its last digit, so that four at the end of the text are too few.
        guard position + 4 < bytes.count else { throw error("Invalid \\uXXXX escape", at: place) }
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Hexadecimal.value(byte) else {
                throw error("Invalid \\uXXXX escape", at: place)
            }
            number = number << 4 | UInt32(digit)
            position += 1
        }
        return number
    }
}
