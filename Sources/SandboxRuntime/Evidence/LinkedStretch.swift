/// What the next record of a file is linked to: the last line that says its own place in the chain, and all behind it.
///
/// A line that a killed writer left before its link has nothing that vouches for the line before it. So the next record's
/// digest goes over all of them, from the last line with a place on, with their newlines but the last. Where that is one line, as
/// nearly always, it is the digest of that line; no line has a newline in it, so no digest is both.
struct LinkedStretch {
    /// The digest that the next record names.
    private(set) var previous: [UInt8]
    /// What a record of an earlier version named in its place: the last line alone; nil where both are the same.
    private(set) var lastLine: [UInt8]?
    /// The line that the stretch begins with, until there is a second one.
    private var first: [UInt8]?
    private var hash: SHA256?

    /// Before the first line of a file.
    ///
    /// - Parameter previous: what a first line with a link is linked to: `ChainLink.noLine`, or what `gc` removed.
    init(previous: [UInt8]) {
        self.previous = previous
    }

    /// Behind a line that has a place.
    init(behind line: [UInt8]) {
        previous = SHA256.digest(line)
        first = line
    }

    /// - Parameters:
    ///   - line: the next line.
    ///   - place: what it says of its place.
    mutating func take(_ line: LinesForwards.Line, _ place: LinePlace) {
        // Nobody links to what no reader takes.
        guard case .unknown = place, !line.isTooLong, first != nil || hash != nil else {
            (first, hash, previous, lastLine) = (line.isTooLong ? nil : line.bytes, nil, line.digest, nil)
            return
        }
        var stretch = hash ?? SHA256()
        if let first { stretch.update(first) }
        stretch.update([UInt8(ascii: "\n")])
        stretch.update(line.bytes)
        (first, hash, previous, lastLine) = (nil, stretch, stretch.digest(), line.digest)
    }

    /// The digest over lines that stand one behind the other, the first of which has a place or begins the file.
    static func digest(_ lines: some Collection<[UInt8]>) -> [UInt8] {
        var hash = SHA256()
        var isFirst = true
        for line in lines {
            if !isFirst { hash.update([UInt8(ascii: "\n")]) }
            hash.update(line)
            isFirst = false
        }
        return hash.digest()
    }
}
