internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// `.codex`, the folder that a job's request and result pass through: an earlier job may have made anything of it.
enum ExchangeFolder {
    static let name: OSString = ".codex"
    static let request: OSString = "request.json"
    static let result: OSString = "result.json"

    private static let patience: Int64 = 60

    /// The folder itself: what else is in its place is removed, and a fresh one made.
    ///
    /// - Throws: `.unavailable` or `.conflict` when it cannot be had.
    static func open(in folder: ProjectFolder) throws(WorkspaceError) -> OwnedFileDescriptor {
        for _ in 0..<16 {
            let number = Beneath.open(name, below: folder.number, Beneath.folderHandle, Beneath.withoutLinks)
            switch Int32(-number) {
            case ENOENT:
                let made = try Beneath.folder(name, in: folder.number, name, folder.owner)
                return try opened(made.release())
            case ENOTDIR, ELOOP:
                let removed = name.withTerminator { name in Beneath.result { unlinkat(folder.number, name, 0) } }
                // A folder again: it is looked at once more.
                if removed == 0 || removed == Int(-ENOENT) || removed == Int(-EISDIR) { continue }
                throw ProjectFolder.fault("unlinkat", name, removed)
            default:
                guard number >= 0 else { throw ProjectFolder.fault("openat2", name, number) }
                return try opened(Int32(number))
            }
        }
        throw ProjectFolder.fault("openat2", name, Int(-EAGAIN))
    }

    /// Whether anything has the result's name.
    static func hasResult(in folder: ProjectFolder) throws(WorkspaceError) -> Bool {
        let path = name.appending(result)
        let number = Beneath.open(path, below: folder.number, Beneath.handle, Beneath.withoutLinks)
        switch Int32(-number) {
        case ENOENT: return false
        // A link, or a file in the folder's place: something, and what the launch has said of it counts.
        case ENOTDIR, ELOOP: return true
        default:
            guard number >= 0 else { throw ProjectFolder.fault("openat2", path, number) }
            _ = OwnedFileDescriptor(owning: Int32(number))
            return true
        }
    }

    /// With the owner's rights, which a job may have taken away.
    private static func opened(_ number: Int32) throws(WorkspaceError) -> OwnedFileDescriptor {
        let folder = OwnedFileDescriptor(owning: number)
        let (facts, result) = FileFacts.of(folder.number)
        guard let facts else { throw ProjectFolder.fault("statx", name, result) }
        if facts.uid == geteuid() && facts.mode & 0o700 != 0o700 {
            let changed = Beneath.result { chmod("/proc/self/fd/\(folder.number)", facts.mode & 0o777 | 0o700) }
            guard changed >= 0 else { throw ProjectFolder.fault("chmod", name, changed) }
        }
        return folder
    }

    /// Removes a name in it, whatever stands there.
    static func remove(_ name: OSString, in folder: Int32) throws(WorkspaceError) {
        let removed = name.withTerminator { name in Beneath.result { unlinkat(folder, name, 0) } }
        switch Int32(-removed) {
        case 0, ENOENT: return
        case EISDIR: try FolderRemoval.all(name, in: folder, seconds: patience)
        default: throw ProjectFolder.fault("unlinkat", name, removed)
        }
    }

    /// Writes a file at once, over whatever stands there.
    static func write(
        _ bytes: [UInt8],
        as name: OSString,
        in folder: Int32,
        _ owner: FileOwner?
    ) throws(WorkspaceError) {
        let new = Beneath.randomName(".request-")
        let flags = UInt64(O_WRONLY | O_CREAT | O_EXCL) | UInt64(CS_O_NOFOLLOW)
        let number = Beneath.open(new, below: folder, flags, mode: 0o600, Beneath.withoutLinks)
        guard number >= 0 else { throw ProjectFolder.fault("openat2", new, number) }
        let file = OwnedFileDescriptor(owning: Int32(number))
        do throws(WorkspaceError) {
            try fill(file.number, bytes, new)
            try Beneath.give(file.number, to: owner, mode: 0o644, new)
            try remove(name, in: folder)
            let moved = new.withTerminator { new in
                name.withTerminator { name in Beneath.result { renameat(folder, new, folder, name) } }
            }
            guard moved >= 0 else { throw ProjectFolder.fault("renameat", name, moved) }
        } catch {
            _ = new.withTerminator { unlinkat(folder, $0, 0) }
            throw error
        }
    }

    private static func fill(_ number: Int32, _ bytes: [UInt8], _ name: OSString) throws(WorkspaceError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(number, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            let code = errno
            if count > 0 { done += count }
            if count == 0 { throw ProjectFolder.fault("write", name, Int(-EIO)) }
            if count < 0 && code != EINTR { throw ProjectFolder.fault("write", name, Int(-code)) }
        }
    }
}
