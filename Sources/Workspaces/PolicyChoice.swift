internal import SandboxPlan
internal import SandboxPolicy
internal import SandboxRuntime

/// The policies that a project may have: those that give nothing that the server's does not.
struct PolicyChoice {
    private let settings: WorkspaceSettings
    private let catalog: PolicyCatalog

    init(_ settings: WorkspaceSettings) {
        self.settings = settings
        catalog = PolicyCatalog(environment: settings.environment)
    }

    /// The server's own, for its start: one that is not valid would only show at the first job.
    func checkOwn() throws(WorkspaceError) {
        let own: Policy
        do throws(Refusal) {
            own = try catalog.load(settings.policy).policy
        } catch {
            throw WorkspaceError(
                .unavailable,
                "The server's policy cannot be used",
                detail: "\(error.message); \(error.remedy)"
            )
        }
        if let why = PolicyChoice.refusal(of: own, settings) {
            throw WorkspaceError(.unavailable, "The server's policy cannot be used", detail: why)
        }
    }

    /// Why no job may run under a policy beside this server; nil where it may.
    ///
    /// `project` is the folder of the project that it is for; nil stands for every one that may come.
    static func refusal(of policy: Policy, _ settings: WorkspaceSettings, project: OSString? = nil) -> String? {
        if policy.confinement == .none {
            return
                "the policy \(policy.name) confines nothing, and jobs of a server run in sandboxes only: it is for "
                + "`codex-sandbox run --danger-full-access`"
        }
        if policy.confinement == .landlockOnly {
            return
                "the policy \(policy.name) is the weaker profile landlock-only, which has no place that jobs of a server could be started in: "
                + "it is for `codex-sandbox run`"
        }
        if let why = ProjectPaths.why(policy, root: settings.root) { return why }
        let projects = project.map { [$0] } ?? ProjectPaths.standIns.map { settings.root.appending($0) }
        if let why = AnswerRefusal.why(policy, settings.worker, projects: projects) { return why }
        guard settings.answersHostNetwork, policy.network == .host else { return nil }
        return
            "the policy \(policy.name) gives jobs the host's network, and with it this server, which asks TCP clients of its own "
            + "account for no token; set API_TOKEN (or --token-file), or listen on a unix socket"
    }

    /// - Throws: `.unknownPolicy` for a name that is none, for one that gives more, and for one under which no job could end well.
    func check(_ name: String) throws(WorkspaceError) {
        let own: Policy
        do throws(Refusal) {
            own = try catalog.load(settings.policy).policy
        } catch {
            throw WorkspaceError(.unavailable, "The server's policy cannot be read", detail: error.message)
        }
        let asked: Policy
        do throws(Refusal) {
            asked = try catalog.load(.named(name)).policy
        } catch {
            throw WorkspaceError(.unknownPolicy, "There is no valid policy of that name", detail: error.message)
        }
        let wider = PolicyKey.allCases.filter { asked.exceeds(own, in: $0) }
        guard wider.isEmpty else {
            let keys = wider.map(\.path).joined(separator: ", ")
            throw WorkspaceError(.unknownPolicy, "The policy gives more than the server's: \(keys)")
        }
        if let why = PolicyChoice.refusal(of: asked, settings) {
            throw WorkspaceError(.unknownPolicy, "The policy cannot be used here: \(why)")
        }
    }

    /// Why no project can have it; nil where one can.
    private func unusable(_ name: String) -> String? {
        do throws(WorkspaceError) {
            try check(name)
            return nil
        } catch { return error.message }
    }

    /// Why every job will be `no-worker`; nil where there is a worker.
    ///
    /// A project's policy, and its own file, only take the command of the server's away.
    func workerProblem() -> String? {
        if let problem = settings.worker.problem { return problem }
        guard settings.worker.isOfPolicy else { return nil }
        do throws(Refusal) {
            let own = try catalog.load(settings.policy).policy
            return own.worker.command.isEmpty ? PolicyChoice.noCommand(in: own) : nil
        } catch { return "the server's policy cannot be read: \(error.message)" }
    }

    static func noCommand(in policy: Policy) -> String {
        "the policy \(policy.name) names no worker.command, and CODEX_WORKER_COMMAND is not set: set one of them"
    }

    /// By name, the server's among them; one that the server has from a file comes first, by the file's name.
    ///
    /// No two have one name.
    func list(_ log: (String) -> Void) -> [PolicySummary] {
        do throws(Refusal) {
            let named = try catalog.entries().map { entry in
                PolicySummary(
                    name: entry.name,
                    description: entry.summary,
                    isDefault: settings.policy == .named(entry.name),
                    notHeld: entry.isUnconfined ? [PolicySummary.everything] : entry.notHeld.map(\.rawValue),
                    unusable: unusable(entry.name)
                )
            }
            return try ownFile(beside: named) + named
        } catch {
            log("the policies cannot be listed: \(error.message)")
            return []
        }
    }

    /// The server's policy where it is a file: no request can name it, and every project without one has it.
    ///
    /// Where a policy has the file's name, who asks by that gets the policy: the file is then listed as people name it, which is no
    /// policy's name.
    private func ownFile(beside named: [PolicySummary]) throws(Refusal) -> [PolicySummary] {
        guard case .file(let path) = settings.policy else { return [] }
        let entry = try catalog.entry(path)
        let isTaken = named.contains { $0.name == entry.name }
        return [
            PolicySummary(
                name: isTaken ? "./\(entry.name)" : entry.name,
                description: entry.summary,
                isDefault: true,
                notHeld: entry.isUnconfined ? [PolicySummary.everything] : entry.notHeld.map(\.rawValue),
                unusable: "the server has it from a file: projects that name no policy have it"
            )
        ]
    }
}
