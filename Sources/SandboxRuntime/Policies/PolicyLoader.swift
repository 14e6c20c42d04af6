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
}
