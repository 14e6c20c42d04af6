internal import CShims

/// A terminal of the caller's that a job writes to through a pipe: what it asks there is asked of nobody.
///
/// One for all streams: a sequence may begin on one and end on another.
final class SilencedTerminal {
    private let stream: Int32
    private var questions = QuestionFilter(isActive: true)

    init(_ stream: CallerStream) { self.stream = stream.number }

    func follow(_ bytes: UnsafeMutableRawBufferPointer) { questions.pass(bytes) }

    /// What is shown next, by somebody else, must not complete a sequence that the job has begun.
    func leaveSequence() {
        if questions.isInside { _ = cs_stream_write(stream, [QuestionFilter.cancel], 1, Int32(CS_STREAM_SHARED)) }
    }
}
