/// Everything that one launch will do, in order.
///
/// What is not visible here does not happen.
///
/// Computed by `SandboxPolicy` without touching the system, shown by `explain`, executed by a C loop that decides
/// nothing, stored in the record.
public struct LaunchPlan: Hashable, Sendable {
    public var policyName: String
    /// SHA-256 of the policy's text.
    public var policyDigest: [UInt8]
    public var confinement: Confinement
    public var identity: IdentityPlan
    /// Namespaces that are made, in one clone(2).
    public var namespaces: [Layer]
    /// What pid 1 does to itself and its place, in this order.
    public var steps: [LaunchStep]
    /// So many of the first steps do not depend on the workspace.
    public var commonSteps: Int
    /// Protected names that do not exist: made as empty folders, or files that say nothing (git's two), on the host before
    /// the launch, covered inside, removed after the last run in the workspace.
    public var placeholders: [OSString]
    public var landlock: LandlockPlan
    public var limits: LimitPlan
    public var process: ProcessPlan
    /// Each layer with its requirement level, and in words what holds it.
    public var layers: [PlannedLayer]
    /// Things a person should know: what is not covered here, what was left out and why.
    public var notes: [String]
    /// Those of them that are told at every launch: what could not be kept from the job as the policy would have it.
    public var warnings: [String]
    /// Of a workspace that is not shown at its own path.
    public var workspaceNames: WorkspaceNames?
    /// Of a profile that holds less than a sandbox; nil for a sandbox, and where nothing is confined.
    public var weaker: WeakerProfile?

    public init(
        policyName: String,
        policyDigest: [UInt8],
        confinement: Confinement,
        identity: IdentityPlan,
        namespaces: [Layer],
        steps: [LaunchStep],
        commonSteps: Int = 0,
        placeholders: [OSString],
        landlock: LandlockPlan,
        limits: LimitPlan,
        process: ProcessPlan,
        layers: [PlannedLayer],
        notes: [String],
        warnings: [String] = []
    ) {
        self.policyName = policyName
        self.policyDigest = policyDigest
        self.confinement = confinement
        self.identity = identity
        self.namespaces = namespaces
        self.steps = steps
        self.commonSteps = commonSteps
        self.placeholders = placeholders
        self.landlock = landlock
        self.limits = limits
        self.process = process
        self.layers = layers
        self.notes = notes
        self.warnings = warnings
    }
}

/// Who the worker is.
public struct IdentityPlan: Hashable, Sendable {
    /// The one id mapped, the same number inside and outside; never 0.
    public var uid: UInt32
    public var gid: UInt32
    /// Started by root: uid, gid and groups are dropped before the user namespace is made.
    public var dropsFromRoot: Bool
    /// Supplementary groups that stay, because the kernel lets nobody but root drop them (user_namespaces(7)).
    public var keptGroups: [UInt32]
    /// The workspace belongs to root and is shown through an ID-mapped mount: files made there belong to root.
    public var mapsRootOwnedWorkspace: Bool

    public init(
        uid: UInt32,
        gid: UInt32,
        dropsFromRoot: Bool,
        keptGroups: [UInt32],
        mapsRootOwnedWorkspace: Bool = false
    ) {
        self.uid = uid
        self.gid = gid
        self.dropsFromRoot = dropsFromRoot
        self.keptGroups = keptGroups
        self.mapsRootOwnedWorkspace = mapsRootOwnedWorkspace
    }
}

/// A layer as planned.
public struct PlannedLayer: Hashable, Sendable {
    public var layer: Layer
    public var requirement: Requirement
    /// False only where the policy asked for it by name.
    public var requested: Bool
    /// What holds it, in words: `8 namespaces in one clone(2)`, `rlimit NPROC in the user namespace`.
    public var mechanism: String

    public init(layer: Layer, requirement: Requirement, requested: Bool, mechanism: String) {
        self.layer = layer
        self.requirement = requirement
        self.requested = requested
        self.mechanism = mechanism
    }
}

/// The limits with the mechanism that holds each.
public struct LimitPlan: Hashable, Sendable {
    public var memory: ByteCount
    public var tasks: UInt64
    public var wall: TimeSpan
    public var grace: TimeSpan
    /// How long set-up may take before the launch counts as failed.
    public var setUp: TimeSpan
    /// Time between two looks of the memory watch.
    public var memoryWatchInterval: TimeSpan
    /// Every resource limit of the worker (setrlimit(2)).
    public var rlimits: [RLimit]
    /// The cgroup that the place gets, where the host has one for it.
    public var cgroup: CgroupPlan?
    /// Why it gets none, as a part of a sentence; empty where it gets one, and where nobody says.
    public var withoutCgroup: String
    /// What became of a scope of the user's manager, in which there would be one.
    public var scope: ScopeRequest
    /// What the workspace may hold; nil for no limit.
    public var workspace: WorkspaceLimit?
    /// What the job may write to standard output and standard error together; nil for no limit.
    public var output: ByteCount?
    /// Each limit of the policy with what holds it.
    public var held: [HeldLimit]

    /// Whether the kernel holds the memory limit, so that nobody has to watch it.
    public var memoryIsHeld: Bool { cgroup?.uses(.memory) ?? false }

    public init(
        memory: ByteCount,
        tasks: UInt64,
        wall: TimeSpan,
        grace: TimeSpan,
        setUp: TimeSpan,
        memoryWatchInterval: TimeSpan,
        rlimits: [RLimit],
        cgroup: CgroupPlan? = nil,
        withoutCgroup: String = "",
        scope: ScopeRequest = .none,
        workspace: WorkspaceLimit? = nil,
        output: ByteCount? = nil,
        held: [HeldLimit] = []
    ) {
        self.memory = memory
        self.tasks = tasks
        self.wall = wall
        self.grace = grace
        self.setUp = setUp
        self.memoryWatchInterval = memoryWatchInterval
        self.rlimits = rlimits
        self.cgroup = cgroup
        self.withoutCgroup = withoutCgroup
        self.scope = scope
        self.workspace = workspace
        self.output = output
        self.held = held
    }
}

/// What a workspace may hold: the supervisor watches it (docs/policy.md).
public struct WorkspaceLimit: Hashable, Sendable {
    /// Its real path, as the supervisor sees it.
    public var path: OSString
    /// The folder that the path named when the plan was made.
    public var identity: FileIdentity
    /// Of everything in it.
    public var most: ByteCount

    public init(path: OSString, identity: FileIdentity, most: ByteCount) {
        self.path = path
        self.identity = identity
        self.most = most
    }
}

/// One process in the place.
public struct ProcessPlan: Hashable, Sendable {
    public var arguments: [OSString]
    /// Paths tried in order with execve(2); more than one only for a command without a slash.
    public var candidates: [OSString]
    public var workingDirectory: OSString
    /// Complete; nothing of the caller's environment beyond it.
    public var environment: [EnvironmentEntry]
    /// The stream that is the place's first terminal, in whose foreground the process runs; nil without one.
    public var terminal: Int?
    /// Whether the supervisor answers the calls that its filter refuses, and counts them (seccomp_unotify(2)).
    public var reportsDenials: Bool
    /// What it may do less than the others of its place; nil where it is as they are.
    public var narrowing: NarrowedProcess?

    public init(
        arguments: [OSString],
        candidates: [OSString],
        workingDirectory: OSString,
        environment: [EnvironmentEntry],
        terminal: Int? = nil,
        reportsDenials: Bool = false
    ) {
        self.arguments = arguments
        self.candidates = candidates
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.terminal = terminal
        self.reportsDenials = reportsDenials
    }
}
