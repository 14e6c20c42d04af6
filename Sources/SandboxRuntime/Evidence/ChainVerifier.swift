internal import SandboxPlan

/// Recomputes everything that a workspace's file of records promises: `evidence verify`.
///
/// One line is in memory at a time; beside it a few dozen bytes for each launch, to know one that comes twice.
public struct ChainVerifier {
    private var report = ChainReport()
    private var launches = LaunchesInOrder()
    /// The link that the next record must have.
    private var expected = ChainLink.first
    /// Of the line before.
    private var before: (number: Int, offset: Int64, place: LinePlace)?

    private init() {}

    /// Reads the file from its beginning to its end at a moment when nobody was writing.
    ///
    /// - Parameters:
    ///   - location: the state folder and the workspace.
    ///   - since: a record that must be in the chain.
    /// - Returns: what was found; nil without a file.
    /// - Throws: `EvidenceError` when the file cannot be read.
    public static func verify(
        _ location: EvidenceLocation,
        since: ChainCheckpoint? = nil
    ) throws(EvidenceError) -> ChainReport? {
        try verify(location, since: since, host: RunningHost())
    }

    static func verify(
        _ location: EvidenceLocation,
        since: ChainCheckpoint?,
        host: RunningHost
    ) throws(EvidenceError) -> ChainReport? {
        guard let records = try SettledRecords.open(location) else { return nil }
        var lines = records.linesForwards()
        var verifier = ChainVerifier()
        verifier.report.since = since
        while let line = try lines.next() { verifier.take(line) }
        verifier.end(host)
        return verifier.report
    }

    // MARK: - One line

    private mutating func take(_ line: LinesForwards.Line) {
        report.lines += 1
        let place = LinePlace(line.bytes)
        let isRecord = checkRecord(line)
        checkLink(line, place, isRecord: isRecord)
        expected.previous = line.digest
        before = (line.number, line.offset, place)
    }

    private mutating func problem(_ line: LinesForwards.Line, _ what: String) {
        report.add(ChainReport.Problem(line: line.number, offset: line.offset, what: what))
    }

    /// The line for itself: a record of a known kind, in canonical form, and what it says of its launch.
    ///
    /// - Returns: whether it is a record.
    private mutating func checkRecord(_ line: LinesForwards.Line) -> Bool {
        if line.isTooLong {
            problem(line, "damaged line: longer than \(JSONReader.defaultSizeLimit) bytes")
            return false
        }
        if line.isCutOff { problem(line, "cut off: no newline ends it, so its writer was killed") }
        let record: Record
        do throws(Record.Problem) {
            record = try Record(reading: line.bytes)
        } catch {
            problem(line, error.what)
            return false
        }
        if record.statement.canonical.bytes != line.bytes { problem(line, "not in canonical form (RFC 8785)") }
        let version = record.statement["predicate"]?["schemaVersion"]?.integer
        if version != Int64(LaunchStatement.schemaVersion) {
            problem(line, "schema version \(version.map { String($0) } ?? "unknown"), which this version does not know")
        }
        for what in launches.take(record, line) { problem(line, what) }
        return true
    }

    /// The line after the one before it.
    private mutating func checkLink(_ line: LinesForwards.Line, _ place: LinePlace, isRecord: Bool) {
        switch place {
        case .linked(let link):
            compare(link, line)
            report.chained += 1
            expected.sequence = link.sequence + 1
            let head = ChainCheckpoint(sequence: link.sequence, digest: line.digest)
            report.head = head
            if head == report.since { report.isSinceFound = true }
        case .unlinked:
            if report.chained > 0 { problem(line, "not chained, though a record before it is") }
            report.unchained += 1
            expected.sequence = 1
        case .unknown:
            // A damaged line is said to be one already; the next record is linked to it and takes the number it would have.
            if isRecord { problem(line, "has no link where one is written") }
        }
    }

    private mutating func compare(_ link: ChainLink, _ line: LinesForwards.Line) {
        if link.sequence > expected.sequence {
            let last = link.sequence - 1
            let missing =
                last == expected.sequence
                ? "record \(last) is missing before it"
                : "records \(expected.sequence) to \(last) are missing before it"
            return problem(line, "sequence \(link.sequence) where \(expected.sequence) should be: \(missing)")
        }
        if link.sequence < expected.sequence {
            return problem(
                line,
                "sequence \(link.sequence) where \(expected.sequence) should be: it is there twice, or out of order"
            )
        }
        if link.previous == expected.previous { return }
        guard let before else { return problem(line, "linked to a line before it, which is missing") }
        report.add(
            ChainReport.Problem(
                line: before.number,
                offset: before.offset,
                what:
                    "not the line that line \(line.number) (at byte \(line.offset)) was linked to: it was changed, or put "
                    + "in the place of another"
            )
        )
    }

    // MARK: - The end

    private mutating func end(_ host: RunningHost) {
        report.closed = launches.closed
        report.refused = launches.refused
        let open = launches.open.sorted { $0.value.line < $1.value.line }
        report.open = open.count
        report.openLaunches = open.prefix(ChainReport.listLimit).map { id, start in
            ChainReport.OpenLaunch(
                id: id,
                line: start.line,
                offset: start.offset,
                isRunning: host.isRunning(start.supervisor)
            )
        }
        guard let since = report.since, !report.isSinceFound else { return }
        let has = report.head.map { "whose head is \($0)" } ?? "which is empty"
        report.add(
            ChainReport.Problem(
                what:
                    "record \(since) is not in the chain, \(has): records were removed or changed, or it is of another file"
            )
        )
    }
}
