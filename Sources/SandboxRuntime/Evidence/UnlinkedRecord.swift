/// A record without its place in the chain, which only the append knows, under the file's lock.
///
/// The text is whole but for the value of `chain`, where `{}` stands: so nothing of it is written twice.
public struct UnlinkedRecord: Hashable, Sendable {
    let text: CanonicalJSON
    /// Where the two bytes `{}` of `chain` are.
    let gap: Int

    /// What `write` writes, which is one statement, and answers where `chain` is.
    init(capacity: Int, _ write: (inout JSONWriter) -> Int) {
        var gap = 0
        text = CanonicalJSON(capacity: capacity) { gap = write(&$0) }
        self.gap = gap
    }
}

/// A record as its line stands in the file.
struct LinkedRecord: Hashable, Sendable {
    let record: UnlinkedRecord
    let link: ChainLink
    private let member: CanonicalJSON

    init(_ record: UnlinkedRecord, _ link: ChainLink) {
        self.record = record
        self.link = link
        member = link.json
    }

    /// Without the newline.
    var count: Int { record.text.bytes.count - 2 + member.bytes.count }

    /// SHA-256 of the line without its newline.
    var digest: [UInt8] {
        var hash = SHA256()
        withPieces { before, member, after in
            hash.update(before)
            hash.update(member)
            hash.update(after)
        }
        return hash.digest()
    }

    /// The line without its newline, for readers of one.
    var line: CanonicalJSON { CanonicalJSON(self) }

    /// Lends the line in its three pieces.
    func withPieces<Result>(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) -> Result {
        record.text.bytes.withUnsafeBytes { text in
            member.bytes.withUnsafeBytes { member in
                body(
                    UnsafeRawBufferPointer(rebasing: text[..<record.gap]),
                    member,
                    UnsafeRawBufferPointer(rebasing: text[(record.gap + 2)...])
                )
            }
        }
    }
}
