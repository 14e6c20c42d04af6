public import SandboxPlan

/// What `gc` was asked to remove; `codex-sandboxd` does it.
public struct GcOptions: Hashable, Sendable {
    /// Launches that ended longer ago than so many days.
    public var olderThanDays: Int64?
    /// All but so many of the newest launches of a workspace.
    public var keep: Int64?
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
        .flag("--json", "JSON instead of text: one object a workspace, one a line.", set: { $0.json = true }),
    ]

    /// Reads what follows `gc`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> GcOptions? {
        var options = GcOptions()
        let parser = OptionParser(command: .gc, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &options) else {
            return nil
        }
        if let word = words.first { throw UsageError(.unexpectedArgument(word), command: .gc) }
        // No default: what is removed is evidence.
        guard options.olderThanDays != nil || options.keep != nil else {
            throw UsageError(.missingArgument("--older-than N or --keep N"), command: .gc)
        }
        return options
    }

    private static func number(_ word: OSString) throws(BadValue) -> Int64 {
        guard let number = OptionValue.digits(word), number <= 1_000_000_000 else {
            throw BadValue(why: "Write a whole number from 0 to 1000000000.")
        }
        return Int64(number)
    }
}
