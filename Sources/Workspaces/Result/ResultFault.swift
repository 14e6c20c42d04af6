/// Why a worker's result does not count.
public struct ResultFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The job's reason, as one word.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The worker has left none, or an empty one.
        case none = "no_result"
        /// It, or `.codex`, is a link.
        case link = "result_link"
        /// It has a second name, through which somebody may change it.
        case hardLink = "result_hard_link"
        /// A folder, FIFO, socket or device.
        case notAFile = "result_not_a_file"
        /// Its mode keeps the server out, or the kernel does.
        case unreadable = "result_unreadable"
        case tooLarge = "result_too_large"
        case notJSON = "result_not_json"
        case schema = "result_schema"
        /// It names another job.
        case otherJob = "result_other_job"
    }

    public var reason: Reason
    /// A sentence for a person; quotes nothing of the result but names of members.
    public var message: String

    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    public var description: String { "\(reason.rawValue): \(message)" }
}
