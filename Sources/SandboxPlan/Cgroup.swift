/// What cgroup v2 has for a launch (cgroups(7)): a part of the tree that is the caller's to divide, or why there is none.
public enum CgroupOffer: Hashable, Sendable {
    case subtree(CgroupSubtree)
    case none(CgroupAbsence)

    /// Controllers that can hold a limit; empty without a subtree.
    public var controllers: [CgroupController] {
        switch self {
        case .subtree(let subtree): subtree.controllers
        case .none: []
        }
    }
}

/// A controller that a limit of ours can stand on.
public enum CgroupController: String, Hashable, Sendable, CaseIterable {
    case memory
    case pids
    case cpu
}

/// A part of the tree that was given to the caller: each place is a leaf directly below it.
public struct CgroupSubtree: Hashable, Sendable {
    /// Its folder.
    public var path: OSString
    /// The same as `/proc/PID/cgroup` has it, in the caller's cgroup namespace.
    public var name: OSString
    /// What it may hand on, in the order of `CgroupController`.
    public var controllers: [CgroupController]
    /// Its own processes must be moved to a child first: of a group that has some, children can have no limits.
    public var movesProcesses: Bool
    /// Why the others are missing, in the same order; empty where it has all.
    public var lacks: [CgroupLack]
    /// Whether it has the controller io, too: it holds no limit of ours, and counts what is read and written.
    public var countsIO: Bool
    /// The leaf's `cpu.weight`, 1…10,000, beside 100 of the callers' group; nil to leave it at 100, too.
    public var leafWeight: UInt64?
    /// Whether the leaf has `io.weight`, which is to be the same.
    public var weighsIO: Bool

    public init(
        path: OSString,
        name: OSString,
        controllers: [CgroupController],
        lacks: [CgroupLack] = [],
        movesProcesses: Bool,
        countsIO: Bool = false,
        leafWeight: UInt64? = nil,
        weighsIO: Bool = false
    ) {
        self.path = path
        self.name = name
        self.controllers = controllers
        self.lacks = lacks
        self.movesProcesses = movesProcesses
        self.countsIO = countsIO
        self.leafWeight = leafWeight
        self.weighsIO = weighsIO
    }

    /// The child that processes are moved to.
    public static let callersName: OSString = "codex-sandbox.callers"
    /// What the name of every leaf of ours begins with; the launch's id follows.
    public static let leafPrefix: OSString = "codex-sandbox."
}

/// Why no cgroup holds a limit.
public enum CgroupAbsence: Hashable, Sendable {
    /// Nobody has looked: this kind of launch does without.
    case notUsed
    /// `/sys/fs/cgroup` is no cgroup2 file system: cgroup v1, or the hybrid layout, whose v2 part has no controllers.
    case versionOne
    /// There is no `/sys/fs/cgroup`.
    case notMounted
    /// The caller's group is not below the root of its cgroup namespace.
    case outsideNamespace
    /// What is mounted does not begin at the root of the caller's cgroup namespace: it was mounted outside of it.
    case otherMount
    /// The file system is mounted read-only, as in most containers.
    case readOnly
    /// The caller cannot write to its own group.
    case notWritable(errno: Int32)
    /// The group is a systemd unit that was not given away.
    case notDelegated(unit: OSString)
    /// The group is the caller's, and none of its controllers can hold a limit.
    case noControllers([CgroupLack])
    /// A call that failed on the way.
    case failed(call: String, subject: String, errno: Int32)

    /// What is missing, as a part of a sentence.
    public var words: String {
        switch self {
        case .notUsed: "this kind of launch uses no cgroups"
        case .versionOne: "/sys/fs/cgroup is cgroup v1 or the hybrid layout, whose v2 part has no controllers"
        case .notMounted: "no cgroup file system is mounted at /sys/fs/cgroup"
        case .outsideNamespace: "the caller's cgroup lies outside of its cgroup namespace"
        case .otherMount:
            "what is mounted at /sys/fs/cgroup comes from outside of the caller's cgroup namespace and does not begin at its root"
        case .readOnly: "the cgroup file system is mounted read-only here"
        case .notWritable(let errno): "the caller's cgroup is not its own (\(ErrnoName.name(errno)))"
        case .notDelegated(let unit): "the caller runs in \(unit), which systemd has not delegated"
        case .noControllers(let lacks):
            "the caller's cgroup has none of the controllers memory, pids, cpu: \(CgroupLack.words(lacks))"
        case .failed(let call, let subject, let errno):
            "\(call) on \(subject): \(ErrnoName.described(errno))"
        }
    }

    /// What mends it.
    public var remedy: String {
        switch self {
        case .notUsed: "choose a policy that confines the command: without confinement nothing is held"
        case .versionOne:
            "boot with the unified hierarchy: systemd.unified_cgroup_hierarchy=1 on the kernel's command line"
        case .notMounted: "mount it: mount -t cgroup2 none /sys/fs/cgroup"
        case .outsideNamespace, .readOnly:
            "give the container a writable cgroup tree of its own (podman run --cgroupns=private with systemd, or "
                + "a bind of a delegated group)"
        case .otherMount:
            "mount it anew inside the namespace (umount /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup), or start codex-sandbox "
                + "outside of it"
        case .notWritable, .notDelegated: "systemd-run --user --scope -p Delegate=yes codex-sandbox run …"
        case .noControllers(let lacks): CgroupLack.remedy(lacks)
        case .failed:
            "see why the kernel refuses it, or start it in a fresh scope: systemd-run --user --scope -p Delegate=yes …"
        }
    }
}

/// The cgroup of one place: a leaf below the subtree, and what is written into its files.
public struct CgroupPlan: Hashable, Sendable {
    /// The subtree's folder.
    public var subtree: OSString
    /// Whether the subtree's own processes are moved to a child of it.
    public var movesProcesses: Bool
    /// In this order; each is read back before the release.
    public var settings: [CgroupSetting]

    public init(subtree: OSString, movesProcesses: Bool, settings: [CgroupSetting]) {
        self.subtree = subtree
        self.movesProcesses = movesProcesses
        self.settings = settings
    }

    /// Whether a controller holds something.
    public func uses(_ controller: CgroupController) -> Bool { settings.contains { $0.controller == controller } }
}

/// One file of a cgroup and what it is to say.
public struct CgroupSetting: Hashable, Sendable {
    /// Nil of one that holds no limit.
    public var controller: CgroupController?
    /// `memory.max`.
    public var file: OSString
    /// As the kernel writes it, without the newline.
    public var value: String

    public init(_ controller: CgroupController?, _ file: OSString, _ value: String) {
        self.controller = controller
        self.file = file
        self.value = value
    }

    /// The layer whose observation it is.
    public var layer: Layer { controller == .memory ? .memory : .rlimits }
}

/// What holds a limit.
public enum LimitMechanism: String, Hashable, Sendable, CaseIterable {
    /// A file of the place's cgroup: the kernel, for the whole job.
    case cgroup
    /// setrlimit(2): the kernel; processes and threads are counted in the place's user namespace, the others in each process.
    case rlimit
    /// The supervisor looks, and ends the job.
    case watched
    /// A timer of pid 1's, and one of the supervisor's behind it.
    case timer
    /// Nothing: no limit was asked for.
    case unlimited
    /// Nothing, though one was asked for: this host has nothing that could hold it.
    case notHeld = "not held"
}

/// One limit of the policy and what holds it in this launch.
public struct HeldLimit: Hashable, Sendable {
    /// The keys of `[limits]` in a policy.
    public enum Name: String, Hashable, Sendable, CaseIterable {
        case tasks
        case memory
        case memoryHigh = "memory_high"
        case openFiles = "open_files"
        case fileSize = "file_size"
        case cpu
        case cpus
        case workspace
        case output
        case wall
    }

    public var name: Name
    /// For people: `4 GiB`, `1024`, `no limit`.
    public var value: String
    public var mechanism: LimitMechanism

    public init(_ name: Name, _ value: String, _ mechanism: LimitMechanism) {
        self.name = name
        self.value = value
        self.mechanism = mechanism
    }
}

/// What the place's cgroup counted.
public struct CgroupUsage: Hashable, Sendable {
    /// Largest use of memory, tmpfs and file cache included (`memory.peak`, since Linux 5.19); nil where nobody counted.
    public var memoryPeak: ByteCount?
    /// CPU time of all processes, those too that nobody waited for (`cpu.stat`).
    public var processorMicroseconds: UInt64?
    /// How long it was kept from running by its own `cpu.max` (`cpu.stat`); nil without the controller.
    public var throttledMicroseconds: UInt64?
    /// Read from and written to disks (`io.stat`); nil without the controller.
    public var readBytes: ByteCount?
    public var writtenBytes: ByteCount?
    /// How long some process of it waited for a processor, for memory, for input and output (`cpu.pressure` and the others,
    /// PSI); nil where the kernel does not count it.
    public var processorPressureMicroseconds: UInt64?
    public var memoryPressureMicroseconds: UInt64?
    public var ioPressureMicroseconds: UInt64?
    /// How often the group's own memory limit left nothing but to kill (`memory.events`, `oom`).
    public var memoryLimitHits: UInt64
    /// Processes that were killed for want of memory, the machine's too (`memory.events`, `oom_kill`).
    public var memoryKills: UInt64
    /// Most processes and threads at once (`pids.peak`, since Linux 6.1).
    public var tasksPeak: UInt64?
    /// How often a new one was refused (`pids.events`, `max`).
    public var tasksRefused: UInt64

    public init(
        memoryPeak: ByteCount? = nil,
        processorMicroseconds: UInt64? = nil,
        memoryLimitHits: UInt64 = 0,
        memoryKills: UInt64 = 0,
        tasksPeak: UInt64? = nil,
        tasksRefused: UInt64 = 0
    ) {
        self.memoryPeak = memoryPeak
        self.processorMicroseconds = processorMicroseconds
        self.memoryLimitHits = memoryLimitHits
        self.memoryKills = memoryKills
        self.tasksPeak = tasksPeak
        self.tasksRefused = tasksRefused
    }
}
