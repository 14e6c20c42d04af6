public import SandboxPlan
internal import SandboxPolicy

/// The policy of a launch: compiled, and with the command line's words over it.
public struct ChosenPolicy: Hashable, Sendable {
    public let compiled: CompiledPolicy
    public let policy: Policy
    /// What a person should know about how it was got.
    let warnings: [String]
    /// Real path of the file, if it was named as one.
    let file: OSString?

    /// - Parameters:
    ///   - options: name or file, and flags.
    ///   - folders: where policies and their cache are.
    /// - Throws: `Refusal` when there is none of that name, it is not valid, or it needs a flag that is missing.
    init(_ options: LaunchOptions, _ folders: OwnFolders) throws(Refusal) {
        let loader = PolicyLoader(settingsFolder: folders.settings, cacheFolder: folders.cache)
        let loaded = try loader.load(options.policy)
        compiled = loaded.policy
        warnings = loaded.warnings
        file = loaded.file
        policy = try ChosenPolicy.absolute(compiled.policy.applying(options.overrides))
        if policy.confinement == .none && !options.fullAccess {
            throw Refusal(
                stage: "policy",
                subject: policy.name,
                message: "the policy \(policy.name) confines nothing, and is only used when asked for by flag",
                remedy: "add --danger-full-access, or choose another policy"
            )
        }
    }

    /// Paths of the command line are relative to the current folder; a policy's are absolute already.
    private static func absolute(_ policy: Policy) throws(Refusal) -> Policy {
        var policy = policy
        policy.filesystem.read = try absolute(policy.filesystem.read)
        policy.filesystem.write = try absolute(policy.filesystem.write)
        policy.filesystem.deny = try absolute(policy.filesystem.deny)
        return policy
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
