public import SandboxPlan

/// What a job left to move git's settings elsewhere.
public struct Plants: Hashable, Sendable {
    /// In words, what was planted, broken or cannot be looked at; nil when there was nothing.
    public var finding: String?
    /// Planted, and taken away.
    public var removed: [OSString] = []
    /// Planted, and still there.
    public var remaining: [OSString] = []
}
