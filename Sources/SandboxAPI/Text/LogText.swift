internal import SandboxPlan

/// Text of others in a log line: control characters escaped, and not longer than anybody reads.
enum LogText {
    static func escaped(_ text: String, limit: Int = 512) -> String {
        if text.utf8.count <= limit, isPlain(text) { return text }
        let bytes = Array(text.utf8.prefix(limit))
        let shown = OSString(bytes).description
        return text.utf8.count > limit ? shown + "…" : shown
    }

    /// Whether all of it is shown as it is (`OSString.description`); true means so, false only that it was not seen.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { bytes in
            bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
        } ?? false
    }
}
