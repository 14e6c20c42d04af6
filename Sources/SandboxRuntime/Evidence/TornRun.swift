/// Lines that look as if their writers were killed, until the next link says whether they were.
///
/// The link vouches for all behind the last line that has one (`LinkedStretch`). One of an earlier version vouches for the
/// last line alone: of those before it nothing says that they were not longer once, but the number that it took. It follows that of
/// the last whole record that its writer found; so a line that does not say its own number was no record then.
struct TornRun {
    /// What is told of lines that are not waited for any more.
    struct Judged {
        var torn: [ChainReport.Problem] = []
        var damage: [ChainReport.Problem] = []
        /// Of which nobody can say whether it is damage: somebody has to look.
        var undecided: [ChainReport.Problem] = []

        fileprivate mutating func add(torn line: TornLine, _ note: String) {
            torn.append(ChainReport.Problem(line: line.number, offset: line.offset, what: note))
        }

        fileprivate mutating func add(damaged line: TornLine) {
            damage += line.damage.map { ChainReport.Problem(line: line.number, offset: line.offset, what: $0) }
        }

        fileprivate mutating func add(undecided line: TornLine, _ what: String) {
            add(damaged: line)
            undecided.append(ChainReport.Problem(line: line.number, offset: line.offset, what: what))
        }
    }

    private var lines: [TornLine] = []

    var last: TornLine? { lines.last }

    /// - Returns: what is told of the lines before, where nobody can have linked to so many.
    mutating func append(_ line: TornLine) -> Judged {
        var judged = Judged()
        if lines.count == ChainEnd.lineLimit {
            for line in lines { judged.add(damaged: line) }
            lines = []
        }
        lines.append(line)
        return judged
    }

    /// The line has a signature, and that is right.
    mutating func confirm(_ number: Int) {
        if lines.last?.number == number { lines[lines.count - 1].isSigned = true }
    }

    /// The line has a signature that is of another one.
    mutating func contradict(_ number: Int) {
        if lines.last?.number == number { lines[lines.count - 1].isContradicted = true }
    }

    /// Judges the lines by the link of the one behind them; where that has none, they wait.
    ///
    /// - Parameters:
    ///   - place: what the line behind them says of its place.
    ///   - expected: the link that it must have.
    ///   - stretch: what that is the digest of.
    /// - Returns: what is told of them.
    mutating func settled(before place: LinePlace, _ expected: ChainLink, _ stretch: LinkedStretch) -> Judged {
        var judged = Judged()
        if lines.isEmpty || place == .unknown { return judged }
        defer { lines = [] }
        for line in lines {
            guard case .linked(let link) = place, link.sequence == expected.sequence, !line.isContradicted else {
                judged.add(damaged: line)
                continue
            }
            let isLinkedToLast = link.previous == stretch.lastLine
            guard link.previous == expected.previous || isLinkedToLast else {
                judged.add(damaged: line)
                continue
            }
            // A whole record has got its newline since it was read.
            if line.isWhole { continue }
            if isLinkedToLast && line.hasLink && line.number != lines.last?.number {
                judged.add(undecided: line, TornRun.cannotBeTold)
            } else {
                judged.add(torn: line, line.note)
            }
        }
        return judged
    }

    /// Judges the lines at the end of the file: nobody has linked to them yet, so nothing may say that there was more of them.
    ///
    /// The last one has no newline, or the one that the next writer wrote first, before it was killed itself.
    ///
    /// - Parameters:
    ///   - known: the highest number of a record that something else names.
    ///   - lastLine: the number of the last line.
    /// - Returns: what is told of them.
    mutating func settledAtTheEnd(known: Int64, lastLine: Int) -> Judged {
        var judged = Judged()
        defer { lines = [] }
        for (index, line) in lines.enumerated() {
            // Nothing but such lines behind it.
            let isAtTheEnd = line.number + lines.count - 1 - index == lastLine
            // A signer signs nothing that has no newline: a signature of such a line says that it had one.
            let isSignedAsItStands = line.isSigned && !line.isCutOff && known == line.sequence
            let isNewest = known < line.sequence || isSignedAsItStands
            if isAtTheEnd && !line.isContradicted && isNewest {
                judged.add(torn: line, line.note)
            } else {
                judged.add(damaged: line)
            }
        }
        return judged
    }

    private static let cannotBeTold =
        "whether a launcher was killed while it wrote this line, or somebody cut it, nothing in the file says: the half line "
        + "behind it has no link, and the record behind that is of an earlier version and linked to that half line only. Compare "
        + "it with a copy (run --evidence) or a backup, and move the file away: the next launch begins a new one"
}
