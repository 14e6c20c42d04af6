internal import SandboxPlan
internal import SandboxRuntime

/// How a project's worker is launched: the same for a job that runs it and for who asks what would happen.
struct WorkerLaunch {
    /// Where a project's folder is in the place.
    static let workspace: OSString = "/workspace"

    let settings: WorkspaceSettings
    let project: String
    let policy: PolicyReference

    var place: LaunchOptions {
        var options = LaunchOptions(
            arguments: settings.worker.arguments,
            environment: settings.environment,
            policy: policy,
            closedStreams: 0
        )
        options.workspace = settings.root.appending(OSString(project))
        options.workspaceInside = Self.workspace
        options.workingDirectory = options.workspace
        options.stateFolder = settings.stateFolder
        options.overrides.read = settings.worker.files
        // In the plan, and so in the record; and pid 1 has a timer of its own, which runs while the server is stopped.
        options.overrides.wallAtMost = settings.wall
        options.overrides.passEnvironment = settings.worker.variables.filter(isSet).map { OSString($0) }
        return options
    }

    /// The process of a job; nil where the policy of its place is to name the command, and does not.
    func process(_ instruction: String, _ policy: Policy) -> ProcessOptions? {
        let words = settings.worker.words(for: instruction, policy)
        guard !words.isEmpty else { return nil }
        var options = ProcessOptions(
            arguments: words,
            workingDirectory: Self.workspace,
            environment: [EnvironmentEntry(name: "WORKSPACE_DIR", value: Self.workspace)],
            streams: .pipes,
            timeout: settings.wall
        )
        options.output = settings.mostOutput
        // Its record has what it has left where tools trust it.
        options.endsSandbox = true
        return options
    }

    private func isSet(_ name: String) -> Bool {
        settings.environment.contains { $0.bytes.starts(with: Array((name + "=").utf8)) }
    }

    /// What the policy names is known once its texts are put together.
    private func preparation() throws(Refusal) -> Preparation {
        guard settings.worker.isOfPolicy else { return try RunSession.preparation(place) }
        var options = place
        options.arguments = ["(worker.command, which the policy leaves out)"]
        let first = try RunSession.preparation(options)
        guard !first.policy.worker.command.isEmpty else { return first }
        options.arguments = first.policy.worker.command
        return try RunSession.preparation(options)
    }

    /// The plan in words, a line for each layer and for each step.
    func explanation() throws(Refusal) -> String {
        let preparation = try preparation()
        let plan = preparation.plan
        var text = "policy \(plan.policyName)\n\nlayers\n"
        for layer in plan.layers {
            let how = layer.requested ? layer.mechanism : "not asked for"
            text += "  \(layer.layer.rawValue): \(how)\n"
        }
        text += "\nthe job in it\n  wall-clock: \(plan.limits.wall), by pid 1's timer and the server's own"
        text +=
            "\n  output: at most \(plan.limits.output.map { min($0, settings.mostOutput) } ?? settings.mostOutput)\n"
        text += "\nsteps\n"
        for (index, step) in plan.steps.enumerated() { text += "  \(index + 1). \(step.name) \(step.subject)\n" }
        let words = plan.process.arguments.map { "\($0)" }
        text += "\nprocess\n  \(words.joined(separator: " "))\n"
        // Names only: what they are set to may be a secret.
        let names = plan.process.environment.map { "\($0.name)" }.joined(separator: ", ")
        text += "  in \(plan.process.workingDirectory), with \(names)\n"
        if !preparation.notes.isEmpty { text += "\nnotes\n" }
        for note in preparation.notes { text += "  \(note)\n" }
        return text
    }
}
