internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The folder of a server's projects that is to be taken away, with what in it is a server's and what is somebody else's.
///
/// A server gives its names: a project's folder has a UUID's, what is half made or half removed a hidden one. A link or a file in the
/// place of a project is somebody's own, and so is whatever another account has. A mount is never entered: it ends the removal.
final class ProjectsOfServer {
    private let path: OSString
    private let folder: OwnedFileDescriptor
    let own: [OSString]
    /// With whole paths.
    let foreign: [OSString]

    init(_ folder: consuming OwnedFileDescriptor, _ path: OSString) throws(WorkspaceError) {
        self.path = path
        var own: [OSString] = []
        var foreign: [OSString] = []
        for name in try ServerFolder.names(folder.number, path) {
            if ProjectsOfServer.isOwn(name, in: folder.number) {
                own.append(name)
            } else {
                foreign.append(path.appending(name))
            }
        }
        self.folder = folder
        self.own = own
        self.foreign = foreign
    }

    /// - Parameter patience: how long one project may take, in seconds.
    /// - Returns: what stays, with whole paths.
    /// - Throws: `WorkspaceError` with the first thing that cannot be removed; the others are gone then.
    func remove(patience: Int64) throws(WorkspaceError) -> [OSString] {
        try lock()
        defer { _ = flock(folder.number, LOCK_UN) }
        var first: WorkspaceError?
        for name in own {
            // Since it was looked at something else may stand there.
            guard ProjectsOfServer.isOwn(name, in: folder.number) else { continue }
            do throws(WorkspaceError) {
                if FileFacts.of(folder.number, name).facts?.kind == .folder {
                    try FolderRemoval.all(name, in: folder.number, seconds: patience)
                } else {
                    try ServerFolder.remove(name, in: folder.number, 0)
                }
            } catch {
                if first == nil {
                    first = WorkspaceError(
                        error.kind,
                        "\(path.appending(name)) cannot be removed",
                        detail: error.detail
                    )
                }
            }
        }
        if let first { throw first }
        return try ServerFolder.names(folder.number, path).map { path.appending($0) }
    }

    private static func isOwn(_ name: OSString, in folder: Int32) -> Bool {
        guard let facts = FileFacts.of(folder, name).facts, facts.uid == geteuid() else { return false }
        if facts.kind == .folder {
            return ServerFileNames.isProject(name) || ServerFileNames.isHidden(name)
        }
        // A removal takes whatever stands in a project's place under a hidden name first.
        return ServerFileNames.isHidden(name) || facts.kind == .file && ServerFileNames.isMark(name)
    }

    /// As a server takes it (`ProjectFolders.lock`), which may be one with another database.
    private func lock() throws(WorkspaceError) {
        for _ in 0..<25 {
            let result = Beneath.result { flock(folder.number, LOCK_EX | LOCK_NB) }
            if result >= 0 { return }
            guard result == Int(-EWOULDBLOCK) else { throw ProjectFolder.fault("flock", path, result) }
            usleep(10_000)
        }
        throw WorkspaceError(
            .unavailable,
            "The projects cannot be removed",
            detail: "another server has \(path); end that one"
        )
    }
}
