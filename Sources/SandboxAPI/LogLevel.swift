/// How much is logged: what is as grave as the level, and graver.
public enum LogLevel: String, Hashable, Sendable, CaseIterable {
    /// Ours, 5xx.
    case error
    /// The client's fault, 4xx.
    case warning
    case info
    /// What asks whether the server lives, too.
    case debug

    /// Whether an entry of another level is logged.
    public func shows(_ level: LogLevel) -> Bool { level.rank <= rank }

    private var rank: Int {
        switch self {
        case .error: 0
        case .warning: 1
        case .info: 2
        case .debug: 3
        }
    }
}
