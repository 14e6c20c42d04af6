internal import SandboxKernel
internal import SandboxPlan
public import SandboxRuntime
public import WorkspaceStore

/// What a worker is asked to do: `.codex/request.json` in its workspace.
public struct WorkerRequest: Hashable, Sendable {
    public var projectID: String
    public var jobID: String
    public var type: JobType
    public var instruction: String

    public init(projectID: String, jobID: String, type: JobType, instruction: String) {
        self.projectID = projectID
        self.jobID = jobID
        self.type = type
        self.instruction = instruction
    }

    public var json: JSONValue {
        [
            "instruction": .string(instruction), "job_id": .string(jobID), "job_type": .string(type.rawValue),
            "project_id": .string(projectID),
        ]
    }

    /// Writes the request, and removes the result of an earlier job, so that it cannot pass for this one's.
    ///
    /// For a time when no job of the project runs. Whatever an earlier one has put in the place of the two files or of `.codex`
    /// itself is removed; no link is followed.
    ///
    /// - Throws: `.unavailable` or `.conflict` when the folder does not let itself be written.
    public func write(to folder: ProjectFolder) throws(WorkspaceError) {
        let exchange = try ExchangeFolder.open(in: folder)
        try ExchangeFolder.remove(ExchangeFolder.result, in: exchange.number)
        let bytes = json.canonical.bytes + Array("\n".utf8)
        try ExchangeFolder.write(bytes, as: ExchangeFolder.request, in: exchange.number, folder.owner)
    }
}
