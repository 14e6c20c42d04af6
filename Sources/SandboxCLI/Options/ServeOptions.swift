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

    public init() {}

    static let table: [Option<ServeOptions>] = [
        setting(
            "--listen",
            "LISTEN",
            "ADDRESS",
            "HOST:PORT, unix:/PATH, or fd for a socket handed over.",
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
            "File with settings as NAME=VALUE lines.",
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

    private static func setting(
        _ option: String,
        _ name: String,
        _ form: String,
        _ summary: String,
        _ defaultValue: String
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
