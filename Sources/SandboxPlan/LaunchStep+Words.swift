extension LaunchStep {
    /// The step's name, as refusals and `explain` use it.
    public var name: String {
        switch self {
        case .privatePropagation: "private mount propagation"
        case .newRoot: "new root"
        case .makeFolders: "folder"
        case .symlink: "link"
        case .writeFile: "file"
        case .bind: "bind"
        case .cover: "cover"
        case .tmpfs: "tmpfs"
        case .procfs: "proc"
        case .rootOnly: "a file of root alone"
        case .devpts: "devpts"
        case .remount: "remount"
        case .enterRoot: "enter the new root"
        case .hostname: "host name"
        case .loopbackUp: "loopback"
        case .forbidUserNamespaces: "forbid user namespaces"
        case .freshKeyring: "session keyring"
        case .limit: "rlimit"
        case .attributes: "process attributes"
        case .dropCapabilities: "drop capabilities"
        case .noNewPrivileges: "no_new_privs"
        case .landlock: "landlock"
        case .placeFilter: "seccomp filter of the place"
        case .terminals: "terminals"
        }
    }

    /// What the step acts on.
    public var subject: String {
        switch self {
        case .makeFolders(let path, _), .symlink(let path, _), .writeFile(let path, _, _), .cover(let path, _),
            .tmpfs(let path, _, _, _, _), .procfs(let path), .rootOnly(let path),
            .devpts(let path), .remount(let path, _):
            path.description
        case .bind(let bind): bind.target.description
        case .hostname(let name): name.description
        case .limit(let limit): "resource \(limit.resource)"
        case .privatePropagation, .newRoot: "/"
        case .enterRoot: "pivot_root"
        case .loopbackUp: "lo"
        case .forbidUserNamespaces: "user.max_user_namespaces"
        case .terminals: "/dev/pts"
        case .freshKeyring, .attributes, .dropCapabilities, .noNewPrivileges, .landlock, .placeFilter: "pid 1"
        }
    }

    /// The layer the step belongs to.
    public var layer: Layer {
        switch self {
        case .privatePropagation, .newRoot, .makeFolders, .symlink, .writeFile, .bind, .cover, .tmpfs, .procfs,
            .rootOnly, .devpts, .remount, .enterRoot:
            .mounts
        case .hostname: .utsNamespace
        case .loopbackUp: .networkNamespace
        case .forbidUserNamespaces: .nestedNamespaces
        case .freshKeyring: .keyring
        case .limit: .rlimits
        case .attributes: .attributes
        case .dropCapabilities: .capabilities
        case .noNewPrivileges: .noNewPrivileges
        case .landlock: .landlock
        case .placeFilter: .seccomp
        case .terminals: .descriptors
        }
    }
}
