public import SandboxPlan

/// The exit statuses of `codex-sandbox`; Docker's convention, which scripts know.
public enum ExitStatus {
    /// The arguments are wrong; nothing was looked at but them.
    public static let usage: Int32 = 2
    /// The wall limit passed.
    public static let wallLimit: Int32 = 124
    /// Nothing ran, for any reason that is not the arguments.
    public static let refused: Int32 = 125
    /// The command is there and cannot be executed.
    public static let notExecutable: Int32 = 126
    /// The command is not there.
    public static let notFound: Int32 = 127

    /// The status that says how a launch ended.
    ///
    /// A job that we killed for its memory, because a protection was gone, or after the grace ends as by SIGKILL: 137.
    public static func of(_ outcome: Outcome) -> Int32 {
        switch outcome {
        case .exited(let code): code
        case .interrupted(_, wasKilled: true): 128 + 9
        case .signalled(let signal), .interrupted(let signal, wasKilled: false): 128 + signal
        case .timedOut: wallLimit
        case .memoryExceeded, .diskExceeded, .outputExceeded, .protectionLost: 128 + 9
        case .refused: refused
        // ENOENT, as shells and env(1) have it: a missing interpreter counts as not found too.
        case .notExecuted(let errno, _): errno == 2 ? notFound : notExecutable
        }
    }

    /// For help: status and meaning.
    static let ofRun: [(status: String, meaning: String)] = [
        ("0-255", "the command's own exit status"),
        ("128+N", "the command was ended by signal N; 137 also when codex-sandbox killed it for its memory,"),
        ("", "its disk space or output, a lost protection, or after the grace (the note on stderr says which)"),
        ("124", "the wall limit passed"),
        ("125", "nothing ran: refused, or a layer could not be established and verified"),
        ("126", "nothing ran: the command cannot be executed"),
        ("127", "nothing ran: the command is not there inside the sandbox"),
        ("2", "nothing ran: the arguments are wrong"),
    ]

    /// For help: the commands that check something.
    static func ofCheck(good: String, bad: String) -> [(status: String, meaning: String)] {
        [("0", good), ("1", bad), ("2", "the arguments are wrong")]
    }

    /// For help: the commands that show something.
    static let ofShow: [(status: String, meaning: String)] = [
        ("0", "shown"),
        ("125", "there is nothing to show: the reason is on stderr"),
        ("2", "the arguments are wrong"),
    ]
}
