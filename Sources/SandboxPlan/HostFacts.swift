/// What the planner needs to know of the host, gathered once by `SandboxKernel` and passed in as values.
public struct HostFacts: Hashable, Sendable {
    public var kernelRelease: String
    public var bootID: String
    /// 0 when the kernel has none (`landlock_create_ruleset(2)` with the version flag).
    public var landlockABI: UInt32
    public var memoryTotal: ByteCount
    /// Highest capability number (`/proc/sys/kernel/cap_last_cap`).
    public var lastCapability: UInt32
    public var caller: Caller
    /// Every path the plan may bind or link, as found: absent ones are in the table too.
    public var entries: HostEntries
    /// Of these, regular files of root (uid 0) whose mode gives nothing to anybody else.
    public var rootOnly: [OSString] = []
    /// The `[user]` lines of the caller's git settings, if there are any.
    public var gitUser: GitUser
    /// What `/etc/resolv.conf` leads to; only looked at when the host's network is asked for.
    public var resolverSettings: [UInt8]
    /// The real path of that file; empty where it was not looked at.
    public var resolverPath: OSString = ""
    /// Whether `/proc/sys/kernel/core_pattern` names a program: a limit of 0 does not stop that one (core(5)).
    public var corePatternIsPipe: Bool
    /// Whether it names a socket, which Linux 6.16 and newer can: no limit stops a dump into one.
    public var corePatternIsSocket = false
    /// Git repositories in writable folders, shallow before deep in each.
    public var repositories: [HostRepository] = []
    /// Where such may be besides.
    public var unsearched: [UnsearchedFolder] = []
    /// What cgroup v2 has for this launch.
    public var cgroup: CgroupOffer
    /// What became of a scope, where that has none.
    public var scope = ScopeRequest.none

    public init(
        kernelRelease: String,
        bootID: String,
        landlockABI: UInt32,
        memoryTotal: ByteCount,
        lastCapability: UInt32,
        caller: Caller,
        entries: HostEntries,
        gitUser: GitUser,
        resolverSettings: [UInt8],
        corePatternIsPipe: Bool,
        cgroup: CgroupOffer = .none(.notUsed)
    ) {
        self.kernelRelease = kernelRelease
        self.bootID = bootID
        self.landlockABI = landlockABI
        self.memoryTotal = memoryTotal
        self.lastCapability = lastCapability
        self.caller = caller
        self.entries = entries
        self.gitUser = gitUser
        self.resolverSettings = resolverSettings
        self.corePatternIsPipe = corePatternIsPipe
        self.cgroup = cgroup
    }
}

/// Who the caller is for git: the only two settings that go inside.
public struct GitUser: Hashable, Sendable {
    public var name: OSString
    public var email: OSString

    public init(name: OSString, email: OSString) {
        self.name = name
        self.email = email
    }
}

/// The calling process: what of it survives into the job unless the plan says otherwise.
public struct Caller: Hashable, Sendable {
    public var uid: UInt32
    public var gid: UInt32
    public var groups: [UInt32]
    public var userName: OSString
    /// The account's home, from `/etc/passwd`; empty when there is none.
    public var home: OSString
    public var nice: Int32
    public var oomScoreAdjustment: Int32
    /// Signals the caller ignores, bit n-1 for signal n; execve(2) would hand them on.
    public var ignoredSignals: UInt64
    /// Seccomp filters that already weigh on the caller; `Seccomp_filters` of the worker is this plus the plan's.
    public var seccompFilters: UInt32
    /// Soft and hard of every resource, by number (getrlimit(2)).
    public var rlimits: [RLimit]

    public init(
        uid: UInt32,
        gid: UInt32,
        groups: [UInt32],
        userName: OSString,
        home: OSString,
        nice: Int32,
        oomScoreAdjustment: Int32,
        ignoredSignals: UInt64,
        seccompFilters: UInt32,
        rlimits: [RLimit]
    ) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.userName = userName
        self.home = home
        self.nice = nice
        self.oomScoreAdjustment = oomScoreAdjustment
        self.ignoredSignals = ignoredSignals
        self.seccompFilters = seccompFilters
        self.rlimits = rlimits
    }
}

/// One resource limit; `UInt64.max` is RLIM_INFINITY.
public struct RLimit: Hashable, Sendable {
    public var resource: Int32
    public var soft: UInt64
    public var hard: UInt64

    public init(resource: Int32, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
}

/// What a path was when it was looked at, without following a link in its last component.
public enum HostEntry: Hashable, Sendable {
    case absent
    case symlink(target: OSString)
    case directory(FileIdentity)
    case file(FileIdentity)
    case socket(FileIdentity)
    case characterDevice(FileIdentity, major: UInt32, minor: UInt32)
    case other(FileIdentity)
    /// A link stands in the way, in the last or an earlier component.
    case throughLink(resolved: OSString)
    case unreadable(errno: Int32)

    /// Whether it is a regular file.
    public var isFile: Bool {
        if case .file = self { return true }
        return false
    }
}

/// Which file it is, whatever its name: compared again after the mount.
public struct FileIdentity: Hashable, Sendable {
    public var device: UInt64
    public var inode: UInt64
    public var uid: UInt32
    public var gid: UInt32
    /// Names that the file has (hard links); of a folder it says nothing.
    public var links: UInt32

    public init(device: UInt64, inode: UInt64, uid: UInt32, gid: UInt32, links: UInt32 = 1) {
        self.device = device
        self.inode = inode
        self.uid = uid
        self.gid = gid
        self.links = links
    }
}
