internal import WorkspaceStore
internal import Workspaces

/// Counts in the text format of Prometheus, 0.0.4.
struct MetricsText {
    private(set) var bytes: [UInt8] = []

    private mutating func line(_ text: String) {
        bytes += Array(text.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func head(_ name: String, _ type: String, _ help: String) {
        line("# HELP codex_sandbox_\(name) \(help)")
        line("# TYPE codex_sandbox_\(name) \(type)")
    }

    mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: String) {
        let pairs = labels.map { "\($0.0)=\"\(MetricsText.escaped($0.1))\"" }.joined(separator: ",")
        line("codex_sandbox_\(name)\(pairs.isEmpty ? "" : "{\(pairs)}") \(value)")
    }

    /// A label's value: backslash, quote and line feed are escaped.
    static func escaped(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "\"": escaped.append(contentsOf: ["\\", scalar])
            case "\n": escaped.append(contentsOf: ["\\", "n"])
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    mutating func write(_ statistics: WorkspaceStatistics) {
        head("jobs", "gauge", "Jobs by status.")
        for status in JobStatus.allCases {
            sample("jobs", [("status", status.rawValue)], String(statistics.jobsByStatus[status] ?? 0))
        }
        head("jobs_waiting", "gauge", "Jobs in the queue.")
        sample("jobs_waiting", [], String(statistics.jobsWaiting))
        head("sandboxes_open", "gauge", "Sandboxes that stand now.")
        sample("sandboxes_open", [], String(statistics.sandboxesOpen))
        head("launch_seconds", "histogram", "Time of launches from asking to release.")
        var sum = 0
        for (index, count) in statistics.launchCounts.enumerated() {
            sum += count
            guard index < WorkspaceStatistics.launchBounds.count else { continue }
            sample("launch_seconds_bucket", [("le", "\(WorkspaceStatistics.launchBounds[index])")], String(sum))
        }
        // Buckets that were never counted are there too, so that every scrape has the same ones.
        for bound in WorkspaceStatistics.launchBounds.dropFirst(statistics.launchCounts.count) {
            sample("launch_seconds_bucket", [("le", "\(bound)")], String(sum))
        }
        sample("launch_seconds_bucket", [("le", "+Inf")], String(sum))
        sample("launch_seconds_sum", [], "\(statistics.launchSecondsTotal)")
        sample("launch_seconds_count", [], String(sum))
        head("refusals_total", "counter", "Launches that were refused, by the step that did it.")
        for (step, count) in statistics.refusals.sorted(by: { $0.key < $1.key }) {
            sample("refusals_total", [("step", step)], String(count))
        }
    }
}
