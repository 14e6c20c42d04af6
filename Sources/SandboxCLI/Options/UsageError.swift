public import SandboxPlan

/// A command line that says nothing we can do: exit status 2, and nothing was looked at but the arguments.
public struct UsageError: Error, Hashable, Sendable {
    public var problem: Problem
    /// The command whose help says more; nil before one is known.
    public var command: CommandName?

    public enum Problem: Hashable, Sendable {
        case noCommand
        case unknownCommand(OSString, nearest: String?)
        /// An option of a command, written before the command.
        case optionBeforeCommand(String, command: CommandName)
        case unknownOption(OSString, nearest: String?)
        case duplicateOption(String)
        case missingValue(option: String, placeholder: String)
        /// What would be the value looks like an option itself.
        case optionAsValue(option: String, word: OSString)
        case unexpectedValue(option: String)
        case badValue(option: String, value: OSString, why: String)
        case missingArgument(String)
        case badArgument(OSString, why: String)
        case unexpectedArgument(OSString)
        /// Options that are each right and together are not; the sentence says why.
        case conflict(String)
    }

    public init(_ problem: Problem, command: CommandName? = nil) {
        self.problem = problem
        self.command = command
    }

    public var exitStatus: Int32 { ExitStatus.usage }

    /// What is wrong, and what to write instead.
    public var message: String {
        switch problem {
        case .noCommand:
            return "A command is missing, for example: codex-sandbox run -- make test."
        case .unknownCommand(let word, let nearest):
            return "There is no command \(Shown.word(word)).\(suggestion(nearest))"
        case .optionBeforeCommand(let option, let command):
            return "\(option) comes after the command: codex-sandbox \(command.rawValue) \(option) …."
        case .unknownOption(let word, let nearest):
            return "There is no option \(Shown.word(word)).\(suggestion(nearest))"
        case .duplicateOption(let option):
            return "\(option) is given twice. Leave one of them out."
        case .missingValue(let option, let placeholder):
            return "\(option) needs a value: \(option) \(placeholder)."
        case .optionAsValue(let option, let word):
            return "\(option) needs a value, and \(Shown.word(word)) looks like an option. "
                + "If it is the value, write \(option)=\(Shown.word(word))."
        case .unexpectedValue(let option):
            return "\(option) takes no value."
        case .badValue(let option, let value, let why):
            return "\(option) \(Shown.word(value)): \(why)"
        case .missingArgument(let placeholder):
            return "\(placeholder) is missing."
        case .badArgument(let word, let why):
            return "\(Shown.word(word)): \(why)"
        case .unexpectedArgument(let word):
            return "\(Shown.word(word)) is one word too many."
        case .conflict(let sentence):
            return sentence
        }
    }

    /// Where the right words are listed.
    public var advice: String {
        guard let command else { return "See codex-sandbox --help." }
        return "See codex-sandbox \(command.rawValue) --help."
    }

    private func suggestion(_ nearest: String?) -> String {
        guard let nearest else { return "" }
        return " Did you mean \(nearest)?"
    }
}
