internal import SandboxPlan

/// Whether a path may be a root of the place at all, or a denied one.
enum RootCheck {
    /// Where the place puts something of its own.
    static let ownMounts: [OSString] = [
        "/.sandbox", "/dev", "/dev/shm", "/etc", "/home/sandbox", "/proc", "/run", "/tmp", "/var/tmp",
    ]

    /// Folders of the system: nobody's project is one of these, or holds one.
    private static let systemFolders: [OSString] = [
        "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt", "/nix",
        "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/local", "/var",
        "/var/usrlocal",
    ]

    /// Nothing below these is a project either.
    ///
    /// `/var/usrlocal` is what `/usr/local` leads to on ostree's systems; `/var/home`, where
    /// they have their homes, stays open.
    private static let closedFolders: [OSString] = [
        "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr",
        "/var/usrlocal",
    ]

    /// Of those, where sources are kept, and so projects.
    private static let openFolders: [OSString] = ["/usr/local/src", "/usr/src", "/var/usrlocal/src"]

    /// Where the service keeps its projects, in the state folder: what lies below it is nothing of ours.
    private static let projects: OSString = "serve/workspaces"

    private static func isProject(_ root: OSString, in own: OSString) -> Bool {
        let folder = own.appending(projects)
        return root != folder && root.isWithin(folder)
    }

    static func check(
        _ root: OSString,
        writable: Bool,
        request: LaunchRequest
    ) throws(Refusal) {
        let what = root == request.workspace ? "the workspace" : writable ? "the writable path" : "the readable path"
        func refuse(_ reason: String, _ remedy: String) -> Refusal {
            Refusal(
                stage: "plan",
                subject: root.description,
                message: "\(what) \(root) \(reason)",
                remedy: remedy,
                layer: .mounts
            )
        }
        guard root.normalised == root else {
            throw refuse("is not an absolute path without `..`", "write it in full")
        }
        let smaller = "name a project folder below it with --workspace, or single folders with --read and --write"
        if root == "/" { throw refuse("is the root of the host", smaller) }
        // The root's own path has no links in it; these are somebody's words, so both of their names count.
        for home in request.homes where home.names.contains(where: { $0 != "/" && $0.isWithin(root) }) {
            throw refuse("is or contains the home folder \(home.description)", smaller)
        }
        for own in request.ownFolders
        where own.names.contains(where: { name in
            if name.isWithin(root) { return true }
            return root.isWithin(name) && !(root == request.workspace && isProject(root, in: name))
        }) {
            throw refuse(
                "holds or lies in \(own.description), where codex-sandbox keeps its own files",
                "choose another folder, or move ours with --state-dir, CODEX_SANDBOX_STATE_DIR, …_CACHE_DIR, …_CONFIG"
            )
        }
        for mount in ownMounts where mount.isWithin(root) {
            throw refuse("is or contains \(mount), which the sandbox has one of its own of", smaller)
        }
        if root == request.workspace || writable {
            for folder in systemFolders where folder.isWithin(root) {
                throw refuse("is or contains the system folder \(folder)", smaller)
            }
            for folder in closedFolders where root.isWithin(folder) && !openFolders.contains(where: root.isWithin) {
                throw refuse(
                    "lies in the system folder \(folder)",
                    "choose a folder elsewhere; to be read, this one can be shown with --read"
                )
            }
        }
        for folder in ["/proc", "/sys"] as [OSString] where root.isWithin(folder) {
            throw refuse("lies in \(folder), which the sandbox never shows", "name ordinary files and folders")
        }
    }

    /// Whether a denied path is one, and leaves the job a place to start in.
    static func checkDenied(_ path: OSString, _ request: LaunchRequest) throws(Refusal) {
        guard path.normalised == path, path != "/" else {
            throw refusal(path, "the denied path \(path) is not an absolute path without `..`", "write it in full")
        }
        if path == request.workspace {
            throw refusal(path, "the workspace \(path) is denied", "deny what is to be denied in it")
        }
        if request.workingDirectory.isWithin(path) {
            throw refusal(
                path,
                "the command would start in \(request.workingDirectory), which is denied",
                "start it elsewhere with --cwd, or leave --deny \(path) out"
            )
        }
    }

    /// git obeys the settings and hooks of a folder that is a repository by itself, whatever its name is: `root` is writable.
    static func checkRepository(_ root: OSString, _ host: HostFacts) throws(Refusal) {
        if try isRepository(root, host) { throw repositoryRefusal(root, "HEAD, objects and refs") }
        // A worktree's own folder has no more than these two of it.
        switch (host.entry(root.appending("HEAD")), host.entry(root.appending(CommonFolder.name))) {
        case (.absent, _), (_, .absent), (.directory, _), (_, .directory): return
        case _: throw repositoryRefusal(root, "HEAD and commondir")
        }
    }

    private static func isRepository(_ root: OSString, _ host: HostFacts) throws(Refusal) -> Bool {
        for name in PathInventory.repository {
            switch host.entry(root.appending(name)) {
            case .absent: return false
            case .unreadable:
                throw refusal(
                    root,
                    "what is in \(root) cannot be looked at, so nothing in it could be protected",
                    "make it yours or open it (chown, chmod u+rwx)"
                )
            case .directory, .file, .symlink, .socket, .characterDevice, .other, .throughLink: continue
            }
        }
        return true
    }

    private static func repositoryRefusal(_ root: OSString, _ names: String) -> Refusal {
        refusal(
            root,
            "\(root) is itself a git repository (\(names) lie in it), and the job could write the "
                + "settings and hooks that git obeys outside",
            "work in a clone of it, or show it with --read"
        )
    }

    private static func refusal(_ path: OSString, _ message: String, _ remedy: String) -> Refusal {
        Refusal(stage: "plan", subject: path.description, message: message, remedy: remedy, layer: .mounts)
    }
}
