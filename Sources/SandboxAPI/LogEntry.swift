/// One answered request, for the log.
///
/// Nothing of a body or of a credential is in it, and no control character of the client's: a line cannot be forged.
public struct LogEntry: Hashable, Sendable, CustomStringConvertible {
    public enum Level: String, Hashable, Sendable {
        case info
        /// The client's fault, 4xx.
        case warning
        /// Ours, 5xx.
        case error
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

    public var level: Level { status >= 500 ? .error : status >= 400 ? .warning : .info }

    public var description: String {
        let line = "\(method) \(route) \(status) \(microseconds)us request=\(correlationID) peer=\(peer)"
        return detail.map { "\(line) detail=\($0)" } ?? line
    }
}
