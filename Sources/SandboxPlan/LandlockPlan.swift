/// The Landlock domain of a place, fitted to the kernel's ABI.
public struct LandlockPlan: Hashable, Sendable {
    /// ABI of the running kernel; 0 when there is none and the policy accepted that.
    public var abi: UInt32
    /// `handled_access_fs`, `handled_access_net`, `scoped` (landlock(7)).
    public var handledFilesystem: UInt64
    public var handledNetwork: UInt64
    public var scoped: UInt64
    public var rules: [Rule]
    /// Rights that this ABI lacks, each with the layer that holds it instead.
    public var heldElsewhere: [HeldElsewhere]

    public struct Rule: Hashable, Sendable {
        public var path: OSString
        public var access: UInt64
        /// The file that the path named when the plan was made, where that is compared; in a place the mounts are.
        public var identity: FileIdentity?

        public init(path: OSString, access: UInt64, identity: FileIdentity? = nil) {
            self.path = path
            self.access = access
            self.identity = identity
        }
    }

    public struct HeldElsewhere: Hashable, Sendable {
        public var right: String
        /// First ABI that has it.
        public var since: UInt32
        public var heldBy: String

        public init(right: String, since: UInt32, heldBy: String) {
            self.right = right
            self.since = since
            self.heldBy = heldBy
        }
    }

    public init(
        abi: UInt32,
        handledFilesystem: UInt64,
        handledNetwork: UInt64,
        scoped: UInt64,
        rules: [Rule],
        heldElsewhere: [HeldElsewhere]
    ) {
        self.abi = abi
        self.handledFilesystem = handledFilesystem
        self.handledNetwork = handledNetwork
        self.scoped = scoped
        self.rules = rules
        self.heldElsewhere = heldElsewhere
    }
}

/// Landlock's access rights by name.
///
/// The numbers are the kernel's ABI (linux/landlock.h); Debian 12's header stops at 2.
public enum LandlockRight {
    public static let execute: UInt64 = 1 << 0
    public static let writeFile: UInt64 = 1 << 1
    public static let readFile: UInt64 = 1 << 2
    public static let readDir: UInt64 = 1 << 3
    public static let removeDir: UInt64 = 1 << 4
    public static let removeFile: UInt64 = 1 << 5
    public static let makeChar: UInt64 = 1 << 6
    public static let makeDir: UInt64 = 1 << 7
    public static let makeReg: UInt64 = 1 << 8
    public static let makeSock: UInt64 = 1 << 9
    public static let makeFifo: UInt64 = 1 << 10
    public static let makeBlock: UInt64 = 1 << 11
    public static let makeSym: UInt64 = 1 << 12
    /// ABI 2.
    public static let refer: UInt64 = 1 << 13
    /// ABI 3.
    public static let truncate: UInt64 = 1 << 14
    /// ABI 5.
    public static let ioctlDevice: UInt64 = 1 << 15

    /// `scoped`, ABI 6.
    public static let scopeAbstractUnixSocket: UInt64 = 1 << 0
    /// `scoped`, ABI 6.
    public static let scopeSignal: UInt64 = 1 << 1

    /// Every file-system right that an ABI knows.
    public static func filesystem(abi: UInt32) -> UInt64 {
        var rights: UInt64 = (1 << 13) - 1
        if abi >= 2 { rights |= refer }
        if abi >= 3 { rights |= truncate }
        if abi >= 5 { rights |= ioctlDevice }
        return abi == 0 ? 0 : rights
    }
}
