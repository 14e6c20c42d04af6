/// One project: a workspace, and the jobs that have changed it.
public struct Project: Hashable, Sendable {
    /// A UUID in lower case; also the name of its folder.
    public var id: String
    /// Trimmed.
    public var instruction: String
    public var status: JobStatus
    public var summary: String?
    /// The policy chosen at creation; nil for the server's own.
    public var policy: String?
    public var createdAt: StoredTime
    public var updatedAt: StoredTime

    public init(
        id: String,
        instruction: String,
        status: JobStatus,
        summary: String? = nil,
        policy: String? = nil,
        createdAt: StoredTime,
        updatedAt: StoredTime
    ) {
        self.id = id
        self.instruction = instruction
        self.status = status
        self.summary = summary
        self.policy = policy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// The states of a project and of a job, in the words of the API.
public enum JobStatus: String, Hashable, Sendable, CaseIterable {
    case queued
    case inProgress = "in_progress"
    case completed
    case error

    public var hasEnded: Bool { self == .completed || self == .error }
}
