internal import SandboxPlan

/// Text from a record as a terminal may have it.
enum ShownText {
    /// Control characters and those that move or hide text, escaped; a backslash stays, for escapes of our own are in it.
    static func escaped(_ text: String) -> String {
        if isPrintableASCII(text) { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            shown += scalar == "\\" ? "\\" : OSString(String(Character(scalar))).description
        }
        return shown
    }

    /// Most text is, and a record holds hundreds of pieces: so this is a plain loop over memory.
    private static func isPrintableASCII(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { utf8 in
            var other: UInt8 = 0
            for byte in utf8 { other |= byte &- 0x20 < 0x5F ? 0 : 1 }
            return other == 0
        }
    }

    /// A value written by `JSONValue.bytes`; `?` for anything else.
    static func bytes(_ value: JSONValue?) -> String {
        if let text = value?.string { return OSString(text).description }
        return escaped(value?["text"]?.string ?? "?")
    }

    /// A string; `?` for anything else.
    static func string(_ value: JSONValue?) -> String {
        escaped(value?.string ?? "?")
    }

    /// A number, or a number that was written as text; `?` for anything else.
    static func number(_ value: JSONValue?) -> String {
        value?.integer.map { String($0) } ?? string(value)
    }

    /// Arguments as a shell reads them: quoted where they would fall apart.
    static func command(_ value: JSONValue?) -> String {
        guard let arguments = value?.array, !arguments.isEmpty else { return "?" }
        return arguments.map { quoted(bytes($0)) }.joined(separator: " ")
    }

    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: Array("%+,-./:=@_".utf8).contains(byte)
            }
        }
        if plain && !text.isEmpty { return text }
        let pieces = text.split(separator: "'", omittingEmptySubsequences: false)
        return "'" + pieces.joined(separator: "'\\''") + "'"
    }
}
