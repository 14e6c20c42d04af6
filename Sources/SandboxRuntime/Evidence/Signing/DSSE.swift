/// The Dead Simple Signing Envelope, version 1 (secure-systems-lab/dsse, protocol.md and envelope.md).
public enum DSSE {
    /// What a payload is: an in-toto Statement in JSON.
    public static let payloadType = "application/vnd.in-toto+json"

    /// PAE: the bytes that are signed, in which no two payloads look alike.
    public static func preAuthenticationEncoding(_ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 64)
        bytes += Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8)
        bytes += payload
        return bytes
    }

    /// Payload and signatures in one, which other people's tools take.
    public static func envelope(_ payload: [UInt8], _ signatures: [RecordSignature]) -> CanonicalJSON {
        CanonicalJSON(capacity: payload.count * 4 / 3 + 512) { json in
            json.object { json in
                json.member("payload", string: Base64.text(payload))
                json.member("payloadType", string: payloadType)
                json.member("signatures", array: signatures) { json, signature in
                    json.object { json in
                        json.member("keyid", string: signature.keyID)
                        json.member("sig", string: Base64.text(signature.signature))
                    }
                }
            }
        }
    }
}
