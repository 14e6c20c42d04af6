public import SandboxPlan
public import SandboxRuntime

/// What the workspaces are kept and run with.
public struct WorkspaceSettings: Sendable {
    /// `WORKSPACE_ROOT`, absolute: each project's folder lies directly in it.
    public var root: OSString
    /// The same as the setting says it, for people.
    public var rootAsWritten: String
    /// Path of `codex-sandbox`, which becomes pid 1 of the places.
    public var launcher: OSString
    /// Of records; nil for the usual place.
    public var stateFolder: OSString?
    /// The server's: a project's may only be narrower.
    public var policy: PolicyReference
    public var worker: WorkerProfile
    /// Jobs that run at a time: 1 or more.
    public var maximumJobs: Int
    /// Jobs that wait: beyond it a request is refused.
    public var maximumWaiting: Int
    /// Of one job.
    public var wall: TimeSpan
    /// The server's own, `NAME=VALUE` each.
    public var environment: [OSString]
    /// As root: to whom projects are given, and as whom their workers run; never root.
    public var owner: FileOwner?
    /// Whether whoever comes over TCP from this account is a client: a job with the host's network would be one, and is not run.
    public var answersHostNetwork = false
    /// Of a job's output this much is kept, in bytes; the rest is counted.
    public var keptOutput: Int
    /// A job that writes more than this is ended, whatever of it is kept; a policy may say less.
    public var mostOutput: ByteCount

    public init(
        root: OSString,
        rootAsWritten: String,
        launcher: OSString,
        stateFolder: OSString?,
        policy: PolicyReference,
        worker: WorkerProfile,
        maximumJobs: Int,
        maximumWaiting: Int = 1024,
        environment: [OSString]
    ) {
        self.root = root
        self.rootAsWritten = rootAsWritten
        self.launcher = launcher
        self.stateFolder = stateFolder
        self.policy = policy
        self.worker = worker
        self.maximumJobs = maximumJobs
        self.environment = environment
        self.maximumWaiting = maximumWaiting
        wall = .seconds(30 * 60)
        keptOutput = 4 << 20
        mostOutput = .mebibytes(256)
    }
}
