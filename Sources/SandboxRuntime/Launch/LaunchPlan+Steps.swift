internal import SandboxPlan

/// What its steps say to those who carry them out.
extension LaunchPlan {
    /// The folder of root that is shown ID-mapped.
    var idMappedSource: OSString? {
        for case .bind(let bind) in steps where bind.origin == .idMapped { return bind.source }
        return nil
    }

    /// The private tmpfs mounts a job can fill.
    var tmpfsTargets: [OSString] {
        var targets: [OSString] = []
        for case .tmpfs(let path, _, _, _, _) in steps where path != "/.sandbox" { targets.append(path) }
        return targets
    }
}
