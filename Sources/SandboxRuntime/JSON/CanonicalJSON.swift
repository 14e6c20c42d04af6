/// JSON text in the canonical form of RFC 8785: one value has one text, so that digests can be compared.
///
/// Keys in order, no white space, shortest escapes, UTF-8. Only our own writer makes one.
public struct CanonicalJSON: Hashable, Sendable {
    public let bytes: [UInt8]

    /// What `write` writes, which is one value.
    init(capacity: Int = 256, _ write: (inout JSONWriter) -> Void) {
        bytes = JSONWriter.bytes(capacity: capacity, write)
    }

    /// A record with its link.
    init(_ record: LinkedRecord) {
        bytes = record.withPieces { before, link, after in Array(before) + Array(link) + Array(after) }
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }
}
