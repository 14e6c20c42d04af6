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

    private let options: LaunchOptions

    /// - Parameter environment: the caller's, `NAME=VALUE` each.
    public init(environment: [OSString]) {
        options = LaunchOptions(arguments: [], environment: environment, policy: .named(""), closedStreams: 0)
    }

    /// Found anew for each question, as a launch does it.
    private func places(
        for policy: PolicyReference? = nil
    ) throws(Refusal) -> (loader: PolicyLoader, folder: OSString?) {
        let (cache, settings) = try OwnFolders.withoutState(options, for: policy)
        let loader = PolicyLoader(settingsFolder: settings, cacheFolder: cache, home: OwnFolders.home(options))
        return (loader, settings?.appending("policies"))
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
        let loaded = try places(for: reference).loader.load(reference)
        let effective = try EffectivePolicy(loaded.policy)
        return Shown(policy: effective.policy, origins: effective.origins, warnings: loaded.warnings)
    }

    /// Whether a path is that of a project's own file, which is judged by other rules than a policy.
    public static func isProjectFile(_ path: OSString) -> Bool { path.lastComponent == ProjectFile.name }

    /// Judges a project's own file as a launch in its folder would, over the default policy.
    ///
    /// - Parameter path: of the file, as somebody has written it.
    /// - Throws: `Refusal` with every problem, also where there is no such file.
    public func checkProject(_ path: OSString) throws(Refusal) {
        let folder = path.containsSlash ? path.parent : "."
        guard let real = folder.withPointer({ realpath($0, nil) }) else {
            throw PolicyTexts.unreadable(
                path,
                SyscallError(call: "realpath", subject: folder.description, errno: errno)
            )
        }
        defer { free(real) }
        let workspace = OSString(UnsafeRawBufferPointer(start: real, count: strlen(real)))
        guard let project = try ProjectFile.read(in: workspace) else {
            throw PolicyTexts.unreadable(path, SyscallError(call: "openat2", subject: path.description, errno: ENOENT))
        }
        _ = try places().loader.load(.named(BuiltinPolicy.defaultName), project: project.text)
    }

    /// What is told before anything is launched under a policy; nil for one that is no weaker profile.
    public func weakerWarning(_ reference: PolicyReference) throws(Refusal) -> String? {
        let confinement = try load(reference).policy.confinement
        let promises = PolicyCatalog.notHeld(under: confinement)
        return promises.isEmpty ? nil : WeakerProfile.warning(confinement.word, promises)
    }

    /// The user's own first; a user's file hides a built-in of the same name.
    public func entries() throws(Refusal) -> [Entry] {
        let (loader, folder) = try places()
        var entries: [Entry] = []
        for name in try PolicyCatalog.ownNames(in: folder) {
            let path = folder?.appending(OSString(name + ".toml")) ?? ""
            let (summary, confinement) = PolicyCatalog.look(at: .named(name), loader)
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

    /// A policy that is a file and has no name to be asked for by; it is called by the file's.
    public func entry(_ path: OSString) throws(Refusal) -> Entry {
        let (summary, confinement) = PolicyCatalog.look(at: .file(path), try places().loader)
        return Entry(
            name: path.lastComponent.description,
            origin: path.description,
            summary: summary,
            confinement
        )
    }

    private static func look(at policy: PolicyReference, _ loader: PolicyLoader) -> (summary: String, Confinement) {
        do throws(Refusal) {
            let policy = try loader.load(policy).policy.policy
            return (policy.summary, policy.confinement)
        } catch {
            // The path of a file is the operator's, and this is told to clients.
            guard case .named(let name) = policy else { return ("not valid: the log of the server says why", .sandbox) }
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
    static func confinement(of builtin: BuiltinPolicy) -> Confinement {
        if "\(builtin.name)" == "danger-full-access" { return .none }
        let weaker = [Confinement.landlockOnly, .container]
        return weaker.first { builtin.name.bytes.elementsEqual($0.word.utf8) } ?? .sandbox
    }

    private static func ownNames(in folder: OSString?) throws(Refusal) -> [String] {
        guard let folder else { return [] }
        guard let list = folder.withPointer({ opendir($0) }) else {
            let code = errno
            if code == ENOENT || code == ENOTDIR {
                try SettingsFolder.checkAbsence(of: folder, "the folder of policies \(folder)")
                return []
            }
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
            let name = OSString(of: entry)
            guard let text = name.utf8, text.hasSuffix(".toml"), text.utf8.count > 5 else { continue }
            names.append(String(text.dropLast(5)))
        }
        return names.sorted()
    }
}
