/// A git repository that was found in a writable folder: git on the host obeys its settings (threat B1).
public struct HostRepository: Hashable, Sendable {
    public enum Kind: UInt8, Hashable, Sendable {
        /// A folder `.git`.
        case folder
        /// A file `.git`, which names a repository's folder: of a worktree, a submodule. Nobody follows it here.
        case pointer
        /// A link `.git`, which git follows.
        case link
        /// A folder of another name with a repository's layout: bare, a submodule's or a worktree's own.
        case bare
        /// A folder `.git` that git does not take for a repository yet, with settings or hooks that it obeys once somebody
        /// types `git init`.
        case partial
    }

    /// The `.git`, or the bare folder.
    public var path: OSString
    /// The writable folder that it lies in.
    public var root: OSString
    public var kind: Kind
    public var device: UInt64
    public var inode: UInt64
    /// When it came into being, in nanoseconds; 0 where nobody can say.
    ///
    /// The number of an inode is given to another file as soon as it is free.
    public var born: Int64
    /// Of a link and of a partial one, which nothing is mounted on: when it, or what git would obey in it, was last changed.
    public var changed: Int64

    public init(
        path: OSString,
        root: OSString,
        kind: Kind,
        device: UInt64,
        inode: UInt64,
        born: Int64 = 0,
        changed: Int64 = 0
    ) {
        self.path = path
        self.root = root
        self.kind = kind
        self.device = device
        self.inode = inode
        self.born = born
        self.changed = changed
    }

    /// Whether it is the writable folder's own, which is kept from the job with the other names in that folder.
    public var isRootsOwn: Bool { kind != .bare && path.parent == root }
}

/// A folder in which repositories may be that nobody has seen.
public struct UnsearchedFolder: Hashable, Sendable {
    public var path: OSString
    /// Half a sentence.
    public var why: String

    public init(path: OSString, why: String) {
        self.path = path
        self.why = why
    }
}
