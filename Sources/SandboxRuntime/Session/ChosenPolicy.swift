internal import SandboxKernel
public import SandboxPlan
public import SandboxPolicy

/// The policy of a launch: compiled, and with the command line's words over it.
public struct ChosenPolicy {
    public let compiled: CompiledPolicy
    public let effective: EffectivePolicy
    public var policy: Policy { effective.policy }
    /// What the patterns of denied names came to: was there just now.
    let matched: [OSString]
    /// What a person should know about how it was got.
    let warnings: [String]
    /// Real paths of the files that it was read from, where somebody named them by path: a job must not change them.
    let files: [OSString]
    /// The workspace's own file, as it was read.
    let project: ProjectFile?

    /// - Parameters:
    ///   - options: name or file, and flags.
    ///   - folders: where policies and their cache are.
    ///   - workspace: real path of the workspace.
    /// - Throws: `Refusal` when there is none of that name, it is not valid, or it needs a flag that is missing.
    init(_ options: LaunchOptions, _ folders: OwnFolders, workspace: OSString) throws(Refusal) {
        try folders.checkSettings(for: options.policy)
        let loader = PolicyLoader(
            settingsFolder: folders.settings,
            cacheFolder: folders.cache,
            home: OwnFolders.home(options)
        )
        project = try ProjectFile.read(in: workspace)
        let store = TrustStore(stateFolder: folders.state)
        let (loaded, trust) = try loader.trust(of: project, over: options.policy, in: store)
        var compiled = loaded.policy
        var effective = try EffectivePolicy(
            compiled,
            try ChosenPolicy.absolute(options.overrides),
            workspace: workspace,
            trust: trust
        )
        let filesystem = effective.policy.filesystem
        var matched: [OSString] = []
        if !filesystem.denyGlobs.isEmpty, effective.policy.confinement.hasPlace {
            let roots = [workspace] + filesystem.read + filesystem.write
            let system =
                filesystem.system + filesystem.etc.map { OSString("/etc").appending($0) }
                + (try ChosenPolicy.copied(effective.policy))
            matched = try DeniedNames.paths(
                matching: filesystem.denyGlobs,
                in: roots,
                system: system,
                made: GeneratedSettings.paths(effective.policy),
                movedTo: options.workspaceInside == workspace ? nil : options.workspaceInside
            )
            effective.deny(matched)
        }
        self.matched = matched
        self.effective = effective
        for index in compiled.files.indices where compiled.files[index].kind == .project {
            compiled.files[index].isTrusted = trust == .trusted
        }
        self.compiled = compiled
        warnings = loaded.warnings + effective.notes
        files = compiled.files.filter { $0.kind == .file }.map(\.path)
        if policy.confinement.weakerKey != nil { try ChosenPolicy.checkWeaker(options, policy) }
        try ChosenPolicy.checkFullAccess(options, policy)
    }

    /// Where the host really has what a place gets a copy of: a pattern may mean it there.
    private static func copied(_ policy: Policy) throws(Refusal) -> [OSString] {
        guard let path = GeneratedSettings.resolver(policy) else { return [] }
        do throws(SyscallError) {
            return [try RealPath.of(path)]
        } catch {
            throw Refusal(
                stage: "plan",
                step: error.call,
                subject: path.description,
                errno: error.errno,
                message: "where \(path) leads could not be found out, so it is not known what of it is denied",
                remedy: "see where that link leads, or leave out --network host"
            )
        }
    }

    /// Flag and policy have to say the same: one without the other is a slip, and either half alone is refused.
    ///
    /// A file under the name of a built-in sandbox is no full access, not even with the flag: who types that name means the sandbox.
    private static func checkFullAccess(_ options: LaunchOptions, _ policy: Policy) throws(Refusal) {
        guard policy.confinement == .none else {
            guard options.fullAccess else { return }
            throw Refusal(
                stage: "policy",
                subject: policy.name,
                message:
                    "--danger-full-access runs the command without any sandbox, so the policy \(policy.name) would not hold",
                remedy: "leave one of the two out"
            )
        }
        if case .named(let name) = options.policy, let builtin = BuiltinPolicy.named(name),
            PolicyCatalog.confinement(of: builtin) != .none
        {
            throw Refusal(
                stage: "policy",
                subject: policy.name,
                message:
                    "the policy \(policy.name) is a built-in sandbox, and a file of that name makes it full access",
                remedy: "give the file another name, and name it with --policy and --danger-full-access"
            )
        }
        guard !options.fullAccess else { return }
        throw Refusal(
            stage: "policy",
            subject: policy.name,
            message: "the policy \(policy.name) confines nothing, and is only used when asked for by flag",
            remedy: "add --danger-full-access, or choose another policy"
        )
    }

    /// Nobody who names no policy, or a sandbox that the executables carry, gets less: not even by an own policy of that name.
    private static func checkWeaker(_ options: LaunchOptions, _ policy: Policy) throws(Refusal) {
        let profile = policy.confinement.word
        if case .named(let name) = options.policy, name != profile, BuiltinPolicy.named(name) != nil {
            let what = name == BuiltinPolicy.defaultName ? "the default one" : "a built-in one"
            throw Refusal(
                stage: "policy",
                subject: policy.name,
                message: "the policy \(policy.name) is \(what), and a file of that name makes it the weaker "
                    + "profile \(profile), which has to be asked for by name",
                remedy: "give the file another name, and name it with --policy; or use --policy \(profile)"
            )
        }
        if policy.confinement == .landlockOnly, options.overrides.tmpSize != nil {
            throw LandlockOnlyPlanner.unusedRefusal("--tmp-size")
        }
    }

    /// Paths of the command line are relative to the current folder; a policy's are absolute already.
    private static func absolute(_ overrides: PolicyOverrides) throws(Refusal) -> PolicyOverrides {
        var overrides = overrides
        overrides.read = try absolute(overrides.read)
        overrides.write = try absolute(overrides.write)
        overrides.deny = try absolute(overrides.deny)
        return overrides
    }

    private static func absolute(_ paths: [OSString]) throws(Refusal) -> [OSString] {
        var absolute: [OSString] = []
        for path in paths {
            let full = path.isAbsolute ? path : try ChosenFolder.path(".", what: "the current folder").appending(path)
            guard let normalised = full.normalised else {
                throw Refusal(
                    stage: "plan",
                    subject: path.description,
                    message: "the path \(path) has a `..` in it, which means something else when a folder is a link",
                    remedy: "write it without `..`",
                    layer: .mounts
                )
            }
            absolute.append(normalised)
        }
        return absolute
    }
}
