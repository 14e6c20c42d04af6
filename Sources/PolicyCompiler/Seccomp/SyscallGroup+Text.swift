/// The group table as text, for `docs/policy.md` and for a person who asks.
extension SyscallGroup {
    /// One row of a Markdown table for each group.
    public static var markdownTable: String {
        var lines = ["| group | answer | calls | reason |", "|---|---|---|---|"]
        for group in all {
            let calls = group.calls.map { rule in
                rule.condition.isEmpty ? "`\(rule.name)`" : "`\(rule.name)` (\(rule.condition))"
            }
            lines.append(
                "| `\(group.name)` | \(group.verdictText) | \(calls.joined(separator: " ")) | \(group.reason) |"
            )
        }
        return lines.joined(separator: "\n")
    }

    /// The verdict in words.
    public var verdictText: String {
        switch verdict {
        case .allowed: "allowed"
        case .removable: "allowed, can be left out"
        case .denied(.kill): "the process is killed"
        case .denied(.errno(1)): "EPERM"
        case .denied(.errno(38)): "ENOSYS"
        case .denied(.errno(let number)): "errno \(number)"
        case .denied(.allow): "allowed"
        }
    }
}
