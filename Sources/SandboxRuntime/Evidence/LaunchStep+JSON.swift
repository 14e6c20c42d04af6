public import SandboxPlan

extension JSONWriter {
    /// The members of one step: its `operation`, as the refusals name it, and what it acts on.
    mutating func step(_ step: LaunchStep, _ contents: LaunchPlan.FileContents) {
        switch step {
        case .privatePropagation, .enterRoot, .loopbackUp, .forbidUserNamespaces, .freshKeyring, .noNewPrivileges,
            .landlock:
            operation(step)
        case .placeFilter(let afterFirstProcess):
            if afterFirstProcess { member("afterFirstProcess", bool: true) }
            operation(step)
        case .newRoot(let size, let inodes):
            member("inodes", quantity: inodes)
            operation(step)
            member("sizeBytes", quantity: size.bytes)
        case .makeFolders(let path, let mode):
            member("mode", mode: mode)
            operation(step)
            member("path", bytes: path)
        case .symlink(let path, let target):
            operation(step)
            member("path", bytes: path)
            member("target", bytes: target)
        case .writeFile(let path, let bytes, let mode):
            if contents == .full { member("contents", bytes: OSString(bytes)) }
            member("digest", sha256: SHA256.digest(bytes))
            member("mode", mode: mode)
            operation(step)
            member("path", bytes: path)
            member("sizeBytes", quantity: UInt(bytes.count))
        case .bind(let mount):
            bind(mount)
        case .cover(let path, let cover):
            operation(step)
            member("path", bytes: path)
            member("with", string: cover.word)
        case .tmpfs(let path, let size, let inodes, let mode, let options):
            member("inodes", quantity: inodes)
            member("mode", mode: mode)
            operation(step)
            member("options", texts: options.words)
            member("path", bytes: path)
            member("sizeBytes", quantity: size.bytes)
        case .procfs(let path), .rootOnly(let path), .devpts(let path):
            operation(step)
            member("path", bytes: path)
        case .remount(let path, let options):
            operation(step)
            member("options", texts: options.words)
            member("path", bytes: path)
        case .hostname(let name):
            member("name", bytes: name)
            operation(step)
        case .limit(let limit):
            member("limit") { $0.rlimit(limit) }
            operation(step)
        case .attributes(let attributes):
            member("nice", integer: attributes.nice)
            member("oomScoreAdjustment", integer: attributes.oomScoreAdjustment)
            operation(step)
            member("resetSignals", identifier: attributes.resetSignals)
            member("timerSlackNanoseconds", quantity: attributes.timerSlack)
            member("umask", mode: attributes.umask)
        case .dropCapabilities(let last):
            member("last", quantity: last)
            operation(step)
        case .terminals(let count, let keyboard):
            member("controlling", bool: true)
            member("count", quantity: UInt(count))
            member("keyboard", bool: keyboard)
            operation(step)
        }
    }

    private mutating func operation(_ step: LaunchStep) {
        member("operation", string: step.operation)
    }

    private mutating func bind(_ mount: BindMount) {
        member("identity") { $0.identity(mount.identity) }
        member("kind", string: mount.isDirectory ? "directory" : "file")
        operation(.bind(mount))
        member("options", texts: mount.options.words)
        if mount.origin != .host { member("origin", string: mount.origin.rawValue) }
        member("purpose", string: mount.purpose.rawValue)
        member("recursive", bool: mount.recursive)
        member("source", bytes: mount.source)
        member("target", bytes: mount.target)
    }
}

extension LaunchStep {
    /// The step's name in plans, records and refusals.
    public var operation: String {
        switch self {
        case .privatePropagation: "private-propagation"
        case .newRoot: "new-root"
        case .makeFolders: "make-folders"
        case .symlink: "symlink"
        case .writeFile: "write-file"
        case .bind: "bind"
        case .cover: "cover"
        case .tmpfs: "tmpfs"
        case .procfs: "procfs"
        case .rootOnly: "root-only"
        case .devpts: "devpts"
        case .remount: "remount"
        case .enterRoot: "enter-root"
        case .hostname: "hostname"
        case .loopbackUp: "loopback-up"
        case .forbidUserNamespaces: "forbid-user-namespaces"
        case .freshKeyring: "fresh-keyring"
        case .limit: "limit"
        case .attributes: "attributes"
        case .dropCapabilities: "drop-capabilities"
        case .noNewPrivileges: "no-new-privileges"
        case .landlock: "landlock"
        case .placeFilter: "place-filter"
        case .terminals: "terminals"
        }
    }
}
