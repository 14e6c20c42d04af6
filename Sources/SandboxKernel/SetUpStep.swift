internal import CShims
internal import SandboxPlan

/// What pid 1 and the worker do that is no step of the plan (`cs_pseudo_step`): its words, and the layer that it is a part of.
enum SetUpStep {
    static func failure(_ step: Int32, errno: Int32) -> PlaceError {
        .setUp(what: name(step), layer: layer(step), errno: errno)
    }

    private static func name(_ step: Int32) -> String {
        switch step {
        case CS_STEP_CHILD_PDEATHSIG.rawValue: "parent-death signal"
        case CS_STEP_CHILD_DROP_ROOT.rawValue: "giving up root"
        case CS_STEP_CHILD_CLONE.rawValue: "new namespaces (clone)"
        case CS_STEP_CHILD_SESSION.rawValue: "new session"
        case CS_STEP_CHILD_SETGROUPS.rawValue: "denying setgroups"
        case CS_STEP_CHILD_UID_MAP.rawValue: "uid map"
        case CS_STEP_CHILD_GID_MAP.rawValue: "gid map"
        case CS_STEP_CHILD_DESCRIPTORS.rawValue: "descriptors of pid 1"
        case CS_STEP_CHILD_CAPABILITIES.rawValue: "capabilities for setting up"
        case CS_STEP_CHILD_EXEC.rawValue: "exec of pid 1"
        case CS_STEP_INIT_GATE.rawValue: "gate A"
        case CS_STEP_INIT_PLAN.rawValue: "reading the plan"
        case CS_STEP_INIT_REPORT.rawValue: "report of pid 1"
        case CS_STEP_INIT_DUMPABLE.rawValue: "turning pid 1 non-dumpable"
        case CS_STEP_INIT_SERVE.rawValue: "timer of pid 1"
        case CS_STEP_INIT_FORK.rawValue: "fork of the worker"
        case CS_STEP_PROCESS_PDEATHSIG.rawValue: "parent-death signal of the worker"
        case CS_STEP_PROCESS_SESSION.rawValue: "session of the worker"
        case CS_STEP_PROCESS_STDIO.rawValue, CS_STEP_PROCESS_DESCRIPTORS.rawValue: "descriptors of the worker"
        case CS_STEP_PROCESS_CWD.rawValue: "working directory"
        case CS_STEP_PROCESS_SIGNALS.rawValue: "signal mask of the worker"
        case CS_STEP_PROCESS_FILTER.rawValue: "seccomp filter of the worker"
        case CS_STEP_PROCESS_PROBE.rawValue: "probe of the worker"
        case CS_STEP_PROCESS_GATE.rawValue: "gate B"
        case CS_STEP_PROCESS_TERMINAL.rawValue: "foreground of the terminal"
        case CS_STEP_PROCESS_NARROW.rawValue: "narrowing of the process"
        default: "step \(step)"
        }
    }

    /// The layer that is compared where the step has been done; nil where it is none's.
    private static func layer(_ step: Int32) -> Layer? {
        switch step {
        case CS_STEP_CHILD_DROP_ROOT.rawValue, CS_STEP_CHILD_CLONE.rawValue, CS_STEP_CHILD_SETGROUPS.rawValue,
            CS_STEP_CHILD_UID_MAP.rawValue, CS_STEP_CHILD_GID_MAP.rawValue:
            .userNamespace
        case CS_STEP_CHILD_DESCRIPTORS.rawValue, CS_STEP_PROCESS_STDIO.rawValue,
            CS_STEP_PROCESS_DESCRIPTORS.rawValue, CS_STEP_PROCESS_TERMINAL.rawValue:
            .descriptors
        // An image of its own, with an empty environment, that nobody else reads.
        case CS_STEP_CHILD_EXEC.rawValue, CS_STEP_INIT_DUMPABLE.rawValue: .environment
        case CS_STEP_CHILD_CAPABILITIES.rawValue: .capabilities
        case CS_STEP_CHILD_SESSION.rawValue, CS_STEP_PROCESS_SESSION.rawValue, CS_STEP_PROCESS_SIGNALS.rawValue:
            .attributes
        case CS_STEP_INIT_SERVE.rawValue: .wallClock
        case CS_STEP_PROCESS_CWD.rawValue: .mounts
        case CS_STEP_PROCESS_FILTER.rawValue: .seccomp
        case CS_STEP_PROCESS_PROBE.rawValue, CS_STEP_PROCESS_NARROW.rawValue: .landlock
        default: nil
        }
    }
}
