public import SandboxPlan

/// How a launch went, for records and results.
public struct CompletedLaunch: Hashable, Sendable {
    public var outcome: Outcome
    public var layers: [LayerReport]
    public var usage: Usage
    /// Whether the worker's execve(2) was asked for.
    public var released: Bool
    /// Nanoseconds since the epoch; 0 when it was not reached.
    public var releasedAt: Int64
    /// From release to end on the monotonic clock.
    public var wallNanoseconds: Int64
    /// Whether the worker's program was reached, and how that is known.
    public var execve: ExecveFact
    /// What the job planted to move git's settings elsewhere.
    public var plants = Plants()
    /// System calls that were refused; nil where nobody counted them.
    public var denials: Denials?
    /// Whether pid 1 began with the first steps of an earlier launch's plan.
    public var beganEarly = false
}

extension CompletedLaunch {
    /// A launch of which nothing is known yet but that its worker was not reached.
    static func notReached(_ proof: ExecveFact.Proof) -> CompletedLaunch {
        CompletedLaunch(
            outcome: .refused(Refusal(stage: "place", message: "the launch did not begin", remedy: "try again")),
            layers: [],
            usage: .none,
            released: false,
            releasedAt: 0,
            wallNanoseconds: 0,
            execve: .notReached(proof)
        )
    }
}

extension Usage {
    static let none = Usage(
        userMicroseconds: 0,
        systemMicroseconds: 0,
        maximumResident: ByteCount(bytes: 0),
        memoryPeakWatched: ByteCount(bytes: 0)
    )
}
