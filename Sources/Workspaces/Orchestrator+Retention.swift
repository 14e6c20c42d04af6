internal import Synchronization
public import WorkspaceStore

/// What the server removes by itself, beside its clients.
extension Orchestrator {
    /// Removes what the settings let go; a project in which a job waits or runs is none of it.
    ///
    /// - Parameters:
    ///   - retention: what goes.
    ///   - now: ages are counted from here.
    ///   - removed: is told of each, when it is gone.
    /// - Throws: `WorkspaceError` at the first that cannot be looked at or removed; what was told of is gone.
    public func makeRoom(
        _ retention: RetentionSettings,
        at now: StoredTime,
        removed: (Removal) -> Void
    ) throws(WorkspaceError) {
        if retention.isEmpty { return }
        let (projects, logs) = (
            try stored { () throws(StoreError) in try store.idleProjects() },
            try stored { () throws(StoreError) in try store.keptLogs() }
        )
        let removals = try RetentionRound(folders, retention, at: now).removals(projects: projects, logs: logs)
        for removal in removals {
            if state.withLock({ $0.isClosed }) { return }
            if try remove(removal) { removed(removal) }
        }
    }

    /// For a server at rest: what it keeps to be faster goes, too.
    public func releaseMemory() {
        store.releaseMemory()
        ProcessMemory.giveBack()
    }

    /// Closes files of projects that were removed or changed since somebody asked for them; to be called every few seconds.
    public func letGoStale() { knownFolders.letGoStale() }

    private func remove(_ removal: Removal) throws(WorkspaceError) -> Bool {
        switch removal.what {
        case .log(let log):
            return try stored { () throws(StoreError) in try store.removeLog(of: log.job) > 0 }
        case .project(let project):
            let isFree = state.withLock { $0.queue.jobs(of: project.id).isEmpty && $0.queue.hold(project.id) }
            guard isFree else { return false }
            defer {
                state.withLock { $0.queue.release(project.id) }
                startNext()
            }
            // A job that was accepted meanwhile stands in the store, and keeps the project.
            return try removeNow(project.id) { () throws(WorkspaceError) in
                try stored { () throws(StoreError) in try store.removeIdleProject(project) }
            }
        }
    }
}
