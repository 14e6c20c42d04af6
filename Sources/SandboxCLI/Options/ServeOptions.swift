public import SandboxPlan

/// What `serve` was asked for; `codex-sandboxd` does it.
public struct ServeOptions: Hashable, Sendable {
    /// Settings by the names they have in the environment: what they mean is decided where all sources come together.
    public var settings: [String: String] = [:]
    /// Nil: `.env` in the current folder, where there is one.
    public var dotEnv: OSString?
    public var policy: PolicySource?
    /// A file with the token in its first line: on a command line everybody could read it.
    public var tokenFile: OSString?
    public var stateDirectory: OSString?
    /// Folder of database and projects, where the settings name no others.
    public var dataFolder: OSString?

    public init() {}

    static let table: [Option<ServeOptions>] = [
        setting(
            "--listen",
            "LISTEN",
            "ADDRESS",
            "HOST:PORT, unix:/PATH, fd for sockets handed over, fd:NAME for some.",
            "127.0.0.1:8000"
        ),
        setting("--database", "DATABASE_URL", "URL", "Where projects and jobs are kept.", "sqlite:///./codex.db"),
        setting("--workspace-root", "WORKSPACE_ROOT", "DIR", "The folder of the projects' folders.", "./workspaces"),
        setting(
            "--worker",
            "WORKER",
            "NAME",
            "Who does the jobs: dummy, minimal, codex, command.",
            "as USE_DUMMY_WORKER says"
        ),
        setting("--max-jobs", "MAX_JOBS", "N", "Jobs that run at a time, of different projects.", "4"),
        setting("--stop-jobs", "STOP_JOBS", "end|finish", "What becomes of jobs when the server stops.", "end"),
        setting("--stop-time", "STOP_TIME", "T", "How long finish may take; then jobs are ended.", "10m"),
        setting(
            "--log-level",
            "LOG_LEVEL",
            "LEVEL",
            "error, warning, info, debug; changes are logged at each.",
            "info"
        ),
        setting(
            "--keep-projects",
            "KEEP_PROJECTS",
            "T",
            "Removes projects of which nothing has changed for T, as 30d."
        ),
        setting(
            "--keep-projects-size",
            "KEEP_PROJECTS_SIZE",
            "N",
            "Removes the longest unchanged projects until all take no more than N, as 20GiB."
        ),
        setting("--keep-logs", "KEEP_LOGS", "T", "Removes the output of jobs that ended more than T ago."),
        setting(
            "--keep-logs-size",
            "KEEP_LOGS_SIZE",
            "N",
            "Removes the oldest output of jobs until all takes no more than N."
        ),
        setting(
            "--keep-evidence",
            "KEEP_EVIDENCE",
            "T",
            "Removes records of the server's launches that ended more than T ago, in whole days."
        ),
        setting(
            "--keep-evidence-size",
            "KEEP_EVIDENCE_SIZE",
            "N",
            "Removes the oldest of these until all take no more than N."
        ),
        setting("--keep-interval", "KEEP_INTERVAL", "T", "How often is looked for what is to be removed.", "1h"),
        .single(
            "--data-dir",
            .folder,
            "Folder of database and projects, made where it is missing.",
            default: "the current folder",
            parse: OptionValue.path,
            set: { $0.dataFolder = $1 }
        ),
        .single(
            "--policy",
            .policy,
            "What workers may do; a project's policy can only be narrower.",
            default: "codex-worker",
            parse: PolicySource.parse,
            set: { $0.policy = $1 }
        ),
        .single(
            "--token-file",
            .file,
            "File whose first line is the token that clients have to send.",
            parse: OptionValue.path,
            set: { $0.tokenFile = $1 }
        ),
        .single(
            "--env-file",
            .file,
            "File with settings, NAME=VALUE; -FILE may be missing.",
            default: ".env, where there is one",
            parse: OptionValue.path,
            set: { $0.dotEnv = $1 }
        ),
        .single(
            "--state-dir",
            .folder,
            "Folder of the records.",
            default: "$XDG_STATE_HOME/codex-sandbox",
            parse: OptionValue.path,
            set: { $0.stateDirectory = $1 }
        ),
    ]

    /// Reads what follows `serve`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> ServeOptions? {
        var options = ServeOptions()
        let parser = OptionParser(command: .serve, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &options) else {
            return nil
        }
        if let word = words.first { throw UsageError(.unexpectedArgument(word), command: .serve) }
        return options
    }

    /// The flag that says a setting.
    public static func flag(of setting: String) -> String {
        if setting == "DATABASE_URL" { return "--database" }
        return "--" + String(setting.lowercased().map { $0 == "_" ? "-" : $0 })
    }

    private static func setting(
        _ option: String,
        _ name: String,
        _ form: String,
        _ summary: String,
        _ defaultValue: String = ""
    ) -> Option<ServeOptions> {
        .single(
            option,
            .text(form),
            summary,
            default: defaultValue,
            parse: { (word) throws(BadValue) in
                guard let text = word.utf8 else { throw BadValue(why: "It is not UTF-8.") }
                return text
            },
            set: { $0.settings[name] = $1 }
        )
    }
}
