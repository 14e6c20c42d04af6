/// A model of terminals that read the same bytes in different ways, and of what they answer: independent of the reader that is tried with it.
///
/// It is generous: wherever some terminal might answer, it says that it was asked.
struct AnsweringTerminal {
    /// How one of them reads.
    struct Reading {
        var name: String
        /// Bytes are characters of 8 bits, and 0x80 to 0x9F controls; else UTF-8.
        var isEightBit = false
        /// Of UTF-8: whether U+0080 to U+009F are controls, and bytes 0x80 to 0x9F that are of no character.
        var hasControls8 = false
        /// Whether CAN and SUB end a string.
        var cancels = true
        /// Whether ESC ends a string, whatever follows.
        var escapeEnds = true
        /// Whether a control of 8 bits (ST, 0x9C) ends a string.
        var shortEnds = true
        /// Whether BEL ends every string, or an OSC alone.
        var bellEndsAll = false
        /// Whether a newline ends a string (PuTTY).
        var lineEnds = false
        /// Numbers are taken modulo this.
        var modulus: UInt64 = 1 << 32
        /// Whether what does not belong into a control sequence ends it; else it is passed over.
        var isStrict = false
        /// Whether UTF-8 is read in text alone, and not behind SO, SGR 11 and 12 (Linux, vt.c).
        ///
        /// 0x9B is CSI wherever it stands.
        var isConsole = false
    }

    static let readings: [Reading] = [
        Reading(name: "xterm, 8 bits", isEightBit: true, hasControls8: true, modulus: 1 << 16),
        Reading(
            name: "8 bits, strings by their end alone",
            isEightBit: true,
            hasControls8: true,
            cancels: false,
            escapeEnds: false
        ),
        Reading(name: "xterm, UTF-8", hasControls8: true),
        Reading(name: "kitty", cancels: false, escapeEnds: false, shortEnds: false),
        Reading(name: "tmux", shortEnds: false, isStrict: true),
        Reading(name: "PuTTY", hasControls8: true, lineEnds: true),
        Reading(name: "any bell", cancels: false, bellEndsAll: true, modulus: 256),
        Reading(name: "Linux console", shortEnds: false, isConsole: true),
    ]

    private enum Position { case text, escape, control, string, stringEscape }

    let reading: Reading
    private(set) var questions: [String] = []
    private var position = Position.text
    private var kind: UInt8 = 0
    private var body: [UInt8] = []
    private var isShifted = false
    private var isOfBytes = false

    init(_ reading: Reading) { self.reading = reading }

    static func questions(of bytes: [UInt8], _ reading: Reading) -> [String] {
        var terminal = AnsweringTerminal(reading)
        terminal.show(bytes)
        return terminal.questions
    }

    /// Whether it is in the middle of a sequence.
    var isInside: Bool { position != .text }

    mutating func show(_ bytes: [UInt8]) {
        if reading.isEightBit {
            for byte in bytes { take(UInt32(byte)) }
            return
        }
        var index = 0
        while index < bytes.count {
            if reading.isConsole && (position != .text || isShifted || isOfBytes) {
                take(UInt32(bytes[index]))
                index += 1
                continue
            }
            let rest = bytes[index..<min(index + 4, bytes.count)]
            let (scalar, count) = AnsweringTerminal.scalar(rest)
            index += count
            if let scalar {
                take(scalar)
            } else if reading.hasControls8 && (0x80...0x9F).contains(bytes[index - 1]) {
                take(UInt32(bytes[index - 1]))
            } else {
                take(0xFFFD)
            }
        }
    }

    private static func scalar(_ bytes: ArraySlice<UInt8>) -> (UInt32?, Int) {
        for count in 1...bytes.count {
            if let text = String(validating: bytes.prefix(count), as: UTF8.self), let scalar = text.unicodeScalars.first
            {
                return (scalar.value, count)
            }
        }
        return (nil, 1)
    }

    private mutating func take(_ scalar: UInt32) {
        if scalar == 5 { questions.append("ENQ") }
        let byte = scalar < 0x100 ? UInt8(scalar) : 0xFF
        let isControl8 = (0x80...0x9F).contains(byte) && reading.hasControls8
        if reading.isConsole {
            if byte == 0x0E { isShifted = true }
            if byte == 0x0F { isShifted = false }
            if byte == 0x9B { return begin(UInt8(ascii: "[")) }
        }
        switch position {
        case .text: ground(byte, isControl8)
        case .escape:
            switch byte {
            case 0x18, 0x1A: position = .text
            case 0x1B, 0x00...0x1F, 0x7F: break
            case 0x20...0x2F: body.append(byte)
            case 0x30...0x7E:
                // ESpercent; only the 8 and the G lead back.
                if reading.isConsole && body == [0x25] { isOfBytes = byte == 0x40 || (isOfBytes && byte != 0x47) }
                if body.isEmpty { begin(byte) } else { position = .text }
            default: if isControl8 { begin(byte - 0x40) } else if reading.isStrict { position = .text }
            }
        case .control:
            switch byte {
            case 0x18, 0x1A: position = .text
            case 0x1B: (position, body) = (.escape, [])
            case 0x40...0x7E:
                position = .text
                control(byte)
            case 0x20...0x3F: body.append(byte)
            default: if isControl8 { begin(byte - 0x40) } else if reading.isStrict && byte >= 0x80 { position = .text }
            }
        case .string:
            switch byte {
            case 0x18, 0x1A: if reading.cancels { position = .text } else { body.append(byte) }
            case 0x1B: position = .stringEscape
            case 0x07: if kind == UInt8(ascii: "]") || reading.bellEndsAll { endString() } else { body.append(byte) }
            case 0x0A where reading.lineEnds: position = .text
            case 0x9C where reading.shortEnds && (isControl8 || reading.isEightBit): endString()
            default: body.append(byte)
            }
        case .stringEscape:
            if byte == UInt8(ascii: "\\") {
                endString()
            } else if reading.escapeEnds {
                (position, body) = (.escape, [])
                take(scalar)
            } else {
                (position, body) = (.string, body + [0x1B])
                take(scalar)
            }
        }
    }

    private mutating func ground(_ byte: UInt8, _ isControl8: Bool) {
        if byte == 0x1B { (position, body) = (.escape, []) }
        if isControl8 { begin(byte - 0x40) }
    }

    private mutating func begin(_ byte: UInt8) {
        (position, kind, body) = (.text, byte, [])
        switch byte {
        case UInt8(ascii: "["): position = .control
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"), UInt8(ascii: "X"):
            position = .string
        case UInt8(ascii: "Z"): questions.append("DECID")
        // Booted with vt.default_utf8=0, and set to UTF-8 by hand.
        case UInt8(ascii: "c"): (isShifted, isOfBytes) = (false, true)
        default: break
        }
    }

    private mutating func endString() {
        position = .text
        let text = String(decoding: body, as: UTF8.self)
        if kind != UInt8(ascii: "]") { return questions.append("string \(kind)") }
        let number = text.prefix { $0.isNumber }
        let rest = text.dropFirst(number.count)
        let texts = ["0", "1", "2", "8"]
        let others = ["4", "9", "10", "11", "12", "104", "110", "111", "112"]
        if texts.contains(String(number)) {
            if rest == ";?" { questions.append("title") }
        } else if !others.contains(String(number)) || rest.contains("?") {
            questions.append("OSC \(text)")
        }
    }

    /// Fonts; a sequence with anything but numbers is passed over (csi_m, vc_t416_color).
    private mutating func render() {
        guard body.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x3B }) else { return }
        let numbers = body.split(separator: 0x3B, omittingEmptySubsequences: false)
            .map { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
        var index = 0
        while index < numbers.count {
            switch numbers[index] {
            case 10: isShifted = false
            case 11, 12: isShifted = true
            case 38, 48:
                index += 1
                if index + 1 < numbers.count && numbers[index] == 5 {
                    index += 1
                } else if index + 3 < numbers.count && numbers[index] == 2 {
                    index += 3
                }
            default: break
            }
            index += 1
        }
    }

    private mutating func control(_ final: UInt8) {
        let text = String(decoding: body + [final], as: UTF8.self)
        let numbers = text.split { !$0.isNumber }.map { digits in
            digits.utf8.reduce(UInt64(0)) { ($0 &* 10 &+ UInt64($1 - 0x30)) % reading.modulus }
        }
        if reading.isConsole && final == UInt8(ascii: "m") { render() }
        let isMarked = text.contains { "$*+'\"#&,".contains($0) }
        switch Character(Unicode.Scalar(final)) {
        case "c": if !(text.hasPrefix("?") && !isMarked) { questions.append(text) }
        case "n", "x", "y", "i", "v", "w", "z", "|", "{", "}": questions.append(text)
        case "q": if !text.hasSuffix(" q") { questions.append(text) }
        case "p": if text != "!p" { questions.append(text) }
        case "t": if numbers.contains(where: { (11...21).contains($0) }) { questions.append(text) }
        case "u", "S", "R", "m", "g", "T":
            if isMarked || text.hasPrefix("?") || (final == UInt8(ascii: "T") && numbers.count > 1) {
                questions.append(text)
            }
        case "h":
            // What makes a terminal type: mouse, focus, size, colours; and another grammar.
            let typing: Set<UInt64> = [2, 9, 38, 1000, 1001, 1002, 1003, 1004, 2031, 2048]
            if text.hasPrefix("?") && numbers.contains(where: typing.contains) { questions.append(text) }
        case "l": if text.hasPrefix("?") && numbers.contains(2) { questions.append(text) }
        default: break
        }
    }
}
