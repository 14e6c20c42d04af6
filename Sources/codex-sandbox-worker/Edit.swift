/// What an instruction of an edit job is taken to mean.
enum Edit: Equatable {
    case readmeNewline
    case comment
    case useUtilities
    case addUtilities
    case split
    case refactor
    case arguments
    case pages
    case usage
    case count(Int)

    /// By words, the first that fits; what fits nothing becomes a comment.
    ///
    /// The order matters: instructions of one kind name files and words of others.
    init(_ instruction: Instruction) {
        if instruction.says(anyOf: ["trailing newline", "idempotent"])
            || (instruction.says("newline") && instruction.says("readme"))
        {
            self = .readmeNewline
        } else if instruction.hasWord(["comment"]) && instruction.hasWord(["append", "add"]) {
            self = .comment
        } else if instruction.says("format_sequence") && instruction.hasWord(["use", "uses", "using", "import"]) {
            self = .useUtilities
        } else if instruction.says("utils.py") {
            self = .addUtilities
        } else if instruction.says("fibonacci.py")
            && instruction.says(anyOf: ["refactor", "split", "move", "moving", "extract", "separate"])
        {
            self = .split
        } else if instruction.says(anyOf: ["refactor", "iterative"]) {
            self = .refactor
        } else if instruction.says(anyOf: ["arg", "cli", "command line", "command-line", "accept n", "accepts n"])
            && instruction.says(anyOf: ["pars", "input", "argument"])
        {
            self = .arguments
        } else if instruction.says("docs/") && instruction.says(anyOf: ["markdown", "document"]) {
            self = .pages
        } else if instruction.says("changelog")
            || (instruction.says("readme") && instruction.says(anyOf: ["enhance", "usage", "add"]))
        {
            self = .usage
        } else if let count = instruction.firstCount {
            self = .count(count)
        } else if instruction.hasWord(["15", "fifteen"]) {
            self = .count(15)
        } else {
            self = .comment
        }
    }

    /// For the log and the summary.
    var name: String {
        switch self {
        case .readmeNewline: "trailing newline of README.md"
        case .comment: "comment in app.py"
        case .useUtilities: "app.py uses utils.py"
        case .addUtilities: "module utils.py"
        case .split: "fibonacci() in fibonacci.py"
        case .refactor: "fibonacci() iterative, with a guard and a note"
        case .arguments: "argument parsing in app.py"
        case .pages: "pages in docs"
        case .usage: "usage in README.md, and CHANGELOG.md"
        case .count(let count): "the first \(count) numbers"
        }
    }
}
