internal import SandboxPlan

/// What `evidence verify` prints.
public enum ChainText {
    /// For people; lines end with a newline.
    public static func details(_ report: ChainReport, of location: EvidenceLocation) -> String {
        var lines = [report.isVerified ? "verified" : "NOT verified: \(count(report.problemCount, "problem"))", ""]
        var table = TextTable()
        table.add("workspace", location.workspace.description)
        table.add("records", location.records.description)
        table.add("lines", "\(report.lines), \(report.chained) of them chained")
        table.add("launches", "\(report.closed) with an outcome, \(report.refused) refused, \(report.open) without")
        if let since = report.since { table.add("since", "\(since), \(report.isSinceFound ? "found" : "NOT found")") }
        table.add("head", report.head.map { $0.description } ?? "none: no record is chained")
        lines += table.lines(indent: 2)
        if report.problemCount > 0 {
            lines += ["", "problems"]
            lines += report.problems.map { "  " + sentence($0) }
            let rest = report.problemCount - report.problems.count
            if rest > 0 { lines.append("  and \(rest) more") }
        }
        if report.open > 0 {
            lines += ["", "launches without an outcome"]
            var table = TextTable()
            for launch in report.openLaunches {
                let state = launch.isRunning ? "running" : "interrupted"
                table.add("line \(launch.line)", "at byte \(launch.offset)", launch.id.description, state)
            }
            lines += table.lines(indent: 2)
            let rest = report.open - report.openLaunches.count
            if rest > 0 { lines.append("  and \(rest) more") }
        }
        lines += ["", "what the file cannot tell"]
        lines += report.notKnown.map { "  " + $0 }
        return lines.map { $0 + "\n" }.joined()
    }

    /// For programs: one object.
    public static func json(_ report: ChainReport, of location: EvidenceLocation) -> CanonicalJSON {
        CanonicalJSON { json in
            json.object { json in
                json.member("chained", integer: report.chained)
                if let since = report.since {
                    json.object("completeSince") { json in
                        json.member("digest", sha256: since.digest)
                        json.key("found")
                        json.bool(report.isSinceFound)
                        json.member("sequence", integer: since.sequence)
                    }
                }
                if let head = report.head {
                    json.object("head") { json in
                        json.member("checkpoint", string: head.description)
                        json.member("digest", sha256: head.digest)
                        json.member("sequence", integer: head.sequence)
                    }
                }
                json.object("launches") { json in
                    json.member("closed", integer: report.closed)
                    json.member("refused", integer: report.refused)
                    json.member("withoutOutcome", integer: report.open)
                }
                json.member("lines", integer: report.lines)
                json.member("notKnown", texts: report.notKnown)
                json.member("problemCount", integer: report.problemCount)
                json.member("problems", array: report.problems) { $0.problem($1) }
                json.member("records", bytes: location.records)
                json.member("unchained", integer: report.unchained)
                json.key("verified")
                json.bool(report.isVerified)
                json.member("withoutOutcome", array: report.openLaunches) { json, launch in
                    json.object { json in
                        json.member("launchId", string: launch.id.description)
                        json.member("line", integer: launch.line)
                        json.member("offset", integer: launch.offset)
                        json.member("state", string: launch.isRunning ? "running" : "interrupted")
                    }
                }
                json.member("workspace", bytes: location.workspace)
            }
        }
    }

    private static func sentence(_ problem: ChainReport.Problem) -> String {
        guard let line = problem.line, let offset = problem.offset else { return ShownText.escaped(problem.what) }
        return "line \(line) at byte \(offset): \(ShownText.escaped(problem.what))"
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}

extension JSONWriter {
    fileprivate mutating func problem(_ problem: ChainReport.Problem) {
        object { json in
            if let line = problem.line { json.member("line", integer: line) }
            if let offset = problem.offset { json.member("offset", integer: offset) }
            json.member("what", text: problem.what)
        }
    }
}
