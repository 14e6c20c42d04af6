internal import Glibc
internal import SandboxKernel
public import SandboxPlan
internal import SandboxPolicy

/// Approving a project's file: `policy trust`, `untrust` and the list of what is approved.
public struct ProjectTrust {
    /// A project's file, and what an approval of it would come to.
    public struct Proposal {
        public var file: PolicyFile
        /// Every key that the file says.
        public var said: [PolicyOrigin]
        /// Those of them that an approval would widen.
        public var wider: [PolicyOrigin]
        /// Those that ask for more than the administrator allows, whatever is approved.
        ///
        /// Without an approval they are a refusal, with one they get what is allowed; which may be wider all the same.
        public var bounded: [PolicyOrigin]
        /// Without the project's file.
        public var before: Policy
        /// With it, approved, and within the administrator's ceiling.
        public var after: Policy
        /// With it, approved, if there were no ceiling: what it asks for.
        public var asked: Policy
        /// Whether it is approved already, as it is.
        public var isTrusted: Bool
        /// What the approval is to hold over, and under.
        let base: Policy
        let ceiling: PolicyStatement?
        /// For a person.
        public var warnings: [String]
    }

    /// One approval.
    public struct Entry {
        /// Of the project's file; nil where the record cannot be used.
        public var path: OSString?
        /// Name of the record.
        public var record: OSString
        /// Over which policies a launch would trust the file now, or why over none.
        public var state: String
    }

    private let store: TrustStore
    private let loader: PolicyLoader
    private let folders: OwnFolders

    /// - Parameters:
    ///   - stateFolder: value of `--state-dir`.
    ///   - environment: the caller's, `NAME=VALUE` each.
    /// - Throws: `Refusal` when no state folder is known.
    public init(stateFolder: OSString?, environment: [OSString]) throws(Refusal) {
        var options = LaunchOptions(arguments: [], environment: environment, policy: .named(""), closedStreams: 0)
        options.stateFolder = stateFolder
        folders = try OwnFolders(options)
        store = TrustStore(stateFolder: folders.state)
        loader = PolicyLoader(
            settingsFolder: folders.settings,
            cacheFolder: folders.cache,
            home: OwnFolders.home(options)
        )
    }

    /// Looks at a project's file, and judges it by a policy.
    ///
    /// - Parameters:
    ///   - place: the project's folder, or the file in it.
    ///   - policy: what it would widen.
    /// - Returns: what to show, and to give to `approve`.
    /// - Throws: `Refusal` when there is no such file, or it is not valid.
    public func proposal(_ place: OSString, over policy: PolicyReference) throws(Refusal) -> Proposal {
        let folder = try ChosenFolder.path(ProjectTrust.folder(place), what: "the project's folder")
        guard let file = try ProjectFile.read(in: folder) else {
            throw Refusal(
                stage: "policy",
                subject: folder.description,
                message: "there is no \(ProjectFile.name) in \(folder)",
                remedy: "name the project's folder"
            )
        }
        try folders.checkSettings(for: policy)
        let loaded = try loader.load(policy, project: file.text)
        guard let statement = loaded.policy.project else {
            preconditionFailure("a policy that was compiled with a project's file has its statement")
        }
        let before = try EffectivePolicy(loaded.policy)
        let after = try EffectivePolicy(loaded.policy, PolicyOverrides(), workspace: folder, trust: .trusted)
        let wider = statement.said.filter { after.policy.exceeds(before.policy, in: $0.key, workspace: folder) }
        var free = loaded.policy
        free.ceiling = nil
        let asked = try EffectivePolicy(free, PolicyOverrides(), workspace: folder, trust: .trusted).policy
        return Proposal(
            file: file.text.file,
            said: statement.said,
            wider: wider,
            bounded: statement.said.filter {
                asked.exceeds(after.policy, in: $0.key, workspace: folder)
                    || asked.exceeds(before.policy, in: $0.key, workspace: folder) && !wider.contains($0)
            },
            before: before.policy,
            after: after.policy,
            asked: asked,
            isTrusted: store.trust(of: file.text.file, over: loaded.policy.policy, under: loaded.policy.ceiling)
                == .trusted,
            base: loaded.policy.policy,
            ceiling: loaded.policy.ceiling,
            warnings: loaded.warnings
        )
    }

    /// Records the approval of just the bytes that the proposal was made from, over the policy and under the administrator's bound
    /// that it was shown with.
    public func approve(_ proposal: Proposal) throws(Refusal) {
        try store.approve(proposal.file, over: proposal.base, under: proposal.ceiling)
    }

    /// Takes an approval back; the project's folder need not be there any more.
    ///
    /// - Parameter place: the project's folder, or the file in it.
    /// - Returns: the file's path, and whether it had been approved.
    /// - Throws: `Refusal` when the approvals are not ours alone, or the record stays.
    public func revoke(_ place: OSString) throws(Refusal) -> (path: OSString, wasTrusted: Bool) {
        let folder = ProjectTrust.folder(place)
        let real: OSString
        do throws(Refusal) {
            real = try ChosenFolder.path(folder, what: "the project's folder")
        } catch {
            real = try ChosenFolder.written(folder, otherwise: error)
        }
        let path = real.appending(ProjectFile.name)
        return (path, try store.revoke(path))
    }

    /// Every approval, with whether it holds now: as a launch finds it, with the file and the administrator's bound as they are.
    ///
    /// - Parameters:
    ///   - usual: the policy that a launch would have; what is said of a file that is not trusted is said of it.
    ///   - names: the other policies that a launch may name.
    /// - Returns: in the order of their paths.
    /// - Throws: `Refusal` when the approvals are not ours alone.
    public func entries(over usual: PolicyReference, named names: [String]) throws(Refusal) -> [Entry] {
        let others = names.map { PolicyReference.named($0) }.filter { $0 != usual }
        var entries: [Entry] = []
        for (name, approval, why) in try store.all() {
            guard let approval else {
                entries.append(Entry(path: nil, record: name, state: "not used: \(why)"))
                continue
            }
            entries.append(Entry(path: approval.path, record: name, state: state(approval, usual, others)))
        }
        return entries.sorted { ($0.path ?? $0.record) < ($1.path ?? $1.record) }
    }

    private func state(_ approval: TrustStore.Approval, _ usual: PolicyReference, _ others: [PolicyReference]) -> String
    {
        let file: ProjectFile
        do throws(Refusal) {
            guard let found = try ProjectFile.read(in: approval.path.parent) else {
                return "not trusted: the file is gone"
            }
            file = found
        } catch { return "not trusted: \(error.message)" }
        let holding = others.filter { other in
            do throws(Refusal) {
                return try trust(of: file, over: other) == .trusted
            } catch { return false }  // nothing is launched under it
        }
        var words = holding.map(\.word)
        var missing = ""
        do throws(Refusal) {
            switch try trust(of: file, over: usual) {
            case .trusted: words.insert(usual.word, at: 0)
            case .untrusted(let why):
                if holding.isEmpty { return "not trusted: \(why)" }
                missing = ", not over \(usual.word)"
            }
        } catch {
            // Nothing is launched under it either, but under the others.
            let why = error.message.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
            if holding.isEmpty { return "not trusted: \(why)" }
            missing = ", not over \(usual.word): \(why)"
        }
        let rest = approval.policies.count - words.count
        return "trusted over \(words.joined(separator: ", "))\(missing)"
            + (rest > 0 ? "; \(rest) more of its approvals hold over none of these as they are now" : "")
    }

    /// As a launch under that policy finds it.
    private func trust(of file: ProjectFile, over policy: PolicyReference) throws(Refusal) -> EffectivePolicy.Trust {
        try folders.checkSettings(for: policy)
        return try loader.trust(of: file, over: policy, in: store).trust
    }

    private static func folder(_ place: OSString) -> OSString {
        guard place.lastComponent == ProjectFile.name else { return place }
        return place.containsSlash ? place.parent : "."
    }
}
