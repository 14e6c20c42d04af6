internal import SandboxKernel
internal import Synchronization
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
    /// Which database has the rows; what another's server has begun is not ours to end.
    private let database: String
    /// Who counts on a project's mark, and whether it has to stay.
    private struct Mark {
        var holders = 0
        var stays = false
    }
    private let marks = Mutex<[String: Mark]>([:])

    /// - Throws: `WorkspaceError` where another server has the folders.
    init(
        _ folders: ProjectFolders,
        of database: String = "",
        log: @escaping @Sendable (String) -> Void
    ) throws(WorkspaceError) {
        self.folders = folders
        self.database = database
        self.log = log
        lock = try folders.lock()
    }

    /// Ends what one that was killed has begun; nothing else may remove anything meanwhile.
    func finishBegun(_ hasRows: (_ id: String) throws(StoreError) -> Bool) throws(WorkspaceError) {
        for problem in try folders.cleanLeftovers() { log("what is left of a removed project stays: \(problem)") }
        let marked = try folders.markedRemovals()
        for path in marked.others {
            log("\(path) is left alone: it is named as the mark of a removal, and none of ours")
        }
        for (id, database) in marked.projects {
            let isThere = try ProjectRemoval.stored { () throws(StoreError) in try hasRows(id) }
            // Another database has its rows, perhaps: what it says of the project is not known here. Without a folder there is nothing that
            // could be lost: one was killed between the mark's making and its words, or before the folder's.
            if !isThere && database != self.database && folders.hasName(id) {
                log(
                    "the folder of project \(id) stays: a server with another database has begun to make or to remove it"
                )
                continue
            }
            if !isThere, let removed = try folders.setAside(id) {
                log("project \(id), which was being made or removed when a server was killed, is removed")
                do throws(WorkspaceError) { try folders.remove(removed) } catch {
                    log("what is left of project \(id), which was removed, stays until the next start: \(error.detail)")
                }
            }
            unlink(id)
        }
    }

    /// Marks a project whose folder and rows come or go.
    ///
    /// - Returns: false where there is no room for that; `unmark` is called all the same.
    /// - Throws: `.unavailable` where it cannot be marked; nobody counts on it then.
    func mark(_ id: String) throws(WorkspaceError) -> Bool {
        // The file, too, in the lock: else the last of others would take it away from who has just found it there.
        do throws(WorkspaceError) {
            return try marks.withLock { (marks) throws(WorkspaceError) in
                marks[id, default: Mark()].holders += 1
                return try folders.markRemoval(id, of: database)
            }
        } catch {
            unmark(id)
            throw error
        }
    }

    /// Takes the mark away with the last who counts on it: of two removals, the one that fails leaves the other's.
    ///
    /// - Parameters:
    ///   - id: of the project.
    ///   - stays: the next start has to go on here.
    func unmark(_ id: String, stays: Bool = false) {
        marks.withLock { marks in
            var mark = marks[id] ?? Mark()
            mark.holders -= 1
            mark.stays = mark.stays || stays
            marks[id] = mark.holders > 0 ? mark : nil
            if mark.holders <= 0 && !mark.stays { unlink(id) }
        }
    }

    private func unlink(_ id: String) {
        do throws(WorkspaceError) { try folders.unmarkRemoval(id) } catch {
            log("the mark of project \(id) stays until the next start: \(error.detail)")
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
        if try !mark(id) { log("project \(id) is removed without a mark: there is no room for one") }
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
                unmark(id, stays: true)
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
