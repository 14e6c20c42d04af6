/// A key that signs records: what it is called, and what it does to bytes.
///
/// A value of functions, because what `codex-sandbox` links has no cryptography but SHA-256.
public struct RecordSigningKey: Sendable {
    /// SHA-256 of the public key, in hexadecimal.
    public var id: String
    /// The signature of these bytes: 64 of them.
    public var sign: @Sendable ([UInt8]) throws(EvidenceError) -> [UInt8]

    public init(id: String, sign: @escaping @Sendable ([UInt8]) throws(EvidenceError) -> [UInt8]) {
        self.id = id
        self.sign = sign
    }
}

/// A key that signatures of records are checked with.
public struct RecordVerificationKey: Sendable {
    /// SHA-256 of the public key, in hexadecimal.
    public var id: String
    /// Whether the first is the signature of the second.
    public var verifies: @Sendable (_ signature: [UInt8], _ bytes: [UInt8]) throws(EvidenceError) -> Bool

    public init(
        id: String,
        verifies: @escaping @Sendable (_ signature: [UInt8], _ bytes: [UInt8]) throws(EvidenceError) -> Bool
    ) {
        self.id = id
        self.verifies = verifies
    }
}
