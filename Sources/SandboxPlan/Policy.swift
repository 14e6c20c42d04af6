/// What a job may do, with every value present: no optional here means "default".
///
/// Defaults are applied once, when a document is validated (`PolicyCompiler`); flags are applied by
/// `Policy.applying(_:)`; the kernel's side is decided in `LaunchPlan`.
public struct Policy: Hashable, Sendable {
    /// The name it was asked for by: `workspace-write`, or the path of a file.
    public var name: String
    /// One sentence for `policy list`.
    public var summary: String
    /// Whether the job is confined at all.
    ///
    /// Only `danger-full-access` says no, by name and flag; `landlock-only` and `container` say less than all, by name.
    public var confinement: Confinement
    public var workspace: WorkspaceAccess
    /// Whether the workspace has a git repository.
    public var git: GitPolicy
    public var filesystem: FilesystemPolicy
    public var network: NetworkPolicy
    public var environment: EnvironmentPolicy
    public var limits: LimitPolicy
    public var seccomp: SeccompPolicy
    public var landlock: LandlockPolicy
    public var process: ProcessPolicy
    /// The worker of a project's jobs.
    public var worker: WorkerPolicy

    public init(
        name: String,
        summary: String,
        confinement: Confinement,
        workspace: WorkspaceAccess,
        git: GitPolicy = .keep,
        filesystem: FilesystemPolicy,
        network: NetworkPolicy,
        environment: EnvironmentPolicy,
        limits: LimitPolicy,
        seccomp: SeccompPolicy,
        landlock: LandlockPolicy,
        process: ProcessPolicy,
        worker: WorkerPolicy = WorkerPolicy(command: [])
    ) {
        self.name = name
        self.summary = summary
        self.confinement = confinement
        self.workspace = workspace
        self.git = git
        self.filesystem = filesystem
        self.network = network
        self.environment = environment
        self.limits = limits
        self.seccomp = seccomp
        self.landlock = landlock
        self.process = process
        self.worker = worker
    }

    /// What becomes of what the job has planted: where no repository may come to be, one that has is a failure.
    public var onNew: OnNew { git == .none ? .fail : filesystem.onNew }
}

public enum Confinement: UInt8, Hashable, Sendable {
    case sandbox = 0
    /// No layer at all; the record says `not requested` for each.
    case none = 1
    /// Landlock and seccomp without a namespace, asked for by name; the plan lists what is not held (`WeakerProfile`).
    case landlockOnly = 2
    /// Every layer, but with the `/proc` of the container that the supervisor is in; asked for by name, and what is not
    /// held is listed in the same way.
    case container = 3

    /// How much it confines, for comparing.
    ///
    /// The two weaker profiles keep different promises: what may stand for what is decided key by key.
    public var strength: Int {
        switch self {
        case .none: 0
        case .landlockOnly: 1
        case .container: 2
        case .sandbox: 3
        }
    }

    /// As plans and records have it; of a weaker profile the name of the built-in policy that asks for it.
    public var word: String {
        switch self {
        case .sandbox: "sandbox"
        case .none: "none"
        case .landlockOnly: "landlock-only"
        case .container: "container"
        }
    }

    /// The key by which a policy asks for a weaker profile; nil for what is none.
    public var weakerKey: PolicyKey? {
        switch self {
        case .sandbox, .none: nil
        case .landlockOnly: .landlockOnly
        case .container: .container
        }
    }

    /// Whether the job is in a place of its own: namespaces, and a root made of mounts.
    public var hasPlace: Bool {
        switch self {
        case .sandbox, .container: true
        case .none, .landlockOnly: false
        }
    }
}

public enum WorkspaceAccess: UInt8, Hashable, Sendable {
    case readOnly = 0
    case readWrite = 1
}

/// What becomes of the workspace's git repository: the less a job can make of its own, the lower.
public enum GitPolicy: UInt8, Hashable, Sendable, CaseIterable {
    /// There is none, and none may come to be.
    case none = 0
    /// Where there is none, an empty one is made before the launch, and kept from the job as any other.
    case create = 1
    /// What is there is kept from the job; one that it makes is told.
    case keep = 2

    /// As policy files have it.
    public var word: String {
        switch self {
        case .none: "none"
        case .create: "create"
        case .keep: "keep"
        }
    }
}

/// What becomes of what a job has planted: protected names that were missing, and repositories.
public enum OnNew: UInt8, Hashable, Sendable, CaseIterable {
    /// It is taken away, and the launch ends as one whose protection was lost.
    case fail = 0
    /// It is taken away.
    case remove = 1
    /// It is told.
    case report = 2

    /// As policy files have it.
    public var word: String {
        switch self {
        case .fail: "fail"
        case .remove: "remove"
        case .report: "report"
        }
    }
}

/// Whether a control may be missing.
///
/// Everything is `required` unless a policy names it otherwise.
public enum Requirement: UInt8, Hashable, Sendable {
    case required = 0
    case bestEffort = 1
}

public struct FilesystemPolicy: Hashable, Sendable {
    /// Host folders and links that make up the system, read-only at their own paths; absent ones are left out.
    public var system: [OSString]
    /// Names below `/etc` that are shown read-only; absent ones are left out.
    public var etc: [OSString]
    /// Further host paths, read-only at their own paths; a missing one is a refusal.
    public var read: [OSString]
    /// Further host paths, writable at their own paths; a missing one is a refusal.
    public var write: [OSString]
    /// Paths that are covered by something empty and unreadable.
    public var deny: [OSString]
    /// Patterns of paths that are covered in the same way, as far as they are there at the launch (`DenyPattern`).
    public var denyGlobs: [OSString]
    /// Names directly in a writable root that stay read-only, relative: `.codex`, `.git/config`.
    public var protect: [OSString]
    /// Names in a protected one that stay writable, relative to the root: `.codex/result.json`.
    public var except: [OSString]
    /// At most four of `protect` that are covered by an empty read-only folder when missing.
    public var coverMissing: [OSString]
    /// What becomes of what the job has planted in writable folders.
    public var onNew: OnNew
    /// Sockets below a root that the job may reach although something outside listens there.
    public var unixSockets: [OSString]
    /// Size of each private tmpfs: `/tmp`, `/var/tmp`, `/run`, `/dev/shm`, `/home/sandbox`.
    public var tmpSize: ByteCount
    /// Inodes of each private tmpfs.
    public var tmpInodes: UInt64

    public init(
        system: [OSString],
        etc: [OSString],
        read: [OSString],
        write: [OSString],
        deny: [OSString],
        denyGlobs: [OSString] = [],
        protect: [OSString],
        except: [OSString] = [],
        coverMissing: [OSString],
        onNew: OnNew = .report,
        unixSockets: [OSString],
        tmpSize: ByteCount,
        tmpInodes: UInt64
    ) {
        self.system = system
        self.etc = etc
        self.read = read
        self.write = write
        self.deny = deny
        self.denyGlobs = denyGlobs
        self.protect = protect
        self.except = except
        self.coverMissing = coverMissing
        self.onNew = onNew
        self.unixSockets = unixSockets
        self.tmpSize = tmpSize
        self.tmpInodes = tmpInodes
    }
}

public enum NetworkPolicy: Hashable, Sendable {
    /// A network namespace of its own with nothing but, if asked for, its own `lo`.
    case off(loopback: Bool)
    /// The host's network. Needs `[danger] host_network = true` in a file, `--danger-host-network` on the command line.
    case host
}

public struct EnvironmentPolicy: Hashable, Sendable {
    public enum Inherit: UInt8, Hashable, Sendable {
        case none = 0
        /// HOME-independent basics: PATH, LANG, LC_*, TERM, TZ, USER, LOGNAME, SHELL, COLORTERM, NO_COLOR.
        case core = 1
        case all = 2
    }

    public var inherit: Inherit
    /// Patterns (`*` matches any run of characters, case-insensitive) of names that are never inherited.
    public var exclude: [OSString]
    /// Names taken from the caller whatever `exclude` says; absent ones stay absent.
    public var pass: [OSString]
    /// Names set to a value, last word.
    public var set: [EnvironmentEntry]

    public init(inherit: Inherit, exclude: [OSString], pass: [OSString], set: [EnvironmentEntry]) {
        self.inherit = inherit
        self.exclude = exclude
        self.pass = pass
        self.set = set
    }
}

public struct EnvironmentEntry: Hashable, Sendable {
    public var name: OSString
    public var value: OSString

    public init(name: OSString, value: OSString) {
        self.name = name
        self.value = value
    }
}

public struct LimitPolicy: Hashable, Sendable {
    /// A limit that a kernel mechanism must hold (`cgroup`), or the launch is refused.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case tasks = 0
        case memory = 1
        case cpu = 2

        /// The controller of cgroup v2 that can hold it.
        public var controller: CgroupController {
            switch self {
            case .tasks: .pids
            case .memory: .memory
            case .cpu: .cpu
            }
        }
    }

    public enum Memory: Hashable, Sendable {
        /// The smaller of this and half of the machine's memory.
        case upToHalfOfRAM(ByteCount)
        case exactly(ByteCount)
    }

    /// Processes and threads together, 1…1,000,000.
    public var tasks: UInt64
    public var memory: Memory
    /// From here on the whole job is slowed down and its file cache given back, which only a cgroup can do; 0 means nowhere.
    public var memoryHigh: ByteCount
    /// Open files of each process, 16…1,048,576; lower when the caller's own hard limit is.
    public var openFiles: UInt64
    /// Largest file that can be written.
    public var fileSize: ByteCount
    /// CPU time of each process in whole seconds; 0 means no limit.
    public var cpuSeconds: UInt64
    /// Thousandths of a processor that the whole job may use at a time, which only a cgroup can hold; 0 means no limit.
    public var cpuThousandths: UInt64
    /// What the workspace may hold, what was there before included; 0 means no limit.
    public var workspace: ByteCount
    /// What the job may write to standard output and standard error together; 0 means no limit.
    public var output: ByteCount
    /// Wall-clock time of the whole job, from the release of its first process.
    public var wall: TimeSpan
    /// From TERM to KILL.
    public var grace: TimeSpan
    /// Limits that must be held by the kernel.
    public var requireKernel: Set<Kind>

    public init(
        tasks: UInt64,
        memory: Memory,
        memoryHigh: ByteCount,
        openFiles: UInt64,
        fileSize: ByteCount,
        cpuSeconds: UInt64,
        cpuThousandths: UInt64,
        workspace: ByteCount,
        output: ByteCount,
        wall: TimeSpan,
        grace: TimeSpan,
        requireKernel: Set<Kind>
    ) {
        self.tasks = tasks
        self.memory = memory
        self.memoryHigh = memoryHigh
        self.openFiles = openFiles
        self.fileSize = fileSize
        self.cpuSeconds = cpuSeconds
        self.cpuThousandths = cpuThousandths
        self.workspace = workspace
        self.output = output
        self.wall = wall
        self.grace = grace
        self.requireKernel = requireKernel
    }
}

public struct SeccompPolicy: Hashable, Sendable {
    /// Named groups of system calls (docs/policy.md) that this policy leaves out of the allow-list.
    public var without: [String]

    public init(without: [String]) {
        self.without = without
    }
}

public struct LandlockPolicy: Hashable, Sendable {
    /// Lowest Landlock ABI that is accepted, 1…; rights a lower ABI lacks are held by the layers the plan names.
    public var minimumABI: UInt32
    public var requirement: Requirement

    public init(minimumABI: UInt32, requirement: Requirement) {
        self.minimumABI = minimumABI
        self.requirement = requirement
    }
}

public struct ProcessPolicy: Hashable, Sendable {
    /// umask of the worker, 0…0o777.
    public var umask: UInt32
    public var hostname: OSString

    public init(umask: UInt32, hostname: OSString) {
        self.umask = umask
        self.hostname = hostname
    }
}

public struct WorkerPolicy: Hashable, Sendable {
    /// What the workspace API runs for a job whose worker is `command`: the program's absolute path, as the place has it, and
    /// its arguments; empty where the policy names none.
    ///
    /// `run` is told its command, and does not look here.
    public var command: [OSString]

    public init(command: [OSString]) {
        self.command = command
    }
}
