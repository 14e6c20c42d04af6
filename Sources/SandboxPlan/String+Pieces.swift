extension String {
    /// What stands between the places where `separator` occurs, without empty pieces.
    ///
    /// The library's own `split` for separators of several characters belongs to its regular expressions (Package.swift).
    public func pieces(between separator: String) -> [String] {
        let (bytes, mark) = (Array(utf8), Array(separator.utf8))
        precondition(!mark.isEmpty, "no separator")
        var pieces: [String] = []
        var (start, index) = (0, 0)
        while index < bytes.count {
            let isMark = index + mark.count <= bytes.count && bytes[index..<index + mark.count].elementsEqual(mark)
            if !isMark {
                index += 1
                continue
            }
            if start < index { pieces.append(String(decoding: bytes[start..<index], as: UTF8.self)) }
            index += mark.count
            start = index
        }
        if start < bytes.count { pieces.append(String(decoding: bytes[start...], as: UTF8.self)) }
        return pieces
    }
}
