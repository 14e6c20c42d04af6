public import SandboxPlan

/// What `verify` was asked to do.
public struct VerifyOptions: Hashable, Sendable {
    public var json = false
    public var stateDirectory: OSString?
    /// Options of `run` that the sandbox is made with, as they were typed.
    public var runOptions: [OSString] = []
    /// Words of one hostile act that this process is to make.
    ///
    /// So `verify` starts itself again; no help names it.
    public var attempt: [OSString]?

    public init() {}

    static let table: [Option<VerifyOptions>] = [
        .json { $0.json = true },
        .stateDirectory { $0.stateDirectory = $1 },
    ]

    /// Whether the caller gave this option of `run`.
    public func passesOn(_ name: OSString) -> Bool { runOptions.contains { OptionWord($0).name == name } }

    /// The word that `verify` starts itself with.
    public static let attemptWord: OSString = "--attempt"

    /// What one of its launches is asked with; nil for what `check` has refused.
    public func launch(in workspace: OSString) -> RunOptions? {
        var words: [OSString] = ["--workspace", workspace]
        if let folder = stateDirectory { words += ["--state-dir", folder] }
        words += runOptions + ["--", "true"]
        do throws(UsageError) { return try RunOptions.parse(words[...]) } catch { return nil }
    }

    /// Reads what follows `verify`; nil when help is asked for.
    static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> VerifyOptions? {
        var options = VerifyOptions()
        if arguments.first == attemptWord {
            options.attempt = Array(arguments.dropFirst())
            return options
        }
        let parser = OptionParser(command: .verify, options: { table })
        switch try parser.parse(arguments, plainWord: .isCollected, into: &options) {
        case .help:
            return nil
        case .words(let words):
            options.runOptions = words
            try check(words)
            return options
        }
    }

    /// They must be options of `run`, and none that `verify` needs itself.
    private static func check(_ words: [OSString]) throws(UsageError) {
        if let word = words.first, !OptionWord.isOption(word) {
            throw UsageError(.unexpectedArgument(word), command: .verify)
        }
        for word in words
        where ["--workspace", "--cwd", "--state-dir", "--result", "--quiet"].contains(OptionWord(word).name) {
            throw UsageError(.conflict("\(Shown.word(word)) is not for verify to pass on."), command: .verify)
        }
        do throws(UsageError) {
            guard try RunOptions.parse(words[...] + ["--", "true"]) != nil else {
                throw UsageError(.conflict("--help is no option to make a sandbox with."))
            }
        } catch {
            throw UsageError(error.problem, command: .verify)
        }
    }
}
