/// The operating system commands (OSC) that no terminal answers.
///
/// XTerm Control Sequences; "Hyperlinks in Terminal Emulators"; ConEmu's progress. Not let through are the clipboard, notifications, folders and
/// marks of a shell, and everything of one terminal alone.
enum HarmlessCommands {
    /// Whether a command is on the list.
    ///
    /// - Parameter bytes: ESC ], bytes without controls, and the end: BEL or ESC \.
    /// - Returns: whether it is.
    static func isHarmless(_ bytes: [UInt8]) -> Bool {
        let body = bytes[2..<(bytes.count - (bytes[bytes.count - 1] == 0x07 ? 1 : 2))]
        let words = body.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let number = words.first.flatMap({ decimal($0, atMost: 112) }) else { return false }
        let value = words.count > 1 ? words[1] : nil
        let parts = value?.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) ?? []
        switch number {
        // Titles.
        case 0, 1, 2: return value.map { UTF8Form.isText($0) && !$0.elementsEqual([UInt8(ascii: "?")]) } ?? false
        case 4:
            return !parts.isEmpty && parts.count.isMultiple(of: 2)
                && parts.enumerated().allSatisfy {
                    $0.isMultiple(of: 2) ? decimal($1, atMost: 255) != nil : isColour($1)
                }
        // A link: parameters and where it leads.
        case 8: return parts.count >= 2 && value.map { UTF8Form.isText($0) } ?? false
        // Progress.
        case 9:
            return (2...3).contains(parts.count) && parts[0].elementsEqual([UInt8(ascii: "4")])
                && decimal(parts[1], atMost: 4) != nil
                && (parts.count < 3 || parts[2].isEmpty || decimal(parts[2], atMost: 100) != nil)
        case 10, 11, 12: return parts.count == 1 && isColour(parts[0])
        case 104: return parts.allSatisfy { decimal($0, atMost: 255) != nil }
        case 110, 111, 112: return value == nil
        default: return false
        }
    }

    /// Whether it is a whole command of the Linux console's, which has no end: a colour (P and 7 digits), or all of them back (R).
    static func isPalette(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 2 else { return false }
        if bytes[2] == UInt8(ascii: "R") { return true }
        return bytes[2] == UInt8(ascii: "P") && bytes.count == 10
    }

    private static func decimal(_ bytes: ArraySlice<UInt8>, atMost limit: Int) -> Int? {
        guard (1...3).contains(bytes.count), bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let value = bytes.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return value <= limit ? value : nil
    }

    /// As XParseColor(3) takes them: `#RGB` with 1 to 4 digits each, `rgb:R/G/B`.
    private static func isColour(_ bytes: ArraySlice<UInt8>) -> Bool {
        if bytes.first == UInt8(ascii: "#") {
            return [4, 7, 10, 13].contains(bytes.count) && bytes.dropFirst().allSatisfy(isHexadecimal)
        }
        guard bytes.starts(with: "rgb:".utf8) else { return false }
        let parts = bytes.dropFirst(4).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count == 3 && parts.allSatisfy { (1...4).contains($0.count) && $0.allSatisfy(isHexadecimal) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
