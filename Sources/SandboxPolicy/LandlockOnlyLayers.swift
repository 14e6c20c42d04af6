internal import SandboxPlan

/// Each layer of the profile `landlock-only`, with what holds it: the namespaces and mounts are not requested.
enum LandlockOnlyLayers {
    static func list(_ policy: Policy, _ limits: LimitPlan, abi: UInt32) -> [PlannedLayer] {
        Layer.allCases.map { layer in
            let mechanism = mechanism(layer, limits, abi: abi)
            return PlannedLayer(
                layer: layer,
                requirement: .required,
                requested: mechanism != nil,
                mechanism: mechanism ?? "none: the weaker profile landlock-only was asked for"
            )
        }
    }

    /// Nil for what the profile has not.
    private static func mechanism(_ layer: Layer, _ limits: LimitPlan, abi: UInt32) -> String? {
        switch layer {
        case .userNamespace, .mountNamespace, .pidNamespace, .networkNamespace, .ipcNamespace, .utsNamespace,
            .cgroupNamespace, .mounts:
            nil
        case .landlock: "ABI \(abi), two domains: the keeper's, and in it the worker's"
        case .seccomp:
            "allow-list compiled by libseccomp; no sockets, no change of metadata by path; foreign ABIs are killed"
        case .noNewPrivileges: "prctl, inherited for good"
        case .capabilities: "permitted, effective, inheritable and ambient sets empty; the bounding set is the caller's"
        case .nestedNamespaces: "seccomp"
        case .keyring: "new session keyring; keyctl refused by seccomp"
        case .descriptors: "0, 1 and 2 only"
        case .environment: "built from nothing; the keeper has none"
        case .attributes: "umask, nice, scheduler, personality, oom_score_adj, timer slack, signals set"
        case .rlimits:
            "rlimits; NPROC = \(limits.tasks) counts all processes of the caller"
                + (limits.cgroup?.uses(.pids) == true ? "; pids.max of the job's cgroup the same" : "")
        case .memory:
            limits.memoryIsHeld
                ? "cgroup: \(limits.memory) for the whole job, no swap; the kernel kills all of it at that"
                : "watched every \(limits.memoryWatchInterval): \(limits.memory) for the whole job"
        case .wallClock: "\(limits.wall), by the keeper's own timer; then TERM, \(limits.grace), KILL"
        }
    }
}
