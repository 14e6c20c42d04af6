internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan
internal import SandboxPolicy

/// Everything up to the plan: what `run` and `explain` share.
///
/// Nothing has been made on the host yet.
public struct Preparation: ~Copyable {
    public let compiled: CompiledPolicy
    /// Where each value of the policy comes from, by its key; worked out when it is asked for.
    public var origins: [String: String] { effective.origins }
    private let effective: EffectivePolicy
    /// With the command line's words over it.
    public let policy: Policy
    public let request: LaunchRequest
    public let host: HostFacts
    public let plan: LaunchPlan
    /// Warnings and explanations for a person.
    public let notes: [String]
    /// Holds the chosen paths open until the launch is over.
    let pins: PinnedPaths
    /// The repositories in writable folders before the launch; nil without confinement.
    let scan: RepositoryScan?

    /// - Parameters:
    ///   - options: what was asked for.
    ///   - folders: our own.
    ///   - workspace: real path of the workspace.
    ///   - chosen: the policy.
    ///   - cgroup: what cgroup v2 has for this launch.
    /// - Throws: `Refusal` for everything that makes a plan impossible.
    public init(
        _ options: LaunchOptions,
        _ folders: OwnFolders,
        workspace: OSString,
        chosen: ChosenPolicy,
        cgroup: CgroupOffer = .none(.notUsed)
    ) throws(Refusal) {
        try self.init(
            options,
            folders,
            workspace: workspace,
            chosen: chosen,
            cgroup: cgroup,
            hasMadeRepository: false
        )
    }

    /// The same for a launch: where the policy wants a repository and there is none, it is made.
    ///
    /// - Parameters:
    ///   - options: what was asked for.
    ///   - folders: our own.
    ///   - workspace: real path of the workspace.
    ///   - chosen: the policy.
    ///   - cgroup: what cgroup v2 has for this launch.
    /// - Throws: `Refusal` for everything that makes a plan impossible; nothing has been made then, unless that was it.
    init(
        making options: LaunchOptions,
        _ folders: OwnFolders,
        workspace: OSString,
        chosen: ChosenPolicy,
        cgroup: CgroupOffer = .none(.notUsed)
    ) throws(Refusal) {
        let policy = chosen.policy
        var isMade = false
        if policy.git == .create, policy.confinement.hasPlace, policy.workspace == .readWrite {
            let repository = WorkspaceRepository(in: workspace)
            switch try repository.state() {
            case .there: break
            // By a launch that was ended before it had done so.
            case .begun:
                try repository.make()
                isMade = true
            case .missing:
                // What would be refused makes nothing.
                _ = try Preparation(options, folders, workspace: workspace, chosen: chosen, cgroup: cgroup)
                try repository.make()
                isMade = true
            }
        }
        try self.init(
            options,
            folders,
            workspace: workspace,
            chosen: chosen,
            cgroup: cgroup,
            hasMadeRepository: isMade
        )
    }

    private init(
        _ options: LaunchOptions,
        _ folders: OwnFolders,
        workspace: OSString,
        chosen: ChosenPolicy,
        cgroup: CgroupOffer,
        hasMadeRepository: Bool
    ) throws(Refusal) {
        var notes = chosen.warnings
        let compiled = chosen.compiled
        let policy = chosen.policy
        let (working, note) = try Preparation.workingDirectory(options, workspace, policy)
        if let note { notes.append(note) }
        var request = LaunchRequest(
            workspace: workspace,
            workingDirectory: working,
            arguments: options.arguments,
            callerEnvironment: options.environment,
            allowRootOwnedWorkspace: options.allowRootOwnedWorkspace,
            ownFolders: try folders.all,
            homes: [],
            policyFiles: chosen.files,
            terminals: Preparation.terminals(options, policy),
            reportsDenials: options.reportsDenials,
            makesTerminals: options.makesTerminals
        )
        request.hasMadeRepository = hasMadeRepository
        request.workspaceInside = options.workspaceInside
        request.scratch = options.scratch
        if hasMadeRepository { notes.append("an empty git repository was made in \(workspace), as the policy wants") }
        let systemPaths = PathInventory.systemPaths(policy, request)
        let chosenPaths = PathInventory.chosenPaths(policy, request)
        var pins = PinnedPaths(expecting: systemPaths.count + chosenPaths.count)
        for path in systemPaths { pins.look(at: path) }
        for path in chosenPaths { pins.pin(path) }
        // What every sandbox makes for itself the host need not have.
        let own = chosen.matched.isEmpty ? [] : GeneratedSettings.paths(policy)
        try Preparation.checkMatched(chosen.matched.filter { !own.contains($0) }, pins.entries)
        try Preparation.followDenied(policy, &pins)
        var scan: RepositoryScan?
        // Nobody waits for a look through the whole host to be told that it is no workspace.
        if policy.confinement != .none { try LaunchPlanner.checkWorkspace(request) }
        if policy.confinement != .none { scan = RepositoryScan(policy, request) }
        let repositories = scan?.before.repositories ?? []
        notes += repositories.filter { $0.isRootsOwn && $0.kind == .pointer }
            .compactMap { GitPointer.note($0, policy, workspace: workspace) }
        for path in PathInventory.repositoryPaths(policy, request, pins.entries)
            + PathInventory.repositoryPaths(policy, repositories)
        {
            pins.pin(path)
            try Preparation.checkCommonFolder(path, pins.entries)
        }
        try ProjectFile.check(chosen.project, workspace, pins.entries)
        let gitUser = try CallersGit.user(options, policy.filesystem)
        var host: HostFacts
        do throws(SyscallError) {
            host = try HostProbe.facts(
                pins: pins,
                gitUser: gitUser,
                hostNetwork: policy.network == .host
            )
        } catch {
            throw Refusal(
                stage: "plan",
                step: error.call,
                subject: error.subject,
                errno: error.errno,
                message: "what this host is could not be found out",
                remedy: "run \(HostReport.command)"
            )
        }
        host.repositories = repositories
        host.unsearched = scan?.before.unsearched ?? []
        host.cgroup = cgroup
        host.scope = options.scope
        request.homes = try OwnFolders.homes(options, account: host.caller.home)
        plan = try LaunchPlanner.plan(compiled, policy: policy, request: request, host: host)
        self.compiled = compiled
        effective = chosen.effective
        self.policy = policy
        self.request = request
        self.host = host
        self.scan = scan
        self.notes = notes + plan.warnings
        self.pins = pins
    }

    /// A further process of the same place.
    ///
    /// - Parameter options: what is to be started.
    /// - Returns: its plan.
    /// - Throws: `Refusal` for what can be said before it is tried.
    func planned(_ options: ProcessOptions) throws(Refusal) -> ProcessPlan {
        func refusal(_ message: String, _ remedy: String) -> Refusal {
            Refusal(
                stage: "plan",
                subject: options.arguments.first?.description ?? "",
                message: message,
                remedy: remedy
            )
        }
        guard !options.arguments.isEmpty else { throw refusal("there is no command", "name one") }
        let texts =
            options.arguments + options.environment.flatMap { [$0.name, $0.value] }
            + (options.workingDirectory.map { [$0] } ?? [])
        guard !texts.contains(where: { $0.bytes.contains(0) }) else {
            throw refusal("a word has a NUL in it, which no process can be given", "leave it out")
        }
        for entry in options.environment where entry.name.isEmpty || entry.name.bytes.contains(UInt8(ascii: "=")) {
            throw refusal("\(entry.name) is no name of a variable", "give a name that is not empty and has no = in it")
        }
        var request = request
        request.arguments = options.arguments
        if let folder = options.workingDirectory {
            guard folder.isAbsolute else {
                throw refusal("the working directory \(folder) is not absolute", "name it from the root")
            }
            request.workingDirectory = folder
        }
        try effective.check(variables: options.environment)
        var policy = policy
        policy.environment.set += options.environment
        var process = LaunchPlanner.process(policy, request)
        if let narrowing = options.narrowing {
            let name = try Preparation.unguessableName()
            process = try LaunchPlanner.narrowed(process, narrowing, plan, name: name)
        }
        return process
    }

    /// A name that no other process of the place can make first.
    private static func unguessableName() throws(Refusal) -> OSString {
        var random: UInt64 = 0
        let result = cs_getrandom(&random, MemoryLayout<UInt64>.size)
        guard result == MemoryLayout<UInt64>.size else { throw Refusal(own: "getrandom", min(result, Int(-EIO))) }
        var bytes = Array("narrow-".utf8)
        bytes += Array(Hexadecimal.text(withUnsafeBytes(of: random) { Array($0) }).utf8)
        return OSString(bytes)
    }

    // MARK: -

    /// Streams that become terminals of the place; without one there is none, and who insists is told by the planner.
    private static func terminals(_ options: LaunchOptions, _ policy: Policy) -> [[Int]] {
        switch policy.confinement {
        case .none: []
        case .landlockOnly: options.terminal == .always ? [[0, 1, 2]] : []
        case .sandbox, .container: TerminalLayout.streams(options.terminal, closed: options.closedStreams)
        }
    }

    /// `--cwd`, else the caller's folder if the job may be there, else the workspace.
    private static func workingDirectory(
        _ options: LaunchOptions,
        _ workspace: OSString,
        _ policy: Policy
    ) throws(Refusal) -> (OSString, note: String?) {
        let roots = [workspace] + policy.filesystem.read + policy.filesystem.write
        if let asked = options.workingDirectory {
            let path = try ChosenFolder.path(asked, what: "the working directory")
            guard policy.confinement == .none || roots.contains(where: { path.isWithin($0) }) else {
                throw Refusal(
                    stage: "plan",
                    subject: path.description,
                    message: "the working directory \(path) is not in the workspace \(workspace)",
                    remedy: "choose one below it, or show it to the job with --read or --write",
                    layer: .mounts
                )
            }
            return (path, nil)
        }
        if options.workspace == nil { return (workspace, nil) }
        let current = try ChosenFolder.path(".", what: "the current folder")
        if current.isWithin(workspace) { return (current, nil) }
        return (workspace, "the job starts in \(workspace): \(current) is not in the workspace")
    }

    /// A name that has matched and is gone may have got another one, by which nothing denies it.
    static func checkMatched(_ paths: [OSString], _ entries: HostEntries) throws(Refusal) {
        guard let path = paths.first(where: { entries[$0] == .absent }) else { return }
        throw Refusal(
            stage: "plan",
            subject: path.description,
            message: "\(path), which filesystem.deny_globs denies, was there a moment ago and is gone: by another name "
                + "it would be shown",
            remedy: "see who works there, and start it again",
            layer: .mounts
        )
    }

    /// A link outside of what is shown may lead into it: then what it names would be denied by no name of its own.
    private static func followDenied(_ policy: Policy, _ pins: inout PinnedPaths) throws(Refusal) {
        if policy.filesystem.deny.isEmpty { return }
        func refusal(_ path: OSString, _ error: SyscallError) -> Refusal {
            Refusal(
                stage: "plan",
                step: error.call,
                subject: path.description,
                errno: error.errno,
                message: "where \(path) leads could not be found out, so it is not known what is denied",
                remedy: "name the real path, or leave it out",
                layer: .mounts
            )
        }
        for path in policy.filesystem.deny {
            do throws(SyscallError) { try pins.follow(path) } catch { throw refusal(path, error) }
        }
        // The other way round: what is shown by another name than its real one is not found by a denied real name.
        let shown = policy.filesystem.system + policy.filesystem.etc.map { OSString("/etc").appending($0) }
        for path in shown where path.depth > 1 && pins.entries[path] != nil && pins.entries[path] != .absent {
            let parent: OSString
            do throws(SyscallError) { parent = try RealPath.of(path.parent) } catch { throw refusal(path, error) }
            if parent == path.parent { continue }
            throw Refusal(
                stage: "plan",
                subject: path.description,
                message: "the way to \(path), which the policy shows, leads through a symbolic link, and what "
                    + "it denies is denied by real names",
                remedy: "show it by its real path: \(parent.appending(path.lastComponent))",
                layer: .mounts
            )
        }
    }

    /// A `commondir` in `.git` is one that we have put there, or one like it; one beside `.git` is the planner's to judge.
    private static func checkCommonFolder(_ path: OSString, _ entries: HostEntries) throws(Refusal) {
        guard path.lastComponent == CommonFolder.name, path.parent.lastComponent == ".git", case .file = entries[path]
        else { return }
        let text: [UInt8]
        do throws(SyscallError) {
            text = try FileReading.read(path, limit: CommonFolder.own.count + 1, followingLinks: false)
        } catch { throw CommonFolder.refusal(path) }
        guard text == CommonFolder.own || text == CommonFolder.earlier else { throw CommonFolder.refusal(path) }
    }
}
