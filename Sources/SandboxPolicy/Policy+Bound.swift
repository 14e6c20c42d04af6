internal import SandboxPlan

extension Policy {
    /// The most that the administrator's text leaves of this policy.
    ///
    /// What it does not say it does not bound, nor does the permission of full access or a weaker profile; but who writes a path reads it.
    /// Where it says only what may be read, nothing else may be written either.
    func most(under ceiling: PolicyStatement) -> Policy {
        let most = bounded(by: ceiling)
        guard ceiling.says(.read), !ceiling.says(.write) else { return most }
        var readable = most
        readable.filesystem.read = []
        readable.filesystem.write = ceiling.values.filesystem.read
        return most.meet(readable)
    }

    /// The times of full access, which are all that is held there, within the administrator's.
    func withTimes(under ceiling: PolicyStatement) -> Policy {
        var policy = self
        let most = ceiling.values.limits
        if ceiling.says(.wall) { policy.limits.wall = min(policy.limits.wall, most.wall) }
        if ceiling.says(.grace) { policy.limits.grace = min(policy.limits.grace, most.grace) }
        return policy
    }
}
