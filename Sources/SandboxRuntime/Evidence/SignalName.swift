/// Names of signals: `SIGKILL` for 9.
public enum SignalName {
    /// `SIGKILL` for 9, `SIGRTMIN+2` for 36; `signal 99` for a number without a name.
    public static func name(_ number: Int32) -> String {
        // glibc keeps 32 and 33 for itself, so that its SIGRTMIN is 34 (signal(7)).
        if (34...64).contains(number) { return number == 34 ? "SIGRTMIN" : "SIGRTMIN+\(number - 34)" }
        guard number > 0, number < names.count else { return "signal \(number)" }
        return names[Int(number)]
    }

    /// By number, from 0, as on x86-64 and arm64 (signal(7)).
    private static let names: [String] = [
        "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
        "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",
        "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",
        "SIGPWR", "SIGSYS",
    ]
}
