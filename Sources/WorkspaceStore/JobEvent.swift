/// Something that happened to a job, as its viewers get it: a state change, or a piece of output.
public struct JobEvent: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case state
        case stdout
        case stderr
        /// What the worker tells of its work: `data` is one JSON object.
        case worker
        /// Output beyond the kept amount was let go; `data` is the number of bytes in decimal, from the job's beginning.
        ///
        /// A job has one at most in the store, with the number of the latest event that was let go; a reader that goes on behind
        /// numbers may get several in time, of which the last counts.
        case dropped
    }

    /// From 1, rising, in one job; those of output that was let go are missing.
    public var number: Int64
    public var kind: Kind
    public var at: StoredTime
    /// Of output the bytes; of a state its word, and a reason behind a space if there is one.
    public var data: [UInt8]

    public init(number: Int64, kind: Kind, at: StoredTime, data: [UInt8]) {
        self.number = number
        self.kind = kind
        self.at = at
        self.data = data
    }
}
