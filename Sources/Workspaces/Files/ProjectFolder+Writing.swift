internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

extension ProjectFolder {
    /// Begins to write a file; folders on the way to it that are missing are made (mode 0755).
    ///
    /// No link is followed, neither on the way nor as the last name. Names that tools obey (`.git`, `.codex`, `.envrc`, …) are
    /// refused.
    ///
    /// - Parameters:
    ///   - path: what a client has asked for.
    ///   - limit: in bytes.
    ///   - isExecutable: mode 0755 instead of 0644; nil: as the file that is replaced.
    /// - Returns: takes the bytes; without `commit` nothing comes of it.
    /// - Throws: `.invalidPath` for a link on the way and for a kept name; `.conflict` where a name on the way is no folder, or
    ///   the modes forbid it; `.unavailable` on a full disk.
    public func write(_ path: RequestedPath, limit: UInt64, isExecutable: Bool? = nil) throws(WorkspaceError)
        -> FileWriting
    {
        try ProjectFolder.checkName(path.path)
        var made: [OSString] = []
        do throws(WorkspaceError) {
            let parent = try makeFolders(to: path.path, &made)
            return try FileWriting(
                self,
                path.path,
                parent: parent,
                made: made,
                limit: limit,
                isExecutable: isExecutable
            )
        } catch {
            removeFolders(made)
            throw error
        }
    }

    /// Removes a file or a link, which is not followed; folders stay.
    ///
    /// - Throws: `.noFile` for nothing and for a folder; `.invalidPath` as for writing.
    public func remove(_ path: RequestedPath, _ condition: WritePrecondition = .none) throws(WorkspaceError)
        -> RemoveOutcome
    {
        try ProjectFolder.checkName(path.path)
        let parent = try parentFolder(of: path.path)
        let name = path.path.lastComponent
        return try FileWriting.exclusively { () throws(WorkspaceError) in
            let (facts, result) = FileFacts.of(parent.number, name)
            guard let facts else { throw WorkspaceError("statx", on: path.path, result) }
            guard facts.kind != .folder else { throw .noFile("\(path.path): a folder") }
            guard condition.holds(facts) else { return .preconditionFailed }
            let removed = name.withTerminator { name in Beneath.result { unlinkat(parent.number, name, 0) } }
            guard removed >= 0 else { throw ProjectFolder.fault("unlinkat", path.path, removed) }
            return .removed
        }
    }

    private static func checkName(_ path: OSString) throws(WorkspaceError) {
        if KeptNames.contains(path) {
            throw WorkspaceError(
                .invalidPath,
                "Invalid path: tools obey what is in .git, .codex, .claude, .vscode, .idea, .envrc, .mcp.json, .gitmodules and "
                    + ".codex-sandbox.toml; the API does not write there",
                detail: path.description
            )
        }
        if path.lastComponent.bytes.starts(with: FileWriting.temporaryPrefix.utf8) {
            throw .invalidPath("\(path): a name of the server's own")
        }
    }

    static func fault(_ call: String, _ path: OSString, _ result: Int) -> WorkspaceError {
        let detail = "\(call) \(path): \(ErrnoName.described(Int32(-result)))"
        return switch Int32(-result) {
        case EACCES, EPERM: WorkspaceError(.conflict, "The folder's mode forbids writing in it", detail: detail)
        case ENOTDIR: WorkspaceError(.conflict, "A file is where a folder is needed", detail: detail)
        case EISDIR: WorkspaceError(.conflict, "A folder is where a file is needed", detail: detail)
        default: WorkspaceError(call, on: path, result)
        }
    }

    /// The folder that a path's last name is in.
    func parentFolder(of path: OSString) throws(WorkspaceError) -> OwnedFileDescriptor {
        let name: OSString = path.containsSlash ? path.parent : "."
        let result = Beneath.open(name, below: number, Beneath.folderHandle, Beneath.withoutLinks)
        guard result >= 0 else { throw WorkspaceError("openat2", on: path, result) }
        return OwnedFileDescriptor(owning: Int32(result))
    }

    /// Takes folders away that were made for a file which did not come, as far as they are empty; the outermost first.
    func removeFolders(_ made: [OSString]) {
        for path in made.reversed() {
            let around: OSString = path.containsSlash ? path.parent : "."
            let opened = Beneath.open(around, below: number, Beneath.folderHandle, Beneath.withoutLinks)
            guard opened >= 0 else { return }
            let parent = OwnedFileDescriptor(owning: Int32(opened))
            let result = path.lastComponent.withTerminator { name in
                Beneath.result { unlinkat(parent.number, name, AT_REMOVEDIR) }
            }
            // Somebody has put something there.
            guard result >= 0 else { return }
        }
    }

    /// The same, with the folders that are missing; `made` gets these, from the project's folder.
    private func makeFolders(to path: OSString, _ made: inout [OSString]) throws(WorkspaceError) -> OwnedFileDescriptor
    {
        let copy = Beneath.open(".", below: number, Beneath.folderHandle, Beneath.withoutLinks)
        guard copy >= 0 else { throw ProjectFolder.fault("openat2", path, copy) }
        var folder = OwnedFileDescriptor(owning: Int32(copy))
        var way: OSString?
        for name in path.components.dropLast() {
            let here = way?.appending(name) ?? name
            var isNew = false
            defer { if isNew { made.append(here) } }
            folder = try Beneath.folder(name, in: folder.number, path, owner, &isNew)
            way = here
        }
        return folder
    }
}

extension Beneath {
    /// A folder of that name, made if it is missing.
    static func folder(
        _ name: OSString,
        in folder: Int32,
        _ path: OSString,
        _ owner: FileOwner?
    ) throws(WorkspaceError) -> OwnedFileDescriptor {
        var isNew = false
        return try Beneath.folder(name, in: folder, path, owner, &isNew)
    }

    /// The same; `isNew` becomes true where it was made, also if it could not be used then.
    static func folder(
        _ name: OSString,
        in folder: Int32,
        _ path: OSString,
        _ owner: FileOwner?,
        _ isNew: inout Bool
    ) throws(WorkspaceError) -> OwnedFileDescriptor {
        // Somebody may make and remove it in turns.
        for _ in 0..<16 {
            let found = open(name, below: folder, folderHandle, withoutLinks)
            if found >= 0 { return OwnedFileDescriptor(owning: Int32(found)) }
            guard found == Int(-ENOENT) else { throw ProjectFolder.fault("openat2", path, found) }
            let made = name.withTerminator { name in result { mkdirat(folder, name, 0o755) } }
            if made == Int(-EEXIST) { continue }
            guard made >= 0 else { throw ProjectFolder.fault("mkdirat", path, made) }
            isNew = true
            // What is there by now need not be what was made; it is a folder in this one in any case, and its owner's.
            let new = open(name, below: folder, readFolder, withoutLinks)
            if new == Int(-ENOENT) { continue }
            guard new >= 0 else { throw ProjectFolder.fault("openat2", path, new) }
            let number = OwnedFileDescriptor(owning: Int32(new))
            try give(number.number, to: owner, mode: 0o755, path)
            return number
        }
        throw ProjectFolder.fault("mkdirat", path, Int(-EAGAIN))
    }

    /// The mode whatever the umask is, and the owner.
    static func give(_ number: Int32, to owner: FileOwner?, mode: mode_t, _ path: OSString) throws(WorkspaceError) {
        let changed = result { fchmod(number, mode) }
        guard changed >= 0 else { throw ProjectFolder.fault("fchmod", path, changed) }
        guard let owner else { return }
        let given = result { fchown(number, owner.uid, owner.gid) }
        guard given >= 0 else { throw ProjectFolder.fault("fchown", path, given) }
    }
}
