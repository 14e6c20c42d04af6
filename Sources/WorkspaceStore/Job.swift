/// One run of a worker in a project's workspace.
public struct Job: Hashable, Sendable {
    /// A UUID in lower case.
    public var id: String
    public var projectID: String
    public var type: JobType
    /// Trimmed.
    public var instruction: String
    public var status: JobStatus
    /// The worker profile: `dummy`, `minimal`, `codex`, `command`.
    public var worker: String?
    /// Why it is `error`, as one word (`interrupted`, `cancelled`, `refused`, `wall`, `memory`, `forced_error`, `no_result`, …); nil else.
    public var reason: String?
    /// For a person: the result's summary, or what went wrong.
    public var summary: String?
    /// The worker's exit status, or 128 + its signal; nil where it never ran or has not ended.
    public var exitStatus: Int32?
    /// The launch in the evidence; nil where none was begun.
    public var launch: String?
    /// The result that was read back, as JSON text.
    public var result: String?
    public var createdAt: StoredTime
    public var updatedAt: StoredTime
    public var startedAt: StoredTime?
    public var endedAt: StoredTime?

    public init(
        id: String,
        projectID: String,
        type: JobType,
        instruction: String,
        status: JobStatus,
        createdAt: StoredTime,
        updatedAt: StoredTime
    ) {
        self.id = id
        self.projectID = projectID
        self.type = type
        self.instruction = instruction
        self.status = status
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

extension Job {
    /// What its project says of it: the words for an initial job are those of the orchestrator before this one.
    public var projectSummary: String {
        let kind =
            switch type {
            case .initialProject: "Initial"
            case .edit: "Edit"
            }
        let words = "\(kind) job status: \(status.rawValue)"
        guard let reason else { return words }
        return words + " (" + reason + (summary.map { ": \($0)" } ?? "") + ")"
    }
}

public enum JobType: String, Hashable, Sendable, CaseIterable {
    case initialProject = "initial_project"
    case edit
}
