/// Takes out of a job's output what a terminal would answer, where no answer can reach the job.
///
/// A terminal answers by typing. Where the keyboard is not the job's, somebody else would read that: a shell, behind the end. What asks
/// gets the character that cancels a sequence (CAN) in place of the byte that would complete it, and what is left of it becomes NUL, which
/// terminals pass over; so a piece keeps its length, and nothing is held back. Which sequences ask: ECMA-48; XTerm Control Sequences; the
/// manuals of kitty and iTerm2. Of strings (OSC, DCS, APC) those go through that are known not to ask.
struct QuestionFilter: Equatable {
    private enum Position: UInt8 {
        case text, escape, control
        /// Of an operating system command: its number; what is behind it, where only a question mark asks; the same, where nothing does.
        case number, values, words
        /// Of a device control string: up to the letter that says what it is.
        case device
        /// Of a string that is taken out.
        case dropped, droppedEscape
    }

    private static let cancel: UInt8 = 0x18

    private var position = Position.text
    private var leader: UInt8 = 0
    private var intermediate: UInt8 = 0
    private var number: UInt16 = 0
    private var isFirst = true
    /// Bytes of a character that are still to come (UTF-8), and whether its first one was 0xC2: then the next may be a control.
    private var rest = 0
    private var isC2 = false

    /// Titles, folders, links, marks, notifications: texts.
    private static let words: Set<UInt16> = [0, 1, 2, 7, 8, 9, 133, 633, 777]
    /// Colours, pointer, selection, and their resetting: with a question mark they ask.
    private static let values: Set<UInt16> = Set([4, 5, 22, 52]).union(10...19).union(104...106).union(110...119)

    /// Takes a piece of output, in place.
    mutating func pass(_ bytes: UnsafeMutableRawBufferPointer) {
        for index in bytes.indices { bytes[index] = pass(bytes[index]) }
    }

    private mutating func pass(_ byte: UInt8) -> UInt8 {
        if position == .dropped || position == .droppedEscape { return drop(byte) }
        // A control of 8 bits, by itself or as a character of two bytes.
        if (0x80...0x9F).contains(byte) && (rest == 0 || isC2) {
            (rest, isC2) = (0, false)
            // It ends a string, too.
            if position == .number && !isHarmless { return cancelled(.text) }
            return begin(byte - 0x40) == QuestionFilter.cancel ? QuestionFilter.cancel : byte
        }
        count(byte)
        switch byte {
        case QuestionFilter.cancel, 0x1A:
            position = .text
            return byte
        case 0x1B:
            // It ends a string, which a number alone may make a question.
            if position == .number && !isHarmless { return cancelled(.droppedEscape) }
            position = .escape
            return byte
        // ENQ; in a string it is none.
        case 0x05: return position.rawValue < Position.number.rawValue ? 0 : byte
        default: break
        }
        switch position {
        case .text, .dropped, .droppedEscape: return byte
        case .escape:
            position = .text
            return (0x40...0x5F).contains(byte) ? begin(byte) : byte
        case .control: return control(byte)
        case .number: return ofNumber(byte)
        case .values:
            if byte == UInt8(ascii: "?") { return cancelled(.dropped) }
            if byte == 0x07 { position = .text }
            return byte
        case .words:
            if byte == 0x07 { position = .text }
            return byte
        case .device:
            if (0x30...0x3F).contains(byte) { return byte }
            // Pictures (sixel) are all that is let through: everything else asks, or is handed on to another terminal as it is.
            guard byte == UInt8(ascii: "q") else { return cancelled(.dropped) }
            position = .words
            return byte
        }
    }

    private mutating func count(_ byte: UInt8) {
        isC2 = byte == 0xC2
        switch byte {
        case 0xC2...0xDF: rest = 1
        case 0xE0...0xEF: rest = 2
        case 0xF0...0xF4: rest = 3
        case 0x80...0xBF: rest = max(0, rest - 1)
        default: rest = 0
        }
    }

    /// What follows ESC; a control of 8 bits stands for it.
    private mutating func begin(_ byte: UInt8) -> UInt8 {
        (leader, intermediate, number, isFirst) = (0, 0, 0, true)
        position = .text
        switch byte {
        case UInt8(ascii: "["): position = .control
        case UInt8(ascii: "]"): position = .number
        case UInt8(ascii: "P"): position = .device
        case UInt8(ascii: "_"): return cancelled(.dropped)
        case UInt8(ascii: "^"), UInt8(ascii: "X"): position = .words
        case UInt8(ascii: "Z"): return cancelled(.text)
        default: break
        }
        return byte
    }

    private mutating func cancelled(_ next: Position) -> UInt8 {
        position = next
        return QuestionFilter.cancel
    }

    private mutating func drop(_ byte: UInt8) -> UInt8 {
        switch byte {
        case QuestionFilter.cancel, 0x1A, 0x07, 0x9C: position = .text
        case 0x1B: position = .droppedEscape
        case _ where position == .droppedEscape:
            position = .text
            // The end of the string; anything else begins a sequence without its ESC, and is text.
            return byte == UInt8(ascii: "\\") ? 0 : pass(byte)
        default: break
        }
        return 0
    }

    // MARK: -

    private var isHarmless: Bool { QuestionFilter.words.contains(number) || QuestionFilter.values.contains(number) }

    private mutating func ofNumber(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            add(byte)
            isFirst = false
            return byte
        case UInt8(ascii: ";") where !isFirst:
            if QuestionFilter.words.contains(number) {
                position = .words
            } else if QuestionFilter.values.contains(number) {
                position = .values
            } else {
                return cancelled(.dropped)
            }
            return byte
        case 0x07:
            defer { position = .text }
            return isHarmless ? byte : QuestionFilter.cancel
        default: return cancelled(.dropped)
        }
    }

    private mutating func add(_ digit: UInt8) {
        number = number > 6000 ? 65535 : number * 10 + UInt16(digit - UInt8(ascii: "0"))
    }

    private mutating func control(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): if isFirst { add(byte) }
        case UInt8(ascii: ";"), UInt8(ascii: ":"): isFirst = false
        case 0x3C...0x3F: leader = leader == 0 ? byte : leader
        case 0x20...0x2F: intermediate = byte
        case 0x40...0x7E: return asks(byte) ? cancelled(.text) : ended(byte)
        default: break
        }
        return byte
    }

    private mutating func ended(_ byte: UInt8) -> UInt8 {
        position = .text
        return byte
    }

    private func asks(_ final: UInt8) -> Bool {
        let isPlain = leader == 0 && intermediate == 0
        switch final {
        case UInt8(ascii: "c"): return leader != UInt8(ascii: "?")
        case UInt8(ascii: "n"): return leader == 0 || leader == UInt8(ascii: "?")
        case UInt8(ascii: "t"): return isPlain && (11...21).contains(number)
        case UInt8(ascii: "p"):
            return intermediate == UInt8(ascii: "$") || (leader == UInt8(ascii: "?") && intermediate == 0)
        case UInt8(ascii: "q"): return leader == UInt8(ascii: ">")
        case UInt8(ascii: "u"):
            return leader == UInt8(ascii: "?") || intermediate == UInt8(ascii: "$") || intermediate == UInt8(ascii: "&")
        case UInt8(ascii: "x"): return intermediate != UInt8(ascii: "$") && intermediate != UInt8(ascii: "*")
        case UInt8(ascii: "y"): return intermediate == UInt8(ascii: "*")
        case UInt8(ascii: "w"): return intermediate == UInt8(ascii: "$")
        case UInt8(ascii: "v"): return intermediate == UInt8(ascii: "\"")
        case UInt8(ascii: "S"), UInt8(ascii: "m"), UInt8(ascii: "g"): return leader == UInt8(ascii: "?")
        case UInt8(ascii: "|"): return intermediate == UInt8(ascii: "'") || intermediate == UInt8(ascii: "#")
        default: return false
        }
    }
}
