internal import SandboxRuntime
internal import WorkspaceStore

/// What `codex exec --json` writes: one event a line, of which the last message is what has come of it.
///
/// The lines are those of a program that a model drives, so each is bounded, and one that is no event is passed on as output.
struct CodexOutput {
    /// Of one line, in bytes.
    static let lineLimit = 256 << 10

    enum Piece: Equatable {
        /// With what a log says of it.
        case event([UInt8], log: [UInt8])
        case text([UInt8])
    }

    private var line: [UInt8] = []
    /// Whether the line that is being read is too long to be an event.
    private var isPassing = false
    private(set) var message: String?
    /// Of the turn, where it has failed.
    private(set) var failure: String?

    mutating func take(_ bytes: some Sequence<UInt8>) -> [Piece] {
        var pieces: [Piece] = []
        for byte in bytes {
            line.append(byte)
            if byte == UInt8(ascii: "\n") {
                pieces.append(isPassing ? .text(line) : read())
                line = []
                isPassing = false
            } else if line.count >= Self.lineLimit {
                pieces.append(.text(line))
                line = []
                isPassing = true
            }
        }
        return pieces
    }

    /// What stands after the last newline.
    mutating func finish() -> [Piece] {
        defer { line = [] }
        return line.isEmpty ? [] : [isPassing ? .text(line) : read()]
    }

    private mutating func read() -> Piece {
        let value: JSONValue
        do throws(JSONRequestError) {
            value = try JSONRequestReader.value(in: line)
        } catch { return .text(line) }
        guard value.object != nil, let type = value["type"]?.string else { return .text(line) }
        switch type {
        case "item.completed":
            if value["item"]?["type"]?.string == "agent_message", let text = value["item"]?["text"]?.string {
                message = text
            }
        case "turn.failed": failure = value["error"]?["message"]?.string ?? "the turn failed"
        case "error": failure = value["message"]?.string ?? "an error without words"
        case "turn.completed": failure = nil
        // Events of other kinds are passed on as they are.
        case _: break
        }
        return .event(value.canonical.bytes, log: CodexLog.lines(value))
    }

    /// What the job has come to by it, whose worker has ended by itself with that status.
    func end(_ exitStatus: Int32?) -> JobEnd {
        if let failure {
            var end = JobEnd(
                status: .error,
                reason: "codex-failed",
                summary: WorkspaceText.summary(failure),
                exitStatus: exitStatus
            )
            end.isWorkersWord = true
            return end
        }
        guard exitStatus == 0 else {
            let words = "the Codex CLI ended with status \(exitStatus.map(String.init) ?? "unknown")"
            return JobEnd(status: .error, reason: "exit", summary: words, exitStatus: exitStatus)
        }
        return JobEnd(
            status: .completed,
            summary: WorkspaceText.summary(message ?? "the Codex CLI has ended without a message"),
            exitStatus: 0
        )
    }
}
