internal import Synchronization

/// Folders of projects that were asked for lately, open, so that neither the store nor the way to them is gone through for
/// every file of a page.
///
/// The name is looked at each time: a folder that was moved, or exchanged by hand, is none of these any more. Safe from any thread.
final class KnownFolders: Sendable {
    /// More are opened each time.
    private static let most = 64

    private struct Known {
        var folder: ProjectFolder
        var used: UInt64

        mutating func use(_ turn: UInt64) -> ProjectFolder {
            used = turn
            return folder
        }
    }

    private struct State {
        var folders: [String: Known] = [:]
        var turn: UInt64 = 0
        /// Counts what was forgotten, so that nothing is kept that was looked up before.
        var forgotten: UInt64 = 0
    }

    private let state = Mutex(State())

    /// The project's folder if it is known, and still in its place among `folders`.
    func folder(_ project: String, in folders: ProjectFolders) -> ProjectFolder? {
        let known = state.withLock { state -> ProjectFolder? in
            state.turn += 1
            return state.folders[project]?.use(state.turn)
        }
        guard let known else { return nil }
        if folders.holds(known, at: project) { return known }
        forget(project)
        return nil
    }

    /// To be asked for before the project is looked up, and given to `keep`.
    var time: UInt64 { state.withLock { $0.forgotten } }

    /// Keeps a folder that was found since `time`, unless one was forgotten since.
    func keep(_ folder: ProjectFolder, of project: String, since time: UInt64) {
        // What goes ends outside of the lock: it closes descriptors.
        _ = state.withLock { state -> Known? in
            guard state.forgotten == time else { return nil }
            var oldest: String?
            if state.folders.count >= KnownFolders.most, state.folders[project] == nil {
                oldest = state.folders.min { $0.value.used < $1.value.used }?.key
            }
            let gone = oldest.flatMap { state.folders.removeValue(forKey: $0) }
            state.turn += 1
            state.folders[project] = Known(folder: folder, used: state.turn)
            return gone
        }
    }

    /// Closes what is held of the folders' files and is not what it was.
    func letGoStale() {
        // Looking is done outside of the lock.
        let folders = state.withLock { $0.folders.values.map(\.folder) }
        for folder in folders { folder.letGoStale() }
    }

    func forget(_ project: String) {
        _ = state.withLock { state -> Known? in
            state.forgotten += 1
            return state.folders.removeValue(forKey: project)
        }
    }
}
