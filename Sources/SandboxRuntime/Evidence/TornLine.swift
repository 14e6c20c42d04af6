/// A line as a writer leaves it that is killed inside its write(2): the beginning of a record, and nothing else.
///
/// It is judged by what comes behind it. Whoever wrote next found exactly these bytes and linked to them, so the next line's
/// link vouches for them as for a whole record's, but not for why they end there: a launch may have found what somebody had
/// cut. Behind the last line nobody has written yet: there nothing may say that a record of its number was once whole. It may
/// have a newline, which the next writer writes first, and may be killed behind.
struct TornLine {
    /// The line itself, from 1, and where it begins, in bytes from the start of the file.
    let number: Int
    let offset: Int64
    /// The number that it has in the chain, or that the next record takes where its own is not in what was written.
    let sequence: Int64
    /// No newline follows.
    let isCutOff: Bool
    /// The whole record is there, and only the newline is not.
    let isWhole: Bool
    /// Whether what was written has its link.
    let hasLink: Bool
    /// What is said of it where it is no such line.
    let damage: [String]
    /// A signature is of another record: it was more than this.
    var isContradicted = false
    /// A right signature is of these very bytes.
    var isSigned = false
    private let part: Part

    private enum Part {
        /// Of a start, or of a launch that was refused.
        case beginning
        case outcome
        case unknown
    }

    /// Nil where no killed writer can have left it, whatever comes behind it.
    ///
    /// - Parameters:
    ///   - line: the line, which is no whole JSON, or has no newline.
    ///   - expected: the link that a record in its place has.
    ///   - isWhole: whether it is a record in which everything holds.
    ///   - damage: what else is to be said of it.
    init?(_ line: LinesForwards.Line, expected: ChainLink, isWhole: Bool, damage: [String]) {
        guard isWhole ? line.isCutOff : TornLine.form(of: line.bytes) == .beginning else { return nil }
        switch LinePlace(line.bytes) {
        case .linked(let link):
            guard link == expected else { return nil }
            hasLink = true
        // An earlier version wrote it, and nothing links to what such a one wrote.
        case .unlinked: return nil
        case .unknown: hasLink = false
        }
        number = line.number
        offset = line.offset
        sequence = expected.sequence
        isCutOff = line.isCutOff
        self.isWhole = isWhole
        self.damage = damage
        part = TornLine.part(line.bytes)
    }

    /// What is said of such a line without a look at what it is the half of.
    static let killedOrCut =
        "not written whole, because a launcher was killed while it wrote it, or because the file was cut here"

    /// What is told of it, and is no problem.
    ///
    /// Nothing vouches for why the bytes end: whoever cuts the record of a launch that ran leaves the same, and the next launch
    /// links to it.
    var note: String {
        if isWhole { return "\(TornLine.killedOrCut): only the newline is missing" }
        let what =
            switch part {
            case .beginning: "its command did not run"
            case .outcome: "the end of its command was not recorded"
            case .unknown: "its command did not run, or the end of it was not recorded"
            }
        return
            "not written whole, because a launcher was killed while it wrote it (then \(what)), or because the file was "
            + "cut here"
    }

    // MARK: - Form

    private static let start: StaticString = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{"
    /// Only what begins a launch has them, and in canonical form they come first.
    private static let arguments: StaticString = "\"arguments\":"
    private static let chain: StaticString = "\"chain\":"

    /// What a line is, for itself.
    enum Form {
        /// JSON, whatever it says.
        case whole
        /// More bytes could make a record of it.
        case beginning
        case neither
    }

    static func form(of bytes: [UInt8]) -> Form {
        do throws(JSONError) {
            _ = try JSONReader.value(in: withoutHalfACharacter(bytes))
            return .whole
        } catch {
            return !bytes.isEmpty && agrees(bytes, start, at: 0) && error.reason == .endsEarly ? .beginning : .neither
        }
    }

    private static func part(_ bytes: [UInt8]) -> Part {
        let behind = start.utf8CodeUnitCount
        if bytes.count >= behind + arguments.utf8CodeUnitCount && agrees(bytes, arguments, at: behind) {
            return .beginning
        }
        if bytes.count >= behind + chain.utf8CodeUnitCount && agrees(bytes, chain, at: behind) { return .outcome }
        return .unknown
    }

    /// Whether the bytes from `position` on are `text`, or as much of it as there is.
    private static func agrees(_ bytes: [UInt8], _ text: StaticString, at position: Int) -> Bool {
        let count = min(bytes.count - position, text.utf8CodeUnitCount)
        for index in 0..<max(count, 0) where bytes[position + index] != text.utf8Start[index] { return false }
        return true
    }

    /// The last character may have been cut through (UTF-8: a lead byte says how many follow it, three at most).
    private static func withoutHalfACharacter(_ bytes: [UInt8]) -> [UInt8] {
        for following in 0..<min(4, bytes.count) {
            let byte = bytes[bytes.count - 1 - following]
            if byte & 0xC0 == 0x80 { continue }
            let expected = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0
            return following < expected ? Array(bytes.dropLast(following + 1)) : bytes
        }
        return bytes
    }
}
