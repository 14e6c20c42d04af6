public import SandboxPlan

/// What `db` was asked for; `codex-sandboxd` does it.
public struct DatabaseOptions: Hashable, Sendable {
    public enum Action: String, Hashable, Sendable, CaseIterable {
        case migrate
        case stamp
        case status
        case backup
        case restore

        /// Whether it needs a folder.
        var takesFolder: Bool { self == .backup || self == .restore }
    }

    public var action = Action.status
    /// Nil: `DATABASE_URL` of the environment or of `.env`, else the default.
    public var url: String?
    /// Nil: `.env` in the current folder, where there is one.
    public var dotEnv: OSString?
    public var dataFolder: OSString?
    public var stateDirectory: OSString?
    /// The backup that is made, or restored.
    public var folder: OSString?
    /// Of `restore`: what is there goes aside.
    public var replaces = false
    public var json = false

    public init() {}

    static let table: [Option<DatabaseOptions>] = [
        .single(
            "--database",
            .text("URL"),
            "The database.",
            default: "$DATABASE_URL, or sqlite:///./codex.db",
            parse: { (word) throws(BadValue) in
                guard let text = word.utf8 else { throw BadValue(why: "It is not UTF-8.") }
                return text
            },
            set: { $0.url = $1 }
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
            "--data-dir",
            .folder,
            "Folder of the server's data, with the database in it.",
            default: "the current folder",
            parse: OptionValue.path,
            set: { $0.dataFolder = $1 }
        ),
        .single(
            "--state-dir",
            .folder,
            "Folder of the records, for backup and restore.",
            default: "$XDG_STATE_HOME/codex-sandbox",
            parse: OptionValue.path,
            set: { $0.stateDirectory = $1 }
        ),
        .flag("--replace", "restore puts aside what is there.", set: { $0.replaces = true }),
        .json { $0.json = true },
    ]

    /// Reads what follows `db`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> DatabaseOptions? {
        var options = DatabaseOptions()
        let parser = OptionParser(command: .db, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &options) else {
            return nil
        }
        let names = Action.allCases.map(\.rawValue)
        guard let word = words.first else {
            throw UsageError(.missingArgument(names.joined(separator: "|")), command: .db)
        }
        guard let action = Action.allCases.first(where: { word == OSString($0.rawValue) }) else {
            throw UsageError(.badArgument(word, why: "Write \(names.joined(separator: ", "))."), command: .db)
        }
        let folders = words.dropFirst()
        if action.takesFolder {
            guard let folder = folders.first else { throw UsageError(.missingArgument("DIR"), command: .db) }
            options.folder = folder
        }
        if let other = folders.dropFirst(action.takesFolder ? 1 : 0).first {
            throw UsageError(.unexpectedArgument(other), command: .db)
        }
        options.action = action
        return options
    }
}
