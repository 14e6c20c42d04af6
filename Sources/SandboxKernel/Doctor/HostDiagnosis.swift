internal import Glibc
public import SandboxPlan

/// What the facts mean: one check for each layer, each missing one with its cause and the command that mends it.
public struct HostDiagnosis {
    public var facts: DoctorFacts

    public init(facts: DoctorFacts) {
        self.facts = facts
    }

    /// In the order in which a launch needs them.
    public var checks: [HostCheck] {
        [kernel, architecture, userNamespace] + namespaces + mounts
            + [
                nestedNamespaces, check(.capabilities, Layer.capabilities.rawValue, "every set emptied and locked"),
                check(.noNewPrivileges, Layer.noNewPrivileges.rawValue, "set and read back"), landlock, seccomp, tasks,
                keyring, check(.pidfd, "pidfd", "opened and signalled"),
                check(.closeRange, Layer.descriptors.rawValue, "close_range with CLOSE_RANGE_CLOEXEC"), memory, cgroup,
                companion,
            ] + facts.folders.map(folder)
    }

    // MARK: - Kernel

    private var kernel: HostCheck {
        let release = facts.kernelRelease
        let remedy = "Boot Linux 6.1 or newer."
        guard let version = HostDiagnosis.version(release) else {
            return HostCheck(name: "kernel", state: .untested, detail: "the release \(release) is not understood")
        }
        // close_range 5.9, mount_setattr 5.12, Landlock 5.13, RLIMIT_NPROC by user namespace 5.14.
        if version < (5, 14) {
            return HostCheck(name: "kernel", state: .missing, detail: "\(release) is too old", remedy: remedy)
        }
        if version < (6, 1) {
            return HostCheck(
                name: "kernel",
                state: .untested,
                detail: "\(release) is older than 6.1, and untested",
                remedy: remedy
            )
        }
        return HostCheck(name: "kernel", state: .available, detail: release)
    }

    private var architecture: HostCheck {
        guard facts.machine == "x86_64" else {
            return HostCheck(
                name: "architecture",
                state: .missing,
                detail: "\(facts.machine): the filters are for x86_64 only",
                remedy: "Run it on an x86_64 machine."
            )
        }
        return HostCheck(name: "architecture", state: .available, detail: facts.machine)
    }

    /// `6.1` of `6.1.0-18-amd64`.
    static func version(_ release: String) -> (Int, Int)? {
        let parts = release.split(separator: ".", maxSplits: 2)
        guard parts.count >= 2, let major = Int(parts[0]) else { return nil }
        let digits = parts[1].utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let minor = Int(Substring(digits)) else { return nil }
        return (major, minor)
    }

    // MARK: - Any probe

    /// The check of a probe, with what was done when it worked.
    func check(_ probe: FeatureProbe, _ name: String, _ done: String) -> HostCheck {
        guard let outcome = facts.probes[probe] else {
            return HostCheck(name: name, state: .untested, detail: "not tried")
        }
        if outcome.works { return HostCheck(name: name, state: .available, detail: done) }
        if let needed = missingBase(of: probe, outcome) {
            return HostCheck(name: name, state: .untested, detail: "not tried: it needs \(needed)")
        }
        return HostCheck(
            name: name,
            state: .missing,
            detail: HostDiagnosis.words(outcome),
            remedy: FeatureCause(probe: probe, outcome: outcome, facts: facts).remedy
        )
    }

    /// The layer that a probe did not get past, when it is another than its own.
    private func missingBase(of probe: FeatureProbe, _ outcome: ProbeOutcome) -> String? {
        HostDiagnosis.bases(of: probe).first { facts.probes[$0.probe] == outcome }?.name
    }

    /// What a probe does before its own call, in order, as `CShims/probe_*.c` have it.
    private static func bases(of probe: FeatureProbe) -> [(probe: FeatureProbe, name: String)] {
        let user = (FeatureProbe.userNamespace, Layer.userNamespace.rawValue)
        let mount = (FeatureProbe.mountNamespace, Layer.mountNamespace.rawValue)
        let pid = (FeatureProbe.pidNamespace, Layer.pidNamespace.rawValue)
        let tmpfs = (FeatureProbe.tmpfs, "tmpfs")
        switch probe {
        case .userNamespace, .noNewPrivileges, .pidfd, .closeRange, .keyring:
            return []
        case .seccomp, .landlock:
            return [(.noNewPrivileges, Layer.noNewPrivileges.rawValue)]
        case .mountNamespace, .pidNamespace, .networkNamespace, .ipcNamespace, .utsNamespace, .cgroupNamespace,
            .capabilities, .rlimitNproc:
            return [user]
        case .openTree, .tmpfs, .devpts: return [user, mount]
        case .mountSetattr: return [user, mount, (.openTree, "open-tree")]
        case .moveMount: return [user, mount, tmpfs]
        case .pivotRoot: return [user, mount, tmpfs, (.moveMount, "move-mount")]
        case .proc: return [user, mount, pid]
        case .nestedNamespaces: return [user, mount, pid, (.proc, "proc")]
        }
    }

    static func words(_ outcome: ProbeOutcome) -> String {
        switch outcome {
        case .works: "works"
        case .failed(let call, 0): "\(call) succeeded and had no effect"
        case .failed(let call, let errno): "\(call): \(ErrnoName.described(errno))"
        case .silent(let status) where status & 0x7F != 0: "the trial was killed by signal \(status & 0x7F)"
        case .silent(let status): "the trial ended with status \(status >> 8 & 0xFF) and said nothing"
        case .timedOut: "the trial did not come to an end in \(FeatureProbe.timeout) ms"
        case .notStarted(let errno): "no process for the trial: \(ErrnoName.described(errno))"
        }
    }

    // MARK: - Namespaces and mounts

    private var userNamespace: HostCheck {
        let who = facts.identity.drops ? "as uid \(facts.identity.uid), after root was given up" : "as yourself"
        var check = check(.userNamespace, Layer.userNamespace.rawValue, "made \(who), one id mapped")
        guard check.state == .missing, let outcome = facts.probes[.userNamespace] else { return check }
        let cause = UserNamespaceCause(outcome: outcome, facts: facts)
        check.detail += ". \(cause.sentence)\(weaker)"
        check.remedy = cause.remedy
        return check
    }

    /// The last resort, where it would run: named, never taken.
    private var weaker: String {
        guard facts.probes[.landlock]?.works == true, facts.probes[.seccomp]?.works == true, !facts.identity.drops,
            facts.mounts?.contains("/proc") != false
        else {
            return ""
        }
        return " Where that cannot be changed there is the weaker profile landlock-only, by name: `codex-sandbox "
            + "explain --policy landlock-only -- true` lists what it does not hold."
    }

    private var namespaces: [HostCheck] {
        [
            check(.mountNamespace, Layer.mountNamespace.rawValue, "made, propagation private"),
            check(.pidNamespace, Layer.pidNamespace.rawValue, "made, with a pid 1 of its own"),
            check(.networkNamespace, Layer.networkNamespace.rawValue, "made, its own lo raised"),
            check(.ipcNamespace, Layer.ipcNamespace.rawValue, "made"),
            check(.utsNamespace, Layer.utsNamespace.rawValue, "made, its host name changed"),
            check(.cgroupNamespace, Layer.cgroupNamespace.rawValue, "made"),
        ]
    }

    private var mounts: [HostCheck] {
        [
            check(.openTree, "open-tree", "the tree copied"),
            check(.mountSetattr, "mount-setattr", "the copy made read-only, and read back so"),
            check(.tmpfs, "tmpfs", "mounted with fsopen, fsconfig and fsmount"),
            check(.moveMount, "move-mount", "a tmpfs attached over the root"),
            check(.pivotRoot, "pivot-root", "entered, the old root detached"),
            proc,
        ] + hiddenProcesses + [
            check(.devpts, "devpts", "an instance of its own, its ptmx opened")
        ]
    }

    private var proc: HostCheck {
        var check = check(.proc, "proc", "mounted for a pid namespace of its own")
        // Other file systems can be mounted, and this one not: mount_too_revealing in the kernel's fs/namespace.c.
        let covers = facts.mounts?.below("/proc") ?? []
        guard check.state == .missing, facts.probes[.proc] == .failed(call: "fsmount", errno: EPERM),
            facts.probes[.tmpfs]?.works == true, !covers.isEmpty
        else { return check }
        let shown = covers.prefix(3).map(\.description).joined(separator: ", ") + (covers.count > 3 ? ", …" : "")
        check.detail +=
            ". The kernel gives no fresh one while parts of /proc (\(shown)) are covered here, as containers do it"
        if facts.probes[.landlock]?.works == true {
            check.detail += ". Where that cannot be changed, \(MaskedProc.weaker)."
        }
        check.remedy = MaskedProc.uncover
        return check
    }

    /// Nothing that `run` lacks under a policy with a /proc of its own.
    private var hiddenProcesses: [HostCheck] {
        guard let mode = facts.mounts?.hiddenProcesses else { return [] }
        return [
            HostCheck(
                name: "hidepid",
                state: .information,
                detail:
                    "\(HiddenProcesses.cause(mode)): a sandbox has a /proc of its own, and works; the weaker profile container is "
                    + "refused, but for the group that the mount shows all to (gid=). Should that be needed, as root: \(HiddenProcesses.remount)"
            )
        ]
    }

    private var nestedNamespaces: HostCheck {
        check(.nestedNamespaces, Layer.nestedNamespaces.rawValue, "max_user_namespaces = 0 refuses the next one")
    }
}
