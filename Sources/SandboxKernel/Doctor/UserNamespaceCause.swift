internal import Glibc
internal import SandboxPlan

/// Why no user namespace can be made here, and the command that mends it.
///
/// The errno tells the kind (user_namespaces(7), unshare(2)), the settings which of that kind.
struct UserNamespaceCause {
    let sentence: String
    let remedy: String

    init(outcome: ProbeOutcome, facts: DoctorFacts) {
        guard case .failed(let call, let errno) = outcome else {
            self.init("The trial itself failed.", "Run codex-sandbox doctor again on a quiet machine.")
            return
        }
        switch (call, errno) {
        case ("setgroups", _), ("setresgid", _), ("setresuid", _):
            self.init(
                "Root cannot become another user here, and a worker is never root.",
                "Start codex-sandbox as an ordinary user, or give the container CAP_SETUID, CAP_SETGID and more ids."
            )
        case (_, ENOENT):
            self.init("/proc is not mounted here.", "sudo mount -t proc proc /proc")
        case (_, ENOSPC), (_, EUSERS):
            self = UserNamespaceCause.limit(facts)
        case (_, EPERM), (_, EACCES):
            // What is written there is written in the namespace, which is made by then.
            self = UserNamespaceCause.forbidden(facts, errno, isMade: call.hasPrefix("write /proc/self/"))
        case (_, ENOSYS), (_, EINVAL):
            if let cause = UserNamespaceCause.filtered(facts) {
                self = cause
            } else {
                self.init("This kernel has no user namespaces.", "Boot a kernel that has CONFIG_USER_NS=y.")
            }
        default:
            self.init("That is none of the known causes.", FeatureCause.report)
        }
    }

    private init(_ sentence: String, _ remedy: String) {
        self.sentence = sentence
        self.remedy = remedy
    }

    /// ENOSPC: the limit of the number of namespaces, ours or of one around us.
    private static func limit(_ facts: DoctorFacts) -> UserNamespaceCause {
        let setting = HostSetting.maximumUserNamespaces
        let outside = "Run codex-sandbox outside of the container or sandbox that it is in."
        if facts.isInUserNamespace == true {
            return UserNamespaceCause("We are in a user namespace that allows no further one.", outside)
        }
        guard let limit = facts.settings[setting], limit > 0 else {
            return UserNamespaceCause("\(setting.name) is 0.", setting.command(15000))
        }
        return UserNamespaceCause(
            "All of the \(limit) that \(setting.name) allows are in use.",
            setting.command(limit * 2)
        )
    }

    /// EPERM and EACCES: a setting, a filter, a chroot, or a security module, in the order in which they can be told.
    private static func forbidden(_ facts: DoctorFacts, _ errno: Int32, isMade: Bool) -> UserNamespaceCause {
        let clone = HostSetting.unprivilegedUserNamespaces
        if facts.settings[clone] == 0 {
            return UserNamespaceCause("\(clone.name) is 0.", clone.command(1))
        }
        if let cause = appArmor(facts, errno, isMade: isMade) { return cause }
        if facts.mounts?.contains("/") == false {
            return UserNamespaceCause(
                "We are in a chroot, and the kernel makes no user namespace there.",
                "Run codex-sandbox outside of the chroot, or enter the tree with systemd-nspawn instead."
            )
        }
        if let cause = filtered(facts) ?? confined(facts, isMade: isMade) { return cause }
        let modules = facts.securityModules.map { " (\($0))" } ?? ""
        return UserNamespaceCause(
            "That is a chroot, or a security module\(modules) that forbids it.",
            "Run codex-sandbox outside of the chroot; for a security module see: sudo journalctl -k --grep userns"
        )
    }

    /// The restriction of whoever has no profile, or the profile that we are under: aa_profile_ns_perm in the kernel's
    /// security/apparmor/task.c answers EACCES, which no filter and no setting does.
    ///
    /// Ubuntu lets unshare succeed and then takes every capability, so that a later call fails, with EPERM.
    static func appArmor(_ facts: DoctorFacts, _ errno: Int32, isMade: Bool = true) -> UserNamespaceCause? {
        if errno == EACCES, let cause = confined(facts, isMade: isMade) { return cause }
        let setting = HostSetting.appArmorRestriction
        guard facts.settings[setting] == 1 else { return nil }
        return UserNamespaceCause(
            "\(setting.name) is 1, and codex-sandbox has no AppArmor profile that allows them.",
            loadProfile
        )
    }

    /// Not `sysctl`: that would allow them to every program.
    private static let loadProfile =
        "codex-sandbox doctor --apparmor-profile | sudo tee /etc/apparmor.d/codex-sandbox >/dev/null && "
        + "sudo apparmor_parser -r /etc/apparmor.d/codex-sandbox"

    /// A profile that holds us to its rules: neither `unconfined`, nor one in complain or unconfined mode.
    private static func confined(_ facts: DoctorFacts, isMade: Bool) -> UserNamespaceCause? {
        guard let label = facts.appArmorLabel, label.hasSuffix(" (enforce)") else { return nil }
        let profile = label.dropLast(" (enforce)".count)
        if isMade {
            return UserNamespaceCause(
                "The AppArmor profile \(profile) is on us: it allows the namespace, and no capability in it.",
                "Add the rule capability, to the AppArmor profile \(profile) and load it again, or start codex-sandbox outside of it."
            )
        }
        return UserNamespaceCause(
            "The AppArmor profile \(profile) is on us, and does not allow it.",
            "Add the rule userns, to the AppArmor profile \(profile) and load it again, or start codex-sandbox outside of it."
        )
    }

    static func filtered(_ facts: DoctorFacts) -> UserNamespaceCause? {
        guard let filters = facts.seccompFilters, filters > 0 else { return nil }
        return UserNamespaceCause(
            "A seccomp filter is on us, as on everything in a container.",
            "Start the container with another filter: docker run --security-opt seccomp=unconfined "
                + "--security-opt systempaths=unconfined …, or run codex-sandbox on the host."
        )
    }
}
