internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A terminal of the caller's that a job writes to: what is switched on in it is known, and undone at the end.
final class Screen {
    /// A copy: the relay closes its own as soon as nothing more is to be shown.
    private let output: OwnedFileDescriptor
    private let manner: Int32
    private(set) var state = TerminalState()
    /// Where no answer can reach the job, it asks nothing.
    private(set) var questions: QuestionFilter
    /// As it was before the last piece.
    private var before: QuestionFilter
    private var undoing: [UInt8] = []
    /// Called with what would undo it, whenever that changes.
    var changed: (([UInt8]) -> Void)?

    /// - Parameters:
    ///   - sink: leads to the terminal.
    ///   - isAnswered: whether the job gets what is typed in it.
    /// - Throws: `Refusal` when there is no descriptor for it.
    init(_ sink: RelayEnd, isAnswered: Bool) throws(Refusal) {
        questions = QuestionFilter(isActive: !isAnswered)
        before = questions
        let copy = cs_duplicate(sink.number)
        if copy < 0 { throw Refusal(stream: "stdout", call: "fcntl(F_DUPFD_CLOEXEC)", errno: Int32(-copy)) }
        output = OwnedFileDescriptor(owning: Int32(copy))
        manner = sink.manner
    }

    /// For the guard: a description that does not wait and is nobody else's, or -1.
    var guarded: Int32 { manner == CS_STREAM_OWN ? output.number : -1 }

    /// Takes a look at what is about to be shown, and takes out of it what the terminal would answer to somebody else.
    func follow(_ bytes: UnsafeMutableRawBufferPointer) {
        before = questions
        questions.pass(bytes)
        state.read(UnsafeRawBufferPointer(bytes))
        var text = state.undoing
        if questions.isInside && text.first != QuestionFilter.cancel { text.insert(QuestionFilter.cancel, at: 0) }
        if text == undoing { return }
        undoing = text
        changed?(text)
    }

    /// From now on nobody gets what the terminal answers.
    ///
    /// - Parameter relay: may hold the end of the last piece: it was looked at with other eyes, and has not been shown.
    func silence(_ relay: Relay) {
        relay.withHeld { shown, held in
            questions = before
            questions.pass(shown)
            questions.activate()
            questions.pass(held)
        }
        questions.activate()
    }

    /// Whatever was asked so far.
    func questionsAreAnswered() { questions.forgetQuestions() }

    /// What is shown next, by somebody else, must not complete a sequence that the job has begun.
    func leaveSequence() {
        if questions.isInside || state.isInside { write([QuestionFilter.cancel]) }
    }

    /// Behind everything that was shown; what the terminal does not take within a tenth of a second is given up.
    func undo() {
        write(undoing)
        undoing = []
    }

    func write(_ text: [UInt8]) {
        var rest = text[...]
        for _ in 0..<10 where !rest.isEmpty {
            let written = rest.withUnsafeBytes { cs_stream_write(output.number, $0.baseAddress, $0.count, manner) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written == Int(-EAGAIN) || written == Int(-EINTR) {
                usleep(10_000)
            } else {
                return
            }
        }
    }
}
