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
        let round = RetentionRound(folders, retention, at: now)
        for removal in try round.removals(projects: projects, logs: logs) {
            if state.withLock({ $0.isClosed }) { return }
            if try remove(removal, in: round) { removed(removal) }
        }
    }

    /// For a server at rest: what it keeps to be faster goes, too.
    public func releaseMemory() {
        store.releaseMemory()
        ProcessMemory.giveBack()
    }

    /// Closes files of projects that were removed or changed since somebody asked for them; to be called every few seconds.
    public func letGoStale() { knownFolders.letGoStale() }

    private func remove(_ removal: Removal, in round: RetentionRound) throws(WorkspaceError) -> Bool {
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
            // What was written while others were looked at, or removed, is seen now; from here on nothing is.
            try folders.closeForWriting(project.id)
            defer { folders.openForWriting(project.id) }
            guard try round.isUnchanged(project, since: removal) else { return false }
            // A job that was accepted meanwhile stands in the store, and keeps the project.
            return try removeNow(project.id) { () throws(WorkspaceError) in
                try stored { () throws(StoreError) in try store.removeIdleProject(project) }
            }
        }
    }
}
