/// The instructions of the two ladders of the live suites, and one of the optional step behind them.
enum Step: String, CaseIterable {
    case comment = "Append a comment line to app.py describing the change."
    case refactor = "Refactor fibonacci to be iterative with an input guard, and add a docstring note."
    case fifteen = "Modify the CLI to print the first 15 Fibonacci numbers."
    case split = "Refactor by moving fibonacci() to fibonacci.py and have app.py import and use it."
    case usage = "Enhance README with usage instructions and create CHANGELOG.md with initial entry."
    case arguments = "Add CLI argument parsing so the program accepts N and prints the first N Fibonacci numbers."
    case addUtilities =
        "Add a module utils.py with helper function format_sequence(seq) that returns a comma-joined string."
    case useUtilities = "Update app.py to use format_sequence from utils.py for printing."
    case newline = "Append a trailing newline to README.md if missing; otherwise make no changes."
    case pages = "Add a docs/ folder with three small markdown files documenting modules (app, fibonacci, utils)."

    /// What the step makes and changes in a project that has the first files only.
    var changes: (created: [String], modified: [String]) {
        switch self {
        case .comment, .refactor, .fifteen: ([], ["app.py"])
        case .split: (["fibonacci.py"], ["app.py"])
        case .usage: (["CHANGELOG.md"], ["README.md"])
        case .arguments: ([], ["app.py", "README.md"])
        case .addUtilities: (["utils.py"], [])
        case .useUtilities: (["utils.py"], ["app.py"])
        case .newline: ([], [])
        case .pages: (["docs/app.md", "docs/fibonacci.md", "docs/utils.md"], [])
        }
    }

    /// All but the comment, of which every job asks for another.
    var isIdempotent: Bool { self != .comment }
}
