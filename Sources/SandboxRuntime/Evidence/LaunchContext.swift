public import SandboxPlan

/// Everything about a launch that is known before its place is made.
///
/// A launch that is refused early knows less; what it does not know is nil and has no member in the record.
public struct LaunchContext: Sendable {
    public var id: LaunchID
    /// Version of this program, as `--version` says it.
    public var toolVersion: String
    /// When the launcher began.
    public var startedAt: Timestamp
    public var supervisor: SupervisorFacts
    public var workspace: RecordedWorkspace
    /// As asked for; recorded as it is, so a secret belongs in the environment or a file, not here.
    public var arguments: [OSString]
    /// Descriptors 0, 1 and 2 as the worker gets them.
    public var standardStreams: [StandardStream]
    public var worker: WorkerExecutable?
    /// With the command line's changes applied.
    public var policy: CompiledPolicy?
    public var plan: LaunchPlan?
    public var host: HostFacts?
    /// What the job is called while it runs.
    public var name: JobName?

    public init(
        id: LaunchID,
        toolVersion: String,
        startedAt: Timestamp,
        supervisor: SupervisorFacts,
        workspace: RecordedWorkspace,
        arguments: [OSString],
        standardStreams: [StandardStream] = [],
        worker: WorkerExecutable? = nil,
        policy: CompiledPolicy? = nil,
        plan: LaunchPlan? = nil,
        host: HostFacts? = nil
    ) {
        self.id = id
        self.toolVersion = toolVersion
        self.startedAt = startedAt
        self.supervisor = supervisor
        self.workspace = workspace
        self.arguments = arguments
        self.standardStreams = standardStreams
        self.worker = worker
        self.policy = policy
        self.plan = plan
        self.host = host
    }
}

/// One of the descriptors 0, 1 and 2: what the caller gave, and which file the worker got for it.
public struct StandardStream: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case file
        case pipe
        case socket
        case terminal
        case nullDevice = "null-device"
        case characterDevice = "character-device"
        /// A file that no path leads to: a memfd, a deleted file.
        case anonymous
    }

    /// 0, 1 or 2.
    public var number: Int32
    /// Of the caller's.
    public var kind: Kind
    /// Of what the worker got: the caller's, or our own pipe when it is relayed.
    public var device: UInt64
    public var inode: UInt64
    /// Whether the worker got a pipe of ours instead, through which the supervisor carries the bytes.
    public var isRelayed: Bool

    public init(number: Int32, kind: Kind, device: UInt64, inode: UInt64, isRelayed: Bool) {
        self.number = number
        self.kind = kind
        self.device = device
        self.inode = inode
        self.isRelayed = isRelayed
    }
}

/// A value that the processes inside reported of themselves: `securebits`, `keyring`.
public struct ReportedFact: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
