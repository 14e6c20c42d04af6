/// A kernel setting that can forbid what a launch needs; `sysctl` names it with dots.
public enum HostSetting: String, Hashable, Sendable, CaseIterable {
    case maximumUserNamespaces = "user/max_user_namespaces"
    case maximumMountNamespaces = "user/max_mnt_namespaces"
    case maximumPidNamespaces = "user/max_pid_namespaces"
    case maximumNetworkNamespaces = "user/max_net_namespaces"
    case maximumIPCNamespaces = "user/max_ipc_namespaces"
    case maximumUTSNamespaces = "user/max_uts_namespaces"
    case maximumCgroupNamespaces = "user/max_cgroup_namespaces"
    /// Debian and Arch: 0 forbids user namespaces to ordinary users. Other kernels do not have it.
    case unprivilegedUserNamespaces = "kernel/unprivileged_userns_clone"
    /// Ubuntu 23.10 and later: 1 takes every capability from a user namespace without an AppArmor profile.
    case appArmorRestriction = "kernel/apparmor_restrict_unprivileged_userns"
    case maximumKeys = "kernel/keys/maxkeys"

    var path: String { "/proc/sys/" + rawValue }

    /// As sysctl(8) has it.
    public var name: String {
        String(rawValue.map { $0 == "/" ? "." : $0 })
    }

    /// The command that sets it until the next boot.
    func command(_ value: Int64) -> String {
        "sudo sysctl -w \(name)=\(value)"
    }
}
