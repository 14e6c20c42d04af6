internal import Glibc
public import SandboxKernel
public import SandboxPlan

/// The file that the worker's `execve` was to run.
public struct WorkerExecutable: Hashable, Sendable {
    /// Its path inside.
    public var path: OSString
    public var device: UInt64
    public var inode: UInt64
    public var size: UInt64
    /// Nanoseconds since 1970.
    public var modified: Int64
    /// Nanoseconds since 1970; unlike the time of modification, nobody can set it.
    public var changed: Int64
    /// Of its content, when it is known for exactly this identity: a launch never waits for it.
    public var sha256: [UInt8]?

    public init(
        path: OSString,
        device: UInt64,
        inode: UInt64,
        size: UInt64,
        modified: Int64,
        changed: Int64,
        sha256: [UInt8]? = nil
    ) {
        self.path = path
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
        self.sha256 = sha256
    }

    /// What fstat(2) says of an open file; O_PATH is enough.
    public static func observed(path: OSString, descriptor: Int32) throws(SyscallError) -> WorkerExecutable {
        var status = stat()
        let result = fstat(descriptor, &status)
        let code = errno
        guard result == 0 else { throw SyscallError(call: "fstat", subject: path.description, errno: code) }
        return WorkerExecutable(
            path: path,
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            size: UInt64(max(0, status.st_size)),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        )
    }

    /// SHA-256 of the text `DEVICE:INODE:SIZE:MODIFIED:CHANGED` in decimal: the digest of our own key `fileIdentity`.
    ///
    /// It says which file this was on this host, not what was in it.
    public var identityDigest: [UInt8] { SHA256.digest(Array(identityText.utf8)) }

    var identityText: String { "\(device):\(inode):\(size):\(modified):\(changed)" }

    /// Whether it is the same file with the same content, as far as the kernel's numbers say it.
    func isSame(as other: WorkerExecutable) -> Bool {
        device == other.device && inode == other.inode && size == other.size && modified == other.modified
            && changed == other.changed
    }
}

extension WorkerExecutable {
    /// The worker that a record names; nil when it names none, or one whose path is no text.
    public init?(recordedIn opening: JSONValue) {
        let subject = opening["subject"]?.array?.first { $0["annotations"]?["role"]?.string == "worker" }
        let notes = subject?["annotations"]
        guard let path = notes?["path"]?.string, let device = notes?["device"]?.string.flatMap({ UInt64($0) }),
            let inode = notes?["inode"]?.string.flatMap({ UInt64($0) }),
            let size = notes?["sizeBytes"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let modified = notes?["modifiedNanoseconds"]?.string.flatMap({ Int64($0) }),
            let changed = notes?["changedNanoseconds"]?.string.flatMap({ Int64($0) })
        else { return nil }
        self.init(
            path: OSString(path),
            device: device,
            inode: inode,
            size: size,
            modified: modified,
            changed: changed
        )
    }
}

/// The workspace as the record names it.
public struct RecordedWorkspace: Hashable, Sendable {
    /// Absolute; also what names the folder of its records.
    public var path: OSString
    /// Nil when the launch was refused before it was looked at.
    public var identity: FileIdentity?
    /// Nil when there is no repository, or its HEAD cannot be read as a plain file.
    public var git: GitHead?

    public init(path: OSString, identity: FileIdentity? = nil, git: GitHead? = nil) {
        self.path = path
        self.identity = identity
        self.git = git
    }
}
