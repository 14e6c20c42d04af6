public import SandboxPlan

/// Every host path a plan may depend on: what `SandboxKernel` looks at before planning.
public enum PathInventory {
    /// Device nodes of the place's `/dev`, with the numbers each must have.
    static let devices = [
        Device(name: "null", major: 1, minor: 3), Device(name: "zero", major: 1, minor: 5),
        Device(name: "full", major: 1, minor: 7), Device(name: "random", major: 1, minor: 8),
        Device(name: "urandom", major: 1, minor: 9),
    ]

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

    /// Paths that belong to the system: looked at by name, owned by root on any sane host.
    public static func systemPaths(_ policy: Policy) -> [OSString] {
        var paths = policy.filesystem.system
        paths += policy.filesystem.etc.map { OSString("/etc").appending($0) }
        paths += devices.map { OSString("/dev").appending($0.name) }
        paths += hostWideProc.map { OSString("/proc").appending($0) }
        return paths
    }

    /// Paths that somebody chose: looked at without following any link, and held until the place is verified.
    public static func chosenPaths(_ policy: Policy, _ request: LaunchRequest) -> [OSString] {
        var paths = [request.workspace] + policy.filesystem.read + policy.filesystem.write + policy.filesystem.deny
        for root in writableRoots(policy, request) {
            for name in policy.filesystem.protect {
                let path = root.appending(name)
                // The folders between root and name become mount points too, so that none can be renamed away.
                var parent = path.parent
                while parent != root && parent.isWithin(root) {
                    paths.append(parent)
                    parent = parent.parent
                }
                paths.append(path)
            }
        }
        return paths
    }

    /// The workspace, if it may be written, and the further writable paths.
    static func writableRoots(_ policy: Policy, _ request: LaunchRequest) -> [OSString] {
        (policy.workspace == .readWrite ? [request.workspace] : []) + policy.filesystem.write
    }
}
