public import SandboxPlan

/// What `gc` was asked to remove; `codex-sandboxd` does it.
public struct GcOptions: Hashable, Sendable {
    /// Launches that ended longer ago than so many days.
    public var olderThanDays: Int64?
    /// All but so many of the newest launches of a workspace.
    public var keep: Int64?
    /// What all records together may take.
    public var evidenceSize: ByteCount?
    /// Of a server's data: nil keeps it all.
    public var projectAge: TimeSpan?
    public var projectSize: ByteCount?
    public var logAge: TimeSpan?
    public var logSize: ByteCount?
    /// Where that is, by the names of the settings; nil as for `serve`.
    public var settings: [String: String] = [:]
    public var dotEnv: OSString?
    public var dataFolder: OSString?
    /// Nil: every workspace of the state folder.
    public var workspace: OSString?
    public var stateDirectory: OSString?
    public var dryRun = false
    public var json = false

    public init() {}

    static let table: [Option<GcOptions>] = [
        .single(
            "--older-than",
            .number,
            "Removes launches that ended more than N days ago.",
            parse: number,
            set: { $0.olderThanDays = $1 }
        ),
        .single(
            "--keep",
            .number,
            "Removes all but the newest N launches of a workspace.",
            parse: number,
            set: { $0.keep = $1 }
        ),
        .single(
            "--keep-evidence-size",
            .size,
            "Removes the oldest launches until all records take no more than N.",
            parse: OptionValue.size(in: sizes),
            set: { $0.evidenceSize = $1 }
        ),
        .single(
            "--keep-projects",
            .time,
            "Removes projects of which nothing has changed for T.",
            parse: OptionValue.time(in: ages),
            set: { $0.projectAge = $1 }
        ),
        .single(
            "--keep-projects-size",
            .size,
            "Removes the longest unchanged projects until all take no more than N.",
            parse: OptionValue.size(in: sizes),
            set: { $0.projectSize = $1 }
        ),
        .single(
            "--keep-logs",
            .time,
            "Removes the output of jobs that ended more than T ago.",
            parse: OptionValue.time(in: ages),
            set: { $0.logAge = $1 }
        ),
        .single(
            "--keep-logs-size",
            .size,
            "Removes the oldest output of jobs until all takes no more than N.",
            parse: OptionValue.size(in: sizes),
            set: { $0.logSize = $1 }
        ),
        .single(
            "--data-dir",
            .folder,
            "The server's database and projects.",
            default: "the current folder",
            parse: OptionValue.path,
            set: { $0.dataFolder = $1 }
        ),
        setting("--database", "DATABASE_URL", "URL", "The server's database."),
        setting("--workspace-root", "WORKSPACE_ROOT", "DIR", "The folder of the projects' folders."),
        .single(
            "--env-file",
            .file,
            "The server's file of settings.",
            default: ".env, where there is one",
            parse: OptionValue.path,
            set: { $0.dotEnv = $1 }
        ),
        .single(
            "--workspace",
            .folder,
            "Only the records of this workspace.",
            default: "all of them",
            parse: OptionValue.path,
            set: { $0.workspace = $1 }
        ),
        .single(
            "--state-dir",
            .folder,
            "Folder of the records.",
            default: "$XDG_STATE_HOME/codex-sandbox",
            parse: OptionValue.path,
            set: { $0.stateDirectory = $1 }
        ),
        .flag("--dry-run", "Says what would be removed, and removes nothing.", set: { $0.dryRun = true }),
        .flag(
            "--json",
            "JSON instead of text: one object a workspace, project or log, one a line.",
            set: { $0.json = true }
        ),
    ]

    /// Reads what follows `gc`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> GcOptions? {
        var options = GcOptions()
        let parser = OptionParser(command: .gc, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &options) else {
            return nil
        }
        if let word = words.first { throw UsageError(.unexpectedArgument(word), command: .gc) }
        // No default: what is removed is evidence, or somebody's work.
        guard options.concernsRecords || options.concernsProjects else {
            throw UsageError(.missingArgument("--older-than N, --keep N or another --keep-…"), command: .gc)
        }
        return options
    }

    public var concernsRecords: Bool { olderThanDays != nil || keep != nil || evidenceSize != nil }
    public var concernsProjects: Bool { projectAge != nil || projectSize != nil || logAge != nil || logSize != nil }

    /// Ages in milliseconds, sizes in bytes: the server's settings have the same.
    public static let ages: ClosedRange<UInt64> = 1000...315_360_000_000
    public static let sizes: ClosedRange<UInt64> = 1...UInt64(Int64.max)

    private static func setting(
        _ option: String,
        _ name: String,
        _ form: String,
        _ summary: String
    ) -> Option<GcOptions> {
        .single(
            option,
            .text(form),
            summary,
            default: "as for serve",
            parse: { (word) throws(BadValue) in
                guard let text = word.utf8 else { throw BadValue(why: "It is not UTF-8.") }
                return text
            },
            set: { $0.settings[name] = $1 }
        )
    }

    private static func number(_ word: OSString) throws(BadValue) -> Int64 {
        guard let number = OptionValue.digits(word), number <= 1_000_000_000 else {
            throw BadValue(why: "Write a whole number from 0 to 1000000000.")
        }
        return Int64(number)
    }
}
