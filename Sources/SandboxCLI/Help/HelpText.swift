internal import SandboxPlan

/// The help texts, made from the tables that parsing uses.
public enum HelpText {
    public static let version = "codex-sandbox \(ToolVersion.current)\n"

    /// The text of one page, ending in a newline.
    public static func text(_ page: HelpPage) -> String {
        let lines =
            switch page {
            case .overview: overview
            case .run: command(.run)
            case .explain: command(.explain)
            case .doctor: command(.doctor)
            case .verify: command(.verify)
            case .policy: command(.policy)
            case .evidence: command(.evidence)
            case .status: command(.status)
            case .gc: command(.gc)
            case .serve: command(.serve)
            case .service: command(.service)
            case .db: command(.db)
            case .liveSuite: command(.liveSuite)
            case .completions: command(.completions)
            case .help: command(.help)
            }
        return lines.joined(separator: "\n") + "\n"
    }

    private static var overview: [String] {
        var lines = [
            "codex-sandbox: runs commands in a verified sandbox, without root and without setuid.",
            "",
            "Usage: codex-sandbox COMMAND [OPTIONS] …",
        ]
        lines += section("Commands", CommandName.allCases.map { ($0.rawValue, $0.summary) })
        lines += section(
            "Options",
            [("--help", "Prints this text; after a command, its own."), ("--version", "Prints the version.")]
        )
        lines += examples([
            ("does it work on this machine", "codex-sandbox doctor"),
            ("run the tests of the project in the current folder", "codex-sandbox run -- make test"),
            ("see first what that would do", "codex-sandbox explain -- make test"),
            ("what happened in the last run", "codex-sandbox evidence show --last"),
        ])
        lines += section("Exit status of run", ExitStatus.ofRun)
        lines += section("Environment", HelpRows.environment)
        return lines
    }

    private static func command(_ info: CommandInfo) -> [String] {
        var lines = ["codex-sandbox \(info.name.rawValue): \(info.name.summary)", ""]
        for (index, usage) in info.usage.enumerated() {
            lines.append((index == 0 ? "Usage: " : "       ") + "codex-sandbox \(usage)")
        }
        if !info.description.isEmpty { lines += [""] + info.description }
        lines += section("Actions", info.actions)
        lines += section("Options", info.options.map { ($0.form, sentence($0)) })
        for section in info.sections { lines += HelpText.section(section.title, section.rows) }
        lines += examples(info.examples)
        lines += section("Exit status", info.exitStatuses)
        return lines
    }

    static func sentence(_ option: OptionInfo) -> String {
        var notes: [String] = []
        if option.isRepeatable { notes.append("repeatable") }
        if !option.defaultValue.isEmpty { notes.append("default: \(option.defaultValue)") }
        guard !notes.isEmpty else { return option.summary }
        return "\(option.summary) [\(notes.joined(separator: "; "))]"
    }

    /// Nothing at all when there are no rows.
    private static func section(_ title: String, _ rows: [(String, String)]) -> [String] {
        guard !rows.isEmpty else { return [] }
        var table = TextTable(columns: 2)
        for (term, meaning) in rows { table.add([term, meaning]) }
        return ["", "\(title):"] + table.lines(indent: 2)
    }

    private static func examples(_ rows: [(purpose: String, line: String)]) -> [String] {
        var lines = ["", "Examples:"]
        for row in rows { lines += ["  # \(row.purpose)", "  \(row.line)"] }
        return lines
    }
}
