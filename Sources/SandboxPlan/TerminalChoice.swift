/// Whether a job gets a terminal.
public enum TerminalChoice: Hashable, Sendable {
    /// Each of the caller's streams that is a terminal becomes one of the place.
    case automatic
    /// One terminal of the place for all three streams, whatever the caller's are.
    case always
    /// Pipes in place of terminals.
    case never
}
