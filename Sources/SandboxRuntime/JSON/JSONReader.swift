/// Why a text is not the JSON we read, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case tooLarge(limit: Int)
        case tooDeep(limit: Int)
        case notUTF8
        case unexpected
        case endsEarly
        case badEscape
        case controlCharacter
        case notAnExactInteger
        case keyTwice
        case moreAfterTheValue
    }

    public var reason: Reason
    /// Bytes from the start of the text.
    public var offset: Int

    public var description: String {
        switch reason {
        case .tooLarge(let limit): "longer than \(limit) bytes"
        case .tooDeep(let limit): "more than \(limit) levels deep at byte \(offset)"
        case .notUTF8: "not UTF-8"
        case .unexpected: "not JSON at byte \(offset)"
        case .endsEarly: "ends early"
        case .badEscape: "an escape that means no character at byte \(offset)"
        case .controlCharacter: "a control character in a string at byte \(offset)"
        case .notAnExactInteger: "a number that is no whole number within ±(2^53 − 1) at byte \(offset)"
        case .keyTwice: "an object with the same key twice, before byte \(offset)"
        case .moreAfterTheValue: "something after the value at byte \(offset)"
        }
    }
}

/// Reads JSON that anybody may have written.
///
/// Strict (RFC 8259), UTF-8 only, whole numbers only, no key twice, bounded in size and depth; whatever the bytes are,
/// the answer is a value or a `JSONError`.
public struct JSONReader {
    public static let defaultSizeLimit = 16 << 20
    public static let defaultDepthLimit = 64

    private let bytes: [UInt8]
    private let depthLimit: Int
    private var position = 0

    /// The one value in `bytes`, with white space around it at most.
    public static func value(
        in bytes: [UInt8],
        sizeLimit: Int = defaultSizeLimit,
        depthLimit: Int = defaultDepthLimit
    ) throws(JSONError) -> JSONValue {
        guard bytes.count <= sizeLimit else { throw JSONError(reason: .tooLarge(limit: sizeLimit), offset: 0) }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw JSONError(reason: .notUTF8, offset: 0) }
        var reader = JSONReader(bytes: bytes, depthLimit: depthLimit)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.error(.moreAfterTheValue) }
        return value
    }

    private init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    private func error(_ reason: JSONError.Reason) -> JSONError { JSONError(reason: reason, offset: position) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Goes past `byte` if it is what comes next.
    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: Unicode.Scalar) throws(JSONError) {
        guard take(byte) else { throw error(next == nil ? .endsEarly : .unexpected) }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < depthLimit else { throw error(.tooDeep(limit: depthLimit)) }
        skipSpace()
        guard let byte = next else { throw error(.endsEarly) }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .integer(try integer())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw error(.unexpected)
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount { try expect(Unicode.Scalar(word.utf8Start[index])) }
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        try expect("{")
        var members: [JSONObject.Member] = []
        skipSpace()
        if !take("}") {
            repeat {
                skipSpace()
                let key = try string()
                skipSpace()
                try expect(":")
                members.append(JSONObject.Member(key: key, value: try value(depth: depth + 1)))
                skipSpace()
            } while take(",")
            try expect("}")
        }
        guard let object = JSONObject(read: members) else { throw error(.keyTwice) }
        return object
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

    private mutating func integer() throws(JSONError) -> Int64 {
        let start = position
        let negative = take("-")
        var number: Int64 = 0
        let digits = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            // 16 digits hold every exact integer, and cannot overflow 64 bits.
            guard position - digits < 16 else { throw error(.notAnExactInteger) }
            number = number * 10 + Int64(byte - UInt8(ascii: "0"))
            position += 1
        }
        guard position > digits else { throw error(next == nil ? .endsEarly : .unexpected) }
        let leadingZero = bytes[digits] == UInt8(ascii: "0") && position > digits + 1
        guard !leadingZero else { throw JSONError(reason: .unexpected, offset: start) }
        let goesOn = next == UInt8(ascii: ".") || next == UInt8(ascii: "e") || next == UInt8(ascii: "E")
        let negativeZero = negative && number == 0
        guard !goesOn, !negativeZero, number <= JSONValue.exactIntegers.upperBound else {
            throw JSONError(reason: .notAnExactInteger, offset: start)
        }
        return negative ? -number : number
    }

    private mutating func string() throws(JSONError) -> String {
        try expect("\"")
        var text = ""
        while true {
            let start = position
            while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                position += 1
            }
            // The whole text was found to be UTF-8, and a piece that ends before an ASCII byte is UTF-8 too.
            if position > start { text += String(decoding: bytes[start..<position], as: UTF8.self) }
            if take("\"") { return text }
            guard next != nil else { throw error(.endsEarly) }
            guard take("\\") else { throw error(.controlCharacter) }
            text.unicodeScalars.append(try escape())
        }
    }

    /// The character of an escape, after its backslash.
    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        guard let byte = next else { throw error(.endsEarly) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw error(.badEscape)
        }
    }

    /// The character of `\uXXXX`, or of two of them where they are a surrogate pair.
    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        var number = try fourDigits()
        if (0xD800...0xDBFF).contains(number) {
            guard take("\\"), take("u") else { throw error(.badEscape) }
            let low = try fourDigits()
            guard (0xDC00...0xDFFF).contains(low) else { throw error(.badEscape) }
            number = 0x10000 + (number - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(number) else { throw error(.badEscape) }
        return scalar
    }

    private mutating func fourDigits() throws(JSONError) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next else { throw error(.endsEarly) }
            guard let digit = Hexadecimal.value(byte) else { throw error(.badEscape) }
            number = number << 4 | UInt32(digit)
            position += 1
        }
        return number
    }
}
