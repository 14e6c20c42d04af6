public import SandboxPlan

/// What a job left to move git's settings elsewhere.
public struct Plants: Hashable, Sendable {
    /// In words, what was planted, broken or cannot be looked at; nil when there was nothing.
    public var finding: String?
    /// Planted, and taken away.
    public var removed: [OSString] = []
    /// Planted, and still there.
    public var remaining: [OSString] = []

    /// For a person.
    var words: [String] {
        removed.map { "the job planted \($0), by which git would take its settings from elsewhere" }
            + remaining.map {
                "the job planted \($0), by which git takes its settings from elsewhere, and it is STILL there; "
                    + "do not run git in it before you have removed it"
            }
    }
}
