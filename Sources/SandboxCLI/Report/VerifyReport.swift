public import SandboxPlan

/// What `verify` prints.
public struct VerifyReport: Hashable, Sendable {
    public enum Verdict: String, Hashable, Sendable {
        /// It was let through outside, and not inside.
        case held
        /// It was let through inside.
        case broken
        /// It was let through inside, as the weaker profile that was asked for says it would be; not counted.
        case notHeld = "not held"
        /// The host itself refuses it, so that nothing is shown by its being refused inside; not counted.
        case noControl = "no control"
        /// It never came to be tried inside.
        case notTried = "not tried"
    }

    /// Who says how it ended inside.
    public enum Judge: String, Hashable, Sendable {
        /// A file, a listener or a process outside; what it got to see.
        case outside
        /// The attempt itself: the errno that it got.
        case attempt
    }

    public struct Row: Hashable, Sendable {
        public var name: String
        /// What was tried, in words.
        public var what: String
        public var judge: Judge
        /// How it ended without a sandbox: `let through`, an errno, a reason.
        public var control: String
        /// How it ended in one.
        public var inside: String
        public var verdict: Verdict
        /// Why it was not tried inside; else empty.
        public var reason = ""

        public init(
            name: String,
            what: String,
            judge: Judge,
            control: String,
            inside: String,
            verdict: Verdict
        ) {
            self.name = name
            self.what = what
            self.judge = judge
            self.control = control
            self.inside = inside
            self.verdict = verdict
        }
    }

    public var rows: [Row]
    /// The workspace that the launches are recorded for.
    public var workspace: OSString
    public var style: Style
    /// What the weaker profile that was asked for does not hold; empty for every other policy.
    public var notHeld: [NotHeld]

    public init(rows: [Row], workspace: OSString, style: Style, notHeld: [NotHeld] = []) {
        self.rows = rows
        self.notHeld = notHeld
        self.workspace = workspace
        self.style = style
    }

    /// Everything that could be shown to hold holds, and that is something.
    public var holds: Bool {
        rows.contains { $0.verdict == .held } && !rows.contains { $0.verdict == .broken || $0.verdict == .notTried }
    }

    public var exitStatus: Int32 { holds ? 0 : 1 }

    /// The text; its first line answers the question.
    public var text: String {
        let held = rows.count { $0.verdict == .held }
        let uncontrolled = rows.count { $0.verdict == .noControl }
        let given = rows.count { $0.verdict == .notHeld }
        let missed = rows.count { $0.verdict == .notTried }
        let counted = rows.count - uncontrolled - given
        let what = notHeld.isEmpty ? "the sandbox holds" : "the WEAKER profile holds what it promises"
        let isShown = missed == 0 || rows.contains { $0.verdict == .broken }
        let answer = holds ? style.good("yes") : style.bad(isShown ? "NO" : "NOT SHOWN")
        let why =
            isShown
            ? "\(held) of \(counted) acts that this host allows were refused inside"
            : "\(missed) of \(rows.count) acts were not tried inside (why stands below)"
        var lines = ["\(what): \(answer), \(why)"]
        if !notHeld.isEmpty {
            let words = notHeld.map(\.promise.rawValue).joined(separator: ", ")
            lines.append(style.bad("NOT held by it: \(words); \(given) acts were let through by that"))
        }
        if uncontrolled > 0 {
            lines.append("\(uncontrolled) are refused by the host itself, which shows nothing: no control")
        }
        lines += ["", style.heading("HOSTILE ACTS")]
        var table = TextTable(columns: 6)
        table.add(["act", "what was tried", "outside", "inside", "judged by", "verdict"])
        for row in rows {
            table.add([
                row.name, row.what, Shown.text(row.control), Shown.text(row.inside), row.judge.rawValue,
                word(row.verdict),
            ])
        }
        lines += table.lines(indent: 2)
        var reasons: [String] = []
        for row in rows where !row.reason.isEmpty && !reasons.contains(row.reason) { reasons.append(row.reason) }
        if !reasons.isEmpty {
            lines += ["", style.heading("NOT TRIED, BECAUSE")] + reasons.map { "  " + Shown.text($0) }
        }
        lines += ["", "The launches are recorded: codex-sandbox evidence list --workspace \(Shown.word(workspace))"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func word(_ verdict: Verdict) -> String {
        switch verdict {
        case .held: style.good("held")
        case .broken: style.bad("BROKEN")
        case .notHeld: style.bad("NOT HELD")
        case .noControl: style.doubtful("no control")
        case .notTried: style.bad("not tried")
        }
    }

    /// One JSON object and a newline.
    public var json: String {
        let rows = rows.map { row in
            VerifyReport.object([
                ("name", VerifyReport.string(row.name)), ("what", VerifyReport.string(row.what)),
                ("judge", VerifyReport.string(row.judge.rawValue)), ("outside", VerifyReport.string(row.control)),
                ("inside", VerifyReport.string(row.inside)), ("verdict", VerifyReport.string(row.verdict.rawValue)),
                ("reason", VerifyReport.string(row.reason)),
            ])
        }
        var members = [
            ("version", "1"), ("holds", holds ? "true" : "false"),
            ("workspace", VerifyReport.string(workspace.description)),
            ("acts", "[" + rows.joined(separator: ",") + "]"),
        ]
        if !notHeld.isEmpty {
            let promises = notHeld.map { VerifyReport.string($0.promise.rawValue) }
            members.append(("notHeld", "[" + promises.joined(separator: ",") + "]"))
        }
        return VerifyReport.object(members) + "\n"
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { string($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }

    /// A JSON string of printable characters: controls are escaped as for a terminal, then as JSON wants it.
    private static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in Shown.text(text).unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
