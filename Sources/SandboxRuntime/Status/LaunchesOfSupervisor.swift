internal import SandboxKernel
internal import SandboxPlan

/// The launches that one process has recorded since it began, from the end of the file.
enum LaunchesOfSupervisor {
    struct Found {
        /// Start records without an outcome, the newest first.
        var open: [JSONValue] = []
        /// How many have ended.
        var ended = 0
    }

    /// What is recorded later than a supervisor begins may have begun so much earlier.
    private static let slack: UInt64 = 60_000

    /// Reads no further back than the process is old.
    static func read(_ location: EvidenceLocation, _ pid: Int32) throws(EvidenceError) -> Found {
        var found = Found()
        let host = RunningHost()
        guard let began = host.beganAt(OSString("\(pid)")), let records = try SettledRecords.open(location) else {
            return found
        }
        var lines = records.linesBackwards()
        var ended: Set<LaunchID> = []
        while let line = try lines.next() {
            // Within a string of JSON every quote has a backslash before it, so these are the record's own keys.
            let noted = number(after: "\"supervisor\":{\"bootMilliseconds\":", in: line.bytes)
            let isOfProcess = ByteSearch.contains("\"pid\":\(pid)}", in: line.bytes)
            if noted != nil && !isOfProcess {
                if let noted, noted + slack < began { return found }
                continue
            }
            let record: Record
            do throws(Record.Problem) {
                record = try Record(reading: line.bytes)
            } catch {
                continue  // a damaged line is for `evidence verify` to tell
            }
            switch record.kind {
            case .outcome: ended.insert(record.id)
            case .refused: found.ended += 1
            case .start:
                // Of an earlier process with this number: all before it is older still.
                guard host.isRunning(record.statement) else { return found }
                guard record.statement["predicate"]?["supervisor"]?["pid"]?.integer == Int64(pid) else { continue }
                if ended.contains(record.id) { found.ended += 1 } else { found.open.append(record.statement) }
            }
        }
        return found
    }

    private static func number(after key: String, in line: [UInt8]) -> UInt64? {
        guard let end = ByteSearch.end(of: key, in: line) else { return nil }
        let digits = line[end...].prefix { (0x30...0x39).contains($0) }
        return KernelText.number(line, in: digits.startIndex..<digits.endIndex)
    }
}
