internal import SandboxPlan

/// What `explain` was asked to show: the plan of the `run` that has the same words after it.
public struct ExplainOptions: Hashable, Sendable {
    /// All of `run`'s options are accepted, so that `explain` can replace the word `run` in any command line.
    public var run = RunOptions()
    public var json = false

    public init() {}

    static let table: [Option<ExplainOptions>] =
        RunOptions.table.map { option in
            Option(info: option.info) { (word, options) throws(BadValue) in
                try option.read(word, &options.run)
            }
        } + [.json { $0.json = true }]

    /// Reads what follows `explain`; nil when help is asked for.
    static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> ExplainOptions? {
        var options = ExplainOptions()
        let parser = OptionParser(command: .explain, options: { table })
        switch try parser.parse(arguments, plainWord: .endsOptions, into: &options) {
        case .help:
            return nil
        case .words(let words):
            try options.run.finish(command: words, of: .explain)
            return options
        }
    }
}
