internal import SandboxPlan

/// Each layer with what holds it, in the words of `explain`.
enum PlannedLayers {
    static func list(
        _ policy: Policy,
        _ identity: IdentityPlan,
        _ limits: LimitPlan,
        abi: UInt32
    ) -> [PlannedLayer] {
        Layer.allCases.map { layer in
            PlannedLayer(
                layer: layer,
                requirement: layer == .landlock ? policy.landlock.requirement : .required,
                requested: requested(layer, policy),
                mechanism: mechanism(layer, policy, identity, limits, abi: abi)
            )
        }
    }

    private static func requested(_ layer: Layer, _ policy: Policy) -> Bool {
        switch layer {
        case .networkNamespace: policy.network != .host
        default: true
        }
    }

    private static func mechanism(
        _ layer: Layer,
        _ policy: Policy,
        _ identity: IdentityPlan,
        _ limits: LimitPlan,
        abi: UInt32
    ) -> String {
        switch layer {
        case .userNamespace: "one id mapped: \(identity.uid):\(identity.gid); setgroups denied"
        case .mountNamespace: "own mount table, private propagation"
        case .pidNamespace: "own process numbers; pid 1 is ours"
        case .networkNamespace:
            switch policy.network {
            case .off(loopback: true): "own network with nothing but lo"
            case .off(loopback: false): "own network without anything"
            case .host: "not requested: the host's network"
            }
        case .ipcNamespace: "own System V IPC; POSIX queues, which Landlock keeps closed"
        case .utsNamespace:
            "host name \(policy.process.hostname)"
                + (policy.confinement == .container
                    ? ", or where the container's filter refuses it the container's" : "")
        case .cgroupNamespace: "own view; no cgroup file system is mounted"
        case .mounts:
            "new root of listed binds; the old root is detached"
                + (policy.confinement == .container ? "; /proc is the container's, read-only" : "")
        case .landlock: abi == 0 ? "not in force: accepted by the policy" : "ABI \(abi), rules repeat the mounts"
        case .seccomp: "allow-list compiled by libseccomp; foreign ABIs are killed"
        case .noNewPrivileges: "prctl, inherited for good"
        case .capabilities: "all five sets empty, securebits locked"
        case .nestedNamespaces:
            policy.confinement == .container
                ? "seccomp alone: see what is not held" : "user.max_user_namespaces = 0, and seccomp"
        case .keyring: "new session keyring; keyctl refused by seccomp"
        case .descriptors: "0, 1 and 2 only"
        case .environment: "built from nothing; pid 1 has none"
        case .attributes: "umask, nice, scheduler, personality, oom_score_adj, timer slack, signals set"
        case .rlimits:
            "rlimits; NPROC = \(limits.tasks) counted in the user namespace"
                + (limits.cgroup?.uses(.pids) == true ? "; pids.max of the place's cgroup the same" : "")
        case .memory:
            limits.memoryIsHeld
                ? "cgroup: \(limits.memory) for the whole job, no swap; the kernel kills all of it at that"
                : "watched every \(limits.memoryWatchInterval): \(limits.memory) for the whole job"
        case .wallClock: "\(limits.wall), by pid 1's own timer; then TERM, \(limits.grace), KILL"
        }
    }
}
