internal import SandboxKernel
internal import WorkspaceStore

/// Takes projects away in steps of which each can be the last: rows and folder go both, or neither.
///
/// A mark beside the folder says that it is begun. Then the rows go, in one transaction; then the folder, under a hidden name; then
/// the mark. Whoever starts next and finds a mark looks for the rows: without them the folder goes, with them the mark.
final class ProjectRemoval: Sendable {
    private let folders: ProjectFolders
    /// Of the one server, or `gc`, that has the folders.
    private let lock: OwnedFileDescriptor
    private let log: @Sendable (String) -> Void

    /// - Throws: `WorkspaceError` where another server has the folders.
    init(_ folders: ProjectFolders, log: @escaping @Sendable (String) -> Void) throws(WorkspaceError) {
        self.folders = folders
        self.log = log
        lock = try folders.lock()
    }

    /// Ends what one that was killed has begun; nothing else may remove anything meanwhile.
    func finishBegun(_ hasRows: (_ id: String) throws(StoreError) -> Bool) throws(WorkspaceError) {
        for problem in try folders.cleanLeftovers() { log("what is left of a removed project stays: \(problem)") }
        let marked = try folders.markedRemovals()
        for path in marked.others {
            log("\(path) is left alone: it is named as the mark of a removal, and no project's")
        }
        for id in marked.projects {
            let isThere = try ProjectRemoval.stored { () throws(StoreError) in try hasRows(id) }
            if !isThere, let removed = try folders.setAside(id) {
                do throws(WorkspaceError) { try folders.remove(removed) } catch {
                    log("what is left of project \(id), which was removed, stays until the next start: \(error.detail)")
                }
            }
            try folders.unmarkRemoval(id)
        }
    }

    /// Removes the rows by `rows`, and takes the folder's name away.
    ///
    /// - Parameters:
    ///   - id: of the project.
    ///   - rows: false where there are none any more, or they stay.
    /// - Returns: what `rows` said, and the folder that is to be taken apart.
    /// - Throws: what `rows` throws; nothing is removed then.
    func begin(
        _ id: String,
        _ rows: () throws(WorkspaceError) -> Bool
    ) throws(WorkspaceError) -> (wasThere: Bool, folder: ProjectFolders.Removed?) {
        // A full disk is no reason not to make room: then a server that is killed right here leaves the folder behind. A folder that cannot be
        // written would stay without its rows.
        if try !folders.markRemoval(id) { log("project \(id) is removed without a mark: there is no room for one") }
        let wasThere: Bool
        do throws(WorkspaceError) {
            wasThere = try rows()
        } catch {
            unmark(id)
            throw error
        }
        var folder: ProjectFolders.Removed?
        if wasThere {
            do throws(WorkspaceError) { folder = try folders.setAside(id) } catch {
                // The mark stays: the next start goes on here.
                log("the folder of project \(id) is removed at the next start: \(error.detail)")
                return (true, nil)
            }
        }
        unmark(id)
        return (wasThere, folder)
    }

    /// Takes apart what was set aside.
    func finish(_ folder: ProjectFolders.Removed, of id: String) {
        do throws(WorkspaceError) { try folders.remove(folder) } catch {
            log("the folder of project \(id) is removed at the next start: \(error.detail)")
        }
    }

    private func unmark(_ id: String) {
        do throws(WorkspaceError) { try folders.unmarkRemoval(id) } catch { log("project \(id): \(error.detail)") }
    }

    static func stored<Value>(_ body: () throws(StoreError) -> Value) throws(WorkspaceError) -> Value {
        do throws(StoreError) {
            return try body()
        } catch {
            switch error.kind {
            case .full, .busy, .unwritable:
                throw WorkspaceError(.unavailable, "The server cannot store anything now", detail: "\(error)")
            case .noPage:
                throw WorkspaceError(
                    .noPage,
                    "there is no such entry any more; begin at the first page",
                    detail: "\(error)"
                )
            case .corrupt, .unknownSchema, .constraint, .other:
                throw WorkspaceError(.fault, "The server's store does not work", detail: "\(error)")
            }
        }
    }
}
