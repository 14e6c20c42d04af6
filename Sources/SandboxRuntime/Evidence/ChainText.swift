public import SandboxPlan

/// What `evidence verify` prints.
public enum ChainText {
    /// For people; lines end with a newline.
    ///
    /// `file` is the one that was read, where it is not the workspace's.
    public static func details(
        _ report: ChainReport,
        of location: EvidenceLocation,
        file: OSString? = nil
    ) -> String {
        var lines = [report.isVerified ? "verified" : "NOT verified: \(count(report.problemCount, "problem"))", ""]
        var table = TextTable()
        table.add("workspace", location.name)
        table.add(report.isCopy ? "copy" : "records", (file ?? location.records).description)
        table.add("lines", "\(report.lines), \(report.chained) of them chained")
        table.add("launches", "\(report.closed) with an outcome, \(report.refused) refused, \(report.open) without")
        if let checkpoint = report.checkpoint {
            table.add(
                "complete since",
                "record \(checkpoint.removedSequence): `codex-sandbox gc` removed what was before, says its checkpoint"
            )
        }
        table.add("signed", signed(report))
        if let since = report.since { table.add("since", "\(since), \(finding(report))") }
        table.add("head", report.head.map { $0.description } ?? "none: no record is chained")
        lines += table.lines(indent: 2)
        if report.problemCount > 0 {
            lines += ["", "problems"]
            lines += report.problems.map { "  " + sentence($0) }
            let rest = report.problemCount - report.problems.count
            if rest > 0 { lines.append("  and \(rest) more") }
        }
        if report.tornCount > 0 {
            lines += [
                "",
                "lines that were not written whole, or were cut, which nothing here tells apart, and are no problem",
            ]
            lines += report.torn.map { "  " + sentence($0) }
            let rest = report.tornCount - report.torn.count
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
        if report.unsigned > 0 && report.signed > 0 {
            lines += ["", "records that are not signed"]
            lines += report.unsignedStretches.map { "  " + sentence($0) }
        }
        lines += ["", "what the file cannot tell"]
        lines += report.notKnown.map { "  " + $0 }
        return lines.map { $0 + "\n" }.joined()
    }

    /// For programs: one object.
    public static func json(
        _ report: ChainReport,
        of location: EvidenceLocation,
        file: OSString? = nil
    ) -> CanonicalJSON {
        CanonicalJSON { json in
            json.object { json in
                json.member("chained", integer: report.chained)
                if let checkpoint = report.checkpoint {
                    json.object("checkpoint") { json in
                        json.member("removedLaunches", integer: checkpoint.total.launches)
                        json.member("removedRecords", integer: checkpoint.total.records)
                        json.member("removedThrough", string: checkpoint.removedThrough)
                    }
                }
                json.member("checkpoints", integer: report.checkpoints)
                if let since = report.since {
                    json.object("completeSince") { json in
                        json.member("digest", sha256: since.digest)
                        json.key("found")
                        json.bool(report.isSinceFound)
                        json.member("removed", bool: report.isSinceRemoved)
                        json.member("sequence", integer: since.sequence)
                    }
                }
                json.member("copy", bool: report.isCopy)
                if report.isCopy { json.member("gaps", integer: report.gaps) }
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
                json.member("records", bytes: file ?? location.records)
                json.object("signatures") { json in
                    json.member("signed", integer: report.signed)
                    if let through = report.signedThrough { json.member("signedThrough", integer: through) }
                    json.member("unsigned", integer: report.unsigned)
                    json.member("unsignedStretches", array: report.unsignedStretches) { json, stretch in
                        json.object { json in
                            json.member("firstLine", integer: stretch.firstLine)
                            json.member("firstSequence", integer: stretch.firstSequence)
                            json.member("lastLine", integer: stretch.lastLine)
                            json.member("lastSequence", integer: stretch.lastSequence)
                        }
                    }
                }
                json.member("torn", array: report.torn) { $0.problem($1) }
                json.member("tornCount", integer: report.tornCount)
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
                if let workspace = location.workspace { json.member("workspace", bytes: workspace) }
            }
        }
    }

    private static func sentence(_ problem: ChainReport.Problem) -> String {
        guard let line = problem.line, let offset = problem.offset else { return ShownText.escaped(problem.what) }
        return "line \(line) at byte \(offset): \(ShownText.escaped(problem.what))"
    }

    /// Of the record that had to be in the chain.
    private static func finding(_ report: ChainReport) -> String {
        if report.isSinceRemoved { return "removed by `codex-sandbox gc`, says its signed checkpoint" }
        return report.isSinceFound ? "found" : "NOT found"
    }

    private static func signed(_ report: ChainReport) -> String {
        if report.signed == 0 { return "nothing: `codex-sandbox evidence sign` does it" }
        return "\(report.signed) of \(report.signed + report.unsigned) records, the last of them record "
            + "\(report.signedThrough ?? 0)"
    }

    private static func sentence(_ stretch: ChainReport.Stretch) -> String {
        if stretch.firstLine == stretch.lastLine { return "line \(stretch.firstLine): record \(stretch.firstSequence)" }
        return "lines \(stretch.firstLine) to \(stretch.lastLine): records \(stretch.firstSequence) to "
            + "\(stretch.lastSequence)"
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
