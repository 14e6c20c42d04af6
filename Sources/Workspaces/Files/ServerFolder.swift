internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// The folder of a server's data as `service install` lays it out (`DIR/serve/`): what in it a server has made, and how that goes.
///
/// Looked at once, by descriptors: what is put in a name's place afterwards is judged again, or met by a call that follows no link. In the
/// folder itself everything must be a server's, or it is no such folder. In the one of the projects people may have put things: those stay.
public final class ServerFolder {
    private let path: OSString
    private let parent: OwnedFileDescriptor
    private let folder: OwnedFileDescriptor
    private let files: [OSString]
    private let projects: ProjectsOfServer?

    private static let projectsName: OSString = "workspaces"

    /// - Parameter path: absolute; links on the way to it are followed, it is none itself.
    /// - Throws: `.unavailable` with the reason in `detail`, where it cannot be opened, is a link or a mount or another account's, or has
    ///   something that no server makes.
    public init(_ path: OSString) throws(WorkspaceError) {
        self.path = path
        let number = path.parent.withTerminator { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard number >= 0 else { throw ProjectFolder.fault("open", path.parent, Int(-errno)) }
        let parent = OwnedFileDescriptor(owning: number)
        let folder = try ServerFolder.opened(path.lastComponent, in: parent.number, as: "it")
        var files: [OSString] = []
        var projects: ProjectsOfServer?
        for name in try ServerFolder.names(folder.number, path) {
            if name == ServerFolder.projectsName {
                let opened = try ServerFolder.opened(name, in: folder.number, as: "\(name)/ in it")
                projects = try ProjectsOfServer(opened, path.appending(name))
                continue
            }
            let (facts, result) = FileFacts.of(folder.number, name)
            guard let facts else { throw ProjectFolder.fault("statx", path.appending(name), result) }
            guard ServerFileNames.isOfDatabase(name), facts.kind == .file, facts.uid == geteuid() else {
                throw ServerFolder.refusal("it has \(name), which no server has made")
            }
            files.append(name)
        }
        self.parent = parent
        self.folder = folder
        self.files = files
        self.projects = projects
    }

    /// Whether there is a database, which says that a server was here.
    public var hasDatabase: Bool { files.contains(ServerFileNames.database) }

    /// Whether there are folders with the names of projects.
    public var hasProjects: Bool { projects.map { !$0.own.isEmpty } ?? false }

    /// What stays because no server has made it, with whole paths.
    public var foreign: [OSString] { projects?.foreign ?? [] }

    /// Removes what a server has made: the projects, then the database, so that what is interrupted is recognised again; then the folders
    /// that are empty.
    ///
    /// The caller sees to it that no server has the database.
    ///
    /// - Returns: what stays, with whole paths.
    /// - Throws: `WorkspaceError` with the first thing that cannot be removed; the others of its kind are gone then, and the database is not.
    public func remove() throws(WorkspaceError) -> [OSString] { try remove(patience: 600) }

    /// The same, with a bound in seconds for each project.
    func remove(patience: Int64) throws(WorkspaceError) -> [OSString] {
        var stays: [OSString] = []
        if let projects {
            stays = try projects.remove(patience: patience)
            if stays.isEmpty { try ServerFolder.remove(ServerFolder.projectsName, in: folder.number, AT_REMOVEDIR) }
        }
        // Its log without the database is nothing; the database without its log may be damaged. The lock is held meanwhile.
        let rest = files.filter { $0 != ServerFileNames.database && $0 != ServerFileNames.lock }
        for name in [ServerFileNames.database] + rest + [ServerFileNames.lock] {
            try ServerFolder.remove(name, in: folder.number, 0)
        }
        if stays.isEmpty { try ServerFolder.remove(path.lastComponent, in: parent.number, AT_REMOVEDIR) }
        return stays
    }

    // MARK: - Steps

    static func remove(_ name: OSString, in folder: Int32, _ flags: Int32) throws(WorkspaceError) {
        let removed = name.withTerminator { name in Beneath.result { unlinkat(folder, name, flags) } }
        guard removed >= 0 || removed == Int(-ENOENT) else {
            let detail = "unlinkat: \(ErrnoName.described(Int32(-removed)))"
            throw WorkspaceError(.unavailable, "\(name) cannot be removed", detail: detail)
        }
    }

    /// A folder of the caller's own, which is neither a link nor a mount.
    private static func opened(
        _ name: OSString,
        in folder: Int32,
        as words: String
    ) throws(WorkspaceError) -> OwnedFileDescriptor {
        let number = Beneath.open(name, below: folder, Beneath.readFolder, Beneath.onOneMount)
        switch Int32(-number) {
        case ELOOP, ENOTDIR: throw refusal("\(words) is a link, or no folder")
        case EXDEV: throw refusal("\(words) is a mount")
        default: break
        }
        guard number >= 0 else { throw refusal("\(words) cannot be opened: \(ErrnoName.described(Int32(-number)))") }
        let opened = OwnedFileDescriptor(owning: Int32(number))
        guard FileFacts.of(opened.number).facts?.uid == geteuid() else {
            throw refusal("\(words) belongs to another account")
        }
        return opened
    }

    /// In order.
    static func names(_ folder: Int32, _ path: OSString) throws(WorkspaceError) -> [OSString] {
        _ = lseek(folder, 0, SEEK_SET)
        var names: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: folder, named: path) { (entry) throws(SyscallError) in
                names.append(entry.copy)
                return true
            }
        } catch { throw ProjectFolder.fault(error.call, path, Int(-error.errno)) }
        return names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }

    static func refusal(_ why: String) -> WorkspaceError {
        WorkspaceError(.unavailable, "The folder is not recognised as the data of a server", detail: why)
    }
}
