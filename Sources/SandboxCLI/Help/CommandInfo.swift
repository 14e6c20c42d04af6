/// All that help says of one command.
struct CommandInfo {
    var name: CommandName
    /// After `codex-sandbox `.
    var usage: [String]
    /// Paragraphs, one line each as printed.
    var description: [String]
    var actions: [(form: String, summary: String)] = []
    var options: [OptionInfo]
    /// Sections between the options and the examples.
    var sections: [(title: String, rows: [(term: String, meaning: String)])] = []
    var examples: [(purpose: String, line: String)]
    var exitStatuses: [(status: String, meaning: String)]
}

/// Rows that more than one help text has.
enum HelpRows {
    static let values: [(term: String, meaning: String)] = [
        (
            "N (size)",
            "a number with KiB, MiB, GiB, TiB (or K, M, G, T), kB, MB, GB or TB; without a unit it counts bytes"
        ),
        ("T (time)", "a number with ms, s, m, h or d; without a unit it counts seconds"),
        ("[default: …]", "of network and limits: that of the built-in policies; a policy file has its own"),
        ("DIR, FILE, PATH", "any bytes; relative ones count from the current folder; a PATH has no .. in it"),
        ("--", "ends the options; so does the command itself: nothing after it is parsed"),
    ]

    static let environment: [(term: String, meaning: String)] = [
        ("CODEX_SANDBOX_POLICY", "the policy when --policy is not given"),
        ("CODEX_SANDBOX_CONFIG", "folder of settings and own policies instead of $XDG_CONFIG_HOME/codex-sandbox"),
        ("CODEX_SANDBOX_STATE_DIR", "folder of the records when --state-dir is not given"),
        ("CODEX_SANDBOX_CACHE_DIR", "folder of compiled policies instead of $XDG_CACHE_HOME/codex-sandbox"),
        ("NO_COLOR", "no colours, whatever the terminal can do"),
        ("", "CODEX_SANDBOX and CODEX_SANDBOX_NETWORK_DISABLED are never read as settings."),
    ]
}
