/// What somebody asked to run, before policy and host are looked at.
public struct LaunchRequest: Hashable, Sendable {
    /// Absolute and without links: where the job works; at this path inside too, unless `workspaceInside` names another.
    public var workspace: OSString
    /// Where the worker starts; inside the workspace.
    public var workingDirectory: OSString
    /// Arguments, the command first; never empty.
    public var arguments: [OSString]
    /// The caller's environment, `NAME=VALUE` each.
    public var callerEnvironment: [OSString]
    public var allowRootOwnedWorkspace: Bool
    /// Our own settings, state and cache: no root may be, contain or lie in one of them.
    public var ownFolders: [ResolvedPath]
    /// HOME and the account's home: no root may be or contain one of them.
    public var homes: [ResolvedPath]
    /// Real paths of the policy that was named as a file, and of those it extends: where a job can write, they are kept as
    /// they are.
    public var policyFiles: [OSString]
    /// For each terminal the place gets, the streams (0, 1, 2) that are it; in the order of their first ones.
    public var terminals: [[Int]]
    /// Whether refused system calls are to be counted and told of.
    public var reportsDenials: Bool
    /// Whether processes may come with terminals of their own.
    public var makesTerminals: Bool
    /// Where the job finds the workspace; nil for its own path.
    public var workspaceInside: OSString?
    /// Whether the workspace's repository was made for this launch.
    public var hasMadeRepository = false
    /// The launch's own folder, where a weaker profile needs one and it has been made.
    public var scratch: OSString?

    /// Whether the place has a `/dev/tty`.
    public var hasTerminalNode: Bool { hasKeyboard || makesTerminals }

    /// Whether the job has a terminal to read from: only then is there a `/dev/tty`.
    public var hasKeyboard: Bool { terminals.first?.first == 0 }

    public init(
        workspace: OSString,
        workingDirectory: OSString,
        arguments: [OSString],
        callerEnvironment: [OSString],
        allowRootOwnedWorkspace: Bool,
        ownFolders: [ResolvedPath],
        homes: [ResolvedPath],
        policyFiles: [OSString],
        terminals: [[Int]] = [],
        reportsDenials: Bool = false,
        makesTerminals: Bool = false
    ) {
        self.workspace = workspace
        self.workingDirectory = workingDirectory
        self.arguments = arguments
        self.callerEnvironment = callerEnvironment
        self.allowRootOwnedWorkspace = allowRootOwnedWorkspace
        self.ownFolders = ownFolders
        self.homes = homes
        self.policyFiles = policyFiles
        self.terminals = terminals
        self.reportsDenials = reportsDenials
        self.makesTerminals = makesTerminals
    }
}

/// A path under both of its names, for comparing: each alone can be written so that it misses.
public struct ResolvedPath: Hashable, Sendable {
    /// As somebody named it; normalised.
    public var written: OSString
    /// Where it leads when every link is followed; what does not exist yet stands below what does.
    public var real: OSString

    public init(written: OSString, real: OSString) {
        self.written = written
        self.real = real
    }

    public var names: [OSString] { written == real ? [written] : [written, real] }

    /// For a person: both names where they differ.
    public var description: String { written == real ? "\(written)" : "\(written) (which is \(real))" }
}

/// What the command line says over the policy.
///
/// Applied once, in order, by `Policy.applying(_:)`.
public struct PolicyOverrides: Hashable, Sendable {
    public var read: [OSString] = []
    public var write: [OSString] = []
    public var deny: [OSString] = []
    /// The names of `--env NAME`.
    public var passEnvironment: [OSString] = []
    /// The entries of `--env NAME=VALUE`.
    public var setEnvironment: [EnvironmentEntry] = []
    public var network: NetworkPolicy?
    public var memory: ByteCount?
    public var tasks: UInt64?
    public var cpuSeconds: UInt64?
    /// Of `--cpus`; 0 is no limit.
    public var cpuThousandths: UInt64?
    public var wall: TimeSpan?
    /// Of whoever launches on behalf of others: a policy that gives more is cut to it, one that gives less stays.
    public var wallAtMost: TimeSpan?
    public var grace: TimeSpan?
    public var tmpSize: ByteCount?
    public var fileSize: ByteCount?

    public init() {}
}
