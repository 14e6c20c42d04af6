/// The signature of one record, as its line stands in `signatures.jsonl`.
///
/// Of a DSSE envelope that is all but the payload, which stands in the file of records already.
public struct RecordSignature: Hashable, Sendable {
    /// SHA-256 of the record's line without its newline.
    public var record: [UInt8]
    /// The record's place in the chain.
    public var sequence: Int64
    /// SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hexadecimal.
    public var keyID: String
    /// Of `DSSE.preAuthenticationEncoding`, Ed25519: 64 bytes.
    public var signature: [UInt8]

    static let signatureLength = 64

    /// The line without its newline.
    var line: CanonicalJSON {
        CanonicalJSON { json in
            json.object { json in
                json.member("keyid", string: keyID)
                json.member("record", sha256: record)
                json.member("sequence", integer: sequence)
                json.member("sig", string: Base64.text(signature))
            }
        }
    }

    init(record: [UInt8], sequence: Int64, keyID: String, signature: [UInt8]) {
        self.record = record
        self.sequence = sequence
        self.keyID = keyID
        self.signature = signature
    }

    /// Reads a line; nil for anything that `line` does not write.
    init?(reading bytes: [UInt8]) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.value(in: bytes, sizeLimit: 4096, depthLimit: 4)
        } catch {
            return nil
        }
        guard let keyID = value["keyid"]?.string, Hexadecimal.bytes(keyID)?.count == 32,
            let record = value["record"]?["sha256"]?.string.flatMap(Hexadecimal.bytes), record.count == 32,
            let sequence = value["sequence"]?.integer, sequence > 0,
            let signature = value["sig"]?.string.flatMap(Base64.bytes),
            signature.count == RecordSignature.signatureLength
        else { return nil }
        self.init(record: record, sequence: sequence, keyID: keyID, signature: signature)
        guard line.bytes == bytes else { return nil }
    }
}
