internal import Glibc
internal import SandboxPlan

/// What mends a feature that is missing although its base is there.
struct FeatureCause {
    let probe: FeatureProbe
    let outcome: ProbeOutcome
    let facts: DoctorFacts

    static let report = "Report it with what this prints: codex-sandbox doctor --json"

    var remedy: String {
        guard case .failed(_, let errno) = outcome else {
            return "Run codex-sandbox doctor again on a quiet machine."
        }
        switch errno {
        case ENOSPC:
            guard let setting else { return FeatureCause.report }
            return setting.command(15000)
        case EPERM, EACCES:
            return UserNamespaceCause.appArmor(facts, errno)?.remedy ?? filter ?? FeatureCause.report
        case ENOSYS:
            return filter ?? "Boot Linux 6.1 or newer\(option)."
        case EINVAL, ENODEV, EAFNOSUPPORT:
            return filter ?? (option.isEmpty ? FeatureCause.report : "Boot a kernel\(option).")
        default:
            return FeatureCause.report
        }
    }

    private var filter: String? { UserNamespaceCause.filtered(facts)?.remedy }

    /// The limit of the number of namespaces of this kind.
    private var setting: HostSetting? {
        switch probe {
        case .userNamespace: .maximumUserNamespaces
        case .mountNamespace: .maximumMountNamespaces
        case .pidNamespace: .maximumPidNamespaces
        case .networkNamespace: .maximumNetworkNamespaces
        case .ipcNamespace: .maximumIPCNamespaces
        case .utsNamespace: .maximumUTSNamespaces
        case .cgroupNamespace: .maximumCgroupNamespaces
        case .openTree, .mountSetattr, .tmpfs, .moveMount, .pivotRoot, .proc, .devpts, .nestedNamespaces,
            .capabilities, .rlimitNproc, .noNewPrivileges, .seccomp, .landlock, .pidfd, .closeRange, .keyring:
            nil
        }
    }

    /// The kernel's build option, ready to follow a word; empty where the release alone decides.
    private var option: String {
        let name =
            switch probe {
            case .userNamespace: "USER_NS"
            case .pidNamespace: "PID_NS"
            case .networkNamespace: "NET_NS"
            case .ipcNamespace: "IPC_NS"
            case .utsNamespace: "UTS_NS"
            case .cgroupNamespace: "CGROUPS"
            case .tmpfs: "TMPFS"
            case .proc: "PROC_FS"
            case .devpts: "UNIX98_PTYS"
            case .seccomp: "SECCOMP_FILTER"
            case .landlock: "SECURITY_LANDLOCK"
            case .keyring: "KEYS"
            case .mountNamespace, .openTree, .mountSetattr, .moveMount, .pivotRoot, .nestedNamespaces, .capabilities,
                .rlimitNproc, .noNewPrivileges, .pidfd, .closeRange:
                ""
            }
        return name.isEmpty ? "" : " that has CONFIG_\(name)=y"
    }
}
