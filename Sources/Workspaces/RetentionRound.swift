internal import SandboxPlan
public import WorkspaceStore

/// One look at what may go, and its removal: in a server, or in a `gc` where no server is.
public struct RetentionRound: Sendable {
    private let folders: ProjectFolders
    private let plan: RetentionPlan

    /// - Parameters:
    ///   - folders: of the projects.
    ///   - settings: what goes.
    ///   - now: ages are counted from here.
    public init(_ folders: ProjectFolders, _ settings: RetentionSettings, at now: StoredTime) {
        self.folders = folders
        plan = RetentionPlan(settings: settings, now: now)
    }

    /// What goes, projects first.
    ///
    /// Asks the disk only where the answer matters: for a size of everything, for an age of what is old by its rows.
    ///
    /// - Throws: `WorkspaceError` where a folder cannot be gone through; nothing is decided then.
    public func removals(projects: [IdleProject], logs: [KeptLog]) throws(WorkspaceError) -> [Removal] {
        var used: [RetentionPlan.Used] = []
        let old = plan.limit(plan.settings.projectAge)
        for project in projects {
            guard plan.settings.projectSize != nil || old.map({ project.updatedAt < $0 }) == true else { continue }
            used.append(try look(project))
        }
        let removals = plan.projects(used)
        return removals + plan.logs(logs, without: Set(removals.map(\.project)))
    }

    /// Whether nothing of a project has changed since its removal was decided.
    func isUnchanged(_ project: IdleProject, since removal: Removal) throws(WorkspaceError) -> Bool {
        try look(project).changed <= removal.since
    }

    private func look(_ project: IdleProject) throws(WorkspaceError) -> RetentionPlan.Used {
        let folder: ProjectFolder
        do throws(WorkspaceError) {
            folder = try folders.folder(project.id)
        } catch {
            // A project whose folder is gone takes no room, and is as old as its rows.
            guard error.kind == .noProject else { throw error }
            return RetentionPlan.Used(project: project, bytes: 0, changed: project.updatedAt)
        }
        let use = try FolderUse(folder)
        let changed = max(project.updatedAt, StoredTime(microseconds: use.changed))
        return RetentionPlan.Used(project: project, bytes: use.bytes, changed: changed)
    }
}

/// The projects of a database that no server has, for `gc`.
public final class UnservedProjects: Sendable {
    private let store: any WorkspaceStore
    private let removal: ProjectRemoval

    /// Takes the projects' folder as a server does, and ends what one that was killed has begun.
    ///
    /// - Parameters:
    ///   - folders: of the projects.
    ///   - store: open, which holds off servers.
    ///   - log: gets sentences for the operator.
    /// - Throws: `WorkspaceError` where a server has the folder.
    public init(
        _ folders: ProjectFolders,
        store: any WorkspaceStore,
        log: @escaping @Sendable (String) -> Void
    ) throws(WorkspaceError) {
        self.store = store
        removal = try ProjectRemoval(folders, of: store.identity, log: log)
        try removal.finishBegun { (id) throws(StoreError) in try store.project(id) != nil }
    }

    /// - Returns: false where it has changed since it was looked at; nothing is done then.
    public func remove(_ one: Removal) throws(WorkspaceError) -> Bool {
        switch one.what {
        case .log(let log):
            return try ProjectRemoval.stored { () throws(StoreError) in try store.removeLog(of: log.job) > 0 }
        case .project(let project):
            let (wasThere, folder) = try removal.begin(project.id) { () throws(WorkspaceError) in
                try ProjectRemoval.stored { () throws(StoreError) in try store.removeIdleProject(project) }
            }
            if let folder { removal.finish(folder, of: project.id) }
            return wasThere
        }
    }
}
