import SandboxPlan
import SandboxRuntime
import WorkspaceStore
import Workspaces

/// One removal as the log has it: `audit ACTION …`, as a client's call, but by nobody's request.
struct RemovalLine: CustomStringConvertible {
    private let words: [(name: String, value: String)]
    private let action: String

    init(_ removal: Removal) {
        action = removal.job == nil ? "removeProject" : "removeLog"
        var words = [("project", removal.project)]
        if let job = removal.job { words.append(("job", job)) }
        words += [
            ("reason", removal.reason.rawValue), ("bytes", "\(removal.bytes)"), ("since", "\(removal.since.iso)Z"),
        ]
        self.words = words
    }

    init(_ report: EvidenceCollector.Report, of location: EvidenceLocation, reason: Removal.Reason) {
        action = "removeRecords"
        var words = [("workspace", location.workspaceID)]
        words += [
            ("reason", reason.rawValue), ("launches", "\(report.removed.launches)"),
            ("bytes", "\(report.removedBytes)"),
        ]
        if let checkpoint = report.checkpoint { words.append(("checkpoint", checkpoint.description)) }
        self.words = words
    }

    var description: String {
        "audit \(action) \(words.map { "\($0.name)=\($0.value)" }.joined(separator: " ")) by=retention"
    }

    /// For the journal.
    var fields: [(String, String)] {
        [("CODEX_ACTION", action), ("CODEX_BY", "retention")]
            + words.map { ("CODEX_\($0.name.uppercased())", $0.value) }
    }
}
