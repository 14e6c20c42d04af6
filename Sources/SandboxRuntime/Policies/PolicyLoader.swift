public import SandboxPlan
internal import SandboxPolicy

/// Finds a policy's texts and gets them compiled: from the cache, or by the compiler.
public struct PolicyLoader {
    /// A policy, ready for a plan.
    public struct Loaded {
        public var policy: CompiledPolicy
        /// What a person should know about how it was got.
        public var warnings: [String]
    }

    let texts: PolicyTexts
    /// HOME, else the account's; nil when neither is a path.
    let home: OSString?
    let cache: PolicyCache

    init(settingsFolder: OSString?, cacheFolder: OSString?, home: OSString?) {
        self.home = home
        texts = PolicyTexts(settingsFolder: settingsFolder)
        cache = PolicyCache(folder: cacheFolder)
    }

    /// The policy of a name or file with everything that it extends, a project's file, and the administrator's.
    ///
    /// - Parameters:
    ///   - reference: name or file.
    ///   - project: what was read of the project's file.
    /// - Returns: what is to be put together by `EffectivePolicy`.
    /// - Throws: `Refusal` with every problem of the first text that has one.
    func load(_ reference: PolicyReference, project: PolicyInputs.Text? = nil) throws(Refusal) -> Loaded {
        let inputs = PolicyInputs(
            named: try texts.text(reference),
            project: project,
            ceiling: try CeilingFile.read(),
            settingsFolder: texts.settingsFolder ?? "",
            home: home ?? "",
            build: try PolicyBuild.identity()
        )
        let (policy, warnings) = try cache.policy(inputs, texts)
        return Loaded(policy: policy, warnings: warnings)
    }

    /// A policy with a project's file, and whether that is trusted over it now: what a launch does with them.
    ///
    /// - Parameters:
    ///   - project: what was read of the project's file; nil where there is none.
    ///   - reference: name or file.
    ///   - store: the approvals.
    /// - Returns: the policy, and the word on the file.
    /// - Throws: `Refusal` as `load`.
    func trust(
        of project: ProjectFile?,
        over reference: PolicyReference,
        in store: TrustStore
    ) throws(Refusal) -> (loaded: Loaded, trust: EffectivePolicy.Trust) {
        let loaded = try load(reference, project: project?.text)
        guard let project else { return (loaded, .untrusted(why: "")) }
        let (policy, ceiling) = (loaded.policy.policy, loaded.policy.ceiling)
        return (loaded, store.trust(of: project.text.file, over: policy, under: ceiling))
    }
}
