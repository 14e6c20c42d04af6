public import SandboxPlan

/// What a caller asks for, before anything was looked at: the command line of `run` and `explain` as values.
public struct LaunchOptions: Hashable, Sendable {
    /// Nil: the current folder.
    public var workspace: OSString?
    /// Nil: the current folder if it lies in the workspace, else the workspace.
    public var workingDirectory: OSString?
    public var policy: PolicyReference
    public var overrides: PolicyOverrides
    public var allowRootOwnedWorkspace: Bool
    /// Whether `danger-full-access` was asked for by its own flag.
    public var fullAccess: Bool
    public var stateFolder: OSString?
    /// A further copy of the records.
    public var evidenceCopy: OSString?
    /// Whether records are on the disk before the launch goes on.
    public var durable: Bool
    public var result: ResultPlace?
    public var arguments: [OSString]
    /// The caller's, `NAME=VALUE` each.
    public var environment: [OSString]
    /// Bit i: the caller had descriptor i closed.
    public var closedStreams: Int
    public var terminal = TerminalChoice.automatic
    /// Whether refused system calls are counted and told of.
    public var reportsDenials = false
    /// Whether there may be processes with terminals of their own: in a place of many.
    var makesTerminals = false
    /// Where the job finds the workspace: `/workspace` or below it; nil for its own path.
    public var workspaceInside: OSString?
    /// The launch's own folder, where the profile landlock-only has made one.
    var scratch: OSString?
    /// What became of a scope of the user's manager for this launch.
    var scope = ScopeRequest.none
    /// What the job is called while it runs.
    public var name: JobName?

    public enum ResultPlace: Hashable, Sendable {
        case file(OSString)
        case descriptor(Int32)
    }

    public init(arguments: [OSString], environment: [OSString], policy: PolicyReference, closedStreams: Int) {
        workspace = nil
        workingDirectory = nil
        self.policy = policy
        overrides = PolicyOverrides()
        allowRootOwnedWorkspace = false
        fullAccess = false
        stateFolder = nil
        evidenceCopy = nil
        durable = false
        result = nil
        self.arguments = arguments
        self.environment = environment
        self.closedStreams = closedStreams
    }

    /// The first entry of a name, as getenv(3) finds it.
    func variable(_ name: String) -> OSString? {
        let prefix = Array(name.utf8) + [UInt8(ascii: "=")]
        return environment.first { $0.bytes.starts(with: prefix) }.map { OSString($0.bytes.dropFirst(prefix.count)) }
    }
}
