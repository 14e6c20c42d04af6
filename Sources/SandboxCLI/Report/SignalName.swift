/// The names of signals (signal(7), x86_64).
enum SignalName {
    /// `SIGKILL`; `signal 40` for a real-time signal or a number that is none.
    static func name(_ signal: Int32) -> String {
        guard signal >= 1, signal <= names.count else { return "signal \(signal)" }
        return "SIG" + names[Int(signal) - 1]
    }

    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]
}
