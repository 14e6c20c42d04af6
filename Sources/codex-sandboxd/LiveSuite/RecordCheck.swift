import SandboxRuntime

/// What the records of a job say, read from the lines that the server gave out.
enum RecordCheck {
    static let start = "urn:codex-sandbox:launch-start:v1"
    static let outcome = "urn:codex-sandbox:launch-outcome:v1"
    static let refused = "urn:codex-sandbox:launch-refused:v1"

    struct Record {
        var line: [UInt8]
        var type: String
        var predicate: JSONValue
    }

    static func records(_ bytes: [UInt8]) throws(SuiteError) -> [Record] {
        guard bytes.isEmpty || bytes.last == 0x0A else { throw SuiteError("the last record is cut off") }
        var records: [Record] = []
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: true) {
            let json: JSONValue
            do throws(JSONError) {
                json = try JSONReader.value(in: Array(line))
            } catch { throw SuiteError("record \(records.count + 1) is no JSON that is read here: \(error)") }
            guard let type = json["predicateType"]?.string, let predicate = json["predicate"] else {
                throw SuiteError("record \(records.count + 1) has no predicate")
            }
            records.append(Record(line: Array(line), type: type, predicate: predicate))
        }
        return records
    }

    /// A job that ran: begun, ended, of this launch, with every layer that was requested in force.
    static func requireVerified(_ finished: FinishedJob) throws(SuiteError) {
        let records = try records(finished.records)
        guard records.count >= 2 else {
            throw SuiteError("there are \(records.count) records, and a launch that ended has two")
        }
        guard records[0].type == start, let ended = records.last, ended.type == outcome else {
            throw SuiteError("the records are not those of a launch that began and ended")
        }
        for record in records {
            guard let launch = record.predicate["launchId"]?.string, launch == finished.job.launch else {
                throw SuiteError("a record is of another launch than the job's")
            }
        }
        guard let word = ended.predicate["outcome"]?["word"]?.string, !word.isEmpty else {
            throw SuiteError("the outcome has no word")
        }
        // A job that takes long may be ended by its limits; all others end by themselves.
        let limits = ["timed-out", "memory-exceeded", "disk-exceeded", "output-exceeded", "signalled"]
        let isLimit = finished.result.status == "error" && limits.contains(word)
        guard word == "exited" || isLimit else {
            throw SuiteError("the outcome is \(SuiteText.quoted(word.utf8.prefix(40)))")
        }
        try requireLayers(records[0].predicate)
    }

    /// Held by the supervisor's own acts, so there is nothing of them to observe before the worker runs.
    private static let unobserved = ["memory", "wall-clock"]
    /// Without these a record says nothing about a sandbox.
    private static let expected = [
        "user-namespace", "mount-namespace", "pid-namespace", "network-namespace", "mounts", "landlock", "seccomp",
        "no-new-privileges", "capabilities",
    ]

    private static func requireLayers(_ predicate: JSONValue) throws(SuiteError) {
        guard let layers = predicate["layers"]?.array else { throw SuiteError("the start has no layers") }
        var verified: [String] = []
        for layer in layers {
            guard let name = layer["layer"]?.string, let isRequested = layer["requested"]?.bool else {
                throw SuiteError("a layer of the start has no name, or does not say whether it was requested")
            }
            if isRequested {
                try requireVerified(layer, name)
                verified.append(name)
            }
        }
        let missing = expected.filter { !verified.contains($0) }
        guard missing.isEmpty else { throw SuiteError("the launch had no \(missing.joined(separator: ", "))") }
    }

    private static func requireVerified(_ layer: JSONValue, _ name: String) throws(SuiteError) {
        guard layer["installed"]?.bool == true else {
            throw SuiteError("layer \(name) was requested, and is not installed")
        }
        let word = layer["enforcement"]?.string ?? "without a word"
        guard ["enforced", "watched", "degraded"].contains(word) else {
            throw SuiteError("layer \(name) was requested, and is \(SuiteText.quoted(word.utf8.prefix(40)))")
        }
        guard let observations = layer["observations"]?.array, let observers = layer["verifiedBy"]?.array else {
            throw SuiteError("layer \(name) has no observations")
        }
        for observation in observations where observation["agrees"]?.bool != true {
            throw SuiteError("an observation of layer \(name) does not agree")
        }
        guard !observers.isEmpty || unobserved.contains(name) else {
            throw SuiteError("layer \(name) was verified by nobody")
        }
    }
}
