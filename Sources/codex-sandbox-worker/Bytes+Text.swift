/// Texts are compared byte by byte: Swift's strings are equal where their bytes are not.
extension [UInt8] {
    /// Where `piece` stands in it.
    func places(of piece: [UInt8]) -> [Int] {
        guard !piece.isEmpty, piece.count <= count else { return [] }
        return (0...(count - piece.count)).filter { self[$0...].starts(with: piece) }
    }

    func contains(text: String) -> Bool { !places(of: Array(text.utf8)).isEmpty }

    /// The lines, without their ends.
    var lines: [ArraySlice<UInt8>] { split(separator: 0x0A, omittingEmptySubsequences: false) }

    /// Whether a line starts with `text`.
    func hasLine(startingWith text: String) -> Bool { lines.contains { $0.starts(with: text.utf8) } }

    /// Without white space at its end.
    var withoutTrailingSpace: [UInt8] {
        guard let last = lastIndex(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { return [] }
        return Array(self[...last])
    }
}
