/// Where a record stands in its workspace's chain: the member `chain` of its predicate.
struct ChainLink: Hashable, Sendable {
    /// SHA-256 of the line before, without its newline; `noLine` where there is none.
    var previous: [UInt8]
    /// From 1, one more in each record.
    var sequence: Int64

    static let noLine = [UInt8](repeating: 0, count: 32)

    /// The link of the first record of a file.
    static let first = ChainLink(previous: noLine, sequence: 1)

    /// The member's value.
    var json: CanonicalJSON {
        CanonicalJSON { json in
            json.object { json in
                json.key("previous")
                json.hexadecimal(previous)
                json.member("sequence", integer: sequence)
            }
        }
    }
}
