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
        var previous = start.previous
        var sequence = file.last?.sequence
        var signatures: [RecordSignature] = []
        var signer: RecordSigningKey?
        while let line = try lines.next() {
            if case .linked(let link) = LinePlace(line.bytes), !line.isCutOff {
                let isNext = sequence.map { link.sequence == $0 + 1 } ?? true
                guard previous.map({ link.previous == $0 }) ?? true, isNext else {
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
            previous = line.digest
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
    ) throws(EvidenceError) -> (offset: Int64, previous: [UInt8]?)? {
        guard let last else { return (0, nil) }
        var lines = try records.linesBackwardsAgain()
        var end = records.length
        while let line = try lines.next() {
            if case .linked(let link) = LinePlace(line.bytes), link.sequence <= last.sequence {
                guard link.sequence == last.sequence, SHA256.digest(line.bytes) == last.record else { break }
                return end == records.length ? nil : (end, last.record)
            }
            end = line.offset
            // The one signed last was removed by `gc`, and this is what was behind it.
            if end == 0, case .linked(let link) = LinePlace(line.bytes), link.sequence == last.sequence + 1,
                link.previous == last.record
            {
                return (0, last.record)
            }
        }
        throw EvidenceError(
            action: "go on with the signatures of",
            subject: records.path,
            cause: "record \(last.sequence), which was signed last, is not there any more as it was",
            remedy: "see what `codex-sandbox evidence verify` says"
        )
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
