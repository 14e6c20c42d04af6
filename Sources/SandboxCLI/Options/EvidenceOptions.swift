public import SandboxPlan

/// What `evidence` was asked to do; `codex-sandboxd` does it.
public struct EvidenceOptions: Hashable, Sendable {
    public enum Action: String, Hashable, Sendable, CaseIterable {
        case show
        case list
        case verify
        case sign
        case export
    }

    public var action = Action.show
    /// The beginning of a launch's id (show, export); nil: the last one.
    public var launch: String?
    /// Nil: the current folder.
    public var workspace: OSString?
    public var stateDirectory: OSString?
    public var limit = 50
    public var json = false
    /// A head that was printed before: `SEQUENCE:DIGEST`.
    public var completeSince: String?
    /// Public keys, instead of this installation's.
    public var keys: [OSString] = []
    /// A copy, instead of the workspace's file.
    public var copy: OSString?
    /// Every workspace of the state folder.
    public var allWorkspaces = false
    /// With signatures.
    public var envelopes = false

    public init() {}

    private struct Parsed {
        var options = EvidenceOptions()
        var isLast = false
        /// What was given, in order.
        var given: [String] = []
    }

    /// Rows for `OptionParser`: `table` with a note of what was given.
    private static let rows: [Option<Parsed>] = table.map { row in
        Option(info: row.info) { (word, parsed) throws(BadValue) in
            parsed.given.append(row.info.name)
            if row.info.name == "--last" { parsed.isLast = true }
            try row.read(word, &parsed.options)
        }
    }

    static let table: [Option<EvidenceOptions>] = [
        .single(
            "--workspace",
            .folder,
            "Whose records.",
            default: "the current folder",
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
        .flag("--last", "show, export: the last launch, as without an ID.", set: { $0.launch = nil }),
        .single("--limit", .number, "list: at most so many.", default: "50", parse: limit, set: { $0.limit = $1 }),
        .single(
            "--complete-since",
            .checkpoint,
            "verify: a head that was printed before, which must still be in the chain.",
            parse: checkpoint,
            set: { $0.completeSince = $1 }
        ),
        .repeated(
            "--key",
            .file,
            "verify: all must be signed with this public key, or one of these.",
            parse: OptionValue.path,
            add: { $0.keys.append($1) }
        ),
        .single(
            "--copy",
            .file,
            "verify: a copy that a launch kept, instead of the workspace's file.",
            parse: OptionValue.path,
            set: { $0.copy = $1 }
        ),
        .flag("--all", "sign: the records of every workspace.", set: { $0.allWorkspaces = true }),
        .flag("--dsse", "export: signed, as DSSE envelopes.", set: { $0.envelopes = true }),
        .flag("--json", "JSON instead of text: one object, of list one a line.", set: { $0.json = true }),
    ]

    /// The options that only some actions have.
    private static let only: [(name: String, actions: [Action])] = [
        ("--last", [.show, .export]), ("--limit", [.list]), ("--complete-since", [.verify]), ("--key", [.verify]),
        ("--copy", [.verify]), ("--all", [.sign]), ("--dsse", [.export]),
        ("--json", [.show, .list, .verify, .sign]),
    ]

    /// Reads what follows `evidence`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> EvidenceOptions? {
        var parsed = Parsed()
        let parser = OptionParser(command: .evidence, options: { rows })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &parsed) else {
            return nil
        }
        guard let word = words.first else { throw failure(.missingArgument("show, list, verify, sign or export")) }
        if word == "help" && words.count == 1 { return nil }
        guard let action = Action.allCases.first(where: { word == OSString($0.rawValue) }) else {
            let names = Action.allCases.map(\.rawValue)
            throw failure(.unknownCommand(word, nearest: Nearest.word(to: word, among: names)))
        }
        parsed.options.action = action
        for row in only where parsed.given.contains(row.name) && !row.actions.contains(action) {
            let names = row.actions.map(\.rawValue).joined(separator: " and ")
            throw failure(.conflict("\(row.name) is an option of \(names), not of \(action.rawValue)."))
        }
        try takeLaunch(words.dropFirst(), &parsed)
        return parsed.options
    }

    private static func takeLaunch(_ words: ArraySlice<OSString>, _ parsed: inout Parsed) throws(UsageError) {
        guard let word = words.first else { return }
        let takesOne = parsed.options.action == .show || parsed.options.action == .export
        guard takesOne, !parsed.isLast else { throw failure(.unexpectedArgument(word)) }
        guard words.count == 1 else { throw failure(.unexpectedArgument(words[words.startIndex + 1])) }
        let isID = (1...32).contains(word.bytes.count) && word.bytes.allSatisfy(isHexadecimalDigit)
        guard isID, let id = word.utf8 else {
            throw failure(.badArgument(word, why: "An id is up to 32 digits 0-9 and a-f."))
        }
        parsed.options.launch = id
    }

    private static func limit(_ word: OSString) throws(BadValue) -> Int {
        guard let number = OptionValue.digits(word), (1...1_000_000).contains(number) else {
            throw BadValue(why: "Write a whole number from 1 to 1000000.")
        }
        return Int(number)
    }

    /// A number from 1 without leading zeros, a colon and 64 digits.
    private static func checkpoint(_ word: OSString) throws(BadValue) -> String {
        let parts = word.bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].first, first != UInt8(ascii: "0"), parts[0].count <= 15,
            OptionValue.digits(OSString(parts[0])) != nil, parts[1].count == 64,
            parts[1].allSatisfy(isHexadecimalDigit), let text = word.utf8
        else {
            throw BadValue(why: "Write SEQUENCE:DIGEST, a number from 1 and 64 digits 0-9 and a-f.")
        }
        return text
    }

    private static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func failure(_ problem: UsageError.Problem) -> UsageError {
        UsageError(problem, command: .evidence)
    }
}
