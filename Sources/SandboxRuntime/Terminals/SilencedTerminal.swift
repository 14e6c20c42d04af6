internal import CShims

/// A terminal of the caller's that a job writes to through pipes: what is not harmless is taken out, and what was switched on is undone
/// at the end.
///
/// Each stream is read by itself; what one of them has half written there, no other one comes between.
final class SilencedTerminal {
    private let number: Int32
    private let isUTF8: Bool
    /// The controlling end: what is written there is typed, and nobody sees it.
    private let isMaster: Bool
    private var state: TerminalState
    /// What was written, by all of them.
    private var shown: HarmlessOutput
    /// Whose sequence or character is half written.
    private weak var writing: Stream?
    private var streams = 0

    init(_ stream: CallerStream) {
        number = stream.number
        isMaster = stream.isTerminalMaster
        isUTF8 = TerminalEncoding.isUTF8(stream.number)
        state = TerminalState(isUTF8: isUTF8)
        shown = HarmlessOutput(isUTF8: isUTF8)
    }

    /// Whether a stream of the caller's leads to it.
    func isSame(_ stream: CallerStream) -> Bool {
        stream.number == number || TerminalLayout.isSame(stream.number, number)
    }

    /// For one more stream that leads there.
    func filter() -> any RelayFilter {
        streams += 1
        return Stream(self)
    }

    /// Whether one of them is still to be written.
    var isShowing: Bool { streams > 0 }

    /// Behind everything that was shown: undoes what was switched on, if the terminal is ours to change.
    ///
    /// Somebody else has it in the foreground, where the launcher is not: he has set it up for himself.
    func undo() {
        var text: [UInt8] = shown.isInside ? TerminalSequence.closing : []
        if cs_terminal_is_ours(number) == 1 { text += state.undoing }
        (state, shown) = (TerminalState(isUTF8: isUTF8), HarmlessOutput(isUTF8: isUTF8))
        if !text.isEmpty && !isMaster { TerminalSequence.write(text, to: number, manner: Int32(CS_STREAM_SHARED)) }
    }

    private func take(_ bytes: UnsafeRawBufferPointer, from stream: Stream) {
        state.read(bytes)
        shown.look(bytes)
        // A unit goes through whole: behind all of it nothing is half written. What looks like the begin of a character then is a letter of
        // another encoding, whose stream may never write again.
        if stream.pending == 0 && shown.isInside { shown = HarmlessOutput(isUTF8: isUTF8) }
        writing = shown.isInside ? stream : nil
    }

    /// It does not write the rest: nobody else's bytes are to be that.
    private func leave(_ stream: Stream) {
        streams -= 1
        guard writing === stream else { return }
        writing = nil
        state.leaveSequence()
        shown = HarmlessOutput(isUTF8: isUTF8)
        TerminalSequence.write(TerminalSequence.closing, to: number, manner: Int32(CS_STREAM_SHARED))
    }

    private final class Stream: RelayFilter {
        private let terminal: SilencedTerminal
        private var filter: HarmlessOutput
        /// Bytes that went through the filter and are not written yet.
        private(set) var pending = 0

        init(_ terminal: SilencedTerminal) {
            self.terminal = terminal
            filter = HarmlessOutput(isUTF8: terminal.isUTF8)
        }

        /// Nobody ever gets the answers.
        func prepare(_ relay: Relay) {}

        func pass(_ space: UnsafeMutableRawBufferPointer, _ piece: Range<Int>) -> Range<Int> {
            let passed = filter.pass(space, piece)
            pending += passed.count
            return passed
        }

        func end(_ space: UnsafeMutableRawBufferPointer) -> Range<Int> {
            let passed = filter.end(space)
            pending += passed.count
            return passed
        }

        var mayWrite: Bool { terminal.writing == nil || terminal.writing === self }

        func written(_ bytes: UnsafeRawBufferPointer) {
            pending -= bytes.count
            terminal.take(bytes, from: self)
        }

        func finished() { terminal.leave(self) }
    }
}
