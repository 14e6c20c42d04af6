/// Reads the records of a workspace and puts the launches together.
///
/// Whatever stands in the file, the answer is launches and problems: a torn or damaged line costs that line.
public struct EvidenceReader {
    public enum Selection: Hashable, Sendable {
        /// The launch that was recorded last.
        case last
        /// The newest launches, at most so many.
        case newest(Int)
        /// Every launch whose id begins with this text.
        case id(beginning: String)
    }

    public struct Found: Sendable {
        /// The newest first.
        public var launches: [RecordedLaunch] = []
        /// In what was read; the rest of the file is not judged.
        public var problems: [RecordProblem] = []
        /// Whether older records were left unread.
        public var thereIsMore = false
    }

    private let location: EvidenceLocation
    private let host: RunningHost

    public init(_ location: EvidenceLocation) {
        self.init(location, host: RunningHost())
    }

    init(_ location: EvidenceLocation, host: RunningHost) {
        self.location = location
        self.host = host
    }

    /// What the file has; a workspace without a file has no launches.
    public func find(_ selection: Selection) throws(EvidenceError) -> Found {
        var last: (inode: UInt64, length: Int64)?
        while true {
            guard let records = try SettledRecords.open(location) else { return Found() }
            let state = (inode: records.inode, length: records.length)
            let found = try find(selection, in: records)
            // One that ended while it was looked for has its outcome in the file by now: it was written before the end.
            let mayHaveEnded = found.launches.contains { $0.state == .interrupted }
            if !mayHaveEnded || last.map({ $0 == state }) == true { return found }
            last = state
        }
    }

    private func find(
        _ selection: Selection,
        in records: consuming SettledRecords
    ) throws(EvidenceError) -> Found {
        var found = Found()
        var lines = records.linesBackwards()
        var outcomes: [LaunchID: (record: Record, offset: Int64)] = [:]
        var opened: Set<LaunchID> = []
        // Launches whose start `gc` removed: an outcome that came later has none.
        var removed: Set<LaunchID> = []
        while let line = try lines.next() {
            if found.isEnough(for: selection) {
                found.thereIsMore = true
                return found
            }
            guard selection.mayConcern(line.bytes) || line.isCutOff || line.isTooLong else { continue }
            if let checkpoint = Checkpoint(reading: line.bytes) {
                removed.formUnion(checkpoint.unfinished.map(\.id))
                continue
            }
            let record: Record
            do throws(Record.Problem) {
                record = try EvidenceReader.record(line)
            } catch {
                found.problems.append(RecordProblem(offset: line.offset, what: error.what))
                continue
            }
            guard selection.concerns(record.id) else { continue }
            if record.kind == .outcome {
                if outcomes.updateValue((record, line.offset), forKey: record.id) != nil {
                    found.problems.append(
                        RecordProblem(offset: line.offset, what: "launch \(record.id) has a second outcome")
                    )
                }
                continue
            }
            let outcome = outcomes.removeValue(forKey: record.id)
            if !opened.insert(record.id).inserted {
                found.problems.append(RecordProblem(offset: line.offset, what: "launch \(record.id) begins twice"))
            }
            if let outcome, outcome.record.namedStart != Hexadecimal.text(record.digest) {
                found.problems.append(
                    RecordProblem(
                        offset: outcome.offset,
                        what: "the outcome of launch \(record.id) names another start record than the one that is there"
                    )
                )
            }
            found.launches.append(launch(record, outcome?.record))
        }
        for (id, outcome) in outcomes.sorted(by: { $0.value.offset < $1.value.offset }) where !removed.contains(id) {
            found.problems.append(
                RecordProblem(offset: outcome.offset, what: "the outcome of launch \(id) has no start record")
            )
        }
        return found
    }

    private static func record(_ line: LinesBackwards.Line) throws(Record.Problem) -> Record {
        if line.isTooLong { throw Record.Problem(what: "damaged line: too long") }
        // Which of the two it was, the lines around it tell, of which only some are read here.
        let torn = Record.Problem(
            what: "torn line: \(TornLine.killedOrCut); `codex-sandbox evidence verify` judges it"
        )
        let record: Record
        do throws(Record.Problem) {
            record = try Record(reading: line.bytes)
        } catch {
            throw TornLine.form(of: line.bytes) == .beginning ? torn : error
        }
        if line.isCutOff { throw torn }
        return record
    }

    private func launch(_ opening: Record, _ outcome: Record?) -> RecordedLaunch {
        let state: RecordedLaunch.State =
            if opening.kind == .refused {
                .refused
            } else if outcome != nil {
                .closed
            } else {
                host.isRunning(opening.statement) ? .running : .interrupted
            }
        return RecordedLaunch(
            id: opening.id,
            state: state,
            opening: opening.statement,
            outcome: outcome?.statement
        )
    }
}

extension EvidenceReader.Found {
    fileprivate func isEnough(for selection: EvidenceReader.Selection) -> Bool {
        switch selection {
        case .last: !launches.isEmpty
        case .newest(let count): launches.count >= count
        case .id: false
        }
    }
}

extension EvidenceReader.Selection {
    /// Whether the line is worth reading as JSON.
    fileprivate func mayConcern(_ line: [UInt8]) -> Bool {
        switch self {
        case .last, .newest: true
        case .id(let beginning): ByteSearch.contains("\"launchId\":\"\(beginning)", in: line)
        }
    }

    fileprivate func concerns(_ id: LaunchID) -> Bool {
        switch self {
        case .last, .newest: true
        case .id(let beginning): id.description.hasPrefix(beginning)
        }
    }
}
