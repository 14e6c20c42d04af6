import SandboxAPI
import ServiceManager
import Synchronization

/// What the server tells its operator: a line each on standard error, or an entry with fields where that is the journal.
enum ServerLog {
    private struct Manner {
        var level = LogLevel.info
        var isJournal = false
    }

    private static let manner = Mutex(Manner())

    static func set(level: LogLevel) { manner.withLock { $0.level = level } }

    static func set(isJournal: Bool) { manner.withLock { $0.isJournal = isJournal } }

    /// What changes something is logged at every level: nobody is to do it unseen.
    static func request(_ entry: LogEntry) {
        let manner = manner.withLock { $0 }
        guard entry.audit != nil || manner.level.shows(entry.level) else { return }
        // Fields are the journal's.
        guard manner.isJournal else { return Output.say("\(entry)") }
        var fields = [
            ("CODEX_METHOD", entry.method), ("CODEX_ROUTE", entry.route), ("CODEX_STATUS", "\(entry.status)"),
            ("CODEX_MICROSECONDS", "\(entry.microseconds)"), ("CODEX_REQUEST", entry.correlationID),
            ("CODEX_PEER", entry.peer),
        ]
        if let audit = entry.audit {
            fields.append(("CODEX_ACTION", audit.action))
            if let project = audit.project { fields.append(("CODEX_PROJECT", project)) }
            if let job = audit.job { fields.append(("CODEX_JOB", job)) }
            if let uid = audit.uid { fields.append(("CODEX_UID", "\(uid)")) }
        }
        write("\(entry)", priority(entry), fields)
    }

    /// Something that the server, or `gc`, has removed by itself.
    static func removed(_ what: RemovalLine) {
        write("\(what)", .notice, what.fields)
    }

    static func note(_ text: String, _ level: LogLevel = .info) {
        guard manner.withLock({ $0.level }).shows(level) else { return }
        write(text, priority(level), [])
    }

    private static func priority(_ entry: LogEntry) -> Journal.Priority {
        entry.audit != nil && entry.level == .info ? .notice : priority(entry.level)
    }

    private static func priority(_ level: LogLevel) -> Journal.Priority {
        switch level {
        case .error: .error
        case .warning: .warning
        case .info: .info
        case .debug: .debug
        }
    }

    private static func write(_ text: String, _ priority: Journal.Priority, _ fields: [(String, String)]) {
        guard manner.withLock({ $0.isJournal }) else { return Output.say(text) }
        if Journal.send(text, priority, fields.map { (name: $0.0, value: $0.1) }) { return }
        // The stream is taken by the manager, too; the number in front is the priority (sd-daemon(3)).
        Output.line("<\(priority.rawValue)>\(text)")
    }
}
