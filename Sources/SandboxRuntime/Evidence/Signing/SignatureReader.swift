/// Looks signatures up by what they are of.
public enum SignatureReader {
    /// The signature of each of these records, in their order; nil for one without.
    public static func signatures(
        of records: [CanonicalJSON],
        in location: EvidenceLocation
    ) throws(EvidenceError) -> [RecordSignature?] {
        var found = [RecordSignature?](repeating: nil, count: records.count)
        guard let file = try SettledRecords.openSignatures(location) else { return found }
        let digests = records.map { SHA256.digest($0.bytes) }
        var lines = file.linesBackwards()
        while found.contains(nil), let line = try lines.next() {
            guard let signature = RecordSignature(reading: line.bytes),
                let index = digests.firstIndex(of: signature.record)
            else { continue }
            found[index] = found[index] ?? signature
        }
        return found
    }
}
