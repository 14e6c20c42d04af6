public import SandboxPlan

/// Recomputes everything that a workspace's file of records promises: `evidence verify`.
///
/// One line is in memory at a time; beside it 16 bytes for each of the launches that ended last, to know one that comes twice.
public struct ChainVerifier: ~Copyable {
    private(set) var report = ChainReport()
    private(set) var launches = LaunchesInOrder()
    /// Launches without an outcome whose supervisor is not there.
    private(set) var interrupted: Set<LaunchID> = []
    /// The link that the next record must have.
    private var expected = ChainLink.first
    /// What it is linked to by its digest.
    private var stretch = LinkedStretch(previous: ChainLink.noLine)
    /// Of the line before.
    private var before: (number: Int, offset: Int64, place: LinePlace)?
    private var signatures: SignatureTrail
    /// Whose records they have to be.
    private let location: EvidenceLocation
    private let requiresSignatures: Bool
    /// The checkpoint that the line at hand is.
    private var checkpointAtHand: Checkpoint?
    /// Whether the checkpoint that says what was before the first line has a signature of its own, and a right one.
    private var isCheckpointSigned = false
    /// A copy has some of a chain's lines.
    private let isCopy: Bool
    /// Of a copy: whether the line at hand is not linked to the line before it, though its neighbour in the chain.
    private var isLinkedToAnother = false
    /// Of a copy: whether the line before has a right signature.
    private var isSignedBefore = false
    /// Of a copy: launches of other workspaces that have begun.
    private var foreign: Set<LaunchID> = []
    /// Whether the line at hand says that it is of another workspace.
    private var isForeign = false
    /// The lines before, and at hand, that look as if their writers were killed: the next link says whether they were.
    private var torn = TornRun()
    /// Whether a line is a whole record, or a checkpoint.
    private var hasRecord = false

    private init(
        _ location: EvidenceLocation,
        _ signatures: consuming SignatureTrail,
        requiresSignatures: Bool,
        isCopy: Bool
    ) {
        self.location = location
        self.signatures = signatures
        self.requiresSignatures = requiresSignatures
        self.isCopy = isCopy
    }

    /// Reads the file from its beginning to its end at a moment when nobody was writing.
    ///
    /// - Parameters:
    ///   - location: the state folder and the workspace.
    ///   - since: a record that must be in the chain.
    ///   - keys: what signatures are checked with.
    /// - Returns: what was found; nil without a file.
    /// - Throws: `EvidenceError` when the file cannot be read.
    public static func verify(
        _ location: EvidenceLocation,
        since: ChainCheckpoint? = nil,
        keys: SignatureKeys
    ) throws(EvidenceError) -> ChainReport? {
        try verify(location, since: since, keys: keys, host: RunningHost())
    }

    /// The same of a copy (`run --evidence FILE`), which has some lines of the workspace's chain.
    ///
    /// The signatures are those that are kept for the workspace.
    public static func verify(
        copy path: OSString,
        of location: EvidenceLocation,
        since: ChainCheckpoint? = nil,
        keys: SignatureKeys
    ) throws(EvidenceError) -> ChainReport {
        var index = SignatureIndex()
        if let signatures = try SettledRecords.openSignatures(location) { try index.read(signatures) }
        let records = try SettledRecords.open(copy: path)
        var verifier = ChainVerifier(
            location,
            SignatureTrail(nil, keys),
            requiresSignatures: keys.areRequired,
            isCopy: true
        )
        verifier.report.since = since
        var lines = records.linesForwards()
        while let line = try lines.next() { try verifier.take(line, index, keys) }
        verifier.end(RunningHost())
        return verifier.report
    }

    static func verify(
        _ location: EvidenceLocation,
        since: ChainCheckpoint?,
        keys: SignatureKeys = .none,
        host: RunningHost
    ) throws(EvidenceError) -> ChainReport? {
        guard let verifier = try walk(location, since: since, keys: keys, host: host) else { return nil }
        return verifier.report
    }

    /// So often the files may be replaced by `gc` while they are read.
    private static let attempts = 20

    /// The verifier at the end of the file, with the launches that it knows.
    static func walk(
        _ location: EvidenceLocation,
        since: ChainCheckpoint?,
        keys: SignatureKeys,
        host: RunningHost
    ) throws(EvidenceError) -> ChainVerifier? {
        for _ in 0..<attempts {
            // Signatures first: of each that is there then, the record is there too.
            let signatures = try SettledRecords.openSignatures(location)
            guard let records = try SettledRecords.open(location) else { return nil }
            var verifier = ChainVerifier(
                location,
                SignatureTrail(signatures, keys),
                requiresSignatures: keys.areRequired,
                isCopy: false
            )
            verifier.report.since = since
            verifier.report.signaturesAreKept = verifier.signatures.isThere
            if try verifier.read(records, host) { return verifier }
        }
        throw EvidenceError(
            action: "read",
            subject: location.records,
            cause: "it was replaced \(attempts) times while it was read",
            remedy: "try again when `codex-sandbox gc` is not at work"
        )
    }

    /// - Returns: false when another file is there now, which has to be read instead.
    private mutating func read(
        _ records: consuming SettledRecords,
        _ host: RunningHost
    ) throws(EvidenceError) -> Bool {
        try findBeginning(records)
        var lines = records.linesForwards()
        while true {
            while let line = try lines.next() { try take(line) }
            // A launch that ended while its start was read has its outcome in the file by now: it was written before the end.
            let mayHaveEnded = launches.open.values.contains { !host.isRunning($0.supervisor) }
            guard mayHaveEnded else { break }
            if try signatures.settleAgain() == .anotherFile { return false }
            switch try lines.settleAgain() {
            case .anotherFile: return false
            case .lines: continue
            case .nothing: break
            }
            break
        }
        try signatures.end()
        end(host)
        return true
    }

    /// Looks for what was before a first line that is not the first of its chain.
    private mutating func findBeginning(_ records: borrowing SettledRecords) throws(EvidenceError) {
        guard let first = try records.firstLine(), case .linked(let link) = LinePlace(first), link != .first else {
            return
        }
        guard link.previous != ChainLink.noLine,
            let checkpoint = try Checkpoint.preceding(link, in: records)
        else { return }
        report.checkpoint = checkpoint
        expected = link
        stretch = LinkedStretch(previous: link.previous)
        launches.expect(checkpoint.unfinished)
    }

    // MARK: - One line

    private mutating func take(_ line: LinesForwards.Line) throws(EvidenceError) {
        let place = advance(line)
        guard case .linked(let link) = place else { return }
        let removed = report.checkpoint?.removedSequence ?? 0
        let finding = try signatures.take(link, line, removed: removed)
        switch finding {
        case .signed: torn.confirm(line.number)
        case .wrong: torn.contradict(line.number)
        case .unsigned: break
        }
        // Half a record is nothing that could be signed before it has its newline.
        let isUnfinished = torn.last.map { $0.number == line.number && $0.isCutOff && !$0.isWhole } ?? false
        if finding != .unsigned || !isUnfinished { note(finding, line, link) }
        takeSignatureProblems()
    }

    private mutating func take(
        _ line: LinesForwards.Line,
        _ index: SignatureIndex,
        _ keys: SignatureKeys
    ) throws(EvidenceError) {
        let last = before
        let wasSigned = isSignedBefore
        isSignedBefore = false
        isLinkedToAnother = false
        guard case .linked(let link) = advance(line) else { return }
        let finding = try index.finding(line, link, isForeign: isForeign, keys)
        isSignedBefore = finding == .signed
        // Both are as they were signed: the link goes over half a line between them, which the copy does not have.
        if isLinkedToAnother, !(wasSigned && isSignedBefore), let last { linkedToAnother(last, line) }
        note(finding, line, link)
    }

    private mutating func advance(_ line: LinesForwards.Line) -> LinePlace {
        report.lines += 1
        checkpointAtHand = nil
        isForeign = false
        let place = LinePlace(line.bytes)
        report.add(torn.settled(before: place, expected, stretch))
        let isRecord = checkRecord(line)
        if isRecord { hasRecord = true }
        checkLink(line, place, isRecord: isRecord)
        stretch.take(line, place)
        expected.previous = stretch.previous
        before = (line.number, line.offset, place)
        return place
    }

    private mutating func takeSignatureProblems() {
        let (listed, unlisted) = signatures.takeProblems()
        for what in listed { report.addSignatureProblem(what) }
        report.addUnlisted(unlisted)
    }

    private mutating func note(_ finding: SignatureTrail.Finding, _ line: LinesForwards.Line, _ link: ChainLink) {
        switch finding {
        case .signed:
            report.signed += 1
            report.signedThrough = link.sequence
            if let checkpointAtHand, checkpointAtHand == report.checkpoint { isCheckpointSigned = true }
        case .unsigned:
            report.addUnsigned(line.number, link.sequence)
            if requiresSignatures { problem(line, "record \(link.sequence) is not signed") }
        case .wrong(let what): problem(line, what)
        }
    }

    private mutating func problem(_ line: LinesForwards.Line, _ what: String, isDamage: Bool = false) {
        report.add(ChainReport.Problem(line: line.number, offset: line.offset, what: what), isDamage: isDamage)
    }

    /// The line for itself: a record of a known kind, in canonical form, and what it says of its launch.
    ///
    /// - Returns: whether it is a record.
    private mutating func checkRecord(_ line: LinesForwards.Line) -> Bool {
        if line.isTooLong {
            problem(line, "damaged line: longer than \(JSONReader.defaultSizeLimit) bytes", isDamage: true)
            return false
        }
        var damage = line.isCutOff ? ["cut off: no newline ends it"] : []
        let problemsBefore = report.problemCount
        let statement: JSONValue
        do throws(JSONError) {
            statement = try JSONReader.value(in: line.bytes)
        } catch {
            damage.append("damaged line: \(error)")
            judgeLater(line, isWhole: false, damage)
            return false
        }
        let isRecord = checkStatement(statement, line)
        if line.isCutOff {
            judgeLater(line, isWhole: isRecord && report.problemCount == problemsBefore, damage)
        }
        return isRecord
    }

    /// - Returns: whether it is a record.
    private mutating func checkStatement(_ statement: JSONValue, _ line: LinesForwards.Line) -> Bool {
        var record: Record?
        if let checkpoint = Checkpoint(statement) {
            report.checkpoints += 1
            checkpointAtHand = checkpoint
        } else {
            do throws(Record.Problem) {
                record = try Record(statement, line: line.bytes)
            } catch {
                problem(line, error.what)
                return false
            }
        }
        if statement.canonical.bytes != line.bytes { problem(line, "not in canonical form (RFC 8785)") }
        let version = statement["predicate"]?["schemaVersion"]?.integer
        if version != Int64(LaunchStatement.schemaVersion) {
            problem(line, "schema version \(version.map { String($0) } ?? "unknown"), which this version does not know")
        }
        if let record {
            for what in launches.take(record, line) { problem(line, what) }
            checkWorkspace(record, line)
            if isForeign { report.foreign += 1 }
        }
        return true
    }

    /// Says what is wrong with a line, or waits for what comes behind it, where its writer may have been killed.
    private mutating func judgeLater(_ line: LinesForwards.Line, isWhole: Bool, _ damage: [String]) {
        // The lines of a copy are linked to those of the chain, not to what stands in the copy.
        if !isCopy, let half = TornLine(line, expected: expected, isWhole: isWhole, damage: damage) {
            return report.add(torn.append(half))
        }
        for what in damage { problem(line, what, isDamage: true) }
    }

    /// Records that are right in themselves, and were taken from another workspace's folder.
    private mutating func checkWorkspace(_ record: Record, _ line: LinesForwards.Line) {
        switch record.kind {
        case .start, .refused: break
        // It names its start.
        case .outcome:
            isForeign = foreign.remove(record.id) != nil
            return
        }
        guard let workspace = WorkspaceSubject(record.statement) else {
            return problem(line, "does not name one workspace by the digest of its path")
        }
        if workspace.isKept(at: location) { return }
        // The same file may be given to launches in several workspaces.
        if isCopy {
            isForeign = true
            if record.kind == .start { foreign.insert(record.id) }
            return
        }
        problem(
            line,
            "of another workspace, whose records are kept under "
                + Hexadecimal.text(workspace.path.prefix(EvidenceLocation.workspaceIDLength))
        )
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
            if report.chained > 0 && !isCopy { problem(line, "not chained, though a record before it is") }
            // Only what has a place in the chain can be signed.
            if requiresSignatures { problem(line, "not chained, so it is not signed") }
            report.unchained += 1
            expected.sequence = 1
        case .unknown:
            // A damaged line is said to be one already; the next record is linked to it and takes the number it would have.
            if isRecord { problem(line, "has no link where one is written") }
        }
    }

    private mutating func compare(_ link: ChainLink, _ line: LinesForwards.Line) {
        // Launches at the same time come into a copy in their own order, and others not at all.
        if isCopy {
            guard let before, case .linked(let last) = before.place, link.sequence == last.sequence + 1 else {
                if before != nil { report.gaps += 1 }
                return
            }
            // What its signature says is not known yet.
            isLinkedToAnother = link.previous != expected.previous
            return
        }
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
        if link.previous == stretch.lastLine { return report.addLooselyLinked(line.number) }
        linkedToAnother(before, line)
    }

    private mutating func linkedToAnother(
        _ before: (number: Int, offset: Int64, place: LinePlace),
        _ line: LinesForwards.Line
    ) {
        report.add(
            ChainReport.Problem(
                line: before.number,
                offset: before.offset,
                what: before.place == .unknown && !isCopy
                    ? "line \(line.number) (at byte \(line.offset)) was linked to this line and those before it, from the last "
                        + "whole one on: one of them was changed, removed, or put in the place of another"
                    : "not the line that line \(line.number) (at byte \(line.offset)) was linked to: it was changed, or put "
                        + "in the place of another"
                        + (isCopy
                            ? ". Or the workspace's own file has half a line without a link between the two, which a copy "
                                + "never has: see what `codex-sandbox evidence verify` says of it, or sign both and look again"
                            : "")
            )
        )
    }

    // MARK: - The end

    /// A file without anything that could be wrong is not one in which everything holds.
    private mutating func checkThatThereIsSomething() {
        if report.lines == 0 {
            // As damage: a launch that was killed before its start leaves such a file, and `gc` has nothing to lose in it.
            report.add(
                ChainReport.Problem(what: "there is nothing to verify: the file is empty, or was emptied"),
                isDamage: true
            )
        } else if !hasRecord && report.problemCount == 0 {
            // Half lines alone: nothing says what the file was, and whoever cut it leaves the same.
            report.add(
                ChainReport.Problem(what: "there is nothing to verify: no line in it is a whole record"),
                isDamage: true
            )
        } else if requiresSignatures && report.signed == 0 {
            report.add(ChainReport.Problem(what: "nothing in it is signed with a key that was named"))
        }
    }

    private mutating func end(_ host: RunningHost) {
        takeSignatureProblems()
        let since = report.isSinceFound ? 0 : report.since?.sequence ?? 0
        let known = max(signatures.newest, report.checkpoint?.removedSequence ?? 0, since)
        report.add(torn.settledAtTheEnd(known: known, lastLine: report.lines))
        report.isCopy = isCopy
        report.closed = launches.closed
        report.refused = launches.refused
        report.forgotten = launches.forgotten
        checkThatThereIsSomething()
        interrupted = Set(launches.open.filter { !host.isRunning($0.value.supervisor) }.keys)
        let open = launches.open.sorted { $0.value.line < $1.value.line }
        report.open = open.count
        report.openLaunches = open.prefix(ChainReport.listLimit).map { id, start in
            ChainReport.OpenLaunch(
                id: id,
                line: start.line,
                offset: start.offset,
                isRunning: !interrupted.contains(id)
            )
        }
        report.judgeSince(isCheckpointSigned: isCheckpointSigned)
    }
}
