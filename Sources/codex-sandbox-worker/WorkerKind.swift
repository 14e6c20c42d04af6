/// The built-in workers, by the word that asks for them.
enum WorkerKind: String {
    case dummy
    case minimal

    /// Does what the request says.
    ///
    /// - Returns: one sentence on what was done.
    func perform(
        _ request: JobRequest,
        in workspace: inout Workspace,
        log: inout JobLog
    ) throws(WorkerError) -> String {
        switch self {
        case .dummy: try DummyWorker.perform(request, in: &workspace, log: &log)
        case .minimal: try MinimalWorker.perform(request, in: &workspace, log: &log)
        }
    }
}
