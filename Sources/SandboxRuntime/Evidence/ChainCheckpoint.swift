/// A record that somebody remembers: where it stands in the chain, and the digest of its line.
///
/// As text `SEQUENCE:DIGEST`, which `evidence verify` prints for the last record and takes back later.
public struct ChainCheckpoint: Hashable, Sendable, CustomStringConvertible {
    /// From 1.
    public let sequence: Int64
    /// SHA-256 of the line without its newline.
    public let digest: [UInt8]

    init(sequence: Int64, digest: [UInt8]) {
        self.sequence = sequence
        self.digest = digest
    }

    /// Reads a number from 1 without leading zeros, a colon and 64 lower-case hexadecimal digits; nil for anything else.
    public init?(parsing text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let sequence = Int64(parts[0]), sequence > 0, String(sequence) == parts[0],
            let digest = Hexadecimal.bytes(String(parts[1])), digest.count == 32
        else { return nil }
        self.sequence = sequence
        self.digest = digest
    }

    public var description: String { "\(sequence):\(Hexadecimal.text(digest))" }
}
