internal import SandboxPlan

/// What `completions` was asked for.
enum CompletionsOptions {
    static let table: [Option<Void>] = []

    /// Reads what follows `completions`; nil when help is asked for.
    static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> Shell? {
        var nothing: Void = ()
        let parser = OptionParser(command: .completions, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &nothing) else {
            return nil
        }
        let names = Shell.allCases.map(\.rawValue)
        guard let word = words.first else {
            throw UsageError(.missingArgument(names.joined(separator: ", ")), command: .completions)
        }
        if words.count > 1 { throw UsageError(.unexpectedArgument(words[1]), command: .completions) }
        for shell in Shell.allCases where word == OSString(shell.rawValue) { return shell }
        let why = "completions are there for \(names.joined(separator: ", "))"
        throw UsageError(.badArgument(word, why: why), command: .completions)
    }
}
