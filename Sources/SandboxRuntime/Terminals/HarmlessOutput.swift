/// Cuts a job's output into units, and lets those through that no terminal answers, each whole or not at all.
///
/// A terminal answers by typing. Where the keyboard is not the job's, somebody else would read that: a shell, behind the end. A unit is a
/// character, a control of one byte, or an escape sequence. A sequence is held back until it is whole by the strictest grammar, and
/// then compared with a list (`HarmlessSequences`). What begins a sequence is never let through without its end; so no terminal, however it
/// reads, is in the middle of one when other bytes come. What does not fit ends what is held, which is dropped, and is read anew.
///
/// The grammar is that of ECMA-48 with the strings of XTerm Control Sequences, without what terminals read in several ways:
/// controls inside of a sequence, controls of 8 bits, more than one end of a string.
///
/// The same reader only looks where the answers are the job's, and says whether the terminal may have been asked anything.
struct HarmlessOutput {
    /// What may be held back: a title or a link, in bytes.
    static let limit = 4096
    /// A control sequence that is longer does nothing that anybody needs.
    private static let controlLimit = 128

    private enum Position: UInt8 {
        case text, character, escape, control, command
        /// Of what is not let through, up to its end.
        case droppedControl, droppedString
    }

    /// Whether the terminal takes bytes for UTF-8; elsewhere some of them are controls of 8 bits.
    let isUTF8: Bool
    /// Whether anything came that is not on the list: a terminal may have been asked.
    private(set) var hasAsked = false
    /// Whether anything came that terminals read differently: where it ends, and how often it asks, is not known.
    private(set) var isUnclear = false
    /// Of what came, those that the launcher's own question is equal to (DSR 5): as many answers come before the one to it.
    private(set) var statusQuestions = 0

    private var position = Position.text
    /// Of a string: whether the last byte was an ESC, which may begin its end.
    private var isEscaped = false
    private var held: [UInt8] = []
    private var sequences = HarmlessSequences()

    /// - Parameter isUTF8: whether the terminal takes bytes for UTF-8.
    init(isUTF8: Bool) {
        self.isUTF8 = isUTF8
        held.reserveCapacity(HarmlessOutput.limit)
    }

    /// Whether a unit has begun and not ended.
    var isInside: Bool { position != .text }

    mutating func forgetQuestions() { (hasAsked, isUnclear, statusQuestions) = (false, false, 0) }

    /// Takes a piece of output.
    ///
    /// - Parameters:
    ///   - space: holds the piece, with at least `limit` bytes before it.
    ///   - piece: where it is.
    /// - Returns: where in the space that is which goes through: it ends in the piece, and begins at most `limit` bytes before it.
    mutating func pass(_ space: UnsafeMutableRawBufferPointer, _ piece: Range<Int>) -> Range<Int> {
        precondition(piece.lowerBound >= held.count && piece.upperBound <= space.count)
        guard let base = space.baseAddress else { return 0..<0 }
        let start = piece.lowerBound - held.count
        var passed = PassedOutput(base, at: start)
        read(base, piece, into: &passed)
        return start..<passed.end
    }

    /// Nothing more comes: what is held of a character goes through, what is held of a sequence does not.
    ///
    /// - Parameter space: at least 4 bytes.
    /// - Returns: where in the space that is which goes through.
    mutating func end(_ space: UnsafeMutableRawBufferPointer) -> Range<Int> {
        var passed = PassedOutput(space.baseAddress)
        if position == .character {
            spill(into: &passed)
        } else if position != .text {
            drop(isUnclear: true)
        }
        return 0..<passed.end
    }

    /// Looks at a piece of output, without a change of it.
    mutating func look(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        var nowhere = PassedOutput(nil)
        read(base, 0..<bytes.count, into: &nowhere)
    }

    // MARK: - Bytes

    private mutating func read(_ bytes: UnsafeRawPointer, _ piece: Range<Int>, into passed: inout PassedOutput) {
        var index = piece.lowerBound
        while index < piece.upperBound {
            if position == .text {
                let plain = PlainOutput.length(bytes + index, atMost: piece.upperBound - index, isUTF8: isUTF8)
                if plain > 0 {
                    passed.put(bytes + index, plain)
                    index += plain
                    continue
                }
            }
            let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
            index += 1
            // What does not fit where it stands is read anew, at most twice: as the begin of something else, or as text.
            while !take(byte, into: &passed) {}
        }
    }

    /// - Returns: false when the byte does not fit, and is to be read anew.
    private mutating func take(_ byte: UInt8, into passed: inout PassedOutput) -> Bool {
        switch position {
        case .text: text(byte, into: &passed)
        case .character: return character(byte, into: &passed)
        case .escape: return escape(byte, into: &passed)
        case .control: return control(byte, into: &passed)
        case .command: return !isCut(by: byte) && command(byte, into: &passed)
        case .droppedControl:
            if (0x20...0x3F).contains(byte) { return true }
            position = .text
            return (0x40...0x7E).contains(byte)
        case .droppedString: return !isCut(by: byte) && dropped(byte)
        }
        return true
    }

    private mutating func text(_ byte: UInt8, into passed: inout PassedOutput) {
        switch byte {
        case 0x1B: begin(.escape, byte)
        // ENQ is answered.
        case 0x05: hasAsked = true
        // SO: from here on the Linux console reads no UTF-8, and the byte 0x9B of a character is CSI (vt.c, disp_ctrl). Other streams may
        // lead to the same terminal, so it does not go through; line drawing by the designation of a set needs none.
        case 0x0E: (hasAsked, isUnclear) = (true, true)
        case 0x80...0x9F: lone(byte, into: &passed)
        case 0xC2...0xF4: begin(.character, byte)
        default: passed.put(byte)
        }
    }

    private mutating func begin(_ next: Position, _ byte: UInt8) {
        held.removeAll(keepingCapacity: true)
        held.append(byte)
        (position, isEscaped) = (next, false)
    }

    /// What is held, and, in another position than text, what follows.
    private mutating func drop(isUnclear: Bool, and next: Position = .text) {
        held.removeAll(keepingCapacity: true)
        (position, isEscaped, hasAsked) = (next, false, true)
        if isUnclear { self.isUnclear = true }
    }

    private mutating func putHeld(into passed: inout PassedOutput) {
        held.withUnsafeBytes { if let bytes = $0.baseAddress { passed.put(bytes, $0.count) } }
        held.removeAll(keepingCapacity: true)
        position = .text
    }

    // MARK: - Characters

    private mutating func character(_ byte: UInt8, into passed: inout PassedOutput) -> Bool {
        let fits = held.count == 1 ? UTF8Form.second(held[0]).contains(byte) : byte & 0xC0 == 0x80
        guard fits else {
            spill(into: &passed)
            return false
        }
        held.append(byte)
        if held.count < UTF8Form.size(held[0]) { return true }
        let isControl = held[0] == 0xC2 && byte < 0xA0
        if isControl || (!isUTF8 && held.contains { UTF8Form.beginsSequence($0) }) {
            drop(isUnclear: true)
            passed.put(UInt8(ascii: "?"))
        } else {
            putHeld(into: &passed)
        }
        return true
    }

    /// Bytes that are no character of UTF-8 are letters of another encoding; but for controls.
    private mutating func spill(into passed: inout PassedOutput) {
        let bytes = held
        held.removeAll(keepingCapacity: true)
        position = .text
        for byte in bytes { lone(byte, into: &passed) }
    }

    private mutating func lone(_ byte: UInt8, into passed: inout PassedOutput) {
        guard (0x80...0x9F).contains(byte) else { return passed.put(byte) }
        (hasAsked, isUnclear) = (true, true)
        passed.put(UInt8(ascii: "?"))
    }

    // MARK: - Sequences

    private mutating func escape(_ byte: UInt8, into passed: inout PassedOutput) -> Bool {
        switch (byte, held.count) {
        case (UInt8(ascii: "["), 1): position = .control
        case (UInt8(ascii: "]"), 1): position = .command
        // DCS, SOS, PM, APC, and the title of screen and tmux.
        case (UInt8(ascii: "P"), 1), (UInt8(ascii: "X"), 1), (UInt8(ascii: "^"), 1), (UInt8(ascii: "_"), 1),
            (UInt8(ascii: "k"), 1):
            drop(isUnclear: false, and: .droppedString)
            return true
        case (0x20...0x2F, ..<4): break
        case (0x30...0x7E, _):
            held.append(byte)
            // Another encoding: the Linux console reads no UTF-8 from there on (vt.c, ESpercent).
            let isEncoding = held[1] == UInt8(ascii: "%")
            let isBack = isEncoding && isUTF8 && held.count == 3 && byte == UInt8(ascii: "G")
            if isBack || HarmlessSequences.isHarmless(escape: held) {
                putHeld(into: &passed)
            } else {
                // Everything back, on a Linux console the encoding that it was booted with, too (vc_reset, vt.default_utf8).
                let isReset = held.count == 2 && byte == UInt8(ascii: "c")
                drop(isUnclear: isEncoding || isReset)
            }
            return true
        default:
            drop(isUnclear: true)
            return false
        }
        held.append(byte)
        return true
    }

    private mutating func control(_ byte: UInt8, into passed: inout PassedOutput) -> Bool {
        guard (0x20...0x7E).contains(byte) else {
            drop(isUnclear: true)
            return false
        }
        if byte < 0x40 {
            guard held.count < HarmlessOutput.controlLimit else {
                drop(isUnclear: true, and: .droppedControl)
                return true
            }
            held.append(byte)
            return true
        }
        held.append(byte)
        switch sequences.look(control: held) {
        case .harmless: putHeld(into: &passed)
        case .statusQuestion:
            statusQuestions += 1
            drop(isUnclear: false)
        case .other: drop(isUnclear: false)
        case .unclear: drop(isUnclear: true)
        }
        return true
    }

    /// In a string: an ESC that does not begin its end begins another sequence, and what came of the string is dropped.
    private mutating func isCut(by byte: UInt8) -> Bool {
        guard isEscaped, byte != UInt8(ascii: "\\") else { return false }
        drop(isUnclear: true)
        begin(.escape, 0x1B)
        return true
    }

    private mutating func command(_ byte: UInt8, into passed: inout PassedOutput) -> Bool {
        switch byte {
        case 0x1B:
            isEscaped = true
            held.append(byte)
        // Behind an ESC this is the other end.
        case _ where byte == 0x07 || isEscaped:
            held.append(byte)
            // In a string the Linux console reads no UTF-8, whatever it does elsewhere: 0x9B is CSI.
            if HarmlessCommands.isHarmless(held) && !held.contains(where: UTF8Form.beginsSequence) {
                putHeld(into: &passed)
            } else {
                drop(isUnclear: held.contains { $0 >= 0x80 })
            }
        case 0x20...0x7E, 0x80...0xFF:
            held.append(byte)
            if HarmlessCommands.isPalette(held) {
                drop(isUnclear: true)
            } else if held.count > HarmlessOutput.limit - 2 {
                drop(isUnclear: true, and: .droppedString)
            }
        default:
            drop(isUnclear: true)
            return false
        }
        return true
    }

    private mutating func dropped(_ byte: UInt8) -> Bool {
        // Behind an ESC this is the end.
        if isEscaped {
            drop(isUnclear: false)
            return true
        }
        switch byte {
        // Held, since it may begin what goes through.
        case 0x1B:
            isEscaped = true
            held.append(byte)
        case 0x20...0x7E: break
        case 0x80...0xFF: isUnclear = true
        default:
            // A text that only looked like a string goes on with its next line.
            drop(isUnclear: true)
            return byte == 0x07
        }
        return true
    }
}
