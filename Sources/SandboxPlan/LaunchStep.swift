/// One act of pid 1 while it sets the place up.
///
/// `docs/launch.md` gives the reason for each position.
///
/// Paths are those of the new root. Each case is one operation of the C interpreter (`CShims/place.c`); a failure is
/// reported as the step's index and errno.
public enum LaunchStep: Hashable, Sendable {
    /// Mount propagation of the whole copied tree becomes private (mount_namespaces(7)).
    case privatePropagation
    /// A tmpfs that becomes the root, attached over the old one.
    case newRoot(size: ByteCount, inodes: UInt64)
    /// Every missing folder of the path, mode 0755.
    case makeFolders(path: OSString, mode: UInt32)
    case symlink(path: OSString, target: OSString)
    /// A generated file.
    case writeFile(path: OSString, contents: [UInt8], mode: UInt32)
    case bind(BindMount)
    /// Binds the root's own empty file or folder over something that must not be seen.
    case cover(path: OSString, with: Cover)
    case tmpfs(path: OSString, size: ByteCount, inodes: UInt64, mode: UInt32, options: MountOptions)
    case procfs(path: OSString)
    /// Nothing stands before the file: the kernel gives it to the host's root alone, who is nobody in the place. That it cannot be
    /// opened is tried, and owner and mode are looked at from outside.
    case rootOnly(path: OSString)
    case devpts(path: OSString)
    /// Attributes of a mount that is there already: the root turns read-only after everything is in it.
    case remount(path: OSString, options: MountOptions)
    /// pivot_root(2), then the old root is detached.
    case enterRoot
    case hostname(OSString)
    case loopbackUp
    /// `user.max_user_namespaces = 0`, read back, and tried.
    case forbidUserNamespaces
    case freshKeyring
    case limit(RLimit)
    /// Everything else that survives execve(2).
    case attributes(AttributePlan)
    /// Bounding, ambient, inheritable, permitted, effective empty up to this number; securebits locked.
    case dropCapabilities(last: UInt32)
    case noNewPrivileges
    /// The domain of `LaunchPlan.landlock`, for pid 1 and everything it starts.
    case landlock
    /// The place's filter. `afterFirstProcess`: the process is made before it, and carries its own filter only, which refuses
    /// all that this one does (`ProcessPlan.reportsDenials`).
    case placeFilter(afterFirstProcess: Bool)
    /// Terminals of the place's own devpts, 1 to 3, the first of which is the controlling one of the session of pid 1. Where the
    /// job has a keyboard, that one can be read; nothing else can.
    case terminals(count: Int, keyboard: Bool)
}

/// What binds what.
public struct BindMount: Hashable, Sendable {
    /// Path on the host; the same inside unless `target` says otherwise.
    public var source: OSString
    public var target: OSString
    /// What the source was when the plan was made; anything else at the time of the mount is a refusal.
    public var identity: FileIdentity
    public var isDirectory: Bool
    /// Mounts below the source come along, with the same options.
    public var recursive: Bool
    public var options: MountOptions
    public var purpose: Purpose
    public var origin: Origin

    /// Where the source is looked up.
    public enum Origin: String, Hashable, Sendable {
        /// By its path on the host.
        case host
        /// An ID-mapped copy of the path's mount, made by the supervisor: files of root appear as the worker's.
        case idMapped = "id-mapped"
        /// By its path in the place, so that an ID-mapped mount above it is what is bound.
        case place
    }

    public enum Purpose: String, Hashable, Sendable {
        case system
        case settings
        case device
        case workspace
        case read
        case write
        /// A folder that is a mount point of itself so that it cannot be renamed away.
        case anchor
        case protected
        /// The `/proc` of the container that the supervisor is in, with all that is mounted in it.
        case containerProc = "container-proc"
    }

    public init(
        source: OSString,
        target: OSString,
        identity: FileIdentity,
        isDirectory: Bool,
        recursive: Bool,
        options: MountOptions,
        purpose: Purpose,
        origin: Origin = .host
    ) {
        self.source = source
        self.target = target
        self.identity = identity
        self.isDirectory = isDirectory
        self.recursive = recursive
        self.options = options
        self.purpose = purpose
        self.origin = origin
    }
}

/// What a covered name shows.
public enum Cover: UInt8, Hashable, Sendable {
    /// An empty file, mode 0000.
    case unreadableFile = 0
    /// An empty folder, mode 0000.
    case unreadableFolder = 1
    /// An empty folder that can be listed, mode 0555: for a name that must not come into being.
    case emptyFolder = 2
    /// The thing itself, read-only: `/proc/sys`.
    case itselfReadOnly = 3
    /// An empty file that can be read, mode 0444: for settings that must not come into being.
    case emptyFile = 4
    /// A file that names the folder it lies in (`CommonFolder`), mode 0444: for a git folder's `commondir`.
    case ownCommonFolder = 5
}

/// mount_setattr(2) attributes.
public struct MountOptions: OptionSet, Hashable, Sendable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let readOnly = MountOptions(rawValue: 1 << 0)
    public static let noSetuid = MountOptions(rawValue: 1 << 1)
    public static let noDevices = MountOptions(rawValue: 1 << 2)
    public static let noExecute = MountOptions(rawValue: 1 << 3)

    public var words: [String] {
        var words = [contains(.readOnly) ? "ro" : "rw"]
        if contains(.noSetuid) { words.append("nosuid") }
        if contains(.noDevices) { words.append("nodev") }
        if contains(.noExecute) { words.append("noexec") }
        return words
    }

    /// The words with a comma between each two, as the kernel's mount tables write them.
    public var text: String {
        var text = contains(.readOnly) ? "ro" : "rw"
        if contains(.noSetuid) { text += ",nosuid" }
        if contains(.noDevices) { text += ",nodev" }
        if contains(.noExecute) { text += ",noexec" }
        return text
    }
}

/// Attributes of a process that execve(2) keeps, and the value each gets.
public struct AttributePlan: Hashable, Sendable {
    public var umask: UInt32
    /// The caller's, or worse: an unprivileged process cannot lower it.
    public var nice: Int32
    /// At least 0, so that a protected caller does not pass its protection on.
    public var oomScoreAdjustment: Int32
    /// Nanoseconds (prctl(2) PR_SET_TIMERSLACK).
    public var timerSlack: UInt64
    /// Signals the caller ignores and the worker must not, bit n-1 for signal n.
    public var resetSignals: UInt64

    public init(umask: UInt32, nice: Int32, oomScoreAdjustment: Int32, timerSlack: UInt64, resetSignals: UInt64) {
        self.umask = umask
        self.nice = nice
        self.oomScoreAdjustment = oomScoreAdjustment
        self.timerSlack = timerSlack
        self.resetSignals = resetSignals
    }
}
