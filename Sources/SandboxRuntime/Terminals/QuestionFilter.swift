/// Knows what of a job's output a terminal answers, and takes it out where no answer can reach the job.
///
/// A terminal answers by typing. Where the keyboard is not the job's, somebody else would read that: a shell, behind the end. What asks
/// gets the character that cancels a sequence (CAN) in place of the byte that would complete it, and what is left of a string becomes NUL,
/// which terminals pass over; so a piece keeps its length, and nothing is held back. Which sequences ask: ECMA-48; XTerm Control Sequences; the
/// manuals of kitty and iTerm2. Of strings (OSC, DCS, APC) those go through that are known not to ask.
struct QuestionFilter: Equatable {
    private enum Position: UInt8 {
        case text, escape, escapeIntermediate, control
        /// Of an operating system command: its number; what is behind it, where only a question mark asks; the same, where nothing does.
        case number, values, words
        /// Of a device control string: up to the letter that says what it is.
        case device
        /// Of a string that is taken out.
        case dropped, droppedEscape
    }

    static let cancel: UInt8 = 0x18

    /// Whether questions are taken out; else they are only noticed.
    private(set) var isActive: Bool
    /// Whether anything has asked.
    private(set) var hasAsked = false
    /// Of what has asked, those that the launcher's own question is equal to (DSR 5): as many answers come before the one to it.
    private(set) var statusQuestions = 0

    private var position = Position.text
    private var leader: UInt8 = 0
    private var intermediate: UInt8 = 0
    private var number: UInt16 = 0
    private var hasDigits = false
    private var isFirst = true
    private var first: UInt16 = 0
    /// A mode among those to be set that a terminal reports at once: focus (1004), size (2048).
    private var hasReportingMode = false
    /// Bytes of a character that are still to come (UTF-8), and whether its first one was 0xC2: then the next may be a control.
    private var rest = 0
    private var isC2 = false

    /// Titles, folders, links, marks, notifications: texts.
    private static let words: Set<UInt16> = [0, 1, 2, 7, 8, 9, 133, 633, 777]
    /// Colours, pointer, selection, and their resetting: with a question mark they ask.
    private static let values: Set<UInt16> = Set([4, 5, 22, 52]).union(10...19).union(104...106).union(110...119)

    init(isActive: Bool) { self.isActive = isActive }

    /// Whether the terminal is in the middle of a sequence: what is shown next would complete it.
    var isInside: Bool { position != .text && !(isActive && (position == .dropped || position == .droppedEscape)) }

    mutating func forgetQuestions() { (hasAsked, statusQuestions) = (false, 0) }

    /// From now on questions are taken out.
    mutating func activate() { isActive = true }

    /// Takes a piece of output; in place, where questions are taken out.
    mutating func pass(_ bytes: UnsafeMutableRawBufferPointer) {
        for index in bytes.indices {
            let passed = pass(bytes[index])
            if isActive { bytes[index] = passed }
        }
    }

    private mutating func pass(_ byte: UInt8) -> UInt8 {
        if position == .dropped || position == .droppedEscape { return drop(byte) }
        // A control of 8 bits, by itself or as a character of two bytes.
        if (0x80...0x9F).contains(byte) && (rest == 0 || isC2) { return control8(byte) }
        count(byte)
        switch byte {
        case QuestionFilter.cancel, 0x1A:
            position = .text
            return byte
        case 0x1B:
            // It ends a string, which a number alone may make a question.
            if position == .number && !isHarmless { return asked(.droppedEscape) }
            position = .escape
            return byte
        // ENQ; terminals that hand strings on obey it there, too.
        case 0x05:
            hasAsked = true
            return 0
        default: break
        }
        switch position {
        case .text, .dropped, .droppedEscape: return byte
        case .escape: return escape(byte)
        case .escapeIntermediate: return intermediateEscape(byte)
        case .control: return control(byte)
        case .number: return ofNumber(byte)
        case .values:
            if byte == UInt8(ascii: "?") { return asked(.dropped) }
            if byte == 0x07 { position = .text }
            return byte
        case .words:
            if byte == 0x07 { position = .text }
            return byte
        case .device:
            if (0x30...0x3F).contains(byte) { return byte }
            // Pictures (sixel) are all that is let through: everything else asks, or is handed on to another terminal as it is.
            guard byte == UInt8(ascii: "q") else { return asked(.dropped) }
            position = .words
            return byte
        }
    }

    /// One that a terminal takes as a character, or not at all, begins nothing: another one may take it for what it is.
    private mutating func control8(_ byte: UInt8) -> UInt8 {
        let isCharacter = isC2
        (rest, isC2) = (0, false)
        // It ends a string, too.
        if position == .number && !isHarmless { return asked(.text) }
        let begins: Set<UInt8> = [0x90, 0x98, 0x9A, 0x9B, 0x9D, 0x9E, 0x9F]
        guard begins.contains(byte) else {
            position = byte == 0x9C ? .text : position
            return byte
        }
        // By itself it is more often a letter of another encoding than a control.
        if !isCharacter && isActive {
            position = .text
            return UInt8(ascii: "?")
        }
        return begin(byte - 0x40) == QuestionFilter.cancel ? QuestionFilter.cancel : byte
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

    /// Behind ESC.
    ///
    /// Controls are carried out, and what is no letter of it is passed over, without an end to the sequence.
    private mutating func escape(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x20...0x2F:
            (position, intermediate) = (.escapeIntermediate, byte)
            return byte
        case 0x30...0x7E: return begin(byte)
        default: return byte
        }
    }

    private mutating func intermediateEscape(_ byte: UInt8) -> UInt8 {
        guard (0x30...0x7E).contains(byte) else { return byte }
        position = .text
        // Out of UTF-8: bytes of characters would become controls.
        return intermediate == UInt8(ascii: "%") && byte == UInt8(ascii: "@") ? QuestionFilter.cancel : byte
    }

    /// What follows ESC; a control of 8 bits stands for it.
    private mutating func begin(_ byte: UInt8) -> UInt8 {
        (leader, intermediate, number, hasDigits, isFirst) = (0, 0, 0, false, true)
        (first, hasReportingMode) = (0, false)
        position = .text
        switch byte {
        case UInt8(ascii: "["): position = .control
        case UInt8(ascii: "]"): position = .number
        case UInt8(ascii: "P"): position = .device
        case UInt8(ascii: "_"): return asked(.dropped)
        case UInt8(ascii: "^"), UInt8(ascii: "X"): position = .words
        case UInt8(ascii: "Z"): return asked(.text)
        default: break
        }
        return byte
    }

    private mutating func asked(_ next: Position) -> UInt8 {
        hasAsked = true
        position = next
        (rest, isC2) = (0, false)
        return QuestionFilter.cancel
    }

    private mutating func drop(_ byte: UInt8) -> UInt8 {
        switch byte {
        case QuestionFilter.cancel, 0x1A, 0x07, 0x9C: position = .text
        case 0x1B: position = .droppedEscape
        // The terminal is in no string any more; a text that only looked like one goes on with its next line.
        case 0x0A where isActive:
            position = .text
            return byte
        case _ where position == .droppedEscape:
            position = .text
            // The end of the string; anything else begins a sequence, here without its ESC.
            if byte == UInt8(ascii: "\\") { return 0 }
            if isActive { return pass(byte) }
            position = .escape
            return pass(byte)
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
            return byte
        // The colours of the Linux console, which have no end.
        case UInt8(ascii: "P") where !hasDigits, UInt8(ascii: "R") where !hasDigits:
            position = .text
            return byte
        case UInt8(ascii: ";") where hasDigits:
            if QuestionFilter.words.contains(number) {
                position = .words
            } else if QuestionFilter.values.contains(number) {
                position = .values
            } else {
                return asked(.dropped)
            }
            return byte
        case 0x07:
            if !isHarmless { return asked(.text) }
            position = .text
            return byte
        default: return asked(.dropped)
        }
    }

    private mutating func add(_ digit: UInt8) {
        number = number > 6000 ? 65535 : number * 10 + UInt16(digit - UInt8(ascii: "0"))
        hasDigits = true
    }

    private mutating func endNumber() {
        if isFirst { first = number }
        if number == 1004 || number == 2048 { hasReportingMode = true }
        (number, isFirst) = (0, false)
    }

    private mutating func control(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): add(byte)
        case UInt8(ascii: ";"), UInt8(ascii: ":"): endNumber()
        case 0x3C...0x3F: leader = leader == 0 ? byte : leader
        case 0x20...0x2F: intermediate = byte
        case 0x40...0x7E:
            endNumber()
            position = .text
            guard asks(byte) else { return byte }
            if byte == UInt8(ascii: "n") && leader == 0 && first == 5 { statusQuestions += 1 }
            return asked(.text)
        default: break
        }
        return byte
    }

    private func asks(_ final: UInt8) -> Bool {
        let isPlain = leader == 0 && intermediate == 0
        let isPrivate = leader == UInt8(ascii: "?")
        let hash = intermediate == UInt8(ascii: "#")
        switch final {
        case UInt8(ascii: "c"): return !isPrivate
        case UInt8(ascii: "n"): return leader == 0 || isPrivate
        case UInt8(ascii: "t"): return isPlain && (11...21).contains(first)
        case UInt8(ascii: "p"): return intermediate == UInt8(ascii: "$") || (isPrivate && intermediate == 0)
        case UInt8(ascii: "q"): return leader == UInt8(ascii: ">")
        case UInt8(ascii: "u"):
            return isPrivate || intermediate == UInt8(ascii: "$") || intermediate == UInt8(ascii: "&")
        case UInt8(ascii: "x"): return intermediate != UInt8(ascii: "$") && intermediate != UInt8(ascii: "*")
        case UInt8(ascii: "y"): return intermediate == UInt8(ascii: "*")
        case UInt8(ascii: "w"): return intermediate == UInt8(ascii: "$")
        case UInt8(ascii: "v"): return intermediate == UInt8(ascii: "\"")
        case UInt8(ascii: "S"): return isPrivate || hash
        case UInt8(ascii: "R"): return hash
        case UInt8(ascii: "m"), UInt8(ascii: "g"): return isPrivate
        case UInt8(ascii: "|"): return hash || intermediate == UInt8(ascii: "'")
        // A mode that is reported at once; for a job with the keyboard it is a mode like any other.
        case UInt8(ascii: "h"): return isActive && isPrivate && hasReportingMode
        default: return false
        }
    }
}
