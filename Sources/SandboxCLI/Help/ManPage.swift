internal import SandboxPlan

/// Manual pages in man(7)'s language, from the tables that parsing and help use.
///
/// They stand in `docs/man`, where a test keeps them as they come out here.
public enum ManPage {
    /// The pages by name, as `codex-sandbox-run`; all are of section 1.
    public static var all: [(name: String, text: String)] {
        [(name: "codex-sandbox", text: joined(overview))]
            + pages.map { info in
                (name: "codex-sandbox-\(info.name.rawValue)", text: joined(page(info)))
            }
    }

    private static let pages: [CommandInfo] = [
        .run, .explain, .doctor, .verify, .policy, .status, .evidence, .gc, .serve, .service, .db, .liveSuite,
        .completions,
    ]

    private static func joined(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }

    private static func head(_ name: String, _ summary: String) -> [String] {
        [
            ".TH \(name.uppercased()) 1 \"\" \"codex-sandbox \(ToolVersion.current)\" \"User Commands\"",
            ".SH NAME",
            "\(line(name)) \\- \(line(lowercased(summary)))",
        ]
    }

    private static var overview: [String] {
        var lines = head("codex-sandbox", "Runs commands in a verified sandbox, without root and without setuid.")
        lines += [".SH SYNOPSIS", ".B codex-sandbox", "\\fICOMMAND\\fR [\\fIOPTIONS\\fR] \\&..."]
        lines.append(".SH COMMANDS")
        for command in CommandName.allCases {
            let hasPage = pages.contains { $0.name == command }
            lines += term(hasPage ? "codex-sandbox-\(command.rawValue)(1)" : command.rawValue, command.summary)
        }
        lines += [".SH OPTIONS"] + term("--help", "Prints a text; after a command, its own.")
        lines += term("--version", "Prints the version.")
        lines += [".SH EXIT STATUS", "Of run:"]
        for row in ExitStatus.ofRun { lines += term(row.status, row.meaning) }
        lines.append(".SH ENVIRONMENT")
        for row in HelpRows.environment {
            lines += row.term.isEmpty ? [".PP", line(row.meaning)] : term(row.term, row.meaning)
        }
        return lines
    }

    private static func page(_ info: CommandInfo) -> [String] {
        var lines = head("codex-sandbox-\(info.name.rawValue)", info.name.summary)
        lines.append(".SH SYNOPSIS")
        for (index, usage) in info.usage.enumerated() {
            if index > 0 { lines.append(".br") }
            lines += [".B codex-sandbox", line(usage)]
        }
        lines += [".SH DESCRIPTION"] + info.description.map(line)
        if !info.actions.isEmpty {
            lines.append(".SH ACTIONS")
            for action in info.actions { lines += term(action.form, action.summary) }
        }
        lines.append(".SH OPTIONS")
        for option in info.options { lines += term(option.form, HelpText.sentence(option)) }
        for section in info.sections {
            lines.append(".SH \(line(section.title.uppercased()))")
            for row in section.rows {
                lines += row.term.isEmpty ? [".PP", line(row.meaning)] : term(row.term, row.meaning)
            }
        }
        lines.append(".SH EXIT STATUS")
        for row in info.exitStatuses { lines += term(row.status, row.meaning) }
        lines.append(".SH EXAMPLES")
        for example in info.examples {
            lines += [
                ".PP", line(capitalised(example.purpose)) + ":", ".PP", ".in +4n", ".EX", line(example.line), ".EE",
                ".in",
            ]
        }
        return lines + [".SH SEE ALSO", "\\fBcodex\\-sandbox\\fR(1)"]
    }

    private static func term(_ term: String, _ meaning: String) -> [String] {
        [".TP", ".B " + line(term), line(meaning)]
    }

    /// Text of a line: no request (man(7)) and no escape can come of it.
    private static func line(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "\"": result += "\\(dq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "…": result += "\\&..."
            case _ where !character.isASCII: result += unicode(character)
            case _: result.append(character)
            }
        }
        return result.first == "." ? "\\&" + result : result
    }

    private static func unicode(_ character: Character) -> String {
        character.unicodeScalars.reduce(into: "") { text, scalar in
            let digits = String(scalar.value, radix: 16, uppercase: true)
            text += "\\[u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
        }
    }

    /// A sentence as it stands behind a name: without its capital and its full stop.
    private static func lowercased(_ text: String) -> String {
        let body = text.hasSuffix(".") ? text.dropLast() : text[...]
        guard let first = body.first else { return "" }
        return first.lowercased() + body.dropFirst()
    }

    private static func capitalised(_ text: String) -> String {
        guard let first = text.first else { return "" }
        return first.uppercased() + text.dropFirst()
    }
}
