internal import Synchronization
internal import WorkspaceStore

extension Orchestrator {
    /// Calls that may wait for the store at a time, each on a thread of its own.
    private static let mostAside = 256

    /// What `body` answers, which writes into the store: on a thread of its own.
    ///
    /// Another process's lock of the database keeps it for as long as the store waits for one. The threads of tasks are as few as
    /// processors: two such calls on them would hold up every other request, and with them who cancels a job.
    ///
    /// - Throws: what `body` throws, `.tooMuch` where too many wait already, and `.unavailable` where no thread can be had.
    func aside<Value: Sendable>(
        _ body: @escaping @Sendable () throws(WorkspaceError) -> Value
    ) async throws(WorkspaceError) -> Value {
        defer { callsAside.subtract(1, ordering: .relaxed) }
        guard callsAside.add(1, ordering: .relaxed).newValue <= Orchestrator.mostAside else {
            throw WorkspaceError(.tooMuch, "Too many requests wait for the database")
        }
        let result: Result<Value, WorkspaceError> = await withCheckedContinuation { continuation in
            @Sendable func call() {
                do throws(WorkspaceError) {
                    continuation.resume(returning: .success(try body()))
                } catch { continuation.resume(returning: .failure(error)) }
            }
            if !JobThread.start(call) {
                let error = WorkspaceError(.unavailable, "The server has too few threads for it now")
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }
}
