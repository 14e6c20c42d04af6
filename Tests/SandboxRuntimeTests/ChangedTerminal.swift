/// A model of terminals that read the same bytes in different ways, and of what stays changed in them: independent of the reader that is
/// tried with it.
struct ChangedTerminal {
    /// How one of them reads.
    struct Reading {
        var name: String
        /// Whether CAN and SUB end a string.
        var cancels = true
        /// Whether ESC ends a string, whatever follows.
        var escapeEnds = true
        /// Whether BEL ends every string, or an OSC alone.
        var bellEndsAll = false
        /// Whether `?` counts wherever it stands.
        var marksAnywhere = false
        /// Whether bytes before the final one make no other sequence.
        var ignoresIntermediates = false
        /// Whether a control within a sequence ends it; else it is carried out.
        var isStrict = false
        /// With more numbers a sequence is passed over.
        var count = Int.max
        var modulus: UInt64 = 1 << 32
        var knowsSoftReset = false
        var savesModes = false
        var knowsVT52 = false
        /// Whether 58 is a colour, too.
        var hasUnderlines = false
        /// Whether parts of a number are read as numbers; else the sequence is passed over.
        var readsParts = false
    }

    static let readings: [Reading] = [
        Reading(name: "xterm", count: 30, modulus: 1 << 16, knowsSoftReset: true, savesModes: true, knowsVT52: true),
        Reading(name: "kitty", cancels: false, escapeEnds: false, count: 256, savesModes: true, hasUnderlines: true),
        Reading(name: "tmux", isStrict: true, hasUnderlines: true),
        Reading(name: "Linux console", bellEndsAll: true, count: 16),
        Reading(name: "PuTTY", marksAnywhere: true, knowsSoftReset: true),
        Reading(name: "generous", marksAnywhere: true, ignoresIntermediates: true, savesModes: true, readsParts: true),
    ]

    private enum Position { case text, escape, control, string, stringEscape }

    let reading: Reading
    private var position = Position.text
    private var kind: UInt8 = 0
    private var body: [UInt8] = []
    private var modes: [UInt64: Bool] = [:]
    private var saved: [UInt64: Bool] = [:]
    /// Colours, line drawing, SO.
    private var look = [false, false, false]
    private var savedLook = [false, false, false]
    private var hasRegion = false
    private var isOld = false

    init(_ reading: Reading) { self.reading = reading }

    /// What is not as in a fresh terminal.
    var changed: [String] {
        var names = modes.filter { $0.value != ChangedTerminal.usual($0.key) }.map { "?\($0.key)" }.sorted()
        names += zip(look, ["colours", "lines", "SO"]).filter { $0.0 }.map(\.1)
        if hasRegion { names.append("region") }
        if isOld { names.append("VT52") }
        if position != .text { names.append("inside") }
        return names
    }

    private static func usual(_ mode: UInt64) -> Bool { [7, 8, 25].contains(mode) }
    private static let known: Set<UInt64> = [1, 5, 6, 7, 8, 9, 25, 66, 1003, 1006, 2004]

    mutating func show(_ bytes: [UInt8]) { for byte in bytes { take(byte) } }

    private mutating func take(_ byte: UInt8) {
        if byte == 0x0E { look[2] = true }
        if byte == 0x0F && position == .text { look[2] = false }
        switch position {
        case .text: if byte == 0x1B { (position, body) = (.escape, []) }
        case .escape:
            switch byte {
            case 0x18, 0x1A: position = .text
            case 0x1B: body = []
            case 0x20...0x2F: body.append(byte)
            case 0x30...0x7E: escape(byte)
            default: if reading.isStrict { position = .text }
            }
        case .control:
            switch byte {
            case 0x18, 0x1A: position = .text
            case 0x1B: (position, body) = (.escape, [])
            case 0x40...0x7E:
                position = .text
                control(byte)
            case 0x20...0x3F: body.append(byte)
            default: if reading.isStrict { position = .text }
            }
        case .string:
            if byte == 0x1B { position = .stringEscape }
            if (byte == 0x18 || byte == 0x1A) && reading.cancels { position = .text }
            if byte == 0x07 && (kind == UInt8(ascii: "]") || reading.bellEndsAll) { position = .text }
        case .stringEscape:
            position = byte == UInt8(ascii: "\\") ? .text : .string
            if byte != UInt8(ascii: "\\") && reading.escapeEnds { (position, body) = (.escape, []) }
            if position != .text { take(byte) }
        }
    }

    private mutating func escape(_ byte: UInt8) {
        position = .text
        if isOld { return isOld = byte != UInt8(ascii: "<") }
        switch (body, byte) {
        case ([], UInt8(ascii: "[")): position = .control
        case ([], UInt8(ascii: "]")), ([], UInt8(ascii: "P")), ([], UInt8(ascii: "_")):
            (position, kind) = (.string, byte)
        case ([0x28], _): look[1] = byte != UInt8(ascii: "B")
        case ([], UInt8(ascii: "n")), ([], UInt8(ascii: "o")): look[2] = true
        case ([], UInt8(ascii: "7")): savedLook = look
        case ([], UInt8(ascii: "8")): look = savedLook
        case ([], UInt8(ascii: "c")):
            let saved = saved
            self = ChangedTerminal(reading)
            self.saved = saved
        default: break
        }
        body = []
    }

    private mutating func control(_ final: UInt8) {
        let leader = body.first.flatMap { (0x3C...0x3F).contains($0) ? $0 : nil }
        let marks = body.filter { (0x3C...0x3F).contains($0) }
        let isMarked = reading.marksAnywhere ? marks.contains(0x3F) : leader == 0x3F
        let intermediates = body.filter { $0 < 0x30 }
        let isMisplaced = marks.count > (leader == nil ? 0 : 1)
        if isMisplaced && !reading.marksAnywhere { return }
        let isSoft = intermediates == [0x21] && final == UInt8(ascii: "p") && marks.isEmpty
        if isSoft && reading.knowsSoftReset {
            for mode: UInt64 in [1, 6, 25] { modes[mode] = nil }
            (look[0], look[1], look[2], hasRegion) = (false, false, false, false)
        }
        if !intermediates.isEmpty && !reading.ignoresIntermediates { return }
        if body.contains(0x3A) && !reading.readsParts { return }
        let numbers = body.filter { (0x30...0x3B).contains($0) }
            .split(omittingEmptySubsequences: false) { $0 >= 0x3A }
            .map { $0.reduce(UInt64(0)) { ($0 &* 10 &+ UInt64($1 - 0x30)) % reading.modulus } }
        if numbers.count > reading.count { return }
        switch Character(Unicode.Scalar(final)) {
        case "h" where isMarked, "l" where isMarked:
            if numbers.contains(2) && final == UInt8(ascii: "l") && reading.knowsVT52 { isOld = true }
            for mode in numbers where ChangedTerminal.known.contains(mode) { modes[mode] = final == UInt8(ascii: "h") }
        case "s" where isMarked && reading.savesModes:
            for mode in numbers where ChangedTerminal.known.contains(mode) {
                saved[mode] = modes[mode] ?? ChangedTerminal.usual(mode)
            }
        case "r" where isMarked && reading.savesModes:
            for mode in numbers where saved[mode] != nil { modes[mode] = saved[mode] }
        case "r" where marks.isEmpty: hasRegion = numbers.contains { $0 != 0 }
        case "s" where marks.isEmpty: savedLook = look
        case "u" where marks.isEmpty: look = savedLook
        case "m" where marks.isEmpty: render(numbers)
        default: break
        }
    }

    private mutating func render(_ numbers: [UInt64]) {
        var index = 0
        while index < numbers.count {
            let number = numbers[index]
            if number == 38 || number == 48 || (number == 58 && reading.hasUnderlines) {
                look[0] = true
                if index + 2 < numbers.count && numbers[index + 1] == 5 { index += 2 }
                if index + 4 < numbers.count && numbers[index + 1] == 2 { index += 4 }
            } else if number != 10 {
                look[0] = number != 0
            }
            index += 1
        }
    }
}
