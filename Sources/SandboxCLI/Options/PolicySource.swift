public import SandboxPlan

/// Where a policy is to be found, as `--policy` and CODEX_SANDBOX_POLICY say it.
public enum PolicySource: Hashable, Sendable {
    /// A name: the user's policy of that name before the built-in one.
    case named(String)
    /// A file; relative to the caller's folder unless absolute.
    case file(OSString)

    /// The job runs without any layer; never selected without a flag of its own.
    public static let dangerFullAccess = PolicySource.named("danger-full-access")

    /// A file if the word has a `/` or ends in `.toml`, else a name.
    ///
    /// Nil for a word that is neither: a name has 1 to 64 letters, digits, `-`, `_` and `.`, a letter or digit first,
    /// because it becomes a file's name.
    public init?(_ word: OSString) {
        if word.containsSlash || word.bytes.suffix(5).elementsEqual(".toml".utf8) {
            guard !word.bytes.contains(0) else { return nil }
            self = .file(word)
            return
        }
        guard let name = word.utf8, (1...64).contains(word.bytes.count), let first = word.bytes.first,
            OptionValue.isLetterOrDigit(first), word.bytes.allSatisfy(PolicySource.isNameByte)
        else { return nil }
        self = .named(name)
    }

    static func parse(_ word: OSString) throws(BadValue) -> PolicySource {
        guard let source = PolicySource(word) else {
            throw BadValue(
                why: "This is neither a policy's name (letters, digits, -, _ and .) nor a file (with a / or .toml)."
            )
        }
        return source
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: OptionValue.isLetterOrDigit(byte)
        }
    }
}

extension PolicySource: CustomStringConvertible {
    /// For a person; control bytes are escaped.
    public var description: String {
        switch self {
        case .named(let name): name
        case .file(let path): path.description
        }
    }
}
