internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

extension Refusal {
    /// What a failed place tells a person: the step, its subject, errno and what to do.
    init(_ error: PlaceError, steps: [LaunchStep]) {
        switch error {
        case .syscall(let failure):
            self.init(
                stage: "place",
                step: failure.call,
                subject: failure.subject,
                errno: failure.errno,
                message: "the supervisor's own call failed while the place was set up",
                remedy: Refusal.remedy(errno: failure.errno)
            )
        case .setUp("seccomp filter of the worker", let layer, let code):
            self.init(
                stage: "place",
                step: "seccomp filter of the worker",
                subject: "worker",
                errno: code,
                message: "the filter of the worker could not be installed",
                remedy: code == EBUSY
                    ? "somebody outside listens to this process's system calls already (a container's runtime?): "
                        + "leave out --report-denials" : Refusal.remedy(errno: code),
                layer: layer
            )
        case .setUp(let what, let layer, let code):
            self.init(
                stage: "place",
                step: what,
                subject: "pid 1",
                errno: code,
                message: "the place could not be set up: \(what) failed",
                remedy: Refusal.remedy(setUp: what, errno: code),
                layer: layer
            )
        case .step(let index, let code):
            let step = steps.indices.contains(index) ? steps[index] : nil
            let swapped = code == 1000
            self.init(
                stage: "place",
                step: "\(step?.name ?? "step") (step \(index + 1))",
                subject: step?.subject ?? "",
                errno: swapped ? ESTALE : code,
                message: swapped
                    ? "\(step?.subject ?? "a path") is not the file any more that the plan was made for"
                    : "step \(index + 1) of \(steps.count) failed: \(step?.name ?? "unknown") on \(step?.subject ?? "?")",
                remedy: swapped
                    ? "somebody replaced it meanwhile; try again, and find out who" : Refusal.remedy(step, errno: code),
                layer: step?.layer
            )
        case .gone:
            self.init(
                stage: "place",
                message: "pid 1 of the place ended without a word",
                remedy: "it may have been killed (out of memory?); see the kernel log, then try again"
            )
        case .timedOut:
            self.init(
                stage: "place",
                message: "the place was not ready within its time",
                remedy: "the host may be overloaded or a file system may hang; try again"
            )
        case .unexpected(let what):
            self.init(
                stage: "place",
                message: "the place answered out of turn: \(what)",
                remedy: "report this with the record"
            )
        }
    }

    /// A call of the supervisor itself that answered -errno.
    init(own call: String, _ result: Int) {
        self.init(.syscall(SyscallError(call: call, subject: "supervisor", errno: Int32(-result))), steps: [])
    }

    private static let doctor = "run \(HostReport.command): it names what is missing and the command that mends it"

    /// Named, never taken.
    private static let weaker =
        "where none of that can be had, `--policy landlock-only` is a weaker profile: `explain` lists what it does not hold"

    private static func remedy(errno code: Int32) -> String {
        switch code {
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        case ENOMEM: "free memory, or raise the limit of address space (ulimit -v)"
        case ENOSPC: "free space"
        default: doctor
        }
    }

    private static func remedy(setUp what: String, errno code: Int32) -> String {
        switch (what, code) {
        case ("new namespaces (clone)", ENOSPC):
            "raise user.max_user_namespaces and its siblings (sysctl user), " + doctor + "; " + weaker
        case ("new namespaces (clone)", EPERM), ("uid map", EPERM), ("new namespaces (clone)", ENOSYS):
            "this host forbids user namespaces (sysctl kernel.unprivileged_userns_clone, "
                + "kernel.apparmor_restrict_unprivileged_userns, a container's seccomp filter or a chroot); " + doctor
                + "; " + weaker
        case ("descriptors of pid 1", EINVAL), ("descriptors of pid 1", EMFILE):
            "raise the limit of open files (ulimit -n)"
        default: remedy(errno: code)
        }
    }

    private static func remedy(_ step: LaunchStep?, errno code: Int32) -> String {
        switch (step, code) {
        case (.procfs, EPERM):
            "parts of /proc are covered here (a container?), and the kernel then refuses a fresh one. "
                + MaskedProc.remedy
        case (.bind(let bind), _) where bind.purpose == .containerProc:
            "see that /proc is mounted; " + doctor
        case (.hostname, EPERM):
            "a filter refuses it here, as those of containers do. " + MaskedProc.remedy
        // landlock_create_ruleset(2): not built, or built and not switched on at boot. Nothing else is cured by a boot.
        case (.landlock, ENOSYS), (.landlock, EOPNOTSUPP): "boot with landlock in the list of `lsm=`; " + doctor
        // landlock_restrict_self(2): 16 domains are stacked at the most.
        case (.landlock, E2BIG):
            "start it outside of the sandboxes around it: the kernel stacks no more than 16 of Landlock's"
        case (.landlock, _): remedy(errno: code)
        case (.tmpfs, _), (.newRoot, _): remedy(errno: code)
        default: doctor
        }
    }
}
