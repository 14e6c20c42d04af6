import SandboxPlan

/// Knows the secrets of the environment, and finds them in what is about to be written.
struct SecretGuard {
    /// Shorter ones are in everything.
    static let shortest = 6

    private var secrets: [(name: String, forms: [[UInt8]])] = []

    /// Variables whose name contains KEY, TOKEN, SECRET or PASSWORD or begins with OPENAI_, whatever the case, and the suite's own token.
    init(environment: [OSString], token: String?) {
        for entry in environment {
            let name = String(decoding: entry.bytes.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            let upper = name.uppercased()
            let isSecret =
                upper.hasPrefix("OPENAI_")
                || ["KEY", "TOKEN", "SECRET", "PASSWORD"].contains {
                    SuiteText.contains(Array(upper.utf8), Array($0.utf8))
                }
            if isSecret { add(name, Array(entry.bytes.dropFirst(name.utf8.count + 1))) }
        }
        if let token { add("--token-file", Array(token.utf8)) }
    }

    private mutating func add(_ name: String, _ value: [UInt8]) {
        guard value.count >= Self.shortest else { return }
        secrets.append((name, value == Self.escaped(value) ? [value] : [value, Self.escaped(value)]))
    }

    /// The name of the first variable whose value stands in the bytes: as it is, or as a JSON string has it, or one that is in another.
    ///
    /// A worker may escape any letter in its result, and an answer of the API has the result in a string of its own. What is encoded
    /// otherwise (Base64, reversed, in pieces) is not found.
    func found(in bytes: [UInt8]) -> String? {
        var copy = bytes
        for depth in 0...JSONEscapes.deepest {
            let found = secrets.first { secret in secret.forms.contains { SuiteText.contains(copy, $0) } }
            if let found { return found.name }
            guard depth < JSONEscapes.deepest, let undone = JSONEscapes.undone(copy) else { return nil }
            copy = undone
        }
        return nil
    }

    /// A line for people, or, where it has a secret in it, a line that says so.
    func shown(_ line: String) -> String {
        guard let name = found(in: Array(line.utf8)) else { return line }
        return "the reason is withheld: it contains the value of \(name)"
    }

    /// As our own JSON has it, for bytes in which the escapes cannot be told apart from what stands before them.
    private static func escaped(_ value: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for byte in value {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\t"): bytes += Array("\\t".utf8)
            case let other: bytes.append(other)
            }
        }
        return bytes
    }
}
