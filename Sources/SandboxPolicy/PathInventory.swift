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
            + (request.hasKeyboard ? [terminalPath] : [])
            // A copy of it.
            + (policy.network == .host ? ["/etc/resolv.conf"] : [])
    }

    /// Whether nobody gets to see a path of `/proc` anyway.
    static func isCoveredProc(_ path: OSString) -> Bool {
        hostWideProc.contains { path.isWithin(OSString("/proc").appending($0)) }
    }

    /// Whether a path is that of a process of the host: in the place the number is another's, or nobody's.
    static func isProcess(_ path: OSString) -> Bool {
        let names = path.components
        guard names.count > 1, names[0] == "proc" else { return false }
        return names[1].bytes.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Paths that belong to the system: looked at by name, owned by root on any sane host.
    public static func systemPaths(_ policy: Policy, _ request: LaunchRequest) -> [OSString] {
        var paths = policy.filesystem.system
        paths += policy.filesystem.etc.map { OSString("/etc").appending($0) }
        paths += devices.map { OSString("/dev").appending($0.name) }
        if request.hasKeyboard { paths.append(terminalPath) }
        paths += hostWideProc.map { OSString("/proc").appending($0) }
        return paths
    }

    /// Paths that somebody chose: looked at without following any link, and held until the place is verified.
    public static func chosenPaths(_ policy: Policy, _ request: LaunchRequest) -> [OSString] {
        let roots = PlaceRoots(policy, request)
        let named = policy.filesystem.read + policy.filesystem.write + policy.filesystem.deny
        var paths = [request.workspace] + named
        for root in roots.writable {
            paths += repository.map { root.appending($0) }
            for name in policy.filesystem.protect {
                let path = root.appending(name)
                paths += roots.foldersToHold(from: root, to: path)
                paths.append(path)
            }
            paths += policy.filesystem.except.map { root.appending($0) }
        }
        // What stands in a writable root: the folders on the way to it become mount points.
        for path in named + request.policyFiles {
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
            paths.append(root.appending(CommonFolder.name))
        }
        return paths
    }

    private static var terminalPath: OSString { OSString("/dev").appending(terminal.name) }

    static let gitFolder: OSString = ".git"

    /// What makes a folder a repository by itself: git asks for these three (gitrepository-layout(5)).
    static let repository: [OSString] = ["HEAD", "objects", "refs"]
}
