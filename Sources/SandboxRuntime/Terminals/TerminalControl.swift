/// A control sequence as it comes (ECMA-48, 5.4; XTerm Control Sequences), and whether every terminal reads it alike.
struct TerminalControl: Equatable {
    /// With more the Linux console passes over all of it (vt.c, NPAR).
    private static let usualCount = 16
    private static let limit = 32

    /// An empty one is 0; of those behind the first 32 the ones that matter, once each.
    private(set) var numbers: [UInt16] = []
    /// Whether one of them has parts.
    private(set) var hasParts = false
    private var number: UInt32 = 0
    private var digits = 0
    private var count = 0
    /// The byte that says whose sequence it is (`?`, `>`), where it belongs: first.
    private var leader: UInt8 = 0
    /// All bytes of that kind, wherever they stand.
    private var marks: [UInt8] = []
    private var intermediates: [UInt8] = []
    private var isFirst = true
    private var isPlain = true

    /// - Parameters:
    ///   - byte: 0x00 to 0x3F, or one that belongs into no sequence.
    ///   - matters: whether a number is to be known wherever it stands.
    mutating func read(_ byte: UInt8, _ matters: (UInt16) -> Bool) {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            number = number &* 10 &+ UInt32(byte - UInt8(ascii: "0"))
            digits += 1
            if !intermediates.isEmpty || digits > 5 || number > 65535 { isPlain = false }
        case UInt8(ascii: ";"), UInt8(ascii: ":"):
            if byte == UInt8(ascii: ":") { hasParts = true }
            if !intermediates.isEmpty { isPlain = false }
            next(matters)
        case 0x3C...0x3F:
            if isFirst { leader = byte } else { isPlain = false }
            if !marks.contains(byte) { marks.append(byte) }
        case 0x20...0x2F: if intermediates.count < 2 { intermediates.append(byte) }
        // Carried out, passed over, or an end.
        default: isPlain = false
        }
        isFirst = false
    }

    /// The final byte has come.
    mutating func end(_ matters: (UInt16) -> Bool) {
        next(matters)
        if count > TerminalControl.usualCount { isPlain = false }
    }

    /// Whether some terminal may take it for one with this leader.
    func maybe(_ byte: Character) -> Bool { byte.asciiValue.map { marks.contains($0) } ?? false }

    /// Whether it has no leader, or one where some terminals pass over it.
    var maybePlain: Bool { leader == 0 }

    /// Whether bytes stand before the final one that make another sequence of it.
    func has(_ intermediate: Character) -> Bool { intermediate.asciiValue.map { intermediates.contains($0) } ?? false }

    /// Whether every terminal takes it for one with this leader and these numbers.
    func isExactly(_ leader: Character? = nil, _ intermediate: Character? = nil) -> Bool {
        isPlain && !hasParts && self.leader == (leader?.asciiValue ?? 0)
            && intermediates == (intermediate?.asciiValue).map { [$0] } ?? []
    }

    /// Terminals count on, modulo some power of two.
    private mutating func next(_ matters: (UInt16) -> Bool) {
        let value = UInt16(truncatingIfNeeded: number)
        count += 1
        if numbers.count < TerminalControl.limit || (matters(value) && !numbers.contains(value)) {
            numbers.append(value)
        }
        (number, digits) = (0, 0)
    }
}
