/// Why a text is not JSON, and where.
struct JSONError: Error, Equatable {
    var reason: String
    /// Bytes from the start.
    var offset: Int
}

/// Reads JSON that anybody may have written: RFC 8259, UTF-8 only, no key twice, bounded in depth.
///
/// The size is bounded by whoever hands the bytes over.
struct JSONReader {
    static let depthLimit = 32

    private let bytes: [UInt8]
    private var position = 0

    /// The one value in `bytes`, with white space around it at most.
    static func value(in bytes: [UInt8]) throws(JSONError) -> JSONValue {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw JSONError(reason: "not UTF-8", offset: 0) }
        var reader = JSONReader(bytes: bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.next == nil else { throw reader.error("something after the value") }
        return value
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func error(_ reason: String) -> JSONError { JSONError(reason: reason, offset: position) }

    private var unexpected: JSONError { error(next == nil ? "ends early" : "not JSON") }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: Unicode.Scalar) throws(JSONError) {
        guard take(byte) else { throw unexpected }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < JSONReader.depthLimit else { throw error("more than \(JSONReader.depthLimit) levels deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default:
            try number()
            return .number
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for byte in word.utf8 { try expect(Unicode.Scalar(byte)) }
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> [JSONValue.Member] {
        try expect("{")
        var members: [JSONValue.Member] = []
        var keys: Set<[UInt8]> = []
        skipSpace()
        if take("}") { return members }
        repeat {
            skipSpace()
            let key = try string()
            guard keys.insert(Array(key.utf8)).inserted else { throw error("a key comes twice") }
            skipSpace()
            try expect(":")
            members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
        } while take(",")
        try expect("}")
        return members
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        try expect("[")
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return elements }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while take(",")
        try expect("]")
        return elements
    }

    // MARK: - Numbers

    private mutating func number() throws(JSONError) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw unexpected }
    }

    // MARK: - Strings

    private mutating func string() throws(JSONError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try escape().utf8
            case 0..<0x20: throw error("a control character in a string")
            default: text.append(byte)
            }
        }
        throw error("ends early")
    }

    private mutating func escape() throws(JSONError) -> String {
        guard let byte = next else { throw error("ends early") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return String(try scalar())
        default: throw error("an escape that means nothing")
        }
    }

    /// The character of `\uXXXX`, or of a surrogate pair (RFC 8259, 7).
    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        var code = try unit()
        if code >= 0xD800 && code < 0xDC00 {
            try expect("\\")
            try expect("u")
            let low = try unit()
            guard low >= 0xDC00 && low < 0xE000 else { throw error("half a character") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("half a character") }
        return scalar
    }

    private mutating func unit() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next else { throw error("ends early") }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): code = code << 4 + UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): code = code << 4 + UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): code = code << 4 + UInt32(byte - UInt8(ascii: "A") + 10)
            default: throw error("an escape that means nothing")
            }
            position += 1
        }
        return code
    }
}
