public import SandboxPlan

/// How a launch ended, as its outcome record and `--result` tell it.
public struct LaunchEnd: Sendable {
    public var outcome: Outcome
    /// What our own exit status told the caller, 0…255.
    public var exitStatus: Int32
    public var execve: ExecveFact
    /// Signal that ended the worker, whoever sent it.
    public var signal: Int32?
    /// When the launcher began.
    public var startedAt: Timestamp
    /// When the gate was opened; nil if it never was.
    public var releasedAt: Timestamp?
    public var endedAt: Timestamp
    /// From release to end on the monotonic clock; nil without a release.
    public var wallMicroseconds: UInt64?
    public var usage: Usage?
    public var layers: [LayerReport]
    /// Mounts that protect something and changed while the worker ran.
    public var protectionEvents: [ProtectionEvent]
    /// Protected names that were missing before the launch, and repositories, that the job has made.
    public var planted: [OSString]
    /// Of these what was taken away again.
    public var removed: [OSString] = []
    /// Folders that the job closed to us, or that hold too much: whether it made such names in them is not known.
    public var unseen: [OSString]
    /// Calls that the job's filter refused; nil where nobody was asked to count them.
    public var denials: ReportedDenials?
    /// Limits of the policy that the job has met, whether that ended it or not.
    public var limitsReached: [HeldLimit.Name] = []
    /// What the profile of the launch did not hold; empty for a whole sandbox.
    public var notHeld: [NotHeld] = []

    public init(
        outcome: Outcome,
        exitStatus: Int32,
        execve: ExecveFact,
        signal: Int32? = nil,
        startedAt: Timestamp,
        releasedAt: Timestamp? = nil,
        endedAt: Timestamp,
        wallMicroseconds: UInt64? = nil,
        usage: Usage? = nil,
        layers: [LayerReport] = [],
        protectionEvents: [ProtectionEvent] = [],
        planted: [OSString] = [],
        unseen: [OSString] = [],
        denials: ReportedDenials? = nil
    ) {
        self.outcome = outcome
        self.exitStatus = exitStatus
        self.execve = execve
        self.signal = signal
        self.startedAt = startedAt
        self.releasedAt = releasedAt
        self.endedAt = endedAt
        self.wallMicroseconds = wallMicroseconds
        self.usage = usage
        self.layers = layers
        self.protectionEvents = protectionEvents
        self.planted = planted
        self.unseen = unseen
        self.denials = denials
    }
}

/// A change of the place's mounts that the supervisor noticed.
public struct ProtectionEvent: Hashable, Sendable {
    public var at: Timestamp
    /// Which mount, and what became of it.
    public var what: String

    public init(at: Timestamp, what: String) {
        self.at = at
        self.what = what
    }
}
