public import SandboxPlan

/// Which records are looked at, and how many launches of each workspace may stay within a size.
public enum EvidenceRetention {
    /// The workspace that the records at a location are of, as they say it; nil where they do not.
    ///
    /// - Throws: `EvidenceError` where they cannot be read.
    public static func workspace(of location: EvidenceLocation) throws(EvidenceError) -> OSString? {
        guard let records = try SettledRecords.open(location) else { return nil }
        var lines = records.linesForwards()
        while let line = try lines.next() {
            guard let record = record(line), record.kind != .outcome else { continue }
            let subject = record.statement["subject"]?.array?.first {
                $0["annotations"]?["role"]?.string == "workspace"
            }
            // A path with other bytes than text stands there in another form: no server has such a root.
            guard let path = subject?["annotations"]?["path"]?.string else { continue }
            let workspace = OSString(path)
            guard
                EvidenceLocation(stateFolder: location.stateFolder, workspace: workspace).workspaceID
                    == location.workspaceID
            else { continue }
            return workspace
        }
        return nil
    }

    /// How many of the newest launches each workspace may keep, so that all records together are no larger than a size.
    ///
    /// The oldest launches of all go first, by the time at which they were asked for. Checkpoints, and signatures, are not counted:
    /// what is left of a workspace whose launches have all gone is one record of less than a KiB.
    ///
    /// - Parameters:
    ///   - size: of all records.
    ///   - locations: the workspaces.
    /// - Returns: only those of which something has to go.
    /// - Throws: `EvidenceError` where records cannot be read; a damaged line counts for the launch before it.
    public static func kept(
        within size: ByteCount,
        of locations: [EvidenceLocation]
    ) throws(EvidenceError) -> [(location: EvidenceLocation, keep: Int64)] {
        var launches: [Launch] = []
        for (index, location) in locations.enumerated() { launches += try self.launches(of: location, index) }
        return kept(within: size, launches).map { (locations[$0.workspace], $0.keep) }
    }

    struct Launch {
        var workspace: Int
        /// As the record says it: all are of one form, which sorts as text.
        var time: String
        var bytes: UInt64
    }

    static func kept(within size: ByteCount, _ launches: [Launch]) -> [(workspace: Int, keep: Int64)] {
        var left = launches.reduce(UInt64(0)) { $0 + $1.bytes }
        var keep: [Int: Int64] = [:]
        for launch in launches { keep[launch.workspace, default: 0] += 1 }
        var cut: Set<Int> = []
        // Of one moment in the order of the file.
        for launch in launches.enumerated().sorted(by: { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) })
        {
            guard left > size.bytes else { break }
            left -= launch.element.bytes
            keep[launch.element.workspace, default: 0] -= 1
            cut.insert(launch.element.workspace)
        }
        return cut.sorted().map { ($0, keep[$0] ?? 0) }
    }

    private static func launches(of location: EvidenceLocation, _ index: Int) throws(EvidenceError) -> [Launch] {
        guard let records = try SettledRecords.open(location) else { return [] }
        var launches: [Launch] = []
        let length = records.length
        var lines = records.linesForwards()
        var last: (offset: Int64, counts: Bool)?
        func count(upTo offset: Int64) {
            guard let last, last.counts, !launches.isEmpty else { return }
            launches[launches.count - 1].bytes += UInt64(max(offset - last.offset, 0))
        }
        while let line = try lines.next() {
            count(upTo: line.offset)
            if let record = record(line), record.kind != .outcome {
                let time = record.statement["predicate"]?["times"]?["started"]?.string ?? ""
                launches.append(Launch(workspace: index, time: time, bytes: 0))
            }
            last = (line.offset, Checkpoint(reading: line.bytes) == nil)
        }
        count(upTo: length)
        return launches
    }

    private static func record(_ line: LinesForwards.Line) -> Record? {
        do throws(Record.Problem) { return try Record(reading: line.bytes) } catch { return nil }
    }
}
