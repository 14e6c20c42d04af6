/// Where a file of records is to be cut for `gc`: behind a line at which no launch is under way.
struct CollectionPlan {
    struct Cut {
        /// Where the first line that is kept begins.
        var offset: Int64
        var checkpoint: Checkpoint
    }

    /// Nil when nothing is to be removed.
    var cut: Cut?
    var report: EvidenceCollector.Report

    /// Goes through the records once more, now that it is known how many launches there are and which of them run.
    static func find(
        in records: consuming SettledRecords,
        _ walked: borrowing ChainVerifier,
        _ criteria: EvidenceCollector.Criteria
    ) throws(EvidenceError) -> CollectionPlan {
        let launches = Int64(walked.report.closed + walked.report.refused + walked.report.open)
        var search = CollectionSearch(
            interrupted: walked.interrupted,
            removable: criteria.keep.map { launches - $0 } ?? 0,
            before: criteria.olderThanDays.map { Timestamp.now.earlier(byDays: $0) },
            past: try earlier(in: records)
        )
        let length = records.length
        var lines = records.linesForwards()
        while !search.isOver, let line = try lines.next() { search.take(line) }
        search.finish(at: length)
        var report = EvidenceCollector.Report()
        report.keptLaunches = launches
        report.askedLaunches = criteria.keep
        guard var found = search.found else { return CollectionPlan(cut: nil, report: report) }
        found.checkpoint.olderThanDays = criteria.olderThanDays
        found.checkpoint.keptLaunches = criteria.keep
        report.removed = found.checkpoint.removed
        report.removedBytes = found.offset
        report.keptLaunches = launches - found.checkpoint.removed.launches
        report.removedThrough = found.checkpoint.removedThrough
        return CollectionPlan(cut: found, report: report)
    }

    /// What was removed before, as the newest checkpoint has it that says what was before the first line.
    private static func earlier(in records: borrowing SettledRecords) throws(EvidenceError) -> Checkpoint? {
        guard let first = try records.firstLine(), case .linked(let link) = LinePlace(first) else { return nil }
        return try Checkpoint.preceding(link, in: records)
    }
}

/// The search for the last place at which the records can be cut.
private struct CollectionSearch {
    /// Launches without an outcome whose supervisor is not there.
    let interrupted: Set<LaunchID>
    /// By number: so many launches may go.
    let removable: Int64
    /// By time: what ended earlier may go.
    let before: Timestamp?
    let past: Checkpoint?

    private(set) var found: CollectionPlan.Cut?
    /// Nothing further on can be removed.
    private(set) var isOver = false

    private var open: Set<LaunchID> = []
    private var unfinished: [Checkpoint.Unfinished] = []
    private var counts = Checkpoint.Counts()
    private var launches: Int64 = 0
    private var sequence: Int64
    /// The line before, at which the file could be cut if the next one is linked.
    private var candidate: Checkpoint?
    private var isOld = true

    init(interrupted: Set<LaunchID>, removable: Int64, before: Timestamp?, past: Checkpoint?) {
        self.interrupted = interrupted
        self.removable = removable
        self.before = before
        self.past = past
        sequence = past?.removedSequence ?? 0
    }

    mutating func take(_ line: LinesForwards.Line) {
        let place = LinePlace(line.bytes)
        // Behind a cut stands a line with a link, by which it is known what was cut off.
        if let candidate, case .linked = place {
            found = CollectionPlan.Cut(offset: line.offset, checkpoint: candidate)
        }
        candidate = nil
        if case .linked(let link) = place { sequence = link.sequence }
        counts.records += 1
        judge(line)
        let isByAge = before != nil && isOld
        guard isByAge || launches <= removable else {
            isOver = true
            return
        }
        // What is behind half a line without a link is linked to more than that line; and at half a line with one the file would
        // be cut before the newline that the next writer puts behind it.
        guard place != .unknown, !line.isCutOff else { return }
        guard open.isEmpty, unfinished.count <= Checkpoint.unfinishedLimit, launches > 0 else { return }
        candidate = checkpoint(line)
    }

    /// The whole file may go: there is no next line.
    mutating func finish(at length: Int64) {
        if let candidate, !isOver { found = CollectionPlan.Cut(offset: length, checkpoint: candidate) }
    }

    private mutating func judge(_ line: LinesForwards.Line) {
        let record: Record
        do throws(Record.Problem) {
            record = try Record(reading: line.bytes)
        } catch {
            // A checkpoint, or damage: it goes with what is around it.
            return
        }
        let times = record.statement["predicate"]?["times"]
        let time = (times?["ended"] ?? times?["recorded"])?.string
        // As text: both are written in the same form, UTC with microseconds.
        if let before, time.map({ $0 >= before.description }) ?? true { isOld = false }
        switch record.kind {
        case .start:
            launches += 1
            if interrupted.contains(record.id) {
                unfinished.append(Checkpoint.Unfinished(id: record.id, start: record.digest))
            } else {
                open.insert(record.id)
            }
        case .refused: launches += 1
        case .outcome: open.remove(record.id)
        }
    }

    private func checkpoint(_ line: LinesForwards.Line) -> Checkpoint {
        var checkpoint = Checkpoint(removedSequence: sequence, removedDigest: line.digest)
        checkpoint.removed = Checkpoint.Counts(launches: launches, records: counts.records)
        checkpoint.total = Checkpoint.Counts(
            launches: launches + (past?.total.launches ?? 0),
            records: counts.records + (past?.total.records ?? 0)
        )
        checkpoint.unfinished = unfinished
        return checkpoint
    }
}
