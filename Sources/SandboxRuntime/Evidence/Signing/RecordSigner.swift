internal import SandboxPlan

/// Signs the records of a workspace that are not signed yet: `evidence sign`.
///
/// It goes on where the last signature is, and looks at the chain from there on: what is not linked to is not signed.
public enum RecordSigner {
    public struct Report: Hashable, Sendable {
        /// How many records were signed now.
        public var signed = 0
        /// The sequence of the record that was signed last, now or before; nil when none is chained.
        public var through: Int64?
        /// Half lines from the first line on that was not signed before: the first thousand.
        public internal(set) var torn: [HalfLine] = []
        public internal(set) var tornCount = 0
        /// How many of them were signed, for they have their link; they are among `signed`.
        public internal(set) var tornSigned = 0
        /// Other lines there that are no JSON.
        public internal(set) var damaged: [HalfLine] = []
        public internal(set) var damagedCount = 0
    }

    /// A line that is no whole record.
    public struct HalfLine: Hashable, Sendable {
        /// In bytes from the start of the file.
        public var offset: Int64
        /// Its number in the chain; nil where it does not say one.
        public var sequence: Int64?
        public var isSigned: Bool
        public var what: String
    }

    /// So many signatures are written at a time.
    private static let batch = 256

    /// Signs every chained record behind the one that was signed last.
    ///
    /// - Parameters:
    ///   - location: the workspace.
    ///   - key: asked for only when there is something to sign.
    /// - Returns: nil when the workspace has no records.
    /// - Throws: `EvidenceError`; what was signed before it stays signed.
    public static func sign(
        _ location: EvidenceLocation,
        with key: () throws(EvidenceError) -> RecordSigningKey
    ) throws(EvidenceError) -> Report? {
        guard let folder = try EvidenceFolder.workspace(location, make: false),
            let probe = try SettledRecords.open(location)
        else { return nil }
        _ = consume probe
        var file = try SignatureFile(location, in: folder)
        // Only now: whoever replaces the records holds the lock of the signatures.
        guard let records = try SettledRecords.open(location) else { return nil }
        return try sign(records, into: &file, with: key)
    }

    static func sign(
        _ records: consuming SettledRecords,
        into file: inout SignatureFile,
        with key: () throws(EvidenceError) -> RecordSigningKey
    ) throws(EvidenceError) -> Report {
        var report = Report(signed: 0, through: file.last?.sequence)
        guard let start = try start(behind: file.last, records) else { return report }
        let path = records.path
        var lines = records.linesForwards(from: start.offset)
        var stretch = start.stretch
        var sequence = file.last?.sequence
        var signatures: [RecordSignature] = []
        var signer: RecordSigningKey?
        while let line = try lines.next() {
            let place = LinePlace(line.bytes)
            if case .linked(let link) = place, !line.isCutOff {
                let isNext = sequence.map { link.sequence == $0 + 1 } ?? true
                let isLinked = stretch.map { link.previous == $0.previous || link.previous == $0.lastLine } ?? true
                guard isLinked, isNext else {
                    try file.append(signatures)
                    throw unlinked(path, line.offset)
                }
                if signer == nil { signer = try key() }
                guard let signer else { preconditionFailure("a key was asked for, and came") }
                signatures.append(
                    RecordSignature(
                        record: line.digest,
                        sequence: link.sequence,
                        keyID: signer.id,
                        signature: try signer.sign(DSSE.preAuthenticationEncoding(line.bytes))
                    )
                )
                sequence = link.sequence
                report.signed += 1
                report.through = link.sequence
            }
            report.look(at: line, place)
            if stretch == nil { stretch = LinkedStretch(previous: ChainLink.noLine) }
            stretch?.take(line, place)
            if signatures.count == batch {
                try file.append(signatures)
                signatures = []
            }
        }
        try file.append(signatures)
        return report
    }

    /// Where the line behind the one signed last begins, and what it has to be linked to; nil when it is the last.
    private static func start(
        behind last: RecordSignature?,
        _ records: borrowing SettledRecords
    ) throws(EvidenceError) -> (offset: Int64, stretch: LinkedStretch?)? {
        guard let last else { return (0, nil) }
        var lines = try records.linesBackwardsAgain()
        var end = records.length
        while let line = try lines.next() {
            if case .linked(let link) = LinePlace(line.bytes), link.sequence <= last.sequence {
                guard link.sequence == last.sequence, SHA256.digest(line.bytes) == last.record else { break }
                return end == records.length ? nil : (end, LinkedStretch(behind: line.bytes))
            }
            end = line.offset
            // The one signed last was removed by `gc`, and this is what was behind it.
            if end == 0, case .linked(let link) = LinePlace(line.bytes), link.sequence == last.sequence + 1,
                link.previous == last.record
            {
                return (0, LinkedStretch(previous: last.record))
            }
        }
        throw EvidenceError(
            action: "go on with the signatures of",
            subject: records.path,
            cause: "record \(last.sequence), which was signed last, is not there any more as it was",
            remedy: "see what `codex-sandbox evidence verify` says"
        )
    }

    fileprivate static func told(_ line: LinesForwards.Line, isTorn: Bool, isSigned: Bool) -> String {
        let what = isTorn ? "torn line: \(TornLine.killedOrCut)" : "damaged line"
        if isSigned { return "\(what); it is signed as it stands" }
        return line.isCutOff
            ? "\(what); it is not signed before a record stands behind it"
            : "\(what); it has no link, so the next record vouches for it as it stands"
    }

    private static func unlinked(_ path: OSString, _ offset: Int64) -> EvidenceError {
        EvidenceError(
            action: "sign the records of",
            subject: path,
            cause: "the one at byte \(offset) is not linked to the line before it, so nothing from there on is signed",
            remedy: "see what `codex-sandbox evidence verify` says"
        )
    }
}

extension RecordSigner.Report {
    /// Notes a line that is no whole record: whoever signs should know what.
    fileprivate mutating func look(at line: LinesForwards.Line, _ place: LinePlace) {
        let form = TornLine.form(of: line.bytes)
        let isTorn = form == .beginning || form == .whole && line.isCutOff && place != .unknown
        if form == .whole && !line.isCutOff { return }
        var half = RecordSigner.HalfLine(offset: line.offset, isSigned: false, what: "")
        if case .linked(let link) = place {
            half.sequence = link.sequence
            half.isSigned = !line.isCutOff
        }
        half.what = RecordSigner.told(line, isTorn: isTorn, isSigned: half.isSigned)
        if isTorn {
            tornCount += 1
            if half.isSigned { tornSigned += 1 }
            if torn.count < ChainReport.listLimit { torn.append(half) }
        } else {
            damagedCount += 1
            if damaged.count < ChainReport.listLimit { damaged.append(half) }
        }
    }
}
