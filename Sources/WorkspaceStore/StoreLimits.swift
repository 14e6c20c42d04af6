/// What is kept of a job, and how much one call answers.
///
/// The rows are made from requests and from what workers write: without limits either could fill the disk.
public struct StoreLimits: Hashable, Sendable {
    /// Bytes of `stdout` and `stderr` together, of one job.
    public var keptOutputBytes: Int = 4 << 20
    /// Events of `stdout` and `stderr` together: many small pieces cost more than their bytes.
    public var keptOutputEvents: Int = 32_768
    /// Bytes of `worker` events of one job; apart from the output, so that a flood of that does not displace them.
    public var keptWorkerBytes: Int = 1 << 20
    public var keptWorkerEvents: Int = 8192

    public init() {}

    /// Rows that one call answers at most, whatever was asked for.
    public static let rows = 1000
    /// Bytes of events, or of jobs' texts, behind which one call answers no further row; it answers one at least.
    public static let answerBytes = 4 << 20
    /// Bytes of one text: an instruction, a summary, a result.
    public static let textBytes = 1 << 20
    /// Bytes of one event.
    public static let eventBytes = 1 << 20
    /// Bytes of one `state` event, and how many of them a job may have.
    public static let stateBytes = 4096
    public static let stateEvents = 1000
}
