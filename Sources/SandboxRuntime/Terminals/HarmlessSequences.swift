/// The escape and control sequences that no terminal answers, and that make none type.
///
/// ECMA-48; XTerm Control Sequences; console_codes(4). What is not here is not let through: what asks, what types, what is handed on to
/// a printer or another terminal, modes of other terminals (VT52, Tektronix), and what makes the terminal report (mouse, focus, size).
struct HarmlessSequences {
    enum Kind: Equatable {
        case harmless
        /// DSR 5, as the launcher asks it.
        case statusQuestion
        case other
        /// Terminals may take it for different things.
        case unclear
    }

    /// Cursor keys, origin, wrapping, blinking, cursor, other screens, keypad, pasting in brackets, drawing at once.
    private static let settable: Set<UInt16> = [1, 5, 6, 7, 12, 25, 47, 66, 1047, 1048, 1049, 2004, 2026]
    /// Smooth scrolling, 132 columns, margins, mouse, focus, the eighth bit of keys, reports: only off.
    private static let resettable: Set<UInt16> = settable.union([
        3, 4, 9, 45, 69, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 1034, 2031, 2048,
    ])
    /// Insertion; a form of the cursor (screen).
    private static let insertion: Set<UInt16> = [4, 34]
    private static let characterSets = Set("012AB4567=<>CEHKQRUYZ".utf8)
    private static let counted = Set("@ABCDEFGIJKLMPSTXZ`adeg".utf8)
    private static let numberLimit = 32

    /// Of the control sequence that was looked at last; an empty one is 0.
    private var numbers: [UInt16] = []
    /// Which of them stand behind a colon: parts of the number before.
    private var isPart: [Bool] = []

    /// Whether an escape sequence is on the list.
    ///
    /// - Parameter bytes: ESC, intermediate bytes, one final byte.
    /// - Returns: whether it is.
    static func isHarmless(escape bytes: [UInt8]) -> Bool {
        switch (bytes.count, bytes[1]) {
        // Cursor, keypad, out of a VT52, tabulators, lines, a flash (screen).
        case (2, let final): Set("78=><DEHMg".utf8).contains(final)
        case (3, 0x28...0x2B): characterSets.contains(bytes[2])
        // Lines of double size, a picture for adjusting.
        case (3, UInt8(ascii: "#")): Set("34568".utf8).contains(bytes[2])
        default: false
        }
    }

    /// What a control sequence does.
    ///
    /// - Parameter bytes: ESC [, bytes 0x20 to 0x3F, one final byte.
    /// - Returns: its kind.
    mutating func look(control bytes: [UInt8]) -> Kind {
        let final = bytes[bytes.count - 1]
        var rest = bytes[2..<(bytes.count - 1)]
        var leader: UInt8 = 0
        if let first = rest.first, (0x3C...0x3F).contains(first) {
            leader = first
            rest = rest.dropFirst()
        }
        let parameters = rest.prefix { $0 < 0x3C && $0 >= 0x30 }
        let intermediates = rest[parameters.endIndex...]
        guard intermediates.count <= 1, intermediates.allSatisfy({ $0 < 0x30 }), readNumbers(parameters) else {
            return .unclear
        }
        // Parts of a number are of colours alone.
        if parameters.contains(UInt8(ascii: ":"))
            && !(leader == 0 && intermediates.isEmpty && final == UInt8(ascii: "m"))
        {
            return .unclear
        }
        let isHarmless =
            switch (leader, intermediates.first) {
            case (0, nil): plain(final, parameters.isEmpty)
            case (UInt8(ascii: "?"), nil): ofPrivate(final, parameters.isEmpty)
            // Soft reset; the form of the cursor.
            case (0, UInt8(ascii: "!")): final == UInt8(ascii: "p") && parameters.isEmpty
            case (0, UInt8(ascii: " ")): final == UInt8(ascii: "q") && numbers.count == 1 && numbers[0] <= 6
            default: false
            }
        if isHarmless { return leader == 0 && final == UInt8(ascii: "m") && choosesFont ? .unclear : .harmless }
        if final == UInt8(ascii: "n") && numbers.contains(5) {
            return leader == 0 && intermediates.isEmpty && numbers == [5] ? .statusQuestion : .unclear
        }
        return .other
    }

    /// - Returns: whether they are numbers that no terminal takes for others.
    private mutating func readNumbers(_ bytes: ArraySlice<UInt8>) -> Bool {
        numbers.removeAll(keepingCapacity: true)
        isPart.removeAll(keepingCapacity: true)
        isPart.append(false)
        var (number, digits) = (0, 0)
        for byte in bytes {
            if byte >= 0x3A {
                numbers.append(UInt16(number))
                isPart.append(byte == UInt8(ascii: ":"))
                (number, digits) = (0, 0)
                guard numbers.count < HarmlessSequences.numberLimit else { return false }
            } else {
                number = number * 10 + Int(byte - 0x30)
                digits += 1
                guard digits <= 5, number <= 65535 else { return false }
            }
        }
        numbers.append(UInt16(number))
        return true
    }

    /// Whether SGR chooses another font than the usual one (10).
    ///
    /// From 11 or 12 on the Linux console reads no UTF-8, and the byte 0x9B of a character is CSI (vt.c, disp_ctrl). Numbers of colours are
    /// passed over as it does (vc_t416_color): 38 and 48 alone, and whole ones.
    private var choosesFont: Bool {
        var index = 0
        while index < numbers.count {
            if !isPart[index] && (11...19).contains(numbers[index]) { return true }
            index += HarmlessSequences.size(numbers[index...])
        }
        return false
    }

    /// How many numbers of SGR the first of them takes, as the Linux console reads it.
    static func size(_ numbers: ArraySlice<UInt16>) -> Int {
        guard let first = numbers.first, first == 38 || first == 48, numbers.count > 2 else { return 1 }
        switch numbers[numbers.startIndex + 1] {
        case 5: return 3
        case 2: return numbers.count > 4 ? 5 : 1
        default: return 1
        }
    }

    private func plain(_ final: UInt8, _ isEmpty: Bool) -> Bool {
        switch final {
        // Colours and the like; cursor, scrolling region; a repeated character; saved cursor; modes.
        case UInt8(ascii: "m"): true
        case UInt8(ascii: "H"), UInt8(ascii: "f"), UInt8(ascii: "r"): numbers.count <= 2
        case UInt8(ascii: "b"): numbers.count == 1 && numbers[0] <= 1024
        case UInt8(ascii: "s"), UInt8(ascii: "u"): isEmpty
        case UInt8(ascii: "h"), UInt8(ascii: "l"): numbers.allSatisfy { HarmlessSequences.insertion.contains($0) }
        // Titles, kept and taken back: with the other screen (terminfo, smcup and rmcup of xterm).
        case UInt8(ascii: "t"):
            (numbers[0] == 22 || numbers[0] == 23) && (2...3).contains(numbers.count) && numbers[1] <= 2
                && (numbers.count == 2 || numbers[2] == 0)
        default: HarmlessSequences.counted.contains(final) && numbers.count == 1
        }
    }

    private func ofPrivate(_ final: UInt8, _ isEmpty: Bool) -> Bool {
        switch final {
        case UInt8(ascii: "h"): numbers.allSatisfy { HarmlessSequences.settable.contains($0) }
        case UInt8(ascii: "l"): numbers.allSatisfy { HarmlessSequences.resettable.contains($0) }
        case UInt8(ascii: "J"), UInt8(ascii: "K"): numbers.count == 1
        // The form of the Linux console's cursor.
        case UInt8(ascii: "c"): !isEmpty && numbers.count == 1 && numbers[0] <= 255
        default: false
        }
    }
}
