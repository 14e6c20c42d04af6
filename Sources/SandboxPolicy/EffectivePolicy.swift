public import SandboxPlan

/// The policy of one launch: what was compiled, with the project's, the administrator's and the command line's words.
///
/// In this order: the named policy with what it extends; a *trusted* project's file; the ceiling, which narrows; the command
/// line, which the ceiling bounds; an *untrusted* project's file, which can only narrow what has come out by then.
public struct EffectivePolicy: Sendable {
    public private(set) var policy: Policy
    /// What a person should know: values of the command line that the project's file has narrowed.
    public private(set) var notes: [String] = []
    private let files: [PolicyFile]
    private let said: [PolicyOrigin]
    private let overrides: PolicyOverrides
    private let ceiling: PolicyStatement?
    /// What has been put over the compiled policy, with what it was before.
    private var steps: [(before: Policy, cause: Cause)] = []

    private enum Cause: Sendable {
        case over(PolicyStatement)
        case narrowed(PolicyStatement)
        case commandLine
        case patterns
    }

    /// Whether the project's file was approved, byte for byte.
    public enum Trust: Hashable, Sendable {
        case trusted
        /// Why not, as half a sentence; empty where nobody ever said so.
        case untrusted(why: String)
    }

    /// The policy as it is without a command line and without a project.
    public init(_ compiled: CompiledPolicy) throws(Refusal) {
        try self.init(compiled, PolicyOverrides(), workspace: nil, trust: .untrusted(why: ""), withProject: false)
    }

    /// The policy of a launch.
    ///
    /// - Parameters:
    ///   - compiled: the texts.
    ///   - overrides: the command line's words; paths are absolute.
    ///   - workspace: real path of the workspace.
    ///   - trust: of the project's file.
    /// - Throws: `Refusal` that names key, file and line where the command line exceeds the ceiling, or an untrusted project
    ///   asks for more than there is.
    public init(
        _ compiled: CompiledPolicy,
        _ overrides: PolicyOverrides,
        workspace: OSString,
        trust: Trust
    ) throws(Refusal) {
        try self.init(compiled, overrides, workspace: workspace, trust: trust, withProject: true)
    }

    private init(
        _ compiled: CompiledPolicy,
        _ overrides: PolicyOverrides,
        workspace: OSString?,
        trust: Trust,
        withProject: Bool
    ) throws(Refusal) {
        policy = compiled.policy
        files = compiled.files
        said = compiled.origins
        self.overrides = overrides
        ceiling = compiled.ceiling
        let project = withProject ? compiled.project : nil
        if compiled.policy.confinement == .none {
            try checkFullAccess(project, compiled.ceiling)
            if let ceiling = compiled.ceiling { step(to: policy.withTimes(under: ceiling), .narrowed(ceiling)) }
            step(to: policy.applying(overrides), .commandLine)
            if let ceiling = compiled.ceiling {
                try checkCommandLine(ceiling, nil, keys: [.wall, .grace])
            }
            return
        }
        if let key = compiled.policy.confinement.weakerKey { try checkWeaker(key, compiled.ceiling) }
        if let project, trust == .trusted { step(to: policy.saying(project), .over(project)) }
        if let ceiling = compiled.ceiling {
            step(to: policy.meet(policy.most(under: ceiling), workspace: workspace), .narrowed(ceiling))
        }
        step(to: policy.applying(overrides), .commandLine)
        try checkBothWays()
        if let ceiling = compiled.ceiling {
            try checkCommandLine(ceiling, workspace)
            step(to: policy.meet(policy.most(under: ceiling), workspace: workspace), .narrowed(ceiling))
        }
        if let project, case .untrusted(let why) = trust {
            try narrow(by: project, why, workspace)
            // Once more: on the host's network `loopback = false` had nothing to act on, and the project has left it.
            if let ceiling = compiled.ceiling {
                step(to: policy.meet(policy.most(under: ceiling), workspace: workspace), .narrowed(ceiling))
            }
        }
        let covered = policy.filesystem.coverMissing
        if !PolicyRange.coverMissing.contains(covered.count) {
            throw Refusal(
                stage: "policy",
                subject: PolicyKey.coverMissing.path,
                message:
                    "\(covered.count) missing names would be covered, counting those of every file that says so, and a "
                    + "place takes \(PolicyRange.coverMissing.upperBound)",
                remedy: "let filesystem.cover_missing of the files name the same ones"
            )
        }
    }

    /// Denies what the patterns came to at this launch.
    public mutating func deny(_ paths: [OSString]) {
        var next = policy
        next.filesystem.deny.grow(by: paths)
        step(to: next, .patterns)
    }

    private mutating func step(to next: Policy, _ cause: Cause) {
        steps.append((policy, cause))
        policy = next
    }

    // MARK: - What is refused

    /// Where no layer is, nothing that a file says could hold.
    private func checkFullAccess(_ project: PolicyStatement?, _ ceiling: PolicyStatement?) throws(Refusal) {
        if let ceiling, !ceiling.says(.fullAccess) || ceiling.values.confinement != .none {
            let file = files.last { $0.kind == .ceiling }?.description ?? ""
            throw Refusal(
                stage: "policy",
                subject: PolicyKey.fullAccess.path,
                message: "full access exceeds what the administrator allows: \(file) does not say "
                    + "\(PolicyKey.fullAccess.path) = true",
                remedy: "use another policy, or ask who looks after this machine"
            )
        }
        if let project, let first = project.said.first(where: { $0.key != .description }) {
            throw Refusal(
                stage: "policy",
                subject: first.key.path,
                message:
                    "\(place(first)): \(first.key.path): with full access nothing that the project's file says would hold",
                remedy: "choose another policy, or move the file away"
            )
        }
    }

    /// A weaker profile is not narrowed to the whole sandbox in silence: who asked for it has a reason, and shall know.
    ///
    /// The weaker profiles keep different promises: one that is allowed does not stand for the other.
    private func checkWeaker(_ key: PolicyKey, _ ceiling: PolicyStatement?) throws(Refusal) {
        guard let ceiling, !ceiling.says(key) || ceiling.values.confinement != .none else { return }
        let file = files.last { $0.kind == .ceiling }?.description ?? ""
        throw Refusal(
            stage: "policy",
            subject: key.path,
            message: "the weaker profile \(policy.confinement.word) exceeds what the administrator allows: \(file) "
                + "does not say \(key.path) = true",
            remedy: "use another policy, or ask who looks after this machine"
        )
    }

    /// What was narrowed to a writable folder of its own is not shown read-only by naming it once more.
    ///
    /// The wider right would stay, and nothing would say that the narrower one was asked for.
    private func checkBothWays() throws(Refusal) {
        guard let path = overrides.read.first(where: { policy.filesystem.write.contains($0) }) else { return }
        throw Refusal(
            stage: "policy",
            subject: path.description,
            message: "\(path) is asked for both read-only (--read) and writable "
                + (overrides.write.contains(path) ? "(--write)" : "(by the policy)"),
            remedy: "name it once"
        )
    }

    /// The policy itself was narrowed before, so whatever exceeds the ceiling now was asked for by an option.
    private func checkCommandLine(
        _ ceiling: PolicyStatement,
        _ workspace: OSString?,
        keys concerned: [PolicyKey] = PolicyKey.allCases
    ) throws(Refusal) {
        let most = policy.most(under: ceiling)
        for origin in ceiling.said where concerned.contains(origin.key) {
            let keys: [PolicyKey] = [.read, .write].contains(origin.key) ? [.read, .write] : [origin.key]
            guard let key = keys.first(where: { policy.exceeds(most, in: $0, workspace: workspace) }) else { continue }
            throw exceeded(overrides.option(for: key) ?? "the command line", origin)
        }
    }

    private func exceeded(_ what: String, _ origin: PolicyOrigin) -> Refusal {
        Refusal(
            stage: "policy",
            subject: origin.key.path,
            message: "\(what) asks for more than the administrator allows: \(origin.key.path), \(place(origin))",
            remedy: "ask for less (`codex-sandbox policy show` says what is left), or ask who looks after this machine"
        )
    }

    /// Variables that are set for a single process are bounded as those of a command line are.
    ///
    /// - Parameter variables: what is to be set besides.
    /// - Throws: `Refusal` for one of which the administrator says another value.
    public func check(variables: [EnvironmentEntry]) throws(Refusal) {
        guard let ceiling, let origin = ceiling.said.first(where: { $0.key == .set }) else { return }
        for variable in variables {
            let isOther = ceiling.values.environment.set.contains {
                $0.name == variable.name && $0.value != variable.value
            }
            if isOther { throw exceeded("the variable \(variable.name)", origin) }
        }
    }

    /// A key that would widen is an error, and not passed over: who wrote it believes it holds.
    private mutating func narrow(
        by project: PolicyStatement,
        _ why: String,
        _ workspace: OSString?
    ) throws(Refusal) {
        let asked = policy.saying(project)
        let wider = project.said.filter { asked.exceeds(policy, in: $0.key, workspace: workspace) }
            .sorted { $0.line < $1.line }
        let folder = files.last { $0.kind == .project }?.path.parent ?? ""
        if !wider.isEmpty {
            let list = wider.map { "\(place($0)): \($0.key.path)" }.joined(separator: "\n  ")
            let reason = why.isEmpty ? "" : " (\(why))"
            throw Refusal(
                stage: "policy",
                subject: wider[0].key.path,
                message:
                    "the project asks for more than the policy \(OSString(policy.name)) gives, and its file is not "
                    + "trusted\(reason):\n  \(list)",
                remedy: "take these keys out; or, after a look at the file, approve just this text of it: "
                    + "codex-sandbox policy trust \(folder)"
            )
        }
        if policy.network == .host, project.says(.networkLoopback), !project.says(.networkMode),
            let origin = project.said.first(where: { $0.key == .networkLoopback })
        {
            throw Refusal(
                stage: "policy",
                subject: origin.key.path,
                message:
                    "\(place(origin)): \(origin.key.path): the network is the host's, and nothing would act on this key",
                remedy: "write network.mode = \"off\" beside it, or leave out --network host"
            )
        }
        step(to: policy.meet(asked, workspace: workspace), .narrowed(project))
        guard let before = steps.last?.before else { return }
        for origin in project.said where !policy.agrees(with: before, in: origin.key) {
            guard let option = overrides.option(for: origin.key) else { continue }
            notes.append("\(option) is narrowed by the project: \(place(origin)): \(origin.key.path)")
        }
    }

    // MARK: - Where values come from

    /// `FILE:LINE`.
    private func place(_ origin: PolicyOrigin) -> String {
        "\(files[Int(origin.file)].description):\(origin.line)"
    }

    /// Where each key's value comes from, by its path: `default`, `FILE:LINE`, an option; several for a list.
    public var origins: [String: String] {
        var words: [PolicyKey: [String]] = [:]
        for key in PolicyKey.allCases {
            let places = said.filter { $0.key == key }.map(place)
            // What a list of the defaults is added to, they are still in.
            let hasDefaults = key == .protect || key == .exclude
            words[key] = places.isEmpty || hasDefaults ? ["default"] + places : places
        }
        for (index, step) in steps.enumerated() {
            let after = index + 1 < steps.count ? steps[index + 1].before : policy
            for key in PolicyKey.allCases where !step.before.agrees(with: after, in: key) {
                trace(key, step.cause, &words[key, default: []])
            }
        }
        var origins: [String: String] = [:]
        for (key, places) in words { origins[key.path] = places.joined(separator: ", ") }
        return origins
    }

    private func trace(_ key: PolicyKey, _ cause: Cause, _ words: inout [String]) {
        switch cause {
        case .over(let statement):
            guard let place = said(key, by: statement) else { return }
            words = key.grows ? words + [place] : [place]
        case .narrowed(let statement):
            // Of a list that gives, what is left was given elsewhere.
            guard let place = said(key, by: statement) else { return }
            words.append(key.grows ? place : "narrowed by \(place)")
        case .patterns: if key == .deny { words.append(PolicyKey.denyGlobs.path) }
        case .commandLine:
            guard let option = overrides.option(for: key) else { return }
            let isAdded = [.read, .write, .deny, .pass, .set].contains(key)
            words = isAdded ? words + [option] : [option]
        }
    }

    /// A variable that is not set any more is excluded besides: then the key that says so is another one.
    private func said(_ key: PolicyKey, by statement: PolicyStatement) -> String? {
        var key = key == .exclude && !statement.says(.exclude) ? .set : key
        // One of the two bounds the other.
        if key == .read && !statement.says(.read) { key = .write }
        if key == .write && !statement.says(.write) { key = .read }
        if let origin = statement.said.first(where: { $0.key == key }) { return place(origin) }
        return nil
    }
}
