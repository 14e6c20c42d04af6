/// The launches of a file as its records come: each begins once and ends once.
struct LaunchesInOrder {
    struct Start {
        var line: Int
        var offset: Int64
        var digest: [UInt8]
        /// A statement with what tells whether the supervisor is there, and nothing else.
        var supervisor: JSONValue
    }

    /// Started, and without an outcome so far.
    private(set) var open: [LaunchID: Start] = [:]
    /// Whatever has ended, refused launches too: those that ended last.
    private var ended = RecentLaunches()
    /// Starts that `gc` removed, by what their outcomes must name.
    private var removed: [LaunchID: [UInt8]] = [:]
    private(set) var closed = 0
    private(set) var refused = 0

    /// Takes the next record; answers what contradicts those before it.
    mutating func take(_ record: Record, _ line: LinesForwards.Line) -> [String] {
        switch record.kind {
        case .start:
            if isKnown(record.id) { return ["launch \(record.id) begins twice"] }
            open[record.id] = Start(
                line: line.number,
                offset: line.offset,
                digest: record.digest,
                supervisor: LaunchesInOrder.supervisor(record.statement)
            )
            return []
        case .refused:
            if isKnown(record.id) { return ["launch \(record.id) begins twice"] }
            ended.insert(record.id)
            refused += 1
            return []
        case .outcome: return end(record)
        }
    }

    /// How many that ended are not known any more: one that begins or ends twice that far apart is not seen.
    var forgotten: Int { ended.forgotten }

    /// Outcomes may come of launches whose start is gone.
    mutating func expect(_ unfinished: [Checkpoint.Unfinished]) {
        for launch in unfinished { removed[launch.id] = launch.start }
    }

    private func isKnown(_ id: LaunchID) -> Bool { open[id] != nil || ended.contains(id) }

    private mutating func end(_ record: Record) -> [String] {
        if let start = removed.removeValue(forKey: record.id) {
            ended.insert(record.id)
            closed += 1
            return record.namedStart == Hexadecimal.text(start)
                ? [] : ["names another start record than the one that `gc` removed"]
        }
        guard let start = open.removeValue(forKey: record.id) else {
            let hasEnded = ended.contains(record.id)
            return [
                "launch \(record.id) has \(hasEnded ? "ended already: a second outcome" : "no start record before it")"
            ]
        }
        ended.insert(record.id)
        closed += 1
        var problems: [String] = []
        if record.namedStart != Hexadecimal.text(start.digest) {
            problems.append("names another start record than the one in line \(start.line)")
        }
        let subjects = record.statement["subject"]?.array ?? []
        if subjects.count != 1 || subjects[0]["name"]?.string != "launch-start/\(record.id)" {
            problems.append("its subject is not the start of launch \(record.id)")
        }
        return problems
    }

    private static func supervisor(_ statement: JSONValue) -> JSONValue {
        var predicate = JSONObject()
        predicate.add("supervisor", ifPresent: statement["predicate"]?["supervisor"])
        return .object(JSONObject([("predicate", .object(predicate))]))
    }
}
