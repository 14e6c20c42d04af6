/// The small grammars of header fields (RFC 9110, 5.6).
enum FieldText {
    /// RFC 9110, 5.6.2.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// The items between commas that are not in quotes, without blanks around them and without empty ones.
    static func list(_ text: String, by separator: Unicode.Scalar = ",") -> [String] {
        var items: [String] = []
        var item: [UInt8] = []
        var isQuoted = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: separator) && !isQuoted {
                items.append(trimmed(item))
                item = []
            } else {
                item.append(byte)
            }
        }
        items.append(trimmed(item))
        return items.filter { !$0.isEmpty }
    }

    private static func trimmed(_ bytes: [UInt8]) -> String {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    /// `Prefer: respond-async` among others (RFC 7240, 2 and 4.1).
    static func prefersAsync(_ fields: [String]) -> Bool {
        fields.flatMap { list($0) }.contains { preference in
            let name = list(preference, by: ";").first ?? ""
            return name.lowercased() == "respond-async"
        }
    }
}
