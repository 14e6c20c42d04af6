/// One option as help and completions show it; what it does to the options stands beside it in `Option`.
public struct OptionInfo: Hashable, Sendable {
    /// With its dashes: `--workspace`.
    public var name: String
    /// nil for an option without a value.
    public var value: ValueKind?
    public var isRepeatable: Bool
    /// One sentence.
    public var summary: String
    /// In words; empty when leaving the option out means nothing in particular.
    public var defaultValue: String

    public init(
        name: String,
        value: ValueKind?,
        isRepeatable: Bool = false,
        summary: String,
        defaultValue: String = ""
    ) {
        self.name = name
        self.value = value
        self.isRepeatable = isRepeatable
        self.summary = summary
        self.defaultValue = defaultValue
    }

    /// Every command has it.
    public static let help = OptionInfo(name: "--help", value: nil, summary: "Prints this text.")

    /// The name with its placeholder: `--workspace DIR`.
    public var form: String {
        guard let value else { return name }
        return "\(name) \(value.placeholder)"
    }
}

/// What kind of value an option takes: its placeholder in help, and what a shell can complete it to.
public enum ValueKind: Hashable, Sendable {
    case folder
    case file
    case path
    case policy
    case environment
    /// One of these words.
    case words([String])
    /// An amount of bytes (`ByteCount`).
    case size
    /// A length of time (`TimeSpan`).
    case time
    case number
    /// `SEQUENCE:DIGEST`, a record that somebody remembers.
    case checkpoint
    case fileOrDescriptor
    /// `JobName`.
    case jobName
    /// A word that no shell can know, by what stands for it in a form.
    case text(String)

    public var placeholder: String {
        switch self {
        case .folder: "DIR"
        case .file: "FILE"
        case .path: "PATH"
        case .policy: "NAME|FILE"
        case .environment: "NAME[=VALUE]"
        case .words(let words): words.joined(separator: "|")
        case .size, .number: "N"
        case .checkpoint: "SEQUENCE:DIGEST"
        case .time: "T"
        case .fileOrDescriptor: "FILE|FD"
        case .jobName: "NAME"
        case .text(let word): word
        }
    }
}
