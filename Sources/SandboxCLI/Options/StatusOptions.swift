public import SandboxPlan

/// What `status` was asked for; `codex-sandboxd` answers.
public struct StatusOptions: Hashable, Sendable {
    public var json = false
    /// Only the job of this name.
    public var name: JobName?

    public init() {}

    static let table: [Option<StatusOptions>] = [.json { $0.json = true }]

    /// Reads what follows `status`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> StatusOptions? {
        var options = StatusOptions()
        let parser = OptionParser(command: .status, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &options) else {
            return nil
        }
        if let word = words.first {
            do throws(BadValue) {
                options.name = try OptionValue.jobName(word)
            } catch { throw UsageError(.badArgument(word, why: error.why), command: .status) }
        }
        if words.count > 1 { throw UsageError(.unexpectedArgument(words[1]), command: .status) }
        return options
    }
}
