import Testing

@testable import SandboxRuntime

/// What output leaves switched on, and what undoes it.
struct TerminalStateTests {
    private func undoing(_ pieces: [UInt8]...) -> String {
        var state = TerminalState()
        for piece in pieces { piece.withUnsafeBytes { state.read($0) } }
        return String(decoding: state.undoing, as: UTF8.self)
    }

    private func undoing(_ text: String) -> String { undoing(Array(text.utf8)) }

    @Test(arguments: [
        ("plain text\r\n", ""),
        ("\u{1B}[?1049h", "\u{1B}[?1049l"),
        ("\u{1B}[?1049h\u{1B}[?1049l", ""),
        ("\u{1B}[?25l", "\u{1B}[?25h"),
        ("\u{1B}[?25l\u{1B}[?25h", ""),
        ("\u{1B}[?1003;1006h", "\u{1B}[?1006l\u{1B}[?1003l"),
        ("\u{1B}[?9999h", ""),
        ("\u{1B}[?99999999999999h", ""),
        ("\u{1B}[31m", "\u{1B}[0m"),
        ("\u{1B}[31mred\u{1B}[m", ""),
        ("\u{1B}[38;2;1;2;3m\u{1B}[0m", ""),
        ("\u{1B}[5;10r", "\u{1B}[r"),
        ("\u{1B}[5;10r\u{1B}[r", ""),
        ("\u{1B}=", "\u{1B}>"),
        ("\u{1B}(0", "\u{1B}(B"),
        ("\u{1B}(0lqk\u{1B}(B", ""),
        ("\u{0E}", "\u{0F}"),
        ("\u{1B}[>1u", "\u{1B}[<u"),
        ("\u{1B}[>1u\u{1B}[<u", ""),
        ("\u{1B}[>4;2m", "\u{1B}[>4m"),
        ("\u{1B}[>4;2m\u{1B}[>4;m", ""),
        // In a string that names a title nothing is a control sequence, up to its end.
        ("\u{1B}]2;[?25l\u{07}", ""),
        ("\u{1B}]2;title\u{1B}\\\u{1B}[?25l", "\u{1B}[?25h"),
        ("\u{1B}P[?25l\u{1B}\\", ""),
        // CAN ends a sequence before it says anything.
        ("\u{1B}[?25\u{18}l", ""),
        // A full reset by the job itself.
        ("\u{1B}[?1049h\u{1B}[?25l\u{1B}=\u{1B}c", ""),
    ])
    func knowsWhatIsLeft(text: String, wanted: String) {
        #expect(undoing(text) == wanted, "\(text.debugDescription)")
    }

    @Test func piecesMayEndAnywhere() {
        let text = Array("a\u{1B}[?1049;25h\u{1B}[?25l\u{1B}]0;x\u{1B}\\\u{1B}[1;31m\u{1B}(0".utf8)
        var whole = TerminalState()
        text.withUnsafeBytes { whole.read($0) }
        for cut in text.indices {
            var state = TerminalState()
            Array(text[..<cut]).withUnsafeBytes { state.read($0) }
            Array(text[cut...]).withUnsafeBytes { state.read($0) }
            #expect(state.undoing == whole.undoing, "cut at \(cut)")
        }
        #expect(!whole.undoing.isEmpty)
    }

    /// A job writes what it wants: what is kept of it is bounded, and what is said at the end is no surprise to a terminal.
    @Test func whateverComesTheAnswerIsShortAndUndoes() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("\u{1B}\u{1B}\u{1B}[[[??;;0123456789hlmru<>=()!p\u{0E}\u{0F}c]P\\\u{07}".utf8)
        for _ in 0..<300 {
            var state = TerminalState()
            let bytes = (0..<4096).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            bytes.withUnsafeBytes { state.read($0) }
            let undoing = state.undoing
            #expect(undoing.count <= 400, "\(undoing.count) bytes")
            // CAN first: the noise may have left a sequence open.
            var after = state
            ([0x18] + undoing).withUnsafeBytes { after.read($0) }
            #expect(after.undoing.isEmpty, "\(String(decoding: undoing, as: UTF8.self).debugDescription)")
        }
    }
}
