/// What output has switched on in a terminal and not off again, as xterm and its descendants understand it.
///
/// A job that is killed leaves its terminal as it was at that moment: on another screen, without cursor, reporting the mouse.
/// This reads what the job writes (ECMA-48; XTerm Control Sequences) and knows what undoes it.
struct TerminalState: Equatable {
    /// Private modes (CSI ? n h) that are off in a fresh terminal and that a shell suffers from.
    private static let tracked: [UInt16] = [
        1, 5, 6, 9, 47, 66, 69, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 1047, 1049, 2004, 2026,
        2031, 2048,
    ]
    /// Those that are on in a fresh terminal: cursor, wrapping.
    private static let usual: [UInt16] = [7, 25]

    private enum Position: UInt8 {
        case text, escape, intermediate, control, charset, string, stringEscape
    }

    private var position = Position.text
    private var parameters: [UInt16] = []
    private var number: UInt16 = 0
    private var hasNumber = false
    private var leader: UInt8 = 0

    private var on: [UInt16] = []
    private var off: [UInt16] = []
    private var hasKeypad = false
    private var hasLineDrawing = false
    private var hasOtherSet = false
    private var hasRegion = false
    private var hasRendition = false
    private var keyboards = 0
    private var hasOtherKeys = false
    private var hasInsertion = false
    private var isLocked = false

    /// Takes a piece of output.
    mutating func read(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes { read(byte) }
    }

    /// Whether it is in the middle of a sequence.
    var isInside: Bool { position != .text }

    /// What brings it back; empty when nothing is left to undo.
    ///
    /// At most some 300 bytes.
    var undoing: [UInt8] {
        var text: [UInt8] = []
        func add(_ sequence: String) { text += Array(sequence.utf8) }
        // Whatever was begun and not ended swallows what comes next.
        if position != .text { text.append(QuestionFilter.cancel) }
        if hasRegion { add("\u{1B}[r") }
        if hasInsertion { add("\u{1B}[4l") }
        if isLocked { add("\u{1B}[2l") }
        for mode in on.reversed() { add("\u{1B}[?\(mode)l") }
        for mode in off { add("\u{1B}[?\(mode)h") }
        for _ in 0..<keyboards { add("\u{1B}[<u") }
        if hasOtherKeys { add("\u{1B}[>4m") }
        if hasKeypad { add("\u{1B}>") }
        if hasLineDrawing { add("\u{1B}(B") }
        if hasOtherSet { add("\u{0F}") }
        if hasRendition { add("\u{1B}[0m") }
        return text
    }

    // MARK: -

    private mutating func read(_ byte: UInt8) {
        // CAN and SUB end any sequence, ESC begins a new one.
        if byte == 0x18 || byte == 0x1A {
            position = .text
            return
        }
        if byte == 0x1B {
            position = position == .string ? .stringEscape : .escape
            return
        }
        switch position {
        case .text:
            if byte == 0x0E { hasOtherSet = true }
            if byte == 0x0F { hasOtherSet = false }
        case .escape: escape(byte)
        case .intermediate: if (0x30...0x7E).contains(byte) { position = .text }
        case .charset:
            hasLineDrawing = byte == UInt8(ascii: "0")
            position = .text
        case .control: control(byte)
        case .string:
            if byte == 0x07 { position = .text }
        case .stringEscape: if byte == UInt8(ascii: "\\") { position = .text } else { escape(byte) }
        }
    }

    private mutating func escape(_ byte: UInt8) {
        // Controls are carried out, and bytes of no sequence passed over, without an end to it.
        if byte < 0x20 || byte > 0x7E { return }
        position = .text
        switch byte {
        case UInt8(ascii: "["):
            position = .control
            (parameters, number, hasNumber, leader) = ([], 0, false, 0)
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"), UInt8(ascii: "X"):
            position = .string
        case UInt8(ascii: "n"), UInt8(ascii: "o"): hasOtherSet = true
        case UInt8(ascii: "("): position = .charset
        case 0x20...0x2F: position = .intermediate
        case UInt8(ascii: "="): hasKeypad = true
        case UInt8(ascii: ">"): hasKeypad = false
        // Everything back, by the job itself.
        case UInt8(ascii: "c"): self = TerminalState()
        default: break
        }
    }

    private mutating func control(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            number = number > 6000 ? 65535 : number * 10 + UInt16(byte - UInt8(ascii: "0"))
            hasNumber = true
        case UInt8(ascii: ";"), UInt8(ascii: ":"): next()
        case 0x3C...0x3F: leader = byte
        case 0x20...0x2F: leader = leader == 0 ? byte : leader
        case 0x40...0x7E:
            next()
            position = .text
            finish(byte)
        default: break
        }
    }

    /// More than 32 parameters are of no sequence that matters here.
    private mutating func next() {
        if parameters.count < 32 { parameters.append(hasNumber ? number : 0) }
        (number, hasNumber) = (0, false)
    }

    private mutating func finish(_ final: UInt8) {
        let first = parameters.first ?? 0
        switch (leader, final) {
        case (UInt8(ascii: "?"), UInt8(ascii: "h")): for mode in parameters { set(mode) }
        case (UInt8(ascii: "?"), UInt8(ascii: "l")): for mode in parameters { clear(mode) }
        case (0, UInt8(ascii: "h")): for mode in parameters { setANSI(mode, true) }
        case (0, UInt8(ascii: "l")): for mode in parameters { setANSI(mode, false) }
        case (0, UInt8(ascii: "r")): hasRegion = parameters.contains { $0 != 0 }
        case (0, UInt8(ascii: "m")): hasRendition = parameters.last != 0
        case (UInt8(ascii: "!"), UInt8(ascii: "p")):
            (on, off) = (on.filter { $0 >= 47 && $0 != 66 }, [])
            (hasKeypad, hasLineDrawing, hasOtherSet, hasRegion, hasRendition) = (false, false, false, false, false)
        case (UInt8(ascii: ">"), UInt8(ascii: "u")): keyboards = min(keyboards + 1, 16)
        case (UInt8(ascii: "<"), UInt8(ascii: "u")): keyboards = max(keyboards - max(1, Int(first)), 0)
        case (UInt8(ascii: ">"), UInt8(ascii: "m")):
            if first == 4 { hasOtherKeys = parameters.count > 1 && parameters[1] != 0 }
        default: break
        }
    }

    private mutating func setANSI(_ mode: UInt16, _ isOn: Bool) {
        if mode == 4 { hasInsertion = isOn }
        if mode == 2 { isLocked = isOn }
    }

    private mutating func set(_ mode: UInt16) {
        if TerminalState.tracked.contains(mode) && !on.contains(mode) { on.append(mode) }
        off.removeAll { $0 == mode }
    }

    private mutating func clear(_ mode: UInt16) {
        if TerminalState.usual.contains(mode) && !off.contains(mode) { off.append(mode) }
        on.removeAll { $0 == mode }
    }
}
