/// Bytes as they are behind the escapes of JSON strings (RFC 8259, 7), wherever in the bytes those stand.
enum JSONEscapes {
    /// A result in an answer is a string in a string; what a worker has written may be one more, and so on.
    static let deepest = 8

    /// What is no escape stays as it is, half a surrogate pair too; nil where nothing is escaped.
    static func undone(_ bytes: [UInt8]) -> [UInt8]? {
        guard var index = bytes.firstIndex(of: UInt8(ascii: "\\")) else { return nil }
        var plain = Array(bytes[..<index])
        plain.reserveCapacity(bytes.count)
        var isEscaped = false
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), let (meant, end) = escape(bytes, at: index) {
                plain += meant
                index = end
                isEscaped = true
            } else {
                plain.append(bytes[index])
                index += 1
            }
        }
        return isEscaped ? plain : nil
    }

    /// What the escape at a backslash means, and where it ends.
    private static func escape(_ bytes: [UInt8], at start: Int) -> (meant: [UInt8], end: Int)? {
        guard start + 1 < bytes.count else { return nil }
        let end = start + 2
        switch bytes[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return ([bytes[start + 1]], end)
        case UInt8(ascii: "b"): return ([0x08], end)
        case UInt8(ascii: "f"): return ([0x0C], end)
        case UInt8(ascii: "n"): return ([0x0A], end)
        case UInt8(ascii: "r"): return ([0x0D], end)
        case UInt8(ascii: "t"): return ([0x09], end)
        case UInt8(ascii: "u"): return character(bytes, at: start)
        case _: return nil
        }
    }

    /// `\uXXXX`, or two of them where the first is the high half of a pair.
    private static func character(_ bytes: [UInt8], at start: Int) -> (meant: [UInt8], end: Int)? {
        guard let first = unit(bytes, at: start) else { return nil }
        if let scalar = Unicode.Scalar(first) { return (Array(String(scalar).utf8), start + 6) }
        guard let second = unit(bytes, at: start + 6),
            let scalar = String(decoding: [first, second], as: UTF16.self).unicodeScalars.first, scalar != "\u{FFFD}"
        else { return nil }
        return (Array(String(scalar).utf8), start + 12)
    }

    /// Of UTF-16, by its four digits, in letters of any case.
    private static func unit(_ bytes: [UInt8], at start: Int) -> UInt16? {
        guard start + 6 <= bytes.count, bytes[start] == UInt8(ascii: "\\"), bytes[start + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt16 = 0
        for byte in bytes[start + 2..<start + 6] {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            case _: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}
