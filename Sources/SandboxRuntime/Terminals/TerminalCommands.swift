/// What operating system commands (OSC) have set in a terminal and not set back: colours, progress, a link.
///
/// XTerm Control Sequences; "Hyperlinks in Terminal Emulators"; ConEmu's progress.
struct TerminalCommands: Equatable {
    /// Of a longer command only the begin is known.
    private static let limit = 256

    private var body: [UInt8] = []
    private var hasPalette = false
    /// Of text, background and cursor: OSC 10 to 12.
    private var colours: [Bool] = [false, false, false]
    private var hasProgress = false
    private var hasLink = false

    mutating func begin() { body.removeAll(keepingCapacity: true) }

    mutating func read(_ byte: UInt8) { if body.count < TerminalCommands.limit { body.append(byte) } }

    /// Its end.
    ///
    /// - Parameter isWhole: whether it ends as it should; else some terminals carry it out and others do not, and nothing is back.
    mutating func end(isWhole: Bool) {
        let parts = body.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let name = parts.first, (1...3).contains(name.count), name.allSatisfy({ (0x30...0x39).contains($0) })
        else { return begin() }
        let number = name.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        let values = parts.dropFirst()
        switch number {
        // What is not known of it may be a colour.
        case 4 where body.count == TerminalCommands.limit: hasPalette = true
        case 4:
            for (index, value) in values.enumerated() where !index.isMultiple(of: 2) && !isQuestion(value) {
                hasPalette = true
            }
        case 8: if isWhole || !hasLink { hasLink = values.count > 1 && values.dropFirst().contains { !$0.isEmpty } }
        case 9:
            guard values.count > 1, values[1].elementsEqual([UInt8(ascii: "4")]) else { break }
            let isOver = values[2].elementsEqual([UInt8(ascii: "0")])
            if isWhole || !isOver { hasProgress = !isOver }
        // Each further value is the next one's.
        case 10...12:
            for (index, value) in zip(number...12, values) where !isQuestion(value) { colours[index - 10] = true }
        case 104: if isWhole && values.allSatisfy(\.isEmpty) { hasPalette = false }
        case 110...112: if isWhole { colours[number - 110] = false }
        default: break
        }
        begin()
    }

    /// What brings it back: to what the terminal's settings say.
    var undoing: [UInt8] {
        var text = ""
        if hasLink { text += "\u{1B}]8;;\u{1B}\\" }
        if hasPalette { text += "\u{1B}]104\u{1B}\\" }
        for index in colours.indices where colours[index] { text += "\u{1B}]\(110 + index)\u{1B}\\" }
        if hasProgress { text += "\u{1B}]9;4;0\u{1B}\\" }
        return Array(text.utf8)
    }

    private func isQuestion(_ value: ArraySlice<UInt8>) -> Bool { value.elementsEqual([UInt8(ascii: "?")]) }
}
