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
        if let wall = overrides.wall { policy.limits.wall = wall }
        if let grace = overrides.grace { policy.limits.grace = grace }
        if let size = overrides.tmpSize { policy.filesystem.tmpSize = size }
        if let size = overrides.fileSize { policy.limits.fileSize = size }
        return policy
    }
}
