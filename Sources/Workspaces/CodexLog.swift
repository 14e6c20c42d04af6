internal import SandboxRuntime

/// An event of `codex exec --json` as lines of a log: what a person would have seen without `--json`.
enum CodexLog {
    /// Of one event, in bytes: a command's output may be as long as it likes.
    private static let limit = 64 << 10

    /// - Parameter event: one that has a `type`.
    /// - Returns: whole lines; none for an event that says nothing to a person.
    static func lines(_ event: JSONValue) -> [UInt8] {
        switch event["type"]?.string {
        case "item.completed": return event["item"].map { ended(cut(item($0))) } ?? []
        case "turn.failed": return ended(cut("failed: \(event["error"]?["message"]?.string ?? "no words")"))
        case "error": return ended(cut("error: \(event["message"]?.string ?? "no words")"))
        // Beginnings and updates: what has come of them follows. Kinds that are not known stay among the events.
        case _: return []
        }
    }

    private static func item(_ item: JSONValue) -> String {
        let text = item["text"]?.string ?? ""
        switch item["type"]?.string {
        case "agent_message": return text
        case "reasoning": return text.isEmpty ? "" : "thinking: \(text)"
        case "command_execution":
            let command = "$ \(item["command"]?.string ?? "?")"
            let output = item["aggregated_output"]?.string ?? ""
            let status = item["exit_code"]?.integer.map { $0 == 0 ? "" : "(exit status \($0))" } ?? ""
            return [command, output, status].filter { !$0.isEmpty }
                .map { $0.utf8.last == UInt8(ascii: "\n") ? String($0.dropLast()) : $0 }.joined(separator: "\n")
        case "file_change":
            let changes = item["changes"]?.array ?? []
            return changes.map { "\($0["kind"]?.string ?? "changed"): \($0["path"]?.string ?? "?")" }
                .joined(separator: "\n")
        case "mcp_tool_call":
            return
                "tool: \(item["server"]?.string ?? "?") \(item["tool"]?.string ?? "?") \(item["status"]?.string ?? "")"
        case "web_search": return "search: \(item["query"]?.string ?? "?")"
        case "error": return "error: \(item["message"]?.string ?? "no words")"
        case _: return ""
        }
    }

    /// The event is whole; the log says where it was cut.
    private static func cut(_ text: String) -> [UInt8] {
        guard text.utf8.count > limit else { return Array(text.utf8) }
        return Array(text.utf8.prefix(limit)) + Array("\n(\(text.utf8.count - limit) bytes more)".utf8)
    }

    private static func ended(_ text: [UInt8]) -> [UInt8] {
        text.isEmpty || text.last == UInt8(ascii: "\n") ? text : text + [UInt8(ascii: "\n")]
    }
}
