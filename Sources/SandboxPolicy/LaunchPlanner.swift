public import SandboxPlan

/// Policy, request and host facts to a plan: a pure function, the same for `run`, `explain` and the service.
public enum LaunchPlanner {
    /// What can be said of the workspace before anything in it was looked at; the plan says the rest.
    ///
    /// - Throws: `Refusal` for a folder of the system, or one that the place has one of its own of.
    public static func checkWorkspace(_ request: LaunchRequest) throws(Refusal) {
        var bare = request
        // Of these the plan speaks first of what says most.
        (bare.homes, bare.ownFolders) = ([], [])
        try RootCheck.check(bare.workspace, writable: true, request: bare)
    }

    /// Throws a `Refusal` for everything that makes a plan impossible; nothing has been touched then.
    public static func plan(
        _ compiled: CompiledPolicy,
        policy: Policy,
        request: LaunchRequest,
        host: HostFacts
    ) throws(Refusal) -> LaunchPlan {
        switch policy.confinement {
        case .none: return unconfined(compiled, policy, request, host)
        case .landlockOnly: return try LandlockOnlyPlanner.planned(compiled, policy, request, host)
        case .container: try ContainerProfile.check(policy, host)
        case .sandbox: break
        }
        let identity = try identity(
            uid: host.caller.uid,
            gid: host.caller.gid,
            groups: host.caller.groups,
            workspace: request.workspace,
            entry: host.entry(request.workspace),
            allowRootOwned: request.allowRootOwnedWorkspace
        )
        try checkLandlock(policy, host)
        let move = try WorkspaceMove(policy, request, identity)
        let planned = try MountPlanner(
            policy: policy.withGitCovered,
            request: request,
            host: host,
            identity: identity
        ).planned()
        let mounts = move?.moved(planned) ?? planned
        try checkNew(policy, mounts.warnings)
        var limits = try LimitPlanner.planned(policy, host)
        limits.workspace = try LimitPlanner.workspace(policy.limits, request, host)
        let abi = host.landlockABI
        let isolated = policy.network != .host
        let namespaces = namespaces(network: policy.network)

        // What needs nothing of the workspace comes first: pid 1 may do it before the rest of the plan is known. What else is no
        // mount comes behind the last one, while the supervisor compares the mounts.
        var common: [LaunchStep] = [.hostname(policy.process.hostname)]
        if case .off(loopback: true) = policy.network { common.append(.loopbackUp) }
        common.append(.freshKeyring)
        var steps = mounts.steps
        steps.insert(contentsOf: common, at: mounts.commonSteps)
        let commonSteps = mounts.commonSteps + common.count
        if !request.terminals.isEmpty {
            steps.append(.terminals(count: request.terminals.count, keyboard: request.hasKeyboard))
        }
        steps += limits.rlimits.map { .limit($0) }
        steps.append(
            .attributes(
                AttributePlan(
                    umask: policy.process.umask,
                    nice: host.caller.nice,
                    oomScoreAdjustment: max(host.caller.oomScoreAdjustment, 0),
                    timerSlack: 50_000,
                    resetSignals: host.caller.ignoredSignals
                )
            )
        )
        steps += [.dropCapabilities(last: host.lastCapability), .noNewPrivileges]
        if abi > 0 { steps.append(.landlock) }
        steps.append(.placeFilter(afterFirstProcess: request.reportsDenials))

        var notes = mounts.notes
        if !identity.keptGroups.isEmpty {
            let groups = identity.keptGroups.map(String.init).joined(separator: ", ")
            notes.append("supplementary groups stay (\(groups)): only root may drop them")
        }
        if identity.mapsRootOwnedWorkspace {
            notes.append("the workspace belongs to root: it is shown ID-mapped, and files made there belong to root")
        }
        if abi == 0 { notes.append("this kernel has no Landlock, which the policy accepts: the mounts hold alone") }
        notes += CgroupPlanner.notes(policy.limits, host.cgroup, host.scope)
        if !isolated { notes.append("the host's network is reachable: --network host was asked for") }
        if policy.git == .create, policy.workspace == .readWrite,
            host.entry(request.workspace.appending(PathInventory.gitFolder)) == .absent
        {
            notes.append(
                "there is no repository in \(request.workspace): `run` makes an empty one, and keeps it from the job"
            )
        }
        if request.hasMadeRepository {
            notes.append("an empty repository was made in \(request.workspace) (workspace.git = \"create\")")
        }
        for missing in mounts.missing {
            notes.append("\(missing) does not exist: something that says nothing stands there while the job runs")
        }
        var plan = LaunchPlan(
            policyName: policy.name,
            policyDigest: compiled.digest,
            confinement: policy.confinement,
            identity: identity,
            namespaces: namespaces,
            steps: steps,
            commonSteps: commonSteps,
            placeholders: mounts.missing,
            landlock: LandlockPlanner.planned(
                writable: mounts.writable,
                readable: mounts.readable,
                network: policy.network,
                files: host.entries.elements.filter { $0.entry.isFile }.map { move?.names.inside($0.path) ?? $0.path },
                ownProc: policy.confinement == .sandbox,
                abi: abi
            ),
            limits: limits,
            process: process(policy, request),
            layers: PlannedLayers.list(policy, identity, limits, abi: abi),
            notes: notes + mounts.warnings,
            warnings: mounts.warnings + CgroupPlanner.warnings(policy.limits, host.cgroup, host.scope)
        )
        plan.workspaceNames = move?.names
        if policy.confinement == .container {
            plan.weaker = WeakerProfile(name: ContainerProfile.name, notHeld: ContainerProfile.notHeld)
            plan.notes.append(ContainerProfile.note)
        }
        return plan
    }

    /// The namespaces of a launch: all of them, but for the network when the host's was asked for.
    public static func namespaces(network: NetworkPolicy) -> [Layer] {
        let all: [Layer] = [
            .userNamespace, .mountNamespace, .pidNamespace, .ipcNamespace, .utsNamespace, .cgroupNamespace,
        ]
        return network == .host ? all : all + [.networkNamespace]
    }

    /// As root the workspace owner's ids, never 0; else the caller's own.
    public static func identity(
        uid: UInt32,
        gid: UInt32,
        groups: [UInt32],
        workspace: OSString,
        entry: HostEntry,
        allowRootOwned: Bool
    ) throws(Refusal) -> IdentityPlan {
        guard uid == 0 else {
            return IdentityPlan(uid: uid, gid: gid, dropsFromRoot: false, keptGroups: groups.filter { $0 != gid })
        }
        let owner: FileIdentity
        switch entry {
        case .directory(let identity): owner = identity
        // The mount planner says what is wrong with it.
        default: return IdentityPlan(uid: 65534, gid: 65534, dropsFromRoot: true, keptGroups: [])
        }
        if owner.uid == 0 && allowRootOwned {
            return IdentityPlan(
                uid: 65534,
                gid: 65534,
                dropsFromRoot: true,
                keptGroups: [],
                mapsRootOwnedWorkspace: true
            )
        }
        guard owner.uid != 0 else {
            throw Refusal(
                stage: "plan",
                subject: workspace.description,
                message: "the workspace \(workspace) belongs to root, and a job never runs as root",
                remedy: "chown it to an ordinary user, run as the user it should belong to, or add "
                    + "--allow-root-owned-workspace (files made there then belong to root)",
                layer: .userNamespace
            )
        }
        return IdentityPlan(
            uid: owner.uid,
            gid: owner.gid == 0 ? 65534 : owner.gid,
            dropsFromRoot: true,
            keptGroups: []
        )
    }

    /// What is to be taken away afterwards, or is a failure, has to be known from what was there before.
    private static func checkNew(_ policy: Policy, _ warnings: [String]) throws(Refusal) {
        guard policy.onNew != .report, let first = warnings.first else { return }
        let key = policy.git == .none ? "workspace.git = \"none\"" : "filesystem.on_new = \"\(policy.onNew.word)\""
        throw Refusal(
            stage: "plan",
            subject: PolicyKey.onNew.path,
            message: "\(first); with \(key) that is not left at a warning",
            remedy: "show the job less, mend what is named, or write filesystem.on_new = \"report\"",
            layer: .mounts
        )
    }

    private static func checkLandlock(_ policy: Policy, _ host: HostFacts) throws(Refusal) {
        guard host.landlockABI < policy.landlock.minimumABI else { return }
        if policy.landlock.requirement == .bestEffort { return }
        let found = host.landlockABI == 0 ? "no Landlock" : "Landlock ABI \(host.landlockABI)"
        throw Refusal(
            stage: "plan",
            subject: "landlock",
            message: "this kernel has \(found), and the policy needs ABI \(policy.landlock.minimumABI)",
            remedy: host.landlockABI == 0
                ? "boot with landlock in the list of `lsm=` (see \(HostReport.command))"
                : "use a newer kernel, or lower landlock.minimum_abi",
            layer: .landlock
        )
    }

    /// One process of a place: what it executes, where, and with which environment.
    public static func process(_ policy: Policy, _ request: LaunchRequest) -> ProcessPlan {
        let environment = EnvironmentPlanner.planned(policy, request)
        return ProcessPlan(
            arguments: request.arguments,
            candidates: candidates(request.arguments[0], environment),
            workingDirectory: request.inside(request.workingDirectory),
            environment: environment,
            terminal: request.terminals.first?.first,
            reportsDenials: request.reportsDenials
        )
    }

    /// The same process with less.
    ///
    /// - Parameters:
    ///   - process: as the place's policy has it.
    ///   - narrowing: what it may do less.
    ///   - plan: of the place.
    ///   - name: of its own temporary folder.
    /// - Returns: its plan.
    /// - Throws: `Refusal` for what is not narrower, or cannot be held here.
    public static func narrowed(
        _ process: ProcessPlan,
        _ narrowing: ProcessNarrowing,
        _ plan: LaunchPlan,
        name: OSString
    ) throws(Refusal) -> ProcessPlan {
        let narrowed = try NarrowingPlanner.planned(narrowing, plan, name: name)
        var process = process
        process.environment = NarrowingPlanner.environment(process.environment, folder: narrowed.folder)
        process.narrowing = narrowed
        return process
    }

    /// A name with a slash is a path; else each folder of the worker's own PATH, as execvp(3) does.
    private static func candidates(_ command: OSString, _ environment: [EnvironmentEntry]) -> [OSString] {
        if command.containsSlash || command.isEmpty { return [command] }
        let path = environment.first { $0.name == "PATH" }?.value ?? EnvironmentPlanner.defaultPath
        let folders = path.bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        // An empty entry would mean the current folder: in a workspace that is not asked for.
        let found = folders.filter { $0.first == UInt8(ascii: "/") }.map { OSString($0).appending(command) }
        return found.isEmpty ? [OSString("/usr/bin").appending(command)] : found
    }

    private static func unconfined(
        _ compiled: CompiledPolicy,
        _ policy: Policy,
        _ request: LaunchRequest,
        _ host: HostFacts
    ) -> LaunchPlan {
        LaunchPlan(
            policyName: policy.name,
            policyDigest: compiled.digest,
            confinement: .none,
            identity: IdentityPlan(
                uid: host.caller.uid,
                gid: host.caller.gid,
                dropsFromRoot: false,
                keptGroups: host.caller.groups
            ),
            namespaces: [],
            steps: [],
            placeholders: [],
            landlock: LandlockPlan(
                abi: 0,
                handledFilesystem: 0,
                handledNetwork: 0,
                scoped: 0,
                rules: [],
                heldElsewhere: []
            ),
            limits: LimitPlan(
                memory: ByteCount(bytes: 0),
                tasks: 0,
                wall: policy.limits.wall,
                grace: policy.limits.grace,
                setUp: .seconds(10),
                memoryWatchInterval: TimeSpan(milliseconds: 50),
                rlimits: []
            ),
            process: ProcessPlan(
                arguments: request.arguments,
                candidates: [request.arguments[0]],
                workingDirectory: request.workingDirectory,
                environment: []
            ),
            layers: Layer.allCases.map {
                PlannedLayer(
                    layer: $0,
                    requirement: .required,
                    requested: false,
                    mechanism: "none: full access asked for"
                )
            },
            notes: ["danger-full-access: nothing confines this job"]
        )
    }
}
