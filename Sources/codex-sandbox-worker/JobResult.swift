/// What the server reads afterwards: `.codex/result.json`.
struct JobResult {
    /// Of the request; nil where it could not be read, and then the result belongs to no job.
    var jobID: String?
    var summary = ""
    var created: [String] = []
    var modified: [String] = []
    /// Empty after a success, and only then.
    var errors: [String] = []
    var logs: [String] = []

    func json(at time: Timestamp) -> [UInt8] {
        let members: [(String, String)] = [
            ("status", JobResult.quoted(errors.isEmpty ? "success" : "error")),
            ("summary", JobResult.quoted(summary)),
            ("created_files", JobResult.list(created)),
            ("modified_files", JobResult.list(modified)),
            ("errors", JobResult.list(errors)),
            ("logs", JobResult.list(logs)),
            ("timestamp", JobResult.quoted(time.text)),
            ("job_id", jobID.map(JobResult.quoted) ?? "null"),
        ]
        let lines = members.map { "  \(JobResult.quoted($0.0)): \($0.1)" }
        return Array("{\n\(lines.joined(separator: ",\n"))\n}\n".utf8)
    }

    private static func list(_ texts: [String]) -> String {
        guard !texts.isEmpty else { return "[]" }
        return "[\n\(texts.map { "    \(quoted($0))" }.joined(separator: ",\n"))\n  ]"
    }

    /// A JSON string (RFC 8259, 7), with escapes only where they must be.
    private static func quoted(_ text: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += "\\n".utf8
            case 0..<0x20: bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}
