internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import Synchronization

/// A project's folder, which jobs may be changing while it is read and written.
///
/// Opened once; everything in it is reached from that descriptor through openat2(2), so that neither a swapped link nor a moved
/// folder leads anywhere else. Safe from any thread.
public final class ProjectFolder: Sendable {
    /// O_PATH.
    let descriptor: OwnedFileDescriptor
    /// As root: to whom what is made here is given, the folder's owner.
    let owner: FileOwner?
    /// Which folder it is (statx(2)).
    let device: UInt64
    let inode: UInt64
    /// The last short listing, for as long as it holds.
    let known = Mutex<KnownListing?>(nil)
    let knownFiles = KnownFiles()
    /// Where it is a project's, and of which name.
    private let place: (folders: ProjectFolders, name: String)?

    init(
        _ descriptor: consuming OwnedFileDescriptor,
        of place: (folders: ProjectFolders, name: String)? = nil
    ) throws(WorkspaceError) {
        let (facts, result) = FileFacts.of(descriptor.number)
        guard let facts else { throw WorkspaceError("statx", on: "the project's folder", result) }
        // A job may have closed it to itself and to us; the owner's rights are ours to take back.
        if facts.uid == geteuid() && facts.mode & 0o700 != 0o700 {
            _ = chmod("/proc/self/fd/\(descriptor.number)", facts.mode & 0o777 | 0o700)
        }
        device = facts.device
        inode = facts.inode
        owner = geteuid() == 0 ? FileOwner(uid: facts.uid, gid: facts.gid) : nil
        self.descriptor = descriptor
        self.place = place
    }

    /// That what is put here now can be found by its project.
    func checkTakes() throws(WorkspaceError) { try place?.folders.checkTakes(self, place?.name ?? "") }

    var number: Int32 { descriptor.number }

    /// A regular file, opened for reading; links are followed as long as they stay in the folder.
    ///
    /// - Throws: `.invalidPath` for a link that leads out, is absolute, of /proc, or one of a ring, dangling or not; `.noFile`
    ///   for nothing, a folder, FIFO, socket or device, and a file whose mode forbids it to the server.
    public func open(_ path: RequestedPath) throws(WorkspaceError) -> OpenedFile {
        let path = path.path
        if let known = knownFiles.file(path, in: self) { return known }
        let now_ns = ProjectFolder.clock_ns()
        let file = try open(path, Beneath.withLinks)
        if file.size <= KnownFile.longest, knownFiles.isAskedAgain(path),
            let known = KnownFile(path, file, in: self, now_ns: now_ns)
        {
            knownFiles.keep(known)
        }
        return file
    }

    func open(_ path: OSString, _ resolve: UInt64) throws(WorkspaceError) -> OpenedFile {
        let number = Beneath.open(path, below: number, Beneath.readFile, resolve)
        guard number >= 0 else { throw WorkspaceError("openat2", on: path, number) }
        let file = OwnedFileDescriptor(owning: Int32(number))
        let (facts, result) = FileFacts.of(file.number)
        guard let facts else { throw WorkspaceError("statx", on: path, result) }
        guard facts.kind == .file else { throw .noFile("\(path): no regular file") }
        return OpenedFile(file, facts)
    }

    /// Whether anything has that name; no link is followed.
    func hasName(_ path: OSString) -> Bool {
        let flags = Beneath.handle | UInt64(CS_O_NOFOLLOW)
        // A link as the last name is opened itself by O_PATH and O_NOFOLLOW (open(2)); RESOLVE_NO_SYMLINKS would refuse it.
        let parent = Beneath.open(
            path.containsSlash ? path.parent : ".",
            below: number,
            Beneath.folderHandle,
            Beneath.withoutLinks
        )
        guard parent >= 0 else { return false }
        let folder = OwnedFileDescriptor(owning: Int32(parent))
        let found = Beneath.open(path.lastComponent, below: folder.number, flags, Beneath.withLinks)
        guard found >= 0 else { return false }
        close(Int32(found))
        return true
    }

    /// The whole of a file.
    ///
    /// - Parameters:
    ///   - path: what a client has asked for.
    ///   - limit: in bytes.
    /// - Returns: its bytes.
    /// - Throws: `.tooMuch` for a longer file, and what `open` throws.
    public func contents(_ path: RequestedPath, limit: Int) throws(WorkspaceError) -> [UInt8] {
        try ProjectFolder.contents(try open(path), path.path, limit)
    }

    static func contents(_ file: OpenedFile, _ path: OSString, _ limit: Int) throws(WorkspaceError) -> [UInt8] {
        let tooMuch = WorkspaceError(
            .tooMuch,
            "The file is larger than \(limit) bytes",
            detail: "\(path): \(file.size) bytes"
        )
        guard file.size <= UInt64(limit) else { throw tooMuch }
        // It may have grown since; what it grows by afterwards is not seen.
        let bytes = try file.read(at: 0, count: min(limit, Int(file.size) + 4096) + 1)
        guard bytes.count <= limit else { throw tooMuch }
        return bytes
    }
}

/// To whom files are given that root makes.
public struct FileOwner: Hashable, Sendable {
    public var uid: UInt32
    public var gid: UInt32

    public init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}
