public import SandboxPlan

/// What a command line asks for.
public enum Command: Hashable, Sendable {
    case run(RunOptions)
    case explain(ExplainOptions)
    case doctor(DoctorOptions)
    case verify(VerifyOptions)
    case policy(PolicyOptions)
    case completions(Shell)
    /// A command of `codex-sandboxd`: all words after the program's name, to be executed there as they are.
    case delegate([OSString])
    case help(HelpPage)
    case version

    /// Reads a command line, without the program's name.
    public static func parse(_ arguments: [OSString]) throws(UsageError) -> Command {
        guard let first = arguments.first else { throw UsageError(.noCommand) }
        let rest = arguments.dropFirst()
        if OptionWord.isOption(first) { return try parseOption(first, rest) }
        switch try name(first, command: nil) {
        case .run:
            return try RunOptions.parse(rest).map(Command.run) ?? .help(.run)
        case .explain:
            return try ExplainOptions.parse(rest).map(Command.explain) ?? .help(.explain)
        case .doctor:
            return try DoctorOptions.parse(rest).map(Command.doctor) ?? .help(.doctor)
        case .verify:
            return try VerifyOptions.parse(rest).map(Command.verify) ?? .help(.verify)
        case .policy:
            return try PolicyOptions.parse(rest).map(Command.policy) ?? .help(.policy)
        case .status:
            return try StatusOptions.parse(rest) == nil ? .help(.status) : .delegate(arguments)
        // Read here too: a word that says nothing need not be handed over, and help is at hand.
        case .evidence:
            return try EvidenceOptions.parse(rest) == nil ? .help(.evidence) : .delegate(arguments)
        case .gc:
            return try GcOptions.parse(rest) == nil ? .help(.gc) : .delegate(arguments)
        case .serve:
            return try ServeOptions.parse(rest) == nil ? .help(.serve) : .delegate(arguments)
        case .service:
            return try ServiceOptions.parse(rest) == nil ? .help(.service) : .delegate(arguments)
        case .db:
            return try DatabaseOptions.parse(rest) == nil ? .help(.db) : .delegate(arguments)
        case .liveSuite:
            return try LiveSuiteOptions.parse(rest) == nil ? .help(.liveSuite) : .delegate(arguments)
        case .completions:
            return try CompletionsOptions.parse(rest).map(Command.completions) ?? .help(.completions)
        case .help:
            return try help(rest)
        }
    }

    /// A first word with dashes: `--help` and `--version`, and what a person may have meant by another.
    private static func parseOption(_ word: OSString, _ rest: ArraySlice<OSString>) throws(UsageError) -> Command {
        switch word {
        case "--help", "-h":
            return try help(rest)
        case "--version":
            if let next = rest.first { throw UsageError(.unexpectedArgument(next)) }
            return .version
        default:
            let name = OptionWord(word).name
            for option in RunOptions.table where name == OSString(option.info.name) {
                throw UsageError(.optionBeforeCommand(option.info.name, command: .run))
            }
            if word == "--" { throw UsageError(.noCommand) }
            throw UsageError(.unknownOption(name, nearest: Nearest.word(to: name, among: ["--help", "--version"])))
        }
    }

    /// What follows `help` or a first `--help`: nothing, a command, or a command and one of its actions.
    private static func help(_ words: ArraySlice<OSString>) throws(UsageError) -> Command {
        guard let first = words.first, first != "--help", first != "-h" else { return .help(.overview) }
        let name = try name(first, command: .help)
        let rest = words.dropFirst()
        guard let next = rest.first else { return .help(name.page) }
        guard rest.count == 1, actions(name).contains(where: { next == OSString($0) }) else {
            throw UsageError(.unexpectedArgument(next), command: .help)
        }
        return .help(name.page)
    }

    private static func actions(_ name: CommandName) -> [String] {
        switch name {
        case .policy: PolicyOptions.actions
        case .evidence: EvidenceOptions.Action.allCases.map(\.rawValue)
        case .service: ServiceOptions.Action.allCases.map(\.rawValue)
        case .db: DatabaseOptions.Action.allCases.map(\.rawValue)
        case .run, .explain, .doctor, .verify, .status, .gc, .serve, .liveSuite, .completions, .help: []
        }
    }

    private static func name(_ word: OSString, command: CommandName?) throws(UsageError) -> CommandName {
        // As bytes: to make text of the word would cost each launch more than all that is compared here.
        for name in CommandName.allCases where word == OSString(name.rawValue) { return name }
        let names = CommandName.allCases.map(\.rawValue)
        throw UsageError(.unknownCommand(word, nearest: Nearest.word(to: word, among: names)), command: command)
    }
}
