public import SandboxPlan

/// A job whose supervisor is there now.
public struct RunningJob: Sendable {
    public enum State: String, Hashable, Sendable {
        /// Its start is recorded.
        case running
        /// Its supervisor sets the place up: nothing of it has run yet.
        case starting
    }

    public var state: State
    /// Of the supervisor.
    public var supervisor: Int32
    /// The file that holds its records.
    public var records: OSString
    /// The start record; nil while it is starting.
    public var opening: JSONValue?
    /// Nil where nothing of it could be seen: it ended just now, or has not begun.
    public var usage: JobUsage?

    public init(
        state: State,
        supervisor: Int32,
        records: OSString,
        opening: JSONValue? = nil,
        usage: JobUsage? = nil
    ) {
        self.state = state
        self.supervisor = supervisor
        self.records = records
        self.opening = opening
        self.usage = usage
    }

    /// What a person calls it; nothing that is no name.
    public var name: String? { opening?["predicate"]?["name"]?.string.flatMap { JobName($0)?.text } }
}

/// What a job uses now.
public struct JobUsage: Hashable, Sendable {
    public enum Measure: String, Hashable, Sendable {
        /// The place's cgroup: all of it, tmpfs and file cache too.
        case cgroup
        /// Its processes, added up; what lies in its tmpfs alone is not in it.
        case processes
    }

    public var measure: Measure
    public var memory: ByteCount?
    /// Processes and threads.
    public var tasks: UInt64?
    public var processorMicroseconds: UInt64?

    public init(measure: Measure, memory: ByteCount?, tasks: UInt64?, processorMicroseconds: UInt64?) {
        self.measure = measure
        self.memory = memory
        self.tasks = tasks
        self.processorMicroseconds = processorMicroseconds
    }
}
