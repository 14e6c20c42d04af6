internal import SandboxPlan

/// Text of others in a log line: control characters escaped, and not longer than anybody reads.
enum LogText {
    static func escaped(_ text: String, limit: Int = 512) -> String {
        let bytes = Array(text.utf8.prefix(limit))
        let shown = OSString(bytes).description
        return text.utf8.count > limit ? shown + "…" : shown
    }
}
