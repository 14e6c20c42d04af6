internal import SandboxPlan

/// Signatures by the record that they are of, for the records of a copy, which come in any order.
struct SignatureIndex {
    private var signatures: [[UInt8]: RecordSignature] = [:]

    /// Takes all that a file has; what is no signature signs nothing.
    mutating func read(_ file: consuming SettledRecords) throws(EvidenceError) {
        var lines = file.linesForwards()
        while let line = try lines.next() {
            if let signature = RecordSignature(reading: line.bytes) { signatures[signature.record] = signature }
        }
    }

    func finding(
        _ line: LinesForwards.Line,
        _ keys: SignatureKeys
    ) throws(EvidenceError) -> SignatureTrail.Finding {
        guard let signature = signatures[line.digest] else { return .unsigned }
        return try SignatureTrail.finding(signature, line, keys)
    }
}
