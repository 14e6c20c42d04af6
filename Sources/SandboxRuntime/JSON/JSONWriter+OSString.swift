internal import SandboxPlan

/// How bytes that need not be text are written, and text that may quote such bytes.
///
/// Bytes are a plain string where that is exact and harmless. Else an object `{"bytes": base64, "text": escaped}`: where they
/// are not UTF-8, and where they hold a character that a terminal acts on and that canonical JSON does not escape (C1
/// controls, DEL, bidirectional and zero-width characters). So bytes are always exact, and a record can be shown raw.
extension JSONWriter {
    mutating func bytes(_ string: OSString) {
        if string.bytes.withUnsafeBytes({ plain($0) }) { return }
        guard JSONWriter.isPlain(string) else {
            return object { json in
                json.member("bytes", string: Base64.text(string.bytes))
                json.member("text", string: string.description)
            }
        }
        beginValue()
        string.bytes.withUnsafeBytes { quote($0) }
    }

    /// A sentence or a word of our own: what a terminal acts on is escaped.
    mutating func text(_ text: String) {
        var text = text
        if text.withUTF8({ plain(UnsafeRawBufferPointer($0)) }) { return }
        string(ShownText.escaped(text))
    }

    private static func isPlain(_ string: OSString) -> Bool {
        // A plain loop over memory, as in `ShownText`.
        var other: UInt8 = 0
        for byte in string.bytes { other |= byte < 0x7F ? 0 : 1 }
        if other == 0 { return true }
        guard let text = string.utf8 else { return false }
        // What `description` changes beyond the escapes of JSON itself is what may not stand in a record raw.
        return text.unicodeScalars.allSatisfy { scalar in
            let alone = String(Character(scalar))
            return scalar.value < 0x7F || OSString(alone).description.utf8.elementsEqual(alone.utf8)
        }
    }
}
