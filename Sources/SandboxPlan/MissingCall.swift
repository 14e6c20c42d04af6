/// A system call that every launch needs and no other stands in for, where the kernel says that it has none (ENOSYS).
public enum MissingCall: String, Hashable, Sendable {
    case openat2
    case statx
    case closeRange = "close_range"
    case execveat

    /// The call behind the step of a refusal; nil where another one may have failed, or the step has a remedy of its own.
    ///
    /// - Parameter step: `Refusal.step`: a call of the supervisor's, or what pid 1 and the worker do outside of the plan.
    init?(step: String) {
        switch step {
        case "openat2": self = .openat2
        case "statx": self = .statx
        case "descriptors of pid 1", "descriptors of the worker": self = .closeRange
        case "exec of pid 1": self = .execveat
        default: return nil
        }
    }

    /// The call and the release of Linux that it came with (its manual page, section HISTORY).
    private var name: String {
        switch self {
        case .openat2: "openat2(2), which Linux has since 5.6"
        case .statx: "statx(2), which Linux has since 4.11"
        case .closeRange: "close_range(2), which Linux has since 5.9"
        case .execveat: "execveat(2), which Linux has since 3.19"
        }
    }

    /// What is missing, and what to do about it.
    ///
    /// A kernel without it and a filter that does not know it answer the same.
    public var remedy: String {
        "\(name), is missing here: the kernel is older, or a seccomp filter around this process hides it, as those of old container "
            + "runtimes do. Boot Linux 6.1 or newer; in a container, take a newer runtime or start it without its filter (podman "
            + "or docker run --security-opt seccomp=unconfined …), or run codex-sandbox outside of it"
    }
}
