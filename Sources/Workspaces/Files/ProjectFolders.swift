internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import Synchronization

/// The folder that all projects' folders are in (`WORKSPACE_ROOT`).
///
/// A project's folder appears whole or not at all, and goes at once: both are made ready, and taken apart, under a hidden name
/// beside it. Safe from any thread.
public final class ProjectFolders: Sendable {
    /// As the setting says it.
    public let path: String
    private let descriptor: OwnedFileDescriptor

    static let newPrefix = ".new-"
    static let removedPrefix = ".removed-"
    static let markPrefix = ".removing-"
    /// What this process makes and takes away is not what another one has left.
    private static let own = Beneath.randomName("").description + "-"
    /// Projects into which no client writes now.
    private let closed = Mutex<Set<String>>([])
    /// Longer than any disk takes for what a project may hold.
    private static let patience: Int64 = 600

    /// Opens the folder, and makes it and those on the way to it if they are missing (mode 0755).
    ///
    /// Links on the way are the operator's own, and followed.
    ///
    /// - Throws: `.unavailable` with what to change where it is no folder, not writable, somebody else's, or one in which
    ///   everybody may rename what is ours.
    public init(at path: String) throws(WorkspaceError) {
        self.path = path
        let name = OSString(path)
        guard !name.isEmpty && !name.bytes.contains(0) else {
            throw ProjectFolders.unusable(path, "it is no path", "name a folder")
        }
        var opened = ProjectFolders.open(name)
        if opened == Int(-ENOENT) {
            try ProjectFolders.make(name, path)
            opened = ProjectFolders.open(name)
        }
        guard opened >= 0 else { throw ProjectFolders.unusable(path, "open", opened) }
        descriptor = OwnedFileDescriptor(owning: Int32(opened))
        let (facts, result) = FileFacts.of(descriptor.number)
        guard let facts else { throw ProjectFolders.unusable(path, "statx", result) }
        guard facts.uid == geteuid() || facts.uid == 0 else {
            throw ProjectFolders.unusable(path, "it belongs to user \(facts.uid)", "name a folder of user \(geteuid())")
        }
        guard facts.mode & 0o002 == 0 || facts.mode & 0o1000 != 0 else {
            throw ProjectFolders.unusable(path, "everybody may rename what is in it", "take that right away: chmod o-w")
        }
        // faccessat(2) asks for the real user's rights; this server has one user.
        let allowed = Beneath.result { access("/proc/self/fd/\(descriptor.number)", W_OK | X_OK) }
        guard allowed >= 0 else { throw ProjectFolders.unusable(path, "access", allowed) }
    }

    /// Takes the folder for one server, for as long as the value lives: another one's leftovers could be what this one is making.
    ///
    /// - Returns: what holds it (flock(2)); let go when the process ends.
    /// - Throws: `.unavailable` where another server has it.
    func lock() throws(WorkspaceError) -> OwnedFileDescriptor {
        let number = Beneath.open(".", below: descriptor.number, Beneath.readFolder, Beneath.withoutLinks)
        guard number >= 0 else { throw ProjectFolders.unusable(path, "openat2", number) }
        let lock = OwnedFileDescriptor(owning: Int32(number))
        // A server that was killed may be gone a moment before its children have executed, and until then they hold it.
        for _ in 0..<25 {
            let result = Beneath.result { flock(lock.number, LOCK_EX | LOCK_NB) }
            if result >= 0 { return lock }
            guard result == Int(-EWOULDBLOCK) else { throw ProjectFolders.unusable(path, "flock", result) }
            usleep(10_000)
        }
        throw ProjectFolders.unusable(path, "another server has it", "end that one, or set another WORKSPACE_ROOT")
    }

    /// Whether the folder is still in its place: jobs are started by its path.
    public var isThere: Bool {
        var (status, now) = (stat(), stat())
        return fstat(descriptor.number, &status) == 0 && status.st_nlink > 0 && stat(path, &now) == 0
            && now.st_dev == status.st_dev && now.st_ino == status.st_ino
    }

    /// Makes a project's folder with an empty `.codex` in it (modes 0700 and 0755).
    ///
    /// - Parameters:
    ///   - name: letters, digits, `-` and `_`, at most 64.
    ///   - owner: for root: to whom both are given.
    /// - Returns: the folder, opened.
    /// - Throws: `.conflict` where the name is taken; `.unavailable` where the folder cannot be written.
    public func create(_ name: String, owner: FileOwner? = nil) throws(WorkspaceError) -> ProjectFolder {
        let name = try ProjectFolders.checked(name)
        let new = Beneath.randomName(ProjectFolders.newPrefix + ProjectFolders.own)
        let made = new.withTerminator { new in Beneath.result { mkdirat(descriptor.number, new, 0o700) } }
        guard made >= 0 else { throw ProjectFolders.unusable(path, "mkdirat", made) }
        do throws(WorkspaceError) {
            let number = Beneath.open(new, below: descriptor.number, Beneath.readFolder, Beneath.withoutLinks)
            guard number >= 0 else { throw ProjectFolders.unusable(path, "openat2", number) }
            let folder = OwnedFileDescriptor(owning: Int32(number))
            _ = try Beneath.folder(ExchangeFolder.name, in: folder.number, new, owner)
            try Beneath.give(folder.number, to: owner, mode: 0o700, new)
            let moved = new.withTerminator { new in
                name.withTerminator { cs_move_name(descriptor.number, new, descriptor.number, $0) }
            }
            if moved == Int(-EEXIST) {
                throw WorkspaceError(.conflict, "The project has a folder already", detail: "\(path)/\(name)")
            }
            guard moved >= 0 else { throw ProjectFolders.unusable(path, "renameat2", moved) }
        } catch {
            // The first fault counts; what stays behind is hidden, and goes at the next start.
            do throws(WorkspaceError) {
                try FolderRemoval.all(new, in: descriptor.number, seconds: ProjectFolders.patience)
            } catch _ {}
            throw error
        }
        return try folder(name)
    }

    /// A project's folder, opened.
    ///
    /// - Throws: `.noProject` where there is none, or a link or file in its place.
    public func folder(_ name: String) throws(WorkspaceError) -> ProjectFolder {
        try folder(try ProjectFolders.checked(name))
    }

    /// Whether `folder` is what the name means now, and open to its owner.
    func holds(_ folder: ProjectFolder, at name: String) -> Bool {
        var found = cs_identity()
        guard name.withCString({ cs_identify(descriptor.number, $0, &found) }) == 0 else { return false }
        return found.inode == folder.inode && found.device == folder.device && found.mode & 0o700 == 0o700
    }

    /// Whether anything has the name; also where that cannot be told.
    func hasName(_ name: String) -> Bool {
        var found = stat()
        return fstatat(descriptor.number, name, &found, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT
    }

    private func folder(_ name: OSString) throws(WorkspaceError) -> ProjectFolder {
        let number = Beneath.open(name, below: descriptor.number, Beneath.folderHandle, Beneath.withoutLinks)
        switch Int32(-number) {
        case ENOENT, ENOTDIR, ELOOP:
            // Somebody removed it, or put something else in its place: of a project that was deleted nobody asks here.
            throw WorkspaceError(
                .noProject,
                "The project's folder is not there any more; DELETE takes away what is left of the project",
                detail: "\(path)/\(name): no folder"
            )
        default: break
        }
        guard number >= 0 else { throw WorkspaceError("openat2", on: name, number) }
        return try ProjectFolder(OwnedFileDescriptor(owning: Int32(number)), of: (self, name.description))
    }

    /// Lets no client put a file into a project until `openForWriting`; what is being put is there before.
    func closeForWriting(_ name: String) throws(WorkspaceError) {
        try FileWriting.exclusively { () throws(WorkspaceError) in closed.withLock { _ = $0.insert(name) } }
    }

    func openForWriting(_ name: String) { closed.withLock { _ = $0.remove(name) } }

    /// In `FileWriting.exclusively`: a file is stored where its project is.
    func checkTakes(_ folder: ProjectFolder, _ name: String) throws(WorkspaceError) {
        if closed.withLock({ $0.contains(name) }) { throw WorkspaceError(.conflict, "The project is being removed") }
        var found = cs_identity()
        let isThere = name.withCString { cs_identify(descriptor.number, $0, &found) } == 0
        guard isThere, found.inode == folder.inode, found.device == folder.device else {
            throw WorkspaceError(
                .noProject,
                "Project not found",
                detail: "\(path)/\(name): removed, or another, by now"
            )
        }
    }

    /// Removes a project's folder with all that is in it: its name is gone at once, the contents by the end of the call.
    ///
    /// Whatever is in its place goes, a link or a file too; a link is not followed. Nothing there is no error.
    ///
    /// - Throws: `.unavailable` when something cannot be removed; it is hidden then, and tried again at the next start.
    public func removeAll(_ name: String) throws(WorkspaceError) {
        if let aside = try setAside(name) { try remove(aside) }
    }

    /// A folder whose project is gone, under its hidden name.
    struct Removed: Sendable {
        fileprivate var name: OSString
    }

    /// Takes apart what was set aside: as long as a worker has made it.
    func remove(_ removed: Removed) throws(WorkspaceError) { try removeHidden(removed.name) }

    /// Takes the name away, at once; nil where there was nothing.
    func setAside(_ name: String) throws(WorkspaceError) -> Removed? {
        let name = try ProjectFolders.checked(name)
        let aside = Beneath.randomName(ProjectFolders.removedPrefix + ProjectFolders.own)
        let moved = name.withTerminator { name in
            aside.withTerminator { cs_move_name(descriptor.number, name, descriptor.number, $0) }
        }
        if moved == Int(-ENOENT) { return nil }
        guard moved >= 0 else { throw ProjectFolders.unusable(path, "renameat2", moved) }
        return Removed(name: aside)
    }

    /// Removes what a server that was killed has left half made or half removed.
    ///
    /// For the start; may run beside everything else, because what this process itself is at is left alone.
    ///
    /// - Returns: what could not be removed, in words for the log.
    public func cleanLeftovers() throws(WorkspaceError) -> [String] {
        // Somebody's own folder may begin so: as a whole, the names are nobody's but a server's.
        let names = try names { name in
            ServerFileNames.isHidden(name)
                && ![ProjectFolders.newPrefix, ProjectFolders.removedPrefix].contains { prefix in
                    name.bytes.starts(with: (prefix + ProjectFolders.own).utf8)
                }
        }
        var failures: [String] = []
        for name in names {
            do throws(WorkspaceError) { try removeHidden(name) } catch {
                failures.append("\(path)/\(name): \(error.detail)")
            }
        }
        return failures
    }

    // MARK: - Hidden folders

    /// Makes an empty folder that is no project's (mode 0700), and answers its name; what a killed server leaves goes at the next start.
    func makeHidden() throws(WorkspaceError) -> String {
        let name = Beneath.randomName(ProjectFolders.newPrefix + ProjectFolders.own)
        let made = name.withTerminator { name in Beneath.result { mkdirat(descriptor.number, name, 0o700) } }
        guard made >= 0 else { throw ProjectFolders.unusable(path, "mkdirat", made) }
        return name.description
    }

    func removeHidden(_ name: String) throws(WorkspaceError) {
        precondition(name.hasPrefix(ProjectFolders.newPrefix), "a name of makeHidden")
        try removeHidden(OSString(name))
    }

    // MARK: - Marks

    /// Notes that the removal of a project has begun; one that is there already is as good.
    ///
    /// - Parameters:
    ///   - name: of the project.
    ///   - database: which has the project's rows: without it a start with another one, which has none, would take the folder away.
    /// - Returns: false where there is no room for that.
    /// - Throws: `.unavailable` where the folder cannot be written.
    @discardableResult
    func markRemoval(_ name: String, of database: String = "") throws(WorkspaceError) -> Bool {
        let mark = try ProjectFolders.mark(name)
        let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        let number = mark.withTerminator { mark in Beneath.result { openat(descriptor.number, mark, flags, 0o600) } }
        if number == Int(-ENOSPC) || number == Int(-EDQUOT) { return false }
        guard number >= 0 else { throw ProjectFolders.unusable(path, "openat \(mark)", number) }
        let file = OwnedFileDescriptor(owning: Int32(number))
        let bytes = Array(database.utf8)
        let written = Beneath.result { Int32(clamping: bytes.isEmpty ? 0 : pwrite(file.number, bytes, bytes.count, 0)) }
        // A mark that says less is one of no database: the folder stays then.
        return written == bytes.count
    }

    /// Notes that there is nothing begun any more.
    func unmarkRemoval(_ name: String) throws(WorkspaceError) {
        let mark = try ProjectFolders.mark(name)
        let removed = mark.withTerminator { mark in Beneath.result { unlinkat(descriptor.number, mark, 0) } }
        guard removed >= 0 || removed == Int(-ENOENT) else {
            throw ProjectFolders.unusable(path, "unlinkat \(mark)", removed)
        }
    }

    /// The projects of which a removal has begun, and the database of each; and the paths of what is named as a mark and none of ours.
    func markedRemovals() throws(WorkspaceError) -> (projects: [(id: String, database: String)], others: [String]) {
        var (projects, others): ([(id: String, database: String)], [String]) = ([], [])
        for name in try names({ $0.bytes.starts(with: ProjectFolders.markPrefix.utf8) }) {
            if ServerFileNames.isMark(name), let database = database(ofMark: name) {
                projects.append(
                    (OSString(name.bytes.dropFirst(ProjectFolders.markPrefix.utf8.count)).description, database)
                )
            } else {
                others.append("\(path)/\(name)")
            }
        }
        return (projects, others)
    }

    /// What a mark says; nil where it is no file, or none of this account's.
    private func database(ofMark mark: OSString) -> String? {
        let flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        let number = mark.withTerminator { mark in Beneath.result { openat(descriptor.number, mark, flags) } }
        guard number >= 0 else { return nil }
        let file = OwnedFileDescriptor(owning: Int32(number))
        var found = stat()
        guard fstat(file.number, &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_uid == geteuid() else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(file.number, &bytes, bytes.count, 0)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private static func mark(_ name: String) throws(WorkspaceError) -> OSString {
        OSString(markPrefix + (try checked(name)).description)
    }

    // MARK: - Steps

    private func names(_ isMeant: (OSString) -> Bool) throws(WorkspaceError) -> [OSString] {
        let number = Beneath.open(".", below: descriptor.number, Beneath.readFolder, Beneath.withoutLinks)
        guard number >= 0 else { throw ProjectFolders.unusable(path, "openat2", number) }
        let folder = OwnedFileDescriptor(owning: Int32(number))
        var names: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: folder.number, named: OSString(path)) { (entry) throws(SyscallError) in
                names.append(entry.copy)
                return true
            }
        } catch { throw ProjectFolders.unusable(path, error.call, Int(-error.errno)) }
        return names.filter(isMeant)
    }

    private func removeHidden(_ name: OSString) throws(WorkspaceError) {
        let removed = name.withTerminator { name in Beneath.result { unlinkat(descriptor.number, name, 0) } }
        switch Int32(-removed) {
        case 0, ENOENT: return
        case EISDIR: try FolderRemoval.all(name, in: descriptor.number, seconds: ProjectFolders.patience)
        default: throw ProjectFolders.unusable(path, "unlinkat", removed)
        }
    }

    /// A project's name comes from the store, and once came from a request.
    private static func checked(_ name: String) throws(WorkspaceError) -> OSString {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName && (1...64).contains(name.utf8.count) else {
            throw WorkspaceError(.noProject, "Project not found", detail: "a name that no project has")
        }
        return OSString(name)
    }

    private static func open(_ path: OSString) -> Int {
        path.withTerminator { cs_openat2(AT_FDCWD, $0, Beneath.folderHandle, 0, 0) }
    }

    private static func make(_ name: OSString, _ path: String) throws(WorkspaceError) {
        var part: OSString = name.isAbsolute ? "/" : ""
        for component in name.components {
            part = part.appending(component)
            let made = part.withTerminator { part in Beneath.result { mkdir(part, 0o755) } }
            guard made >= 0 || made == Int(-EEXIST) else { throw unusable(path, "mkdir \(part)", made) }
        }
    }

    private static func unusable(_ path: String, _ call: String, _ result: Int) -> WorkspaceError {
        unusable(
            path,
            "\(call): \(ErrnoName.described(Int32(-result)))",
            "make it a folder that user \(geteuid()) may write in, or set WORKSPACE_ROOT to one"
        )
    }

    private static func unusable(_ path: String, _ reason: String, _ remedy: String) -> WorkspaceError {
        WorkspaceError(
            .unavailable,
            "The folder of the workspaces cannot be used",
            detail: "WORKSPACE_ROOT \(path): \(reason); \(remedy)"
        )
    }
}
