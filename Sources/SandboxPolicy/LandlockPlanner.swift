internal import SandboxPlan

/// The Landlock domain that repeats the mounts' allow-list, fitted to the kernel's ABI.
///
/// Landlock's rules are hierarchical and only add, so it cannot repeat protected names inside a writable root: those
/// are held by read-only mounts.
enum LandlockPlanner {
    private typealias Right = LandlockRight

    static func planned(
        writable: [OSString],
        readable: [OSString],
        network: NetworkPolicy,
        files: [OSString],
        ownProc: Bool,
        abi: UInt32
    ) -> LandlockPlan {
        let handled = Right.filesystem(abi: abi)
        let read = Right.readFile | Right.readDir | Right.execute
        let all = handled & ~(Right.makeChar | Right.makeBlock)
        // What the kernel accepts on a rule for something that is no folder (landlock(7), EINVAL otherwise).
        let onFile = Right.execute | Right.readFile | Right.writeFile | Right.truncate | Right.ioctlDevice
        func rule(_ path: OSString, _ access: UInt64) -> LandlockPlan.Rule {
            LandlockPlan.Rule(path: path, access: access & handled & (files.contains(path) ? onFile : ~0))
        }
        var rules = [
            // The names in `/` and on the way to a root; what is in files is not readable by this.
            rule("/", Right.readDir),
            rule("/etc", Right.readFile | Right.readDir),
            rule("/dev", Right.readFile | Right.readDir | Right.writeFile | Right.ioctlDevice),
            // Of the own pid namespace; `echo x >/proc/self/comm` opens with O_TRUNC.
            // One that is not the place's own is read-only.
            rule("/proc", Right.readFile | Right.readDir | (ownProc ? Right.writeFile | Right.truncate : 0)),
        ]
        rules += readable.map { rule($0, read) }
        rules += writable.map { rule($0, all) }
        return LandlockPlan(
            abi: abi,
            handledFilesystem: handled,
            // TCP rights have no wildcard: own loopback would need a rule for each of 65,536 ports.
            handledNetwork: 0,
            scoped: abi >= 6 ? Right.scopeAbstractUnixSocket | Right.scopeSignal : 0,
            rules: abi == 0 ? [] : rules,
            heldElsewhere: heldElsewhere(abi: abi, network: network)
        )
    }

    private static func heldElsewhere(abi: UInt32, network: NetworkPolicy) -> [LandlockPlan.HeldElsewhere] {
        let net = network == .host ? "nothing: the host's network was asked for" : "network-namespace"
        let sockets = network == .host ? "nothing: the host's network was asked for" : "network-namespace"
        let table: [(right: String, since: UInt32, heldBy: String)] = [
            (
                "read, write, execute, make and remove", 1,
                "mounts: what is not mounted is not there, the rest is read-only"
            ),
            (
                "refer", 2,
                abi == 0 ? "mounts: no rename leads from one to another" : "landlock itself: ABI 1 always refuses it"
            ),
            ("truncate", 3, "mounts: everything outside the writable places is read-only"),
            ("ioctl_dev", 5, "mounts: /dev has five harmless nodes; seccomp: refused ioctl commands"),
            ("scope abstract_unix_socket", 6, sockets),
            ("scope signal", 6, "pid-namespace"),
        ]
        var held = table.filter { $0.since > abi }
            .map { LandlockPlan.HeldElsewhere(right: $0.right, since: $0.since, heldBy: $0.heldBy) }
        held.append(LandlockPlan.HeldElsewhere(right: "tcp bind and connect (not used)", since: 4, heldBy: net))
        return held
    }
}
