/// Modes of a terminal that a job has changed, and that a shell suffers from.
///
/// A change is remembered however it is written; that it was taken back is believed only where every terminal reads it.
struct TerminalModes: Equatable {
    /// What stands before the number, behind ESC [.
    private let mark: String
    /// Those that are off in a fresh terminal, and those that are on.
    private let off: [UInt16]
    private let on: [UInt16]
    private var changed: [UInt16] = []
    /// What was changed at any time: a terminal may have saved it.
    private var ever: [UInt16] = []

    /// Modes of ECMA-48.
    static let standard = TerminalModes(mark: "", off: [2, 4, 20], on: [12])
    /// Modes of DEC's terminals and their descendants (CSI ?).
    static let ofPrivate = TerminalModes(
        mark: "?",
        off: [
            1, 5, 9, 47, 66, 67, 69, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 1047, 1049, 2004,
            2026, 2031, 2048, 5522, 9001,
        ],
        // Wrapping, repeated keys, cursor.
        on: [7, 8, 25]
    )

    private init(mark: String, off: [UInt16], on: [UInt16]) { (self.mark, self.off, self.on) = (mark, off, on) }

    /// Whether it is one of them.
    func contains(_ mode: UInt16) -> Bool { off.contains(mode) || on.contains(mode) }

    /// Whether it is to be undone.
    func isChanged(_ mode: UInt16) -> Bool { changed.contains(mode) }

    /// It may be on or off now.
    ///
    /// - Parameters:
    ///   - mode: its number.
    ///   - isOn: what was said of it.
    ///   - isCertain: whether every terminal has read that.
    mutating func set(_ mode: UInt16, _ isOn: Bool, isCertain: Bool) {
        guard contains(mode) else { return }
        if off.contains(mode) == isOn {
            remember(mode)
        } else if isCertain {
            changed.removeAll { $0 == mode }
        }
    }

    /// Modes that were saved are back: they may be as they were at any time, or as somebody else has left them.
    mutating func restore(_ modes: [UInt16]) {
        for mode in ever + modes where contains(mode) { remember(mode) }
    }

    /// All are as in a fresh terminal; what was saved stays so.
    mutating func reset() { changed = [] }

    private mutating func remember(_ mode: UInt16) {
        if !changed.contains(mode) { changed.append(mode) }
        if !ever.contains(mode) { ever.append(mode) }
    }

    /// The last one first.
    var undoing: String {
        let last = changed.reversed()
        return last.filter { off.contains($0) }.map { "\u{1B}[\(mark)\($0)l" }.joined()
            + last.filter { on.contains($0) }.map { "\u{1B}[\(mark)\($0)h" }.joined()
    }
}
