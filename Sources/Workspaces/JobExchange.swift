internal import SandboxKernel
internal import SandboxPlan
internal import SandboxRuntime
internal import WorkspaceStore

/// What passes between a job and its worker by files: the request in, the result out, and what was changed beside them.
///
/// Everything the worker has left is read as what it is: bytes of somebody who may want to deceive.
struct JobExchange {
    private let folder: ProjectFolder
    private let job: Job
    private let before: FolderSnapshot

    /// Writes the request, takes an earlier result away, and remembers how the folder looks.
    init(_ job: Job, _ folder: ProjectFolder) throws(WorkspaceError) {
        self.job = job
        self.folder = folder
        try WorkerRequest(projectID: job.projectID, jobID: job.id, type: job.type, instruction: job.instruction)
            .write(to: folder)
        // `.codex` is kept from the worker but for this file, which has to be there for that (docs/policy.md, except).
        try JobExchange.write([], to: folder)
        before = try folder.snapshot()
    }

    private static func write(_ result: [UInt8], to folder: ProjectFolder) throws(WorkspaceError) {
        let exchange = try ExchangeFolder.open(in: folder)
        try ExchangeFolder.write(result, as: ExchangeFolder.result, in: exchange.number, folder.owner)
    }

    /// What is different now; nil where it cannot be seen.
    func changes() -> JobChanges? {
        do throws(WorkspaceError) { return try folder.changes(since: before) } catch { return nil }
    }

    /// The result that a worker which has ended by itself has left, and what the job has come to by it.
    ///
    /// `limits` are those that it has met.
    func result(exitStatus: Int32?, limits: [HeldLimit.Name]) -> (text: String?, JobEnd) {
        do throws(ResultFault) {
            let result = try WorkerResult.read(from: folder, job: job.id)
            var end = JobEnd(
                status: .completed,
                summary: WorkspaceText.summary(result.summary),
                exitStatus: exitStatus
            )
            if result.status == .error {
                end.status = .error
                end.reason = JobExchange.word(result.errors.first) ?? "worker-error"
                end.isWorkersWord = true
            } else if exitStatus != 0 {
                end.status = .error
                end.reason = "exit"
                end.summary = "the worker ended with status \(exitStatus.map(String.init) ?? "unknown")"
            }
            return (result.json.canonical.text, end.naming(limits))
        } catch {
            var end = JobEnd(
                status: .error,
                reason: error.reason.rawValue,
                summary: error.message,
                exitStatus: exitStatus
            )
            if let exitStatus, exitStatus != 0 { end.summary += " (it ended with status \(exitStatus))" }
            end = end.naming(limits)
            return (leave(end), end)
        }
    }

    /// Puts a result of ours in the place of one that is missing or is none, so that whoever waits for it learns why.
    ///
    /// `changes` are those of a worker that has done its work without saying what.
    func leave(_ end: JobEnd, _ changes: JobChanges? = nil) -> String? {
        do throws(WorkspaceError) {
            return try JobExchange.leave(end, of: job, in: folder, changes)
        } catch {
            // The job's end is in the store all the same.
            return nil
        }
    }

    @discardableResult
    static func leave(
        _ end: JobEnd,
        of job: Job,
        in folder: ProjectFolder,
        _ changes: JobChanges? = nil
    ) throws(WorkspaceError) -> String {
        func paths(_ kind: JobChanges.Change.Kind) -> JSONValue {
            let found = (changes?.changes ?? []).filter { $0.kind == kind }
            return .array(found.prefix(WorkerResult.countLimit).map { .string("\($0.path)") })
        }
        let errors: [JSONValue] =
            end.status == .completed ? [] : [.string(end.reason ?? "error"), .string(end.summary)]
        let result: JSONValue = [
            "created_files": paths(.created), "errors": .array(errors), "job_id": .string(job.id), "logs": [],
            "modified_files": paths(.modified),
            "status": .string((end.status == .completed ? WorkerResult.Status.success : .error).rawValue),
            "summary": .string(end.summary), "timestamp": .string(StoredTime.now().iso),
        ]
        try write(result.canonical.bytes + [UInt8(ascii: "\n")], to: folder)
        return result.canonical.text
    }

    /// Reasons that only this server can know: a worker that gives one of them says what is not so.
    private static let own: Set<String> = [
        "refused", "interrupted", "cancelled", "protection-lost", "no-worker", "no-resources", "workspace",
        "not-executed",
        "codex-failed", "exit", "signal", "wall", "memory", "pids", "disk", "output",
    ]

    /// An error that is one word becomes the job's reason.
    private static func word(_ text: String?) -> String? {
        guard let text, (1...64).contains(text.utf8.count) else { return nil }
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isWord && !JobExchange.own.contains(text) ? text : nil
    }
}
