internal import CShims

/// One kernel feature that a launch stands on, tried in a child process (`CShims/probe.c`).
public enum FeatureProbe: Hashable, Sendable, CaseIterable {
    case userNamespace
    case mountNamespace
    case pidNamespace
    case networkNamespace
    case ipcNamespace
    case utsNamespace
    case cgroupNamespace
    case openTree
    case mountSetattr
    case tmpfs
    case moveMount
    case pivotRoot
    case proc
    case devpts
    case nestedNamespaces
    case capabilities
    case rlimitNproc
    case noNewPrivileges
    case seccomp
    case landlock
    case pidfd
    case closeRange
    case keyring

    /// Longest time that one may take, in milliseconds: far above any real one, so that nothing hangs.
    static let timeout: Int32 = 5000

    /// Does it, as `identity`, and waits for the answer.
    func outcome(as identity: ProbeIdentity) -> ProbeOutcome {
        var who = cs_probe_identity(uid: identity.uid, gid: identity.gid, drop: identity.drops ? 1 : 0)
        var result = cs_probe_result()
        cs_probe_run(probe, &who, FeatureProbe.timeout, &result)
        return ProbeOutcome(result)
    }

    private var probe: cs_probe {
        switch self {
        case .userNamespace: CS_PROBE_USER_NAMESPACE
        case .mountNamespace: CS_PROBE_MOUNT_NAMESPACE
        case .pidNamespace: CS_PROBE_PID_NAMESPACE
        case .networkNamespace: CS_PROBE_NETWORK_NAMESPACE
        case .ipcNamespace: CS_PROBE_IPC_NAMESPACE
        case .utsNamespace: CS_PROBE_UTS_NAMESPACE
        case .cgroupNamespace: CS_PROBE_CGROUP_NAMESPACE
        case .openTree: CS_PROBE_OPEN_TREE
        case .mountSetattr: CS_PROBE_MOUNT_SETATTR
        case .tmpfs: CS_PROBE_TMPFS
        case .moveMount: CS_PROBE_MOVE_MOUNT
        case .pivotRoot: CS_PROBE_PIVOT_ROOT
        case .proc: CS_PROBE_PROC
        case .devpts: CS_PROBE_DEVPTS
        case .nestedNamespaces: CS_PROBE_NESTED_NAMESPACES
        case .capabilities: CS_PROBE_CAPABILITIES
        case .rlimitNproc: CS_PROBE_RLIMIT_NPROC
        case .noNewPrivileges: CS_PROBE_NO_NEW_PRIVS
        case .seccomp: CS_PROBE_SECCOMP
        case .landlock: CS_PROBE_LANDLOCK
        case .pidfd: CS_PROBE_PIDFD
        case .closeRange: CS_PROBE_CLOSE_RANGE
        case .keyring: CS_PROBE_KEYRING
        }
    }
}

/// Who the probes are: a worker is never root, so neither are they.
public struct ProbeIdentity: Hashable, Sendable {
    public var uid: UInt32
    public var gid: UInt32
    /// Started by root: groups, gid and uid are changed before anything is tried.
    public var drops: Bool

    public init(uid: UInt32, gid: UInt32, drops: Bool) {
        self.uid = uid
        self.gid = gid
        self.drops = drops
    }

    /// `nobody`, for root: `run` takes the workspace's owner, and doctor has no workspace.
    public static let nobody = ProbeIdentity(uid: 65534, gid: 65534, drops: true)
}

/// What came of a probe.
public enum ProbeOutcome: Hashable, Sendable {
    /// Each call succeeded and had its effect; the value is the Landlock ABI, a count, or 0.
    case works(value: Int64)
    /// The call that failed, and its errno; 0: it succeeded without its effect.
    case failed(call: String, errno: Int32)
    /// The process ended before it could say anything (waitpid(2) status).
    case silent(status: Int32)
    case timedOut
    /// No process could be made for it.
    case notStarted(errno: Int32)

    init(_ result: cs_probe_result) {
        switch result.ending {
        case Int32(CS_PROBE_REPORTED.rawValue):
            guard result.call != 0 else {
                self = .works(value: result.value)
                return
            }
            let name = cs_probe_call_name(result.call).map { String(cString: $0) } ?? "call \(result.call)"
            self = .failed(call: name, errno: result.error)
        case Int32(CS_PROBE_TIMED_OUT.rawValue):
            self = .timedOut
        case Int32(CS_PROBE_NOT_STARTED.rawValue):
            self = .notStarted(errno: result.error)
        default:
            self = .silent(status: Int32(truncatingIfNeeded: result.value))
        }
    }

    public var works: Bool {
        if case .works = self { return true }
        return false
    }
}
