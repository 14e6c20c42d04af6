/// What output has switched on in a terminal and not off again, as xterm and its descendants understand it.
///
/// A job that is killed leaves its terminal as it was at that moment: on another screen, without cursor, reporting the mouse.
/// This reads what the job writes (ECMA-48; XTerm Control Sequences) and knows what undoes it.
///
/// Terminals read differently, and to undo twice costs nothing. So what some terminal may take for a change is remembered, and it is
/// forgotten only by what every terminal takes for the way back; a soft reset (CSI ! p) is none, since the Linux console and tmux know none.
struct TerminalState: Equatable {
    private enum Position: UInt8 {
        case text, escape, intermediate, control, command, commandEscape, string, stringEscape
    }

    /// Whether the terminal takes bytes for UTF-8.
    private let isUTF8: Bool
    private var position = Position.text
    private var control = TerminalControl()
    /// What stands between ESC and a final byte.
    private var intermediate: UInt8 = 0
    /// Whether nothing stands between the bytes of an escape sequence.
    private var isDirect = true
    /// Whether some terminal may be in a string still: one was left otherwise than by ESC \ and its own end.
    private var isOpen = false

    private var standard = TerminalModes.standard
    private var ofPrivate = TerminalModes.ofPrivate
    private var isOld = false
    private var look = TerminalLook()
    /// Of all cursors that were saved.
    private var saved = TerminalLook()
    private var hasKeypad = false
    private var hasOtherEncoding = false
    private var hasRegion = false
    private var keyboards = 0
    private var hasKeyFlags = false
    private var hasOtherKeys = false
    private var hasLongControls = false
    /// SGR 11 to 19, which SGR 0 does not end on the Linux console.
    private var hasFont = false
    private var hasConsoleCursor = false
    private var hasCursorForm = false
    private var hasTabs = false
    private var commands = TerminalCommands()

    /// - Parameter isUTF8: whether the terminal takes bytes for UTF-8.
    init(isUTF8: Bool = true) { self.isUTF8 = isUTF8 }

    /// Takes a piece of output.
    mutating func read(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            // Most of it is text.
            if position == .text && byte != 0x1B && byte != 0x0E && byte != 0x0F { continue }
            read(byte)
        }
    }

    /// What was begun is ended, by somebody else: as the launcher does it, for every terminal.
    mutating func leaveSequence() {
        if isInCommand { commands.end(isWhole: false) }
        (position, isOpen) = (.text, false)
    }

    private var isInCommand: Bool { position == .command || position == .commandEscape }
    private var isInString: Bool { isInCommand || position == .string || position == .stringEscape }

    /// Whether it is in the middle of a sequence.
    var isInside: Bool { position != .text }

    /// Whether the terminal may read something else than escape sequences of ECMA-48 in UTF-8: the Linux console bytes of 8 bits, a VT52 its own.
    var isShifted: Bool { look.hasOtherSet || hasFont || hasOtherEncoding || isOld }

    /// Whether every terminal reads what comes.
    private var isCertain: Bool { !isOpen && !isOld }

    /// What brings it back; empty when nothing is left to undo.
    ///
    /// At most some 350 bytes.
    var undoing: [UInt8] {
        var text: [UInt8] = []
        func add(_ sequence: String) { text += Array(sequence.utf8) }
        // Whatever was begun and not ended swallows what comes next; and a VT52 knows no control sequence.
        if position != .text || isOpen { text += TerminalSequence.closing }
        if isOld { add("\u{1B}<") }
        if hasRegion { add("\u{1B}[r") }
        add(standard.undoing)
        add(ofPrivate.undoing)
        // The way back from the other screen brings a saved cursor along.
        let last = ofPrivate.isChanged(1049) ? look.or(saved) : look
        if last.hasOrigin { add("\u{1B}[?6l") }
        if keyboards > 0 { add(keyboards > 1 ? "\u{1B}[<\(keyboards)u" : "\u{1B}[<u") }
        if hasKeyFlags { add("\u{1B}[=0u") }
        if hasOtherKeys { add("\u{1B}[>4m") }
        if hasLongControls { add("\u{1B} F") }
        if hasKeypad { add("\u{1B}>") }
        if last.hasLineDrawing { add("\u{1B}(B") }
        if hasFont { add("\u{1B}[10m") }
        if last.hasOtherSet { add("\u{0F}") }
        if hasOtherEncoding { add("\u{1B}%G") }
        if last.hasRendition { add("\u{1B}[0m") }
        if hasConsoleCursor { add("\u{1B}[?0c") }
        if hasCursorForm { add("\u{1B}[0 q") }
        // DECST8C: a stop at each eighth column.
        if hasTabs { add("\u{1B}[?5W") }
        var known = commands
        if isInCommand { known.end(isWhole: false) }
        text += known.undoing
        return text
    }

    // MARK: - Bytes

    private mutating func read(_ byte: UInt8) {
        // CAN and SUB end a sequence, but not every terminal's string; ESC begins a new one.
        if byte == 0x18 || byte == 0x1A {
            if isInString { isOpen = true }
            if isInCommand { commands.end(isWhole: false) }
            position = .text
            return
        }
        if byte == 0x1B {
            if position == .commandEscape { commands.end(isWhole: false) }
            if position == .commandEscape || position == .stringEscape { isOpen = true }
            position =
                switch position {
                case .string: .stringEscape
                case .command: .commandEscape
                default: .escape
                }
            isDirect = true
            return
        }
        // The Linux console carries it out wherever it stands.
        if byte == 0x0E { look.hasOtherSet = true }
        switch position {
        case .text: if byte == 0x0F && isCertain { look.hasOtherSet = false }
        case .escape: escape(byte)
        case .intermediate: intermediate(byte)
        case .control:
            guard (0x40...0x7E).contains(byte) else { return control.read(byte, matters) }
            control.end(matters)
            position = .text
            finish(byte)
        case .string: if byte == 0x07 { leaveString() }
        case .command:
            guard byte == 0x07 else { return commands.read(byte) }
            commands.end(isWhole: isCertain)
            position = .text
        case .commandEscape:
            commands.end(isWhole: byte == UInt8(ascii: "\\") && isCertain)
            endString(byte)
        case .stringEscape: endString(byte)
        }
    }

    /// Some terminals end it so, others do not.
    private mutating func leaveString() { (position, isOpen) = (.text, true) }

    /// Behind an ESC in a string.
    private mutating func endString(_ byte: UInt8) {
        if byte != UInt8(ascii: "\\") { isOpen = true }
        position = .escape
        escape(byte)
    }

    private func matters(_ number: UInt16) -> Bool {
        standard.contains(number) || ofPrivate.contains(number) || [2, 6, 1048].contains(number)
            || (11...19).contains(number)
    }

    // MARK: - Escape sequences

    private mutating func escape(_ byte: UInt8) {
        // Controls are carried out, and bytes of no sequence passed over, without an end to it.
        guard (0x20...0x7E).contains(byte) else {
            isDirect = false
            return
        }
        position = .text
        switch byte {
        case UInt8(ascii: "["): (position, control) = (.control, TerminalControl())
        case UInt8(ascii: "]"):
            position = .command
            commands.begin()
        case UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"), UInt8(ascii: "X"): position = .string
        case UInt8(ascii: "\\"): if isDirect { isOpen = false }
        // A title, where it is one (screen): a string.
        case UInt8(ascii: "k"): isOpen = true
        case UInt8(ascii: "n"), UInt8(ascii: "o"): look.hasOtherSet = true
        case 0x20...0x2F: (position, intermediate) = (.intermediate, byte)
        case UInt8(ascii: "="): hasKeypad = true
        case UInt8(ascii: ">"): if isDirect && isCertain { hasKeypad = false }
        case UInt8(ascii: "<"): if isDirect && !isOpen { isOld = false }
        case UInt8(ascii: "H"): hasTabs = true
        case UInt8(ascii: "7"): save()
        case UInt8(ascii: "8"): restore()
        case UInt8(ascii: "c"):
            if isDirect && isCertain { reset() }
            // The Linux console goes back to the encoding that it was booted with (vc_reset, vt.default_utf8).
            hasOtherEncoding = isUTF8
        default: break
        }
    }

    /// Everything back, by the job itself; but for colours, which not all of them bring back.
    private mutating func reset() {
        var next = TerminalState(isUTF8: isUTF8)
        next.commands = commands
        (next.standard, next.ofPrivate) = (standard, ofPrivate)
        next.standard.reset()
        next.ofPrivate.reset()
        self = next
    }

    private mutating func intermediate(_ byte: UInt8) {
        guard (0x30...0x7E).contains(byte) else {
            isDirect = false
            return
        }
        position = .text
        let isBack = isDirect && isCertain
        switch (intermediate, byte) {
        case (UInt8(ascii: "("), UInt8(ascii: "B")) where isBack: look.hasLineDrawing = false
        case (UInt8(ascii: "("), _): look.hasLineDrawing = true
        // To another encoding, and to UTF-8 (ISO 2022; vt.c, ESpercent).
        case (UInt8(ascii: "%"), UInt8(ascii: "G")) where isBack: hasOtherEncoding = false
        case (UInt8(ascii: "%"), _): hasOtherEncoding = isUTF8
        // Whether the terminal types controls of 8 bits (S8C1T, S7C1T).
        case (UInt8(ascii: " "), UInt8(ascii: "F")) where isBack: hasLongControls = false
        case (UInt8(ascii: " "), UInt8(ascii: "G")): hasLongControls = true
        default: break
        }
    }

    // MARK: - Control sequences

    private mutating func finish(_ final: UInt8) {
        let numbers = control.numbers
        let isZero = numbers.allSatisfy { $0 == 0 }
        let (control, mayBeBack) = (control, isDirect && isCertain)
        func isBack(_ leader: Character?, _ intermediate: Character? = nil) -> Bool {
            mayBeBack && control.isExactly(leader, intermediate)
        }
        func follow(_ state: inout Bool, _ isOn: Bool, _ isOff: Bool) {
            if isOn { state = true } else if isOff { state = false }
        }
        switch final {
        case UInt8(ascii: "h"), UInt8(ascii: "l"): setModes(final == UInt8(ascii: "h"))
        case UInt8(ascii: "r") where control.maybe("?"):
            ofPrivate.restore(numbers)
            if numbers.contains(6) { look.hasOrigin = true }
        case UInt8(ascii: "r") where control.maybePlain: follow(&hasRegion, !isZero, isBack(nil))
        case UInt8(ascii: "m"):
            if control.maybePlain { render(isBack(nil)) }
            let isPlain = isBack(">") && (numbers == [4] || numbers == [4, 0])
            follow(&hasOtherKeys, control.maybe(">") && numbers.contains(4) && !isPlain, isPlain)
        case UInt8(ascii: "g"): hasTabs = true
        case UInt8(ascii: "W"): hasTabs = !(isBack("?") && numbers == [5])
        case UInt8(ascii: "c") where control.maybe("?"): follow(&hasConsoleCursor, !isZero, isBack("?"))
        case UInt8(ascii: "q") where control.has(" "):
            follow(&hasCursorForm, !isZero, isBack(nil, " ") && numbers == [0])
        case UInt8(ascii: "s"): if control.maybePlain { save() }
        case UInt8(ascii: "u"):
            if control.maybePlain { restore() }
            setKeys(mayBeBack)
        default: break
        }
    }

    private mutating func save() { saved = saved.or(look) }

    private mutating func restore() { look = look.or(saved) }

    private mutating func setModes(_ isOn: Bool) {
        let isBack = isDirect && isCertain
        let (isStandard, isPrivate) = (isBack && control.isExactly(), isBack && control.isExactly("?"))
        for mode in control.numbers {
            if control.maybePlain { standard.set(mode, isOn, isCertain: isStandard) }
            guard control.maybe("?") else { continue }
            // From a VT52 only an escape sequence of its own leads back.
            if mode == 2 && !isOn { isOld = true }
            ofPrivate.set(mode, isOn, isCertain: isPrivate)
            if mode == 6 { look.hasOrigin = isOn || (look.hasOrigin && !isPrivate) }
            if mode == 1048 || mode == 1049 { if isOn { save() } else { restore() } }
        }
    }

    /// How keys are written (kitty's protocol): on a stack, and by themselves.
    private mutating func setKeys(_ isBack: Bool) {
        let numbers = control.numbers
        let most = Int(UInt16.max)
        if control.maybe(">") { keyboards = min(keyboards + 1, most) }
        if isBack && control.isExactly("<") && numbers.count == 1 && (keyboards < most || numbers[0] == UInt16.max) {
            keyboards = max(keyboards - max(1, Int(numbers[0])), 0)
        }
        if control.maybe("=") {
            hasKeyFlags = !(isBack && control.isExactly("=") && (numbers == [0] || numbers == [0, 1]))
        }
    }

    /// Numbers of colours are passed over; where terminals do that differently, nothing behind them is believed to be a way back.
    private mutating func render(_ isBack: Bool) {
        // With parts the Linux console passes over all of it.
        if control.hasParts {
            look.hasRendition = true
            return
        }
        var rest = control.numbers[...]
        var isBack = isBack
        while let number = rest.first {
            let size = HarmlessSequences.size(rest)
            if number == 58 || ((number == 38 || number == 48) && size == 1) { isBack = false }
            switch number {
            case 0: if isBack { look.hasRendition = false }
            // The usual font is no rendition, and undoes none.
            case 10: if isBack { hasFont = false }
            case 11...19: (hasFont, look.hasRendition) = (true, true)
            default: look.hasRendition = true
            }
            rest = rest.dropFirst(size)
        }
    }
}
