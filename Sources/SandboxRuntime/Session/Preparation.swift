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

    /// - Parameters:
    ///   - options: what was asked for.
    ///   - folders: our own.
    ///   - workspace: real path of the workspace.
    ///   - chosen: the policy.
    /// - Throws: `Refusal` for everything that makes a plan impossible.
    public init(
        _ options: LaunchOptions,
        _ folders: OwnFolders,
        workspace: OSString,
        chosen: ChosenPolicy
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
            terminals: policy.confinement == .none
                ? [] : TerminalLayout.streams(options.terminal, closed: options.closedStreams)
        )
        let systemPaths = PathInventory.systemPaths(policy, request)
        let chosenPaths = PathInventory.chosenPaths(policy, request)
        var pins = PinnedPaths(expecting: systemPaths.count + chosenPaths.count)
        for path in systemPaths { pins.look(at: path) }
        for path in chosenPaths { pins.pin(path) }
        try Preparation.followDenied(policy, &pins)
        for path in PathInventory.repositoryPaths(policy, request, pins.entries) {
            pins.pin(path)
            try Preparation.checkCommonFolder(path, pins.entries)
        }
        try ProjectFile.check(chosen.project, workspace, pins.entries)
        let host: HostFacts
        do throws(SyscallError) {
            host = try HostProbe.facts(
                pins: pins,
                gitUser: Preparation.gitUser(options),
                hostNetwork: policy.network == .host
            )
        } catch {
            throw Refusal(
                stage: "plan",
                step: error.call,
                subject: error.subject,
                errno: error.errno,
                message: "what this host is could not be found out",
                remedy: "run `codex-sandbox doctor`"
            )
        }
        request.homes = try OwnFolders.homes(options, account: host.caller.home)
        plan = try LaunchPlanner.plan(compiled, policy: policy, request: request, host: host)
        self.compiled = compiled
        effective = chosen.effective
        self.policy = policy
        self.request = request
        self.host = host
        self.notes = notes
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
        var policy = policy
        policy.environment.set += options.environment
        return LaunchPlanner.process(policy, request)
    }

    // MARK: -

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
        guard path.parent.lastComponent == ".git", case .file = entries[path] else { return }
        let text: [UInt8]
        do throws(SyscallError) {
            text = try FileReading.read(path, limit: CommonFolder.own.count + 1, followingLinks: false)
        } catch { throw CommonFolder.refusal(path) }
        guard text == CommonFolder.own else { throw CommonFolder.refusal(path) }
    }

    /// Name and mail address of the caller's own git settings; a file that is not there says nothing.
    private static func gitUser(_ options: LaunchOptions) -> GitUser {
        var user = GitUser(name: "", email: "")
        guard let home = OwnFolders.home(options) else { return user }
        var base = home.appending(".config")
        if let xdg = options.variable("XDG_CONFIG_HOME"), xdg.isAbsolute { base = xdg }
        for path in [base.appending("git/config"), home.appending(".gitconfig")] {
            do throws(SyscallError) {
                user.read(try FileReading.read(path, limit: 256 << 10))
            } catch {
                continue  // absent or unreadable: git inside then asks who commits, which harms nobody
            }
        }
        return user
    }
}
