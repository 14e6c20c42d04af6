/// A launch as its records tell it.
public struct RecordedLaunch: Sendable {
    public enum State: Hashable, Sendable {
        /// Its outcome is recorded.
        case closed
        /// Refused before its start was recorded.
        case refused
        /// No outcome yet, and its supervisor is there.
        case running
        /// No outcome, and no supervisor any more: it was killed, or the machine went down.
        case interrupted
    }

    public let id: LaunchID
    public let state: State
    /// The start record, or the one record of a refused launch.
    public let opening: JSONValue
    public let outcome: JSONValue?

    /// `exited`, `refused`, … of the outcome, or `running`, or `interrupted`.
    public var word: String {
        let closing = state == .refused ? opening : outcome
        switch state {
        case .closed, .refused: return closing?["predicate"]?["outcome"]?["word"]?.string ?? "unreadable"
        case .running: return "running"
        case .interrupted: return "interrupted"
        }
    }

    /// One object with everything: `evidence show --json`.
    public var json: JSONValue {
        var object = JSONObject([
            ("launchId", .string(id.description)),
            ("state", .string(word)),
            (state == .refused ? "refused" : "start", opening),
        ])
        object.add("outcome", ifPresent: outcome)
        return .object(object)
    }
}

/// Something in a file of records that is not a record, or contradicts another.
public struct RecordProblem: Hashable, Sendable {
    /// Bytes from the start of the file.
    public var offset: Int64
    /// May hold text from the file: escape it before it is shown.
    public var what: String
}
