internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A terminal of the caller's that a job writes to: what is switched on in it is known, and undone at the end.
///
/// While the job gets what is typed in it, its output goes through as it is, and it is known whether it asks. At any other time
/// what is not harmless is taken out.
final class Screen: RelayFilter {
    /// A copy: the relay closes its own as soon as nothing more is to be shown.
    private let output: OwnedFileDescriptor
    private let manner: Int32
    private var state: TerminalState
    /// Takes out what is not harmless, while no answer can reach the job; nil while one can.
    private var filter: HarmlessOutput?
    /// What was read of a job that gets the answers.
    private var coming: HarmlessOutput
    /// What was written.
    private var shown: HarmlessOutput
    /// Whether the terminal has not taken all of what the launcher asked.
    private var isTorn = false
    private var told: [UInt8] = []
    /// Called with what would undo it, whenever that changes.
    var changed: (([UInt8]) -> Void)?
    /// Whether the job gets what is typed in it now; that may change at any time.
    var isAnswered: () -> Bool = { false }

    /// - Parameter sink: leads to the terminal.
    /// - Throws: `Refusal` when there is no descriptor for it.
    init(_ sink: RelayEnd) throws(Refusal) {
        let copy = cs_duplicate(sink.number)
        if copy < 0 { throw Refusal(stream: "stdout", call: "fcntl(F_DUPFD_CLOEXEC)", errno: Int32(-copy)) }
        output = OwnedFileDescriptor(owning: Int32(copy))
        manner = sink.manner
        let isUTF8 = TerminalEncoding.isUTF8(Int32(copy))
        state = TerminalState(isUTF8: isUTF8)
        coming = HarmlessOutput(isUTF8: isUTF8)
        shown = coming
        filter = coming
    }

    /// For the guard: a description that does not wait and is nobody else's, or -1.
    var guarded: Int32 { manner == CS_STREAM_OWN ? output.number : -1 }

    /// Whether the terminal may have been asked anything since the launcher asked last.
    ///
    /// What was read before that may be shown later.
    var hasAsked: Bool { coming.hasAsked || shown.hasAsked || shown.isInside }

    /// Answers to questions of the job's that are like the launcher's own; nil where it is not known how many come.
    var statusQuestions: Int? {
        if coming.isUnclear || shown.isUnclear || shown.isInside { return nil }
        return max(coming.statusQuestions, shown.statusQuestions)
    }

    // MARK: - What is shown

    func prepare(_ relay: Relay) {
        if !isAnswered() {
            silence(relay)
        } else if filter?.isInside == false {
            // Of what it has let through every unit is whole.
            (filter, coming) = (nil, HarmlessOutput(isUTF8: coming.isUTF8))
        }
    }

    func pass(_ space: UnsafeMutableRawBufferPointer, _ piece: Range<Int>) -> Range<Int> {
        let passed = filter?.pass(space, piece) ?? piece
        follow(UnsafeRawBufferPointer(rebasing: space[passed]))
        return passed
    }

    func end(_ space: UnsafeMutableRawBufferPointer) -> Range<Int> {
        let passed = filter?.end(space) ?? 0..<0
        follow(UnsafeRawBufferPointer(rebasing: space[passed]))
        return passed
    }

    var mayWrite: Bool { true }

    func written(_ bytes: UnsafeRawBufferPointer) {
        shown.look(bytes)
        tell()
    }

    func finished() {}

    /// The guard knows of it before the terminal does.
    private func follow(_ bytes: UnsafeRawBufferPointer) {
        if filter == nil { coming.look(bytes) }
        state.read(bytes)
        tell()
    }

    private func tell() {
        let text = undoing
        if text == told { return }
        told = text
        changed?(text)
    }

    /// Whether the terminal may be in the middle of a sequence.
    private var isOpen: Bool { isTorn || shown.isInside || coming.isInside || coming.isUnclear }

    private var undoing: [UInt8] {
        let text = state.undoing
        return isOpen && !text.starts(with: TerminalSequence.closing) ? TerminalSequence.closing + text : text
    }

    // MARK: - What the launcher says

    /// Nobody gets what the terminal answers any more, until the keyboard is the job's again.
    ///
    /// - Parameter relay: what it has read and not written was looked at with other eyes.
    func silence(_ relay: Relay) {
        guard filter == nil else { return }
        // A sequence that is half shown is shown anew, if it is harmless.
        filter = shown
        // Only then: output that is whole stays byte for byte as it is.
        let closing = isOpen ? TerminalSequence.closing : []
        state.leaveSequence()
        // What is harmless is so where the terminal reads UTF-8.
        let unshifting = state.isShifted ? TerminalSequence.unshifting(isUTF8: coming.isUTF8) : []
        unshifting.withUnsafeBytes { state.read($0) }
        relay.change(self, after: closing + unshifting)
    }

    /// Asks the terminal whether it is well, behind whatever the job has begun.
    func ask() {
        let isWhole = write((isOpen ? TerminalSequence.closing : []) + Array("\u{1B}[5n".utf8))
        leftSequence()
        isTorn = !isWhole
    }

    /// What is shown next, by somebody else, must not complete a sequence that the job has begun.
    func leaveSequence() {
        if isOpen { write(TerminalSequence.closing) }
        state.leaveSequence()
        leftSequence()
    }

    private func leftSequence() {
        coming = HarmlessOutput(isUTF8: coming.isUTF8)
        shown = coming
        isTorn = false
    }

    /// Behind everything that was shown.
    func undo() {
        write(undoing)
        (state, told) = (TerminalState(isUTF8: coming.isUTF8), [])
        leftSequence()
    }

    @discardableResult
    private func write(_ text: [UInt8]) -> Bool {
        TerminalSequence.write(text, to: output.number, manner: manner)
    }
}
