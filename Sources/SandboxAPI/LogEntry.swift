/// One answered request, for the log.
///
/// Nothing of a body or of a credential is in it, and no control character of the client's: a line cannot be forged.
public struct LogEntry: Hashable, Sendable, CustomStringConvertible {
    /// Of a request that would change something, also where it was refused.
    public struct Audit: Hashable, Sendable {
        /// The name of the endpoint: `createProject`.
        public var action: String
        public var project: String?
        public var job: String?
        /// The client's account, where the kernel tells it.
        public var uid: UInt32?
    }

    public var method: String
    /// The template, `/api/v1/{project_id}/files`; `-` for a path that is none of ours.
    public var route: String
    public var status: Int
    /// From the request's being complete to its answer's beginning.
    public var microseconds: Int64
    public var correlationID: String
    public var peer: String
    /// Why it failed, where more is known than was answered.
    public var detail: String?
    /// Nil for what changes nothing.
    public var audit: Audit?

    public var level: LogLevel {
        // A version that is not spoken is what a client asked for, and nothing that the operator could mend.
        if status >= 500 && status != 505 { return .error }
        if status >= 400 { return .warning }
        return route == "/healthz" || route == "/readyz" ? .debug : .info
    }

    /// With the words first that only changes have.
    public var description: String {
        var line = ""
        if let audit {
            line += "audit \(audit.action) "
            if let project = audit.project { line += "project=\(project) " }
            if let job = audit.job { line += "job=\(job) " }
            if let uid = audit.uid { line += "uid=\(uid) " }
        }
        line += "\(method) \(route) \(status) \(microseconds)us request=\(correlationID) peer=\(peer)"
        return detail.map { "\(line) detail=\($0)" } ?? line
    }
}
