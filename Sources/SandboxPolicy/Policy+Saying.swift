public import SandboxPlan

extension Policy {
    /// The policy with what a further text says over it: `extends`, a trusted project, and what a narrowing is measured by.
    ///
    /// A list that keeps something back grows, every other value is replaced (`PolicyKey.grows`). Name and description
    /// stay those of the policy, unless the text says the second.
    public func saying(_ statement: PolicyStatement) -> Policy {
        let values = statement.values
        // Full access leaves nothing for the other keys to act on.
        if statement.says(.fullAccess), values.confinement == .none {
            var policy = values
            policy.name = name
            return policy
        }
        return taking(statement)
    }

    /// The policy with what a bound says over it.
    ///
    /// Full access and the weaker profiles are permissions there: they change nothing of a policy, whichever it is.
    public func bounded(by bound: PolicyStatement) -> Policy {
        var policy = taking(bound)
        policy.confinement = confinement
        return policy
    }

    private func taking(_ statement: PolicyStatement) -> Policy {
        var policy = self
        for origin in statement.said { policy.take(origin.key, from: statement.values, statement) }
        return policy
    }

    private mutating func take(_ key: PolicyKey, from values: Policy, _ statement: PolicyStatement) {
        switch key {
        case .description: summary = values.summary
        case .fullAccess: break
        case .landlockOnly, .container: confinement = values.confinement
        case .workspaceAccess: workspace = values.workspace
        case .system: filesystem.system = values.filesystem.system
        case .etc: filesystem.etc = values.filesystem.etc
        case .read: filesystem.read = values.filesystem.read
        case .write: filesystem.write = values.filesystem.write
        case .deny: filesystem.deny.grow(by: values.filesystem.deny)
        case .denyGlobs: filesystem.denyGlobs.grow(by: values.filesystem.denyGlobs)
        case .protect: filesystem.protect.grow(by: values.filesystem.protect)
        case .except: filesystem.except = values.filesystem.except
        case .coverMissing: filesystem.coverMissing = values.filesystem.coverMissing
        case .unixSockets: filesystem.unixSockets = values.filesystem.unixSockets
        case .tmpSize: filesystem.tmpSize = values.filesystem.tmpSize
        case .tmpInodes: filesystem.tmpInodes = values.filesystem.tmpInodes
        case .networkMode: network = network.mode(of: values.network, loopback: statement.says(.networkLoopback))
        // Said with the mode, it has been taken along; on the host's network there is nothing for it to act on.
        case .networkLoopback: if case .off = network, case .off = values.network { network = values.network }
        case .inherit: environment.inherit = values.environment.inherit
        case .exclude: environment.exclude.grow(by: values.environment.exclude)
        case .pass: environment.pass = values.environment.pass
        case .set: environment.set = environment.set.replaced(by: values.environment.set)
        case .tasks: limits.tasks = values.limits.tasks
        case .memory: limits.memory = values.limits.memory
        case .memoryHigh: limits.memoryHigh = values.limits.memoryHigh
        case .openFiles: limits.openFiles = values.limits.openFiles
        case .fileSize: limits.fileSize = values.limits.fileSize
        case .cpu: limits.cpuSeconds = values.limits.cpuSeconds
        case .cpus: limits.cpuThousandths = values.limits.cpuThousandths
        case .workspaceSize: limits.workspace = values.limits.workspace
        case .output: limits.output = values.limits.output
        case .wall: limits.wall = values.limits.wall
        case .grace: limits.grace = values.limits.grace
        case .requireKernel: limits.requireKernel.formUnion(values.limits.requireKernel)
        case .minimumABI: landlock.minimumABI = values.landlock.minimumABI
        case .landlockRequirement: landlock.requirement = values.landlock.requirement
        case .without:
            seccomp.without.grow(by: values.seccomp.without)
            seccomp.without.sort()
        case .umask: process.umask = values.process.umask
        case .hostname: process.hostname = values.process.hostname
        case .git: git = values.git
        case .onNew: filesystem.onNew = values.filesystem.onNew
        case .workerCommand: worker.command = values.worker.command
        }
    }
}

extension NetworkPolicy {
    /// The mode of `other`; `lo` as it is in this one, if the text has no word on it.
    fileprivate func mode(of other: NetworkPolicy, loopback isSaid: Bool) -> NetworkPolicy {
        switch (self, other) {
        case (_, .host): .host
        case (.off, .off): isSaid ? other : self
        case (.host, .off): other
        }
    }
}

extension Array where Element: Hashable {
    /// Appends what is not there yet.
    mutating func grow(by others: [Element]) {
        for other in others where !contains(other) { append(other) }
    }
}

extension [EnvironmentEntry] {
    /// By name: what `others` sets stands; sorted by name.
    fileprivate func replaced(by others: [EnvironmentEntry]) -> [EnvironmentEntry] {
        let kept = filter { entry in !others.contains { $0.name == entry.name } }
        return (kept + others).sorted { $0.name < $1.name }
    }
}
