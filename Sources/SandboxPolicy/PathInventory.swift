public import SandboxPlan

/// Every host path a plan may depend on: what `SandboxKernel` looks at before planning.
public enum PathInventory {
    /// Device nodes of the place's `/dev`, with the numbers each must have.
    static let devices = [
        Device(name: "null", major: 1, minor: 3), Device(name: "zero", major: 1, minor: 5),
        Device(name: "full", major: 1, minor: 7), Device(name: "random", major: 1, minor: 8),
        Device(name: "urandom", major: 1, minor: 9),
    ]

    /// Leads to the controlling terminal of whoever opens it (tty(4)); in places that have one.
    static let terminal = Device(name: "tty", major: 5, minor: 0)

    struct Device: Sendable {
        var name: OSString
        var major: UInt32
        var minor: UInt32
    }

    /// Entries of `/proc` that tell about or act on the host as a whole; whatever of them the kernel has is covered.
    static let hostWideProc: [OSString] = [
        "acpi", "asound", "bus", "dynamic_debug", "fs", "interrupts", "iomem", "ioports", "irq", "kallsyms", "kcore",
        "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "modules", "mtrr",
        "sched_debug", "scsi", "slabinfo", "sysrq-trigger", "timer_list", "timer_stats", "vmallocinfo",
    ]

    /// What of the host a place shows without being asked for.
    static func shownByItself(_ policy: Policy, _ request: LaunchRequest) -> [OSString] {
        policy.filesystem.system + policy.filesystem.etc.map { OSString("/etc").appending($0) }
            + devices.map { OSString("/dev").appending($0.name) } + ["/proc"]
            + (request.hasTerminalNode ? [terminalPath] : [])
            // A copy of it.
            + (policy.network == .host ? ["/etc/resolv.conf"] : [])
    }

    /// Whether nobody gets to see a path of `/proc` anyway.
    static func isCoveredProc(_ path: OSString) -> Bool {
        hostWideProc.contains { path.isWithin(OSString("/proc").appending($0)) }
    }

    /// Whether a path is that of a process of the host: in the place the number is another's, or nobody's.
    static func isProcess(_ path: OSString) -> Bool {
        guard path.isWithin("/proc") else { return false }
        let names = path.components
        guard names.count > 1, names[0] == "proc" else { return false }
        return names[1].bytes.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Paths that belong to the system: looked at by name, owned by root on any sane host.
    public static func systemPaths(_ policy: Policy, _ request: LaunchRequest) -> [OSString] {
        var paths = policy.filesystem.system
        paths += policy.filesystem.etc.map { OSString("/etc").appending($0) }
        paths += devices.map { OSString("/dev").appending($0.name) }
        if request.hasTerminalNode { paths.append(terminalPath) }
        paths += hostWideProc.map { OSString("/proc").appending($0) }
        if policy.confinement == .container { paths += ContainerProfile.paths }
        if policy.confinement == .landlockOnly { paths += LandlockOnlyPlanner.files + LandlockOnlyPlanner.folders }
        return paths
    }

    /// Paths that somebody chose: looked at without following any link, and held until the place is verified.
    public static func chosenPaths(_ policy: Policy, _ request: LaunchRequest) -> [OSString] {
        let roots = PlaceRoots(policy, request)
        let named = policy.filesystem.read + policy.filesystem.write + policy.filesystem.deny
        var paths = [request.workspace] + named
        for root in roots.writable {
            paths += repository.map { root.appending($0) }
            paths.append(root.appending(CommonFolder.name))
            for name in policy.filesystem.protect {
                let path = root.appending(name)
                paths += roots.foldersToHold(from: root, to: path)
                paths.append(path)
            }
            paths += policy.filesystem.except.map { root.appending($0) }
        }
        // What stands in a writable root: the folders on the way to it become mount points.
        for path in [request.workspace] + named + request.policyFiles {
            guard let root = roots.writableRoot(around: path) else { continue }
            paths += roots.foldersToHold(from: root, to: path)
            paths.append(path)
        }
        return paths
    }

    /// What else is looked at where a writable root has a git folder, by what `chosenPaths` turned out to be.
    public static func repositoryPaths(
        _ policy: Policy,
        _ request: LaunchRequest,
        _ entries: HostEntries
    ) -> [OSString] {
        var paths: [OSString] = []
        for root in PlaceRoots(policy, request).writable {
            guard case .directory = entries[root.appending(gitFolder)] else { continue }
            paths.append(root.appending(gitFolder).appending(CommonFolder.name))
        }
        return paths
    }

    /// Where repositories are looked for: the writable folders, and in them those that the job cannot write in or see.
    ///
    /// What is protected and has an exception in it is looked through, too.
    public static func searched(
        _ policy: Policy,
        _ request: LaunchRequest
    ) -> (roots: [OSString], closed: [OSString]) {
        let roots = PlaceRoots(policy, request)
        var closed = policy.filesystem.deny + roots.all.filter { !$0.isWritable }.map(\.path)
        for root in roots.writable {
            for name in policy.filesystem.protect
            where !policy.filesystem.except.contains(where: { $0.isWithin(name) }) {
                closed.append(root.appending(name))
            }
        }
        // Where none may be, one that can only be read is one, too.
        let isReadOnly = policy.git == .none && !roots.writable.contains(request.workspace)
        return (roots.writable + (isReadOnly ? [request.workspace] : []), closed)
    }

    /// What is looked at of the repositories that were found in writable folders.
    public static func repositoryPaths(_ policy: Policy, _ repositories: [HostRepository]) -> [OSString] {
        var paths: [OSString] = []
        func look(at name: OSString, in folder: OSString, _ root: OSString) {
            let path = folder.appending(name)
            var way: [OSString] = []
            var around = path.parent
            while around != root && around.isWithin(root) {
                way.append(around)
                around = around.parent
            }
            paths += way.reversed() + [path]
        }
        for repository in repositories.prefix(mostRepositories) where !repository.isRootsOwn {
            switch repository.kind {
            case .link, .partial: continue
            case .bare: for name in ownFolder { look(at: name, in: repository.path, repository.root) }
            case .folder, .pointer:
                let work = repository.path.parent
                for name in policy.filesystem.protect { look(at: name, in: work, repository.root) }
                look(at: CommonFolder.name, in: work, repository.root)
                if repository.kind == .folder { look(at: CommonFolder.name, in: repository.path, repository.root) }
            }
        }
        return paths
    }

    /// How many of the repositories in writable folders are kept from the job: each is some mounts more.
    public static let mostRepositories = 64

    private static var terminalPath: OSString { OSString("/dev").appending(terminal.name) }

    static let gitFolder: OSString = ".git"

    /// What git obeys of a repository's own folder, whatever its name is.
    static let ownFolder: [OSString] = ["config", "config.worktree", "hooks", CommonFolder.name]

    /// What makes a folder a repository by itself: git asks for these three (gitrepository-layout(5)).
    static let repository: [OSString] = ["HEAD", "objects", "refs"]
}
