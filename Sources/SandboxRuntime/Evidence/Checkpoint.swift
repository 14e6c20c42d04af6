internal import SandboxPlan

/// The record that `gc` leaves: what it removed from the beginning of the file, as a link of the chain that goes on.
///
/// The first line that is kept links to a line that is gone. The checkpoint, which stands behind it in the same chain, says
/// which one that was; so nobody can make another out of it without a break behind.
public struct Checkpoint: Hashable, Sendable {
    static let type = "urn:codex-sandbox:checkpoint:v1"

    /// A launch whose start was removed without an outcome: one may still come, of a supervisor that could not be seen.
    public struct Unfinished: Hashable, Sendable {
        public var id: LaunchID
        /// SHA-256 of its start.
        public var start: [UInt8]
    }

    /// So many are listed; `gc` removes no more of them at a time.
    static let unfinishedLimit = 1000

    /// Numbers of what is gone.
    public struct Counts: Hashable, Sendable {
        public var launches: Int64 = 0
        public var records: Int64 = 0
    }

    /// The last line that was removed: its sequence, or that of the last record before it; 0 where none was chained.
    public var removedSequence: Int64
    /// SHA-256 of that line.
    public var removedDigest: [UInt8]
    /// At this time.
    public var removed = Counts()
    /// Since the chain began.
    public var total = Counts()
    public var unfinished: [Unfinished] = []
    public var olderThanDays: Int64?
    public var keptLaunches: Int64?

    /// Whether it says what was before a first line with this link.
    func precedes(_ link: ChainLink) -> Bool {
        link.sequence == removedSequence + 1 && link.previous == removedDigest
    }

    /// As `SEQUENCE:DIGEST` of the line that was removed last.
    public var removedThrough: String { "\(removedSequence):\(Hexadecimal.text(removedDigest))" }

    /// The record, without its place.
    func record(at time: Timestamp, toolVersion: String) -> UnlinkedRecord {
        UnlinkedRecord(capacity: 1024 + unfinished.count * 160) { json in
            var gap = 0
            json.object { json in
                json.member("_type", string: LaunchStatement.statementType)
                json.object("predicate") { json in
                    gap = json.chain()
                    json.object("criteria") { json in
                        if let keptLaunches { json.member("keptLaunches", integer: keptLaunches) }
                        if let olderThanDays { json.member("olderThanDays", integer: olderThanDays) }
                    }
                    json.member("removed") { $0.counts(removed) }
                    json.object("removedThrough") { json in
                        json.member("digest", sha256: removedDigest)
                        json.member("sequence", integer: removedSequence)
                    }
                    json.member("schemaVersion", integer: LaunchStatement.schemaVersion)
                    json.object("times") { $0.member("recorded", time: time) }
                    json.member("toolVersion", text: toolVersion)
                    json.member("total") { $0.counts(total) }
                    json.member("withoutOutcome", array: unfinished) { json, launch in
                        json.object { json in
                            json.member("launchId", string: launch.id.description)
                            json.member("start", sha256: launch.start)
                        }
                    }
                }
                json.member("predicateType", string: Checkpoint.type)
                json.member("subject") { json in
                    json.elements { json in
                        json.object { json in
                            json.member("digest", sha256: removedDigest)
                            json.member("name", string: "record/\(removedSequence)")
                        }
                    }
                }
            }
            return gap
        }
    }

    /// Reads a record; nil for any other.
    init?(_ statement: JSONValue) {
        guard statement["_type"]?.string == LaunchStatement.statementType,
            statement["predicateType"]?.string == Checkpoint.type, let predicate = statement["predicate"],
            let through = predicate["removedThrough"], let sequence = through["sequence"]?.integer, sequence >= 0,
            let digest = through["digest"]?["sha256"]?.string.flatMap(Hexadecimal.bytes), digest.count == 32,
            let removed = Counts(predicate["removed"]), let total = Counts(predicate["total"]),
            let listed = predicate["withoutOutcome"]?.array
        else { return nil }
        removedSequence = sequence
        removedDigest = digest
        self.removed = removed
        self.total = total
        olderThanDays = predicate["criteria"]?["olderThanDays"]?.integer
        keptLaunches = predicate["criteria"]?["keptLaunches"]?.integer
        for launch in listed {
            guard let id = launch["launchId"]?.string.flatMap(LaunchID.init(parsing:)),
                let start = launch["start"]?["sha256"]?.string.flatMap(Hexadecimal.bytes)
            else { return nil }
            unfinished.append(Unfinished(id: id, start: start))
        }
    }

    init(removedSequence: Int64, removedDigest: [UInt8]) {
        self.removedSequence = removedSequence
        self.removedDigest = removedDigest
    }

    /// Whether a line can be one: what it begins with behind its link, so that no other need be read as JSON.
    static func mayBe(_ line: [UInt8]) -> Bool {
        ByteSearch.contains("},\"criteria\":", in: Array(line.prefix(256)))
    }

    /// The checkpoint in a line; nil for any other.
    init?(reading line: [UInt8]) {
        guard Checkpoint.mayBe(line) else { return nil }
        do throws(JSONError) {
            self.init(try JSONReader.value(in: line))
        } catch {
            return nil
        }
    }

    /// The one of a file that says what was before its first line.
    ///
    /// - Returns: nil when there is none.
    static func preceding(
        _ first: ChainLink,
        in records: borrowing SettledRecords
    ) throws(EvidenceError) -> Checkpoint? {
        var lines = try records.linesBackwardsAgain()
        while let line = try lines.next() {
            if let checkpoint = Checkpoint(reading: line.bytes), checkpoint.precedes(first) { return checkpoint }
        }
        return nil
    }
}

extension Checkpoint.Counts {
    fileprivate init?(_ value: JSONValue?) {
        guard let launches = value?["launches"]?.integer, launches >= 0,
            let records = value?["records"]?.integer, records >= 0
        else { return nil }
        self.launches = launches
        self.records = records
    }
}

extension JSONWriter {
    fileprivate mutating func counts(_ counts: Checkpoint.Counts) {
        object { json in
            json.member("launches", integer: counts.launches)
            json.member("records", integer: counts.records)
        }
    }
}
