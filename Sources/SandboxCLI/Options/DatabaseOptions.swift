public import SandboxPlan

/// What `db` was asked for; `codex-sandboxd` does it.
public struct DatabaseOptions: Hashable, Sendable {
    public enum Action: String, Hashable, Sendable, CaseIterable {
        case migrate
        case stamp
        case status
    }

    public var action = Action.status
    /// Nil: `DATABASE_URL` of the environment or of `.env`, else the default.
    public var url: String?
    /// Nil: `.env` in the current folder, where there is one.
    public var dotEnv: OSString?
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
        if words.count > 1 { throw UsageError(.unexpectedArgument(words[1]), command: .db) }
        options.action = action
        return options
    }
}
