public import SandboxPlan

/// What a process that is narrower than its place gets: a pure function of the place's plan.
///
/// Landlock keeps it from every process of an outer domain (landlock(7)); what leads there without a process being named is
/// left out of its rules, or refused by its filter: sockets, System V objects and queues, limits and scheduling of others, the
/// temporary folders and terminals that it would share, and what changes or watches files without opening them.
public enum NarrowingPlanner {
    /// - Parameters:
    ///   - narrowing: what was asked for.
    ///   - plan: of the place.
    ///   - name: of its folder in /tmp; nobody may be able to guess it.
    /// - Returns: what the process carries out.
    /// - Throws: `Refusal` for what is not narrower, or cannot be held here.
    public static func planned(
        _ narrowing: ProcessNarrowing,
        _ plan: LaunchPlan,
        name: OSString
    ) throws(Refusal) -> NarrowedProcess {
        guard plan.landlock.abi >= 6 else {
            throw refusal(
                "a process that is narrower than its place",
                "this kernel's Landlock has ABI \(plan.landlock.abi); to keep a process from signalling others takes ABI 6",
                "use Linux 6.12 or newer, or open a sandbox of its own for it"
            )
        }
        let places = places(of: plan)
        for path in narrowing.write + (narrowing.read ?? []) { try checkForm(path) }
        for path in narrowing.write {
            guard let place = deepest(places, around: path), place.isShown, place.isWritable else {
                throw refusal(path.description, "\(path) is not writable in the place", "leave it out")
            }
        }
        for path in narrowing.read ?? [] {
            guard let place = deepest(places, around: path), place.isShown else {
                throw refusal(path.description, "\(path) is in no folder that was shown", "leave it out")
            }
        }
        let folder = OSString("/tmp").appending(name)
        let landlock = domain(narrowing, plan, places.filter(\.isShown).map(\.path), folder: folder)
        return NarrowedProcess(
            folder: folder,
            landlock: landlock,
            folders: narrowing.write + (narrowing.read ?? []) + [folder],
            refusedCalls: try refusedCalls(narrowing.without),
            argumentRules: argumentRules
        )
    }

    /// The environment of such a process: what names a shared folder names its own.
    static func environment(_ entries: [EnvironmentEntry], folder: OSString) -> [EnvironmentEntry] {
        entries.map { entry in
            var entry = entry
            let home: OSString = "/home/sandbox"
            if entry.value.isWithin(home) {
                entry.value = OSString(folder.bytes + entry.value.bytes.dropFirst(home.bytes.count))
            }
            if entry.name == "TMPDIR" { entry.value = folder }
            return entry
        }
    }

    // MARK: -

    /// What stands at a path and below it.
    private struct Place {
        var path: OSString
        /// By the policy or the command line, and not by the place itself.
        var isShown: Bool
        var isWritable: Bool
    }

    private static func places(of plan: LaunchPlan) -> [Place] {
        var places: [Place] = []
        for step in plan.steps {
            switch step {
            case .bind(let bind):
                switch bind.purpose {
                case .workspace, .write:
                    places.append(
                        Place(path: bind.target, isShown: true, isWritable: !bind.options.contains(.readOnly))
                    )
                case .read: places.append(Place(path: bind.target, isShown: true, isWritable: false))
                case .protected: places.append(Place(path: bind.target, isShown: true, isWritable: false))
                case .system, .settings, .device, .containerProc:
                    places.append(Place(path: bind.target, isShown: false, isWritable: false))
                // A mount point of what it lies in, with the same rights.
                case .anchor: continue
                }
            case .cover(let path, _), .procfs(let path), .devpts(let path):
                places.append(Place(path: path, isShown: false, isWritable: false))
            case .tmpfs(let path, _, _, _, _):
                places.append(Place(path: path, isShown: false, isWritable: false))
            case .privatePropagation, .newRoot, .makeFolders, .symlink, .writeFile, .rootOnly, .remount, .enterRoot,
                .hostname,
                .loopbackUp, .forbidUserNamespaces, .freshKeyring, .limit, .attributes, .dropCapabilities,
                .noNewPrivileges, .landlock, .placeFilter, .terminals:
                continue
            }
        }
        return places
    }

    private static func deepest(_ places: [Place], around path: OSString) -> Place? {
        places.filter { path.isWithin($0.path) }.max { $0.path.depth < $1.path.depth }
    }

    /// Paths are compared as texts, so a text must be the only one for its folder.
    private static func checkForm(_ path: OSString) throws(Refusal) {
        guard path.isAbsolute, !path.bytes.contains(0), path.normalised == path else {
            throw refusal(
                path.description,
                "\(path) is no plain absolute path",
                "name the folder from the root, without `.`, `..`, doubled slashes or one at the end"
            )
        }
    }

    private static func domain(
        _ narrowing: ProcessNarrowing,
        _ plan: LaunchPlan,
        _ roots: [OSString],
        folder: OSString
    ) -> LandlockPlan {
        typealias Right = LandlockRight
        let handled = plan.landlock.handledFilesystem
        let read = (Right.readFile | Right.readDir | Right.execute) & handled
        let all = handled & ~(Right.makeChar | Right.makeBlock)
        var shared: [OSString] = ["/", "/dev", "/proc"]
        for case .tmpfs(let path, _, _, _, _) in plan.steps { shared.append(path) }
        // What the place has, without what it can be written by.
        var rules: [LandlockPlan.Rule] = []
        for rule in plan.landlock.rules where !shared.contains(rule.path) {
            if narrowing.read != nil && roots.contains(rule.path) { continue }
            rules.append(LandlockPlan.Rule(path: rule.path, access: rule.access & read))
        }
        // Of its own pid namespace; nothing there is written.
        rules.append(LandlockPlan.Rule(path: "/proc", access: (Right.readFile | Right.readDir) & handled))
        // The nodes one by one: below /dev are the shared memory and the terminals of all.
        let onNode = (Right.readFile | Right.writeFile | Right.ioctlDevice) & handled
        for case .bind(let bind) in plan.steps where bind.purpose == .device {
            rules.append(LandlockPlan.Rule(path: bind.target, access: onNode))
        }
        for path in narrowing.read ?? [] { rules.append(LandlockPlan.Rule(path: path, access: read)) }
        for path in narrowing.write + [folder] { rules.append(LandlockPlan.Rule(path: path, access: all)) }
        return LandlockPlan(
            abi: plan.landlock.abi,
            handledFilesystem: handled,
            handledNetwork: plan.landlock.handledNetwork,
            scoped: Right.scopeAbstractUnixSocket | Right.scopeSignal,
            rules: rules,
            heldElsewhere: []
        )
    }

    /// By number on x86_64.
    ///
    /// Landlock has no rule for what changes a file without opening it, and the workspace is everybody's: modes, owners, times,
    /// attributes. setpriority(2) and ioprio_set(2) name others in ways that no filter can tell from oneself.
    private static let always: [UInt32] = [
        41, 42, 43, 49, 50, 288,  // socket, connect, accept, bind, listen, accept4
        90, 91, 92, 93, 94, 260, 268, 452,  // chmod and chown in all forms
        132, 235, 261,  // utime, utimes, futimesat
        188, 189, 190, 197, 198, 199,  // setting and removing extended attributes
        141, 251,  // setpriority, ioprio_set
        456,  // futex_requeue
    ]
    static let argumentRules: [SeccompProgram.ArgumentRule] = [
        // prlimit64, sched_setaffinity, sched_setscheduler, sched_setparam, sched_setattr: only of the caller, as 0.
        SeccompProgram.ArgumentRule(302, argument: 0, values: [0], lets: true),
        SeccompProgram.ArgumentRule(203, argument: 0, values: [0], lets: true),
        SeccompProgram.ArgumentRule(144, argument: 0, values: [0], lets: true),
        SeccompProgram.ArgumentRule(142, argument: 0, values: [0], lets: true),
        SeccompProgram.ArgumentRule(314, argument: 0, values: [0], lets: true),
        // utimensat: of what is open, as touch(1) does it; without a path.
        SeccompProgram.ArgumentRule(280, argument: 1, values: [0], lets: true, isPointer: true),
        // socketpair: a datagram one can send anywhere; SOCK_STREAM and SOCK_SEQPACKET are connected for good.
        SeccompProgram.ArgumentRule(53, argument: 1, mask: 0xF, values: [1, 5], lets: true),
        // ioctl: of terminals and descriptors (0x54xx), none of file systems.
        SeccompProgram.ArgumentRule(16, argument: 1, mask: 0xFFFF_FF00, values: [0x5400], lets: true),
        // fcntl: F_SETLEASE and F_NOTIFY, which hold up and watch whoever opens a file.
        SeccompProgram.ArgumentRule(72, argument: 1, values: [1024, 1026], lets: false),
        // futex: FUTEX_REQUEUE and its kin, but private ones: a waiter of another process would be moved away.
        SeccompProgram.ArgumentRule(202, argument: 1, mask: 0xFF, values: [3, 4, 5, 11, 12], lets: false),
    ]

    /// What is refused to a job that has no namespace around it: the same, and truncate(2), which Landlock has from ABI 3 only.
    ///
    /// `internet-sockets` is of socket(2), which is refused as a whole.
    static let refusedWithoutNamespaces: [UInt32] = {
        var numbers = always + [76]
        for entry in SystemCalls.entries where alwaysGroups.contains(entry.group) {
            numbers.append(UInt32(entry.number))
        }
        return numbers.sorted()
    }()
    /// getxattr, lgetxattr, listxattr, llistxattr: Landlock has no right for them, and the host's files are all there by their paths.
    ///
    /// Answered EOPNOTSUPP, as on a file system without attributes: of EPERM `ls -l` would complain for each file.
    static let unsupportedWithoutNamespaces: [UInt32] = [191, 192, 194, 195]
    private static let alwaysGroups = ["file-watch", "message-queues", "sysv-ipc"]

    private static func refusedCalls(_ without: [String]) throws(Refusal) -> [UInt32] {
        for group in without where !SystemCalls.removableGroups.contains(group) {
            throw refusal(
                group,
                "\(group) is no group of system calls that can be left out",
                "choose of \(SystemCalls.removableGroups.joined(separator: ", "))"
            )
        }
        var numbers = always
        for entry in SystemCalls.entries where (without + alwaysGroups).contains(entry.group) {
            numbers.append(UInt32(entry.number))
        }
        return numbers.sorted()
    }

    private static func refusal(_ subject: String, _ message: String, _ remedy: String) -> Refusal {
        Refusal(stage: "plan", subject: subject, message: message, remedy: remedy, layer: .landlock)
    }
}
