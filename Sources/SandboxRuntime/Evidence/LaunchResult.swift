public import SandboxPlan

/// The one object that `--result` writes: what a calling program needs, without reading the record.
public enum LaunchResult {
    /// The object.
    ///
    /// - Parameters:
    ///   - id: the launch.
    ///   - end: how it ended.
    ///   - records: the file that holds the launch's records; nil if none could be written.
    /// - Returns: the object's text, without a newline.
    public static func json(_ id: LaunchID, _ end: LaunchEnd, records: OSString?) -> CanonicalJSON {
        CanonicalJSON(capacity: 2 << 10) { json in
            json.object { $0.result(id, end, records) }
        }
    }
}

extension JSONWriter {
    /// Members that belong to one outcome stand between the others, because keys are in order.
    fileprivate mutating func result(_ id: LaunchID, _ end: LaunchEnd, _ records: OSString?) {
        if let denials = end.denials { member("denials") { $0.denials(denials) } }
        member("enforcement") { $0.enforcement(end.layers) }
        if case .notExecuted(let errno, _) = end.outcome { member("errno") { $0.errno(errno) } }
        execve(end.execve)
        if case .exited(let code) = end.outcome { member("exitCode", integer: code) }
        member("exitStatus", integer: end.exitStatus)
        member("launchId", string: id.description)
        if let (_, limit) = end.outcome.amounts { member("limitBytes", quantity: limit.bytes) }
        limitsReached(end)
        if case .notExecuted(_, let message) = end.outcome { member("message", text: message) }
        member("missing") { $0.missing(end.layers) }
        if !end.notHeld.isEmpty { member("notHeld", array: end.notHeld) { $0.notHeld($1) } }
        member("outcome", string: end.outcome.word)
        member("planted", bytes: end.planted)
        if let records { member("records", bytes: records) } else { member("records") { $0.null() } }
        if case .refused(let refusal) = end.outcome { member("refusal") { $0.refusal(refusal) } }
        if !end.removed.isEmpty { member("removed", bytes: end.removed) }
        member("schemaVersion", integer: LaunchStatement.schemaVersion)
        if let signal = end.signal ?? end.outcome.signal { member("signal") { $0.signal(signal) } }
        member("times") { $0.times(end) }
        member("unseen", bytes: end.unseen)
        if let usage = end.usage { member("usage") { $0.usage(usage) } }
        if let (used, _) = end.outcome.amounts { member("usedBytes", quantity: used.bytes) }
        if case .protectionLost(let what, _) = end.outcome { member("what", text: what) }
    }
}

extension Outcome {
    /// The signal that the outcome names.
    var signal: Int32? {
        switch self {
        case .signalled(let signal), .interrupted(let signal, _): signal
        case .exited, .timedOut, .memoryExceeded, .diskExceeded, .outputExceeded, .protectionLost, .refused,
            .notExecuted:
            nil
        }
    }

    /// What was used of a limit that is an amount, and the limit.
    var amounts: (used: ByteCount, limit: ByteCount)? {
        switch self {
        case .memoryExceeded(let used, let limit), .diskExceeded(let used, let limit),
            .outputExceeded(let used, let limit):
            (used, limit)
        case .exited, .signalled, .timedOut, .protectionLost, .interrupted, .refused, .notExecuted: nil
        }
    }
}
