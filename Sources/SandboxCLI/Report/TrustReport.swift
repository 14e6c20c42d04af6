public import SandboxPlan

/// What `policy trust` shows before it asks, and the list of what is approved.
public enum TrustReport {
    /// A key that the project's file says.
    public struct Entry: Hashable, Sendable {
        public var key: String
        public var line: UInt32
        /// The value without the file, and with it approved.
        public var before: String
        public var after: String
        public var isWider: Bool
        /// The value that it asks for, where the administrator allows less.
        public var asked: String?

        public init(
            key: String,
            line: UInt32,
            before: String,
            after: String,
            isWider: Bool,
            asked: String? = nil
        ) {
            self.key = key
            self.line = line
            self.before = before
            self.after = after
            self.isWider = isWider
            self.asked = asked
        }
    }

    /// Each key with its line and both values, and what it asks for where it gets less.
    public static func text(_ entries: [Entry], _ file: PolicyFile, _ policy: String) -> String {
        let digits = Array("0123456789abcdef")
        let digest = String(file.digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
        var table = TextTable(columns: 4)
        for entry in entries {
            let words = [
                entry.isWider ? "WIDER" : "",
                entry.asked.map { "asks for \(Shown.text($0)), gets \(Shown.text(entry.after))" } ?? "",
            ]
            table.add([
                "line \(entry.line)", entry.key, "\(Shown.text(entry.before)) -> \(Shown.text(entry.after))",
                words.filter { !$0.isEmpty }.joined(separator: "; "),
            ])
        }
        let head = [
            Shown.whole(file.path), "sha256 \(digest)",
            entries.isEmpty ? "It says nothing." : "If it is approved, it changes the policy \(OSString(policy)) to:",
        ]
        return (head + table.lines(indent: 2)).map { $0 + "\n" }.joined()
    }

    /// One line for each approval.
    public static func list(_ rows: [(path: OSString, state: String)]) -> String {
        var table = TextTable(columns: 2)
        for row in rows { table.add([Shown.whole(row.path), Shown.text(row.state)]) }
        return table.lines(indent: 0).map { $0 + "\n" }.joined()
    }
}
