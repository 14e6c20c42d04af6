/// A mount that the place must have, as the plan's steps make it.
public struct ExpectedMount: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// A file system of its own: `proc`, `devpts`.
        case filesystem(String)
        case tmpfs(size: ByteCount, inodes: UInt64, mode: UInt32)
        case bind(FileIdentity, BindMount.Purpose)
        case cover(Cover)
    }

    public var target: OSString
    public var kind: Kind
    public var options: MountOptions
    /// Mounts below the source came along.
    public var recursive: Bool

    public init(target: OSString, kind: Kind, options: MountOptions, recursive: Bool) {
        self.target = target
        self.kind = kind
        self.options = options
        self.recursive = recursive
    }
}

extension LaunchPlan {
    /// Host paths that the job may write to, itself or below; read-only parts of them are not taken out.
    public var writablePaths: [OSString] {
        var paths: [OSString] = []
        for case .bind(let bind) in steps where bind.purpose == .workspace || bind.purpose == .write {
            if !bind.options.contains(.readOnly) { paths.append(bind.source) }
        }
        return paths
    }

    /// The mount table after the last step, in the order it was made.
    public var expectedMounts: [ExpectedMount] {
        var mounts: [ExpectedMount] = []
        mounts.reserveCapacity(96)
        func add(_ target: OSString, _ kind: ExpectedMount.Kind, _ options: MountOptions, recursive: Bool = false) {
            mounts.append(ExpectedMount(target: target, kind: kind, options: options, recursive: recursive))
        }
        for step in steps {
            switch step {
            case .newRoot(let size, let inodes):
                add("/", .tmpfs(size: size, inodes: inodes, mode: 0o755), [.noSetuid, .noDevices])
            case .bind(let bind):
                add(bind.target, .bind(bind.identity, bind.purpose), bind.options, recursive: bind.recursive)
            case .cover(let path, let cover):
                add(path, .cover(cover), [.readOnly, .noSetuid, .noDevices, .noExecute])
            case .tmpfs(let path, let size, let inodes, let mode, let options):
                add(path, .tmpfs(size: size, inodes: inodes, mode: mode), options)
            case .procfs(let path): add(path, .filesystem("proc"), [.noSetuid, .noDevices, .noExecute])
            case .devpts(let path): add(path, .filesystem("devpts"), [.noSetuid, .noExecute])
            case .remount(let path, let options):
                if let index = mounts.lastIndex(where: { $0.target == path }) { mounts[index].options = options }
            case .privatePropagation, .makeFolders, .symlink, .writeFile, .rootOnly, .enterRoot, .hostname, .loopbackUp,
                .forbidUserNamespaces, .freshKeyring, .limit, .attributes, .dropCapabilities, .noNewPrivileges,
                .landlock, .placeFilter, .terminals:
                continue
            }
        }
        return mounts
    }
}
