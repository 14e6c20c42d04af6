public import SandboxPlan

/// What `policy` was asked to do.
public enum PolicyOptions: Hashable, Sendable {
    case list
    case show(PolicySource)
    /// The file, relative to the caller's folder unless absolute.
    case check(OSString)

    static let table: [Option<Void>] = []
    static let actions = ["list", "show", "check"]

    /// Reads what follows `policy`; nil when help is asked for.
    static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> PolicyOptions? {
        var nothing: Void = ()
        let parser = OptionParser(command: .policy, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &nothing) else {
            return nil
        }
        guard let action = words.first else { throw failure(.missingArgument("list, show or check")) }
        switch action {
        case "list":
            if words.count > 1 { throw failure(.unexpectedArgument(words[1])) }
            return .list
        case "show":
            let word = try operand(of: words, placeholder: "NAME or FILE")
            do throws(BadValue) {
                return .show(try PolicySource.parse(word))
            } catch {
                throw failure(.badArgument(word, why: error.why))
            }
        case "check":
            let word = try operand(of: words, placeholder: "FILE")
            do throws(BadValue) {
                return .check(try OptionValue.path(word))
            } catch {
                throw failure(.badArgument(word, why: error.why))
            }
        default:
            throw failure(.unknownCommand(action, nearest: Nearest.word(to: action, among: actions)))
        }
    }

    private static func operand(of words: [OSString], placeholder: String) throws(UsageError) -> OSString {
        guard words.count > 1 else { throw failure(.missingArgument(placeholder)) }
        guard words.count == 2 else { throw failure(.unexpectedArgument(words[2])) }
        return words[1]
    }

    private static func failure(_ problem: UsageError.Problem) -> UsageError {
        UsageError(problem, command: .policy)
    }
}
