public import SandboxPlan

/// A policy for people to read: what `policy show` and `policy list` print.
public struct PolicyReport {
    public var policy: Policy
    /// Where a value comes from, by key: `limits.tasks` → `strict.toml:12`; empty: no such column.
    public var origins: [String: String]
    public var style: Style

    public init(policy: Policy, origins: [String: String] = [:], style: Style) {
        self.policy = policy
        self.origins = origins
        self.style = style
    }

    /// One row of `policy list`.
    public struct Entry: Hashable, Sendable {
        public var name: String
        /// `built-in`, or the user's file.
        public var origin: String
        public var summary: String

        public init(name: String, origin: String, summary: String) {
            self.name = name
            self.origin = origin
            self.summary = summary
        }
    }

    /// The lines of `policy list`.
    public static func list(_ entries: [Entry]) -> String {
        var table = TextTable(columns: 3)
        for entry in entries {
            table.add([Shown.text(entry.name), Shown.text(entry.origin), Shown.text(entry.summary)])
        }
        return table.lines(indent: 0).map { $0 + "\n" }.joined()
    }

    /// Every value; of environment variables the names only.
    public var text: String {
        var lines = [style.heading(Shown.text(policy.name)), Shown.text(policy.summary)]
        for section in sections {
            lines += ["", style.heading(section.title)]
            var table = TextTable(columns: 3)
            for row in section.rows { add(row, of: section.title, to: &table) }
            lines += table.lines(indent: 2)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A line for each key, long lists cut: what `explain` shows of it.
    var summary: [String] {
        var table = TextTable(columns: 3)
        for section in sections {
            for row in section.rows {
                let key = "\(section.title).\(row.key)"
                table.add([key, row.words, Shown.text(origins[key] ?? "")])
            }
        }
        return table.lines(indent: 2)
    }

    /// The value of a key in a few words; nil for a key that the policy has no value of.
    public func words(_ key: String) -> String? {
        for section in sections {
            for row in section.rows where "\(section.title).\(row.key)" == key { return row.words }
        }
        return nil
    }

    /// The same, whole: for whoever is asked to approve it.
    public func whole(_ key: String) -> String? {
        for section in sections {
            for row in section.rows where "\(section.title).\(row.key)" == key { return row.whole }
        }
        return nil
    }

    /// A value of several words takes a line for each.
    private func add(_ row: Row, of section: String, to table: inout TextTable) {
        let origin = Shown.text(origins["\(section).\(row.key)"] ?? "")
        table.add([row.key, row.values.first ?? "none", origin])
        for value in row.values.dropFirst() { table.add(["", value, ""]) }
    }

    struct Row {
        let key: String
        let values: [String]

        /// On one line, all of it.
        var whole: String { values.isEmpty ? "none" : values.joined(separator: " ") }

        /// On one line, a long list cut.
        var words: String {
            if values.isEmpty { return "none" }
            return values.prefix(3).joined(separator: " ") + (values.count > 3 ? " … (\(values.count) in all)" : "")
        }

        init(_ key: String, _ value: String) {
            self.key = key
            self.values = [value]
        }

        init(_ key: String, list: [OSString]) {
            self.key = key
            self.values = list.map(Shown.whole)
        }
    }
}
