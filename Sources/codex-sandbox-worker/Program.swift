import Glibc

/// One run of the worker: a request in, the work, a result out.
struct Program {
    /// What the caller learns without reading the result.
    enum ExitStatus: Int32 {
        case success = 0
        /// The result says what went wrong.
        case error = 1
        /// There is no result: standard error says why.
        case noResult = 2
    }

    /// Nil unless one of the two words was the one argument.
    private let kind: WorkerKind?
    private let output = StandardStreams()

    init(word: String?) {
        kind = word.flatMap(WorkerKind.init)
    }

    func run() -> ExitStatus {
        guard let kind else {
            output.complain("usage: codex-sandbox-worker dummy|minimal")
            return .noResult
        }
        do {
            return try work(as: kind)
        } catch {
            output.complain("codex-sandbox-worker: \(error.description)")
            return .noResult
        }
    }

    private func work(as kind: WorkerKind) throws(WorkerError) -> ExitStatus {
        var workspace = Workspace(root: try Folder.opened(at: Program.workspacePath()))
        // Where no result can be put, nothing is done either.
        let exchange = try workspace.root.subfolder(".codex")
        var result = JobResult()
        var log = JobLog(output: output)
        do {
            let request = try JobRequest.read(from: exchange, jobID: &result.jobID)
            result.summary = try kind.perform(request, in: &workspace, log: &log)
        } catch {
            result.summary = error.summary
            result.errors = [error.description]
        }
        result.created = workspace.created
        result.modified = workspace.modified
        result.logs = log.lines
        try exchange.put("result.json", result.json(at: Timestamp.now()))
        return result.errors.isEmpty ? .success : .error
    }

    /// `$WORKSPACE_DIR`, by default `/workspace`.
    private static func workspacePath() -> String {
        guard let path = Environment.value("WORKSPACE_DIR"), !path.isEmpty else { return "/workspace" }
        return path
    }
}
