/// What one process of an open sandbox may do less than the others.
///
/// It may act on processes that are as narrow only in what it has started itself: no signal, trace, socket, shared memory or
/// shared temporary folder leads from it to any other process of the place.
public struct ProcessNarrowing: Hashable, Sendable {
    /// Folders that stay writable, each in what is writable in the place; its own temporary folder is in any case.
    public var write: [OSString]
    /// Folders of workspace and further roots that stay readable; nil for all of them.
    public var read: [OSString]?
    /// Groups of system calls that are taken away too: those that a policy can name in `seccomp.without`.
    public var without: [String]

    public init(write: [OSString] = [], read: [OSString]? = nil, without: [String] = []) {
        self.write = write
        self.read = read
        self.without = without
    }
}

/// A narrowing as it is carried out in one process.
public struct NarrowedProcess: Hashable, Sendable {
    /// Made by the process for itself: its HOME and TMPDIR.
    public var folder: OSString
    /// The domain below the place's.
    public var landlock: LandlockPlan
    /// Of the rules' paths those that must be folders, and are reached without a link: others may write on the way.
    public var folders: [OSString]
    /// Numbers of calls that are answered EPERM.
    public var refusedCalls: [UInt32]
    /// Calls that are answered so by an argument.
    public var argumentRules: [SeccompProgram.ArgumentRule]

    public init(
        folder: OSString,
        landlock: LandlockPlan,
        folders: [OSString],
        refusedCalls: [UInt32],
        argumentRules: [SeccompProgram.ArgumentRule]
    ) {
        self.folder = folder
        self.landlock = landlock
        self.folders = folders
        self.refusedCalls = refusedCalls
        self.argumentRules = argumentRules
    }
}
