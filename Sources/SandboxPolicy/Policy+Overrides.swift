public import SandboxPlan

extension Policy {
    /// The policy with what the command line says over it.
    public func applying(_ overrides: PolicyOverrides) -> Policy {
        var policy = self
        policy.filesystem.read += overrides.read
        policy.filesystem.write += overrides.write
        policy.filesystem.deny += overrides.deny
        policy.environment.pass += overrides.passEnvironment
        policy.environment.set += overrides.setEnvironment
        if let network = overrides.network {
            // Off is off: `--network off` does not raise a loopback that the policy left down.
            if case (.off, .off) = (policy.network, network) {} else { policy.network = network }
        }
        if let memory = overrides.memory { policy.limits.memory = .exactly(memory) }
        if let tasks = overrides.tasks { policy.limits.tasks = tasks }
        if let cpu = overrides.cpuSeconds { policy.limits.cpuSeconds = cpu }
        if let share = overrides.cpuThousandths { policy.limits.cpuThousandths = share }
        if let wall = overrides.wall { policy.limits.wall = wall }
        if let most = overrides.wallAtMost { policy.limits.wall = min(policy.limits.wall, most) }
        if let grace = overrides.grace { policy.limits.grace = grace }
        if let size = overrides.tmpSize { policy.filesystem.tmpSize = size }
        if let size = overrides.fileSize { policy.limits.fileSize = size }
        return policy
    }
}

extension PolicyOverrides {
    /// The option that says a key; nil for a key that was left to the policy.
    func option(for key: PolicyKey) -> String? {
        switch key {
        case .read: read.isEmpty ? nil : "--read"
        case .write: write.isEmpty ? nil : "--write"
        case .deny: deny.isEmpty ? nil : "--deny"
        case .pass: passEnvironment.isEmpty ? nil : "--env"
        case .set: setEnvironment.isEmpty ? nil : "--env"
        case .networkMode, .networkLoopback: network == nil ? nil : "--network"
        case .memory: memory == nil ? nil : "--memory"
        case .tasks: tasks == nil ? nil : "--pids"
        case .cpu: cpuSeconds == nil ? nil : "--cpu"
        case .cpus: cpuThousandths == nil ? nil : "--cpus"
        case .wall: wall == nil ? nil : "--timeout"
        case .grace: grace == nil ? nil : "--grace"
        case .tmpSize: tmpSize == nil ? nil : "--tmp-size"
        case .fileSize: fileSize == nil ? nil : "--file-size"
        case .description, .fullAccess, .workspaceAccess, .system, .etc, .protect, .coverMissing, .unixSockets,
            .tmpInodes, .inherit, .exclude, .memoryHigh, .openFiles, .workspaceSize, .output, .requireKernel,
            .minimumABI,
            .landlockRequirement, .without, .umask, .hostname, .except, .denyGlobs, .git, .onNew, .workerCommand,
            .landlockOnly, .container:
            nil
        }
    }
}
