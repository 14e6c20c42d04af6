public import SandboxPlan

/// The plan of the weaker profile `landlock-only`: no namespace, no mount; what is not held is said.
///
/// What the profile cannot do and a policy asks for is refused here: nothing of a policy is passed over.
public enum LandlockOnlyPlanner {
    /// As plans, results and records call it; the built-in policy has this name too.
    public static let name = "landlock-only"

    /// What `explain` shows where a launch would have a folder of its own.
    public static let scratchExample: OSString = "/tmp/codex-sandbox-XXXXXX"

    /// Files of the host that programs read and that name none of its processes.
    static let files: [OSString] = [
        "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
        "/proc/uptime", "/proc/loadavg", "/proc/version", "/proc/filesystems",
    ]

    /// Folders of the same kind.
    static let folders: [OSString] = ["/proc/sys/kernel", "/proc/sys/vm", "/sys/devices/system/cpu"]

    static func planned(
        _ compiled: CompiledPolicy,
        _ policy: Policy,
        _ request: LaunchRequest,
        _ host: HostFacts
    ) throws(Refusal) -> LaunchPlan {
        try check(policy, request, host)
        try checkSaid(compiled)
        let rules = try rules(policy, request, host)
        try checkRoots(policy, request, host, rules)
        let limits = try LimitPlanner.planned(policy, host)
        let abi = host.landlockABI
        let scratch = request.scratch ?? scratchExample
        try checkDenied(policy, request, host, shown: rules.map(\.path) + [scratch])
        let identity = IdentityPlan(
            uid: host.caller.uid,
            gid: host.caller.gid,
            dropsFromRoot: false,
            keptGroups: host.caller.groups.filter { $0 != host.caller.gid }
        )
        let profile = LandlockOnlyProfile(
            scratch: scratch,
            refusedCalls: NarrowingPlanner.refusedWithoutNamespaces,
            unsupportedCalls: NarrowingPlanner.unsupportedWithoutNamespaces,
            argumentRules: NarrowingPlanner.argumentRules,
            gitSettings: GeneratedSettings(policy: policy, request: request, host: host, identity: identity).gitSettings
        )
        var steps: [LaunchStep] = [.freshKeyring]
        steps += limits.rlimits.map { .limit($0) }
        steps += [
            .attributes(
                AttributePlan(
                    umask: policy.process.umask,
                    nice: host.caller.nice,
                    oomScoreAdjustment: max(host.caller.oomScoreAdjustment, 0),
                    timerSlack: 50_000,
                    resetSignals: host.caller.ignoredSignals
                )
            ),
            .noNewPrivileges, .landlock, .placeFilter(afterFirstProcess: false),
        ]
        var plan = LaunchPlan(
            policyName: policy.name,
            policyDigest: compiled.digest,
            confinement: .landlockOnly,
            identity: identity,
            namespaces: [],
            steps: steps,
            placeholders: [],
            landlock: landlock(rules, profile, abi: abi),
            limits: limits,
            process: LaunchPlanner.process(policy, request),
            layers: LandlockOnlyLayers.list(policy, limits, abi: abi),
            notes: notes(policy, identity, host),
            warnings: CgroupPlanner.warnings(policy.limits, host.cgroup, host.scope)
        )
        plan.process.environment = environment(plan.process.environment, policy, profile)
        plan.weaker = WeakerProfile(
            name: name,
            notHeld: notHeld(policy, abi: abi, limits),
            landlockOnly: profile
        )
        return plan
    }

    // MARK: - What is shown

    /// Nobody without capabilities makes a device; one that lies there is not to be acted on.
    private static let devices = LandlockRight.makeChar | LandlockRight.makeBlock | LandlockRight.ioctlDevice

    private static func rules(
        _ policy: Policy,
        _ request: LaunchRequest,
        _ host: HostFacts
    ) throws(Refusal) -> [LandlockPlan.Rule] {
        var rules: [LandlockPlan.Rule] = []
        let read = LandlockRight.readFile | LandlockRight.readDir | LandlockRight.execute
        let write = LandlockRight.filesystem(abi: host.landlockABI) & ~devices
        let node = LandlockRight.readFile | LandlockRight.writeFile | LandlockRight.ioctlDevice
        let settings = policy.filesystem.etc.map { OSString("/etc").appending($0) }
        for path in policy.filesystem.system + settings + files + folders {
            switch host.entry(path) {
            // A link is followed by whoever opens it: to what another rule shows, or to nothing.
            case .absent, .symlink: continue
            case .directory(let identity), .file(let identity):
                rules.append(LandlockPlan.Rule(path: path, access: read, identity: identity))
            case let entry: throw unusable(path, entry)
            }
        }
        for device in PathInventory.devices {
            let path = OSString("/dev").appending(device.name)
            guard case .characterDevice(let identity, device.major, device.minor) = host.entry(path) else {
                throw refusal(
                    path.description,
                    "\(path) is not the character device \(device.major):\(device.minor)",
                    "mend the host's /dev"
                )
            }
            rules.append(LandlockPlan.Rule(path: path, access: node, identity: identity))
        }
        for root in PlaceRoots(policy, request).all {
            try RootCheck.check(root.path, writable: root.isWritable, request: request)
            switch host.entry(root.path) {
            case .directory(let identity), .file(let identity):
                rules.append(
                    LandlockPlan.Rule(path: root.path, access: root.isWritable ? write : read, identity: identity)
                )
            case let entry: throw unusable(root.path, entry)
            }
        }
        let handled = LandlockRight.filesystem(abi: host.landlockABI)
        let onFile =
            LandlockRight.execute | LandlockRight.readFile | LandlockRight.writeFile | LandlockRight.truncate
            | LandlockRight.ioctlDevice
        for index in rules.indices {
            let isFolder = if case .directory = host.entry(rules[index].path) { true } else { false }
            rules[index].access &= isFolder ? handled : handled & onFile
        }
        return rules
    }

    static func unusable(_ path: OSString, _ entry: HostEntry) -> Refusal {
        switch entry {
        case .absent: refusal(path.description, "\(path) does not exist", "make it first, or name another path")
        case .symlink(let target):
            refusal(path.description, "\(path) is a symbolic link to \(target)", "name the place it leads to")
        case .throughLink(let resolved):
            refusal(path.description, "the way to \(path) leads through a link", "name the real path: \(resolved)")
        case .unreadable, .directory, .file, .socket, .characterDevice, .other:
            refusal(path.description, "\(path) is no file or folder that can be looked at", "name one")
        }
    }

    private static func landlock(_ rules: [LandlockPlan.Rule], _ profile: LandlockOnlyProfile, abi: UInt32)
        -> LandlockPlan
    {
        let handled = LandlockRight.filesystem(abi: abi)
        let write = handled & ~devices
        return LandlockPlan(
            abi: abi,
            handledFilesystem: handled,
            // No socket that it would ask about can be made.
            handledNetwork: 0,
            scoped: abi >= 6 ? LandlockRight.scopeAbstractUnixSocket | LandlockRight.scopeSignal : 0,
            rules: rules + [
                LandlockPlan.Rule(path: profile.home, access: write),
                LandlockPlan.Rule(path: profile.temporary, access: write),
                LandlockPlan.Rule(path: profile.gitFile, access: LandlockRight.readFile & handled),
            ],
            heldElsewhere: [
                LandlockPlan.HeldElsewhere(
                    right: "refer",
                    since: 2,
                    heldBy: "Landlock itself: nothing is linked or moved between folders"
                ),
                LandlockPlan.HeldElsewhere(
                    right: "truncate",
                    since: 3,
                    heldBy: "seccomp: truncate(2) is refused, ftruncate(2) needs a file open for writing"
                ),
                LandlockPlan.HeldElsewhere(right: "ioctl-dev", since: 5, heldBy: "seccomp: terminal requests alone"),
                LandlockPlan.HeldElsewhere(
                    right: "scoped: abstract sockets",
                    since: 6,
                    heldBy: "seccomp: no socket can be made or connected"
                ),
                LandlockPlan.HeldElsewhere(right: "scoped: signals", since: 6, heldBy: "nothing: see what is not held"),
            ].filter { $0.since > abi }
        )
    }

    /// Folders and files of the host that the job can write to; without the device nodes, which everybody has.
    public static func writable(_ plan: LaunchPlan) -> [OSString] {
        let nodes = PathInventory.devices.map { OSString("/dev").appending($0.name) }
        let write = LandlockRight.makeReg | LandlockRight.writeFile
        return plan.landlock.rules.filter { $0.access & write != 0 && !nodes.contains($0.path) }.map(\.path)
    }

    // MARK: - What is told

    /// The promises that a launch does not keep on this kernel, as words for a list; a cgroup may hold one more.
    public static func promises(abi: UInt32) -> [WeakerPromise] {
        WeakerPromise.allCases.filter { promise in
            switch promise {
            case .signals: abi < 6
            // Of the other profile: nothing in the folder of a process outside can be opened here, and /proc is the host's.
            case .processDetails, .ownProc, .namespaceCount: false
            case .hostProcesses, .jobEnd, .fileMetadata, .shownTimes, .deviceNodes, .protectedNames, .temporaryFolder,
                .hostIdentity, .taskCount:
                true
            }
        }
    }

    private static func notHeld(_ policy: Policy, abi: UInt32, _ limits: LimitPlan) -> [NotHeld] {
        var list = [
            NotHeld(
                .hostProcesses,
                "that a process of the host exists, and whose it is, can be found out by its number, with how many threads and "
                    + "descriptors it has; of the caller's own also which descriptors, and whether for reading or writing. Nothing in "
                    + "its /proc folder can be opened, no link there read, and it cannot be traced"
            )
        ]
        if abi < 6 {
            list.append(
                NotHeld(
                    .signals,
                    "every process of the caller can be signalled, this supervisor and the keeper too: a job can end its own watch "
                        + "(Landlock ABI \(abi); from 6 this is held)"
                )
            )
        }
        list.append(
            NotHeld(
                .jobEnd,
                "a job that is left without its supervisor and its keeper goes on: from outside both can be killed at once (SIGKILL); "
                    + "one of the two is enough to end it"
                    + (abi < 6 ? ". Here a job can kill both itself, and what is left of it is ended one by one" : "")
            )
        )
        list += [
            NotHeld(
                .fileMetadata,
                "whoever knows or guesses a path learns whether it exists, its size, times, owner, and where a link leads; no folder "
                    + "that is not shown can be listed, and no file in it opened"
            ),
            NotHeld(.shownTimes, "the times of the caller's own files that are shown read-only can be set"),
            NotHeld(
                .deviceNodes,
                "a device node that lies in a shown folder can be opened, if its mode lets the caller: no mount says nodev"
            ),
            NotHeld(
                .protectedNames,
                policy.workspace == .readWrite
                    ? "names that tools obey can be changed in writable folders (\(policy.filesystem.protect.map(\.description).joined(separator: " "))): "
                        + "look at them before git, an editor or a shell does"
                    : "in folders given by --write, names that tools obey can be changed"
            ),
            NotHeld(
                .temporaryFolder,
                "HOME and TMPDIR lie in a folder of the host's /tmp, closed to other users and removed at the end; its size (filesystem.tmp_size) is not limited"
            ),
            NotHeld(.hostIdentity, "host name, account names and real paths can be read"),
        ]
        if limits.cgroup?.uses(.pids) != true {
            list.append(
                NotHeld(
                    .taskCount,
                    "the limit of \(limits.tasks) processes counts all of the caller's, not the job's alone: it may come early"
                )
            )
        }
        return list
    }

    private static func notes(_ policy: Policy, _ identity: IdentityPlan, _ host: HostFacts) -> [String] {
        var notes = [
            "chmod, chown, utime and setting xattr by path, truncate by path and inotify answer EPERM, reading xattr by path answers "
                + "EOPNOTSUPP: Landlock could not tell where they act"
        ]
        for path in policy.filesystem.deny { notes.append("deny \(path): nothing of it is shown") }
        if !identity.keptGroups.isEmpty {
            let groups = identity.keptGroups.map(String.init).joined(separator: ", ")
            notes.append("supplementary groups stay (\(groups)): only root may drop them")
        }
        return notes + CgroupPlanner.notes(policy.limits, host.cgroup, host.scope)
    }

    /// The place's own paths become those of the launch's folder; git's system settings are ours.
    private static func environment(
        _ planned: [EnvironmentEntry],
        _ policy: Policy,
        _ profile: LandlockOnlyProfile
    ) -> [EnvironmentEntry] {
        var entries = planned
        let own: [(OSString, OSString)] = [
            ("HOME", profile.home), ("TMPDIR", profile.temporary), ("GIT_CONFIG_SYSTEM", profile.gitFile),
        ]
        for (name, value) in own where !policy.environment.set.contains(where: { $0.name == name }) {
            entries.removeAll { $0.name == name }
            entries.append(EnvironmentEntry(name: name, value: value))
        }
        return entries.sorted { $0.name < $1.name }
    }
}
