internal import SandboxPlan

/// Signatures by the record that they are of, for the records of a copy, which come in any order.
struct SignatureIndex {
    private var signatures: [[UInt8]: RecordSignature] = [:]
    /// The digests of the same records by their place in the workspace's chain.
    private var records: [Int64: [UInt8]] = [:]

    /// Takes all that a file has; what is no signature signs nothing.
    mutating func read(_ file: consuming SettledRecords) throws(EvidenceError) {
        var lines = file.linesForwards()
        while let line = try lines.next() {
            guard let signature = RecordSignature(reading: line.bytes) else { continue }
            signatures[signature.record] = signature
            records[signature.sequence] = signature.record
        }
    }

    /// - Parameters:
    ///   - line: the record.
    ///   - link: its place.
    ///   - isForeign: whether it says that it is of another workspace, whose numbers are others.
    ///   - keys: what its signature is checked with.
    /// - Returns: what is known of its signature.
    /// - Throws: `EvidenceError` when a key cannot be used.
    func finding(
        _ line: LinesForwards.Line,
        _ link: ChainLink,
        isForeign: Bool,
        _ keys: SignatureKeys
    ) throws(EvidenceError) -> SignatureTrail.Finding {
        guard let signature = signatures[line.digest] else {
            // What it says of its workspace may be what was changed: a link to a record of this one tells it.
            let isOfThisChain = !isForeign || records[link.sequence - 1] == link.previous
            return isOfThisChain && records[link.sequence] != nil ? SignatureTrail.anotherRecord : .unsigned
        }
        return try SignatureTrail.finding(signature, line, keys)
    }
}
