import SandboxPlan

/// Why a text did not become a policy.
public enum PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Everything that is wrong with the text, in the order of the file; never empty.
    case invalid([PolicyProblem])
    /// The text was right, its filter could not be made.
    case filter(SeccompCompilerError)

    public var description: String {
        switch self {
        case .invalid(let problems): PolicyError.lines(problems)
        case .filter(let error): error.description
        }
    }
}

extension PolicyError {
    /// As many as a person reads; the answer of a compiler has to fit into what its caller takes.
    private static let most = 100

    private static func lines(_ problems: [PolicyProblem]) -> String {
        var lines = problems.prefix(most).map(\.description)
        if problems.count > most { lines.append("and \(problems.count - most) more problems, which are not shown") }
        return lines.joined(separator: "\n")
    }
}

/// One thing that is wrong with a policy's text.
public struct PolicyProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Name or path that the policy was asked for by.
    public var file: String
    public var position: SourcePosition
    /// The key with its sections: `limits.tasks`; empty when the text as a whole is meant.
    public var key: String
    /// What was found.
    public var what: String
    /// Why it cannot stand.
    public var why: String
    /// What to write instead.
    public var remedy: String

    public init(file: String, position: SourcePosition, key: String, what: String, why: String, remedy: String) {
        self.file = file
        self.position = position
        self.key = key
        self.what = what
        self.why = why
        self.remedy = remedy
    }

    /// The problem as `file:line:column: key: what, why; what to do`, safe for a terminal.
    public var description: String {
        let place = "\(OSString(file)):\(position.line):\(position.column): "
        let subject = key.isEmpty ? "" : "\(OSString(key)): "
        return place + subject + "\(shown(what)), \(shown(why)); \(shown(remedy))"
    }

    /// Control characters escaped; a backslash stays one, since toml++ has escaped what it quotes.
    private func shown(_ text: String) -> String {
        text.utf8.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false)
            .map { OSString($0).description }
            .joined(separator: "\\")
    }
}

/// Collects the problems of one text, so that a person sees all of them at once; and where its keys stand.
final class ProblemLog {
    let file: String
    private(set) var problems: [PolicyProblem] = []
    /// Every key that was asked for and is there, with its place.
    private(set) var keys: [String: SourcePosition] = [:]

    init(file: String) {
        self.file = file
    }

    func report(at position: SourcePosition, key: String, what: String, why: String, remedy: String) {
        problems.append(
            PolicyProblem(file: file, position: position, key: key, what: what, why: why, remedy: remedy)
        )
    }

    func found(_ key: String, at position: SourcePosition) { keys[key] = position }

    /// Throws everything reported so far, in the order of the file.
    func throwIfAny() throws(PolicyError) {
        guard problems.isEmpty else {
            throw .invalid(problems.sorted { ($0.position, $0.key) < ($1.position, $1.key) })
        }
    }
}
