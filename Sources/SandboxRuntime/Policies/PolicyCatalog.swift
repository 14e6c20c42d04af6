internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan
internal import SandboxPolicy

/// The policies that can be asked for by name.
public struct PolicyCatalog {
    public struct Entry: Hashable, Sendable {
        public var name: String
        /// `built-in`, or the path of the user's file.
        public var origin: String
        public var summary: String
        /// What a launch under it would not hold here; empty but for a weaker profile, and where there is no sandbox at all.
        public var notHeld: [WeakerPromise] = []
        /// Whether it is `danger-full-access`: nothing is held, so no list of promises could be whole.
        public var isUnconfined = false

        init(name: String, origin: String, summary: String, _ confinement: Confinement) {
            self.name = name
            self.origin = origin
            self.summary = summary
            notHeld = PolicyCatalog.notHeld(under: confinement)
            isUnconfined = confinement == .none
        }
    }

    private let loader: PolicyLoader
    private let folder: OSString?

    /// - Parameter environment: the caller's, `NAME=VALUE` each.
    public init(environment: [OSString]) {
        let options = LaunchOptions(arguments: [], environment: environment, policy: .named(""), closedStreams: 0)
        let (cache, settings) = OwnFolders.withoutState(options)
        loader = PolicyLoader(settingsFolder: settings, cacheFolder: cache, home: OwnFolders.home(options))
        folder = settings?.appending("policies")
    }

    /// A policy as it stands without a command line.
    public struct Shown {
        public var policy: Policy
        /// Where each value comes from, by its key: `limits.tasks` → `/…/strict.toml:12`.
        public var origins: [String: String]
        /// For a person.
        public var warnings: [String]
    }

    /// The policy with its origins.
    public func load(_ reference: PolicyReference) throws(Refusal) -> Shown {
        let loaded = try loader.load(reference)
        let effective = try EffectivePolicy(loaded.policy)
        return Shown(policy: effective.policy, origins: effective.origins, warnings: loaded.warnings)
    }

    /// What is told before anything is launched under a policy; nil for one that is no weaker profile.
    public func weakerWarning(_ reference: PolicyReference) throws(Refusal) -> String? {
        let confinement = try load(reference).policy.confinement
        let promises = PolicyCatalog.notHeld(under: confinement)
        return promises.isEmpty ? nil : WeakerProfile.warning(confinement.word, promises)
    }

    /// The user's own first; a user's file hides a built-in of the same name.
    public func entries() throws(Refusal) -> [Entry] {
        var entries: [Entry] = []
        for name in try ownNames() {
            let path = folder?.appending(OSString(name + ".toml")) ?? ""
            let (summary, confinement) = look(at: name)
            entries.append(Entry(name: name, origin: path.description, summary: summary, confinement))
        }
        for builtin in BuiltinPolicy.all where !entries.contains(where: { $0.name == "\(builtin.name)" }) {
            entries.append(
                Entry(
                    name: "\(builtin.name)",
                    origin: "built-in",
                    summary: "\(builtin.summary)",
                    PolicyCatalog.confinement(of: builtin)
                )
            )
        }
        return entries
    }

    private func look(at name: String) -> (summary: String, Confinement) {
        do throws(Refusal) {
            let policy = try loader.load(.named(name)).policy.policy
            return (policy.summary, policy.confinement)
        } catch {
            return ("not valid: see `codex-sandbox policy show \(OSString(name))`", .sandbox)
        }
    }

    private static func notHeld(under confinement: Confinement) -> [WeakerPromise] {
        switch confinement {
        case .sandbox, .none: []
        case .landlockOnly: LandlockOnlyPlanner.promises(abi: UInt32(max(0, cs_landlock_abi())))
        case .container: ContainerProfile.promises
        }
    }

    /// By its name: a list does not compile every policy.
    private static func confinement(of builtin: BuiltinPolicy) -> Confinement {
        if "\(builtin.name)" == "danger-full-access" { return .none }
        let weaker = [Confinement.landlockOnly, .container]
        return weaker.first { builtin.name.bytes.elementsEqual($0.word.utf8) } ?? .sandbox
    }

    private func ownNames() throws(Refusal) -> [String] {
        guard let folder else { return [] }
        guard let list = folder.withPointer({ opendir($0) }) else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { return [] }
            throw Refusal(
                stage: "policy",
                step: "opendir",
                subject: folder.description,
                errno: code,
                message: "the folder of policies cannot be listed",
                remedy: "make it readable for you"
            )
        }
        defer { closedir(list) }
        var names: [String] = []
        while let entry = readdir(list) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { OSString($0.prefix { $0 != 0 }) }
            guard let text = name.utf8, text.hasSuffix(".toml"), text.utf8.count > 5 else { continue }
            names.append(String(text.dropLast(5)))
        }
        return names.sorted()
    }
}
