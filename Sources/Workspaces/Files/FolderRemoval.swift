internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Takes a folder away with all that is in it, in steps, whatever a job has left there.
///
/// No link is followed and no other mount entered. Folders in folders are moved up into the first one before they are looked
/// into, so that a tree of any depth takes two descriptors, no stack and no long path. Folders that are closed to their owner
/// are opened (chmod(2)) where the owner is the server.
struct FolderRemoval: ~Copyable {
    private let parent: Int32
    private let name: OSString
    private let top: OwnedFileDescriptor
    private var budget = 0

    /// - Parameters:
    ///   - name: one name; a folder, not a link to one.
    ///   - parent: the folder it is in, which the caller keeps open meanwhile.
    /// - Throws: `.unavailable` when it cannot be opened.
    init(_ name: OSString, in parent: Int32) throws(WorkspaceError) {
        self.parent = parent
        self.name = name
        top = try FolderRemoval.open(name, in: parent)
    }

    /// Removes a whole folder, and gives up after a time.
    static func all(_ name: OSString, in parent: Int32, seconds: Int64) throws(WorkspaceError) {
        let end = cs_monotonic() + seconds * 1_000_000_000
        var removal = try FolderRemoval(name, in: parent)
        while try !removal.step(1000) {
            if cs_monotonic() > end {
                throw WorkspaceError(
                    .unavailable,
                    "The folder is not removed yet",
                    detail: "\(name): after \(seconds) s"
                )
            }
        }
    }

    /// Removes about so many entries; true when nothing is left, and the folder itself is gone.
    ///
    /// - Throws: `WorkspaceError` at the first thing that cannot be removed.
    mutating func step(_ entries: Int) throws(WorkspaceError) -> Bool {
        budget = entries
        while budget > 0 {
            let batch = try FolderRemoval.batch(top.number, name)
            if batch.isEmpty {
                let result = remove(name, in: parent, AT_REMOVEDIR)
                if result == 0 || result == Int(-ENOENT) { return true }
                if result != Int(-ENOTEMPTY) { throw fault("unlinkat", name, result) }
            }
            for entry in batch { try removeFromTop(entry) }
        }
        return false
    }

    // MARK: - Steps

    private static func fault(_ call: String, _ path: OSString, _ result: Int) -> WorkspaceError {
        let detail = "\(call) \(path): \(ErrnoName.described(Int32(-result)))"
        return WorkspaceError(.unavailable, "The folder cannot be removed", detail: detail)
    }

    private func fault(_ call: String, _ path: OSString, _ result: Int) -> WorkspaceError {
        FolderRemoval.fault(call, path, result)
    }

    private func remove(_ name: OSString, in folder: Int32, _ flags: Int32) -> Int {
        name.withTerminator { name in Beneath.result { unlinkat(folder, name, flags) } }
    }

    /// Opens a folder for reading and, where it is ours, for everything.
    private static func open(_ name: OSString, in folder: Int32) throws(WorkspaceError) -> OwnedFileDescriptor {
        let found = Beneath.open(name, below: folder, Beneath.folderHandle, Beneath.onOneMount)
        guard found >= 0 else { throw fault("openat2", name, found) }
        let handle = OwnedFileDescriptor(owning: Int32(found))
        let (facts, result) = FileFacts.of(handle.number)
        guard let facts else { throw fault("statx", name, result) }
        if facts.mode & 0o700 != 0o700 && (facts.uid == geteuid() || geteuid() == 0) {
            let changed = Beneath.result { chmod("/proc/self/fd/\(handle.number)", facts.mode & 0o777 | 0o700) }
            guard changed >= 0 else { throw fault("chmod", name, changed) }
        }
        let number = Beneath.open(".", below: handle.number, Beneath.readFolder, Beneath.onOneMount)
        guard number >= 0 else { throw fault("openat2", name, number) }
        return OwnedFileDescriptor(owning: Int32(number))
    }

    /// Some names of a folder, from its beginning.
    private static func batch(_ folder: Int32, _ path: OSString) throws(WorkspaceError) -> [OSString] {
        _ = lseek(folder, 0, SEEK_SET)
        var names: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: folder, named: path) { (entry) throws(SyscallError) in
                names.append(entry.copy)
                return names.count < 512
            }
        } catch {
            // A folder that somebody has removed meanwhile.
            if error.errno != ENOENT { throw fault(error.call, path, Int(-error.errno)) }
        }
        return names
    }

    private mutating func removeFromTop(_ name: OSString) throws(WorkspaceError) {
        budget -= 1
        let result = remove(name, in: top.number, 0)
        switch Int32(-result) {
        case 0, ENOENT: return
        case EISDIR: break
        default: throw fault("unlinkat", name, result)
        }
        if remove(name, in: top.number, AT_REMOVEDIR) == 0 { return }
        let folder = try FolderRemoval.open(name, in: top.number)
        while budget > 0 {
            let batch = try FolderRemoval.batch(folder.number, name)
            if batch.isEmpty {
                let removed = remove(name, in: top.number, AT_REMOVEDIR)
                if removed == 0 || removed == Int(-ENOENT) { return }
                if removed != Int(-ENOTEMPTY) { throw fault("unlinkat", name, removed) }
            }
            for entry in batch { try removeOrRaise(entry, folder.number) }
        }
    }

    /// A file of a folder in the first one is removed, a folder moved up beside its parent.
    private mutating func removeOrRaise(_ name: OSString, _ folder: Int32) throws(WorkspaceError) {
        budget -= 1
        let result = remove(name, in: folder, 0)
        switch Int32(-result) {
        case 0, ENOENT: return
        case EISDIR: break
        default: throw fault("unlinkat", name, result)
        }
        if remove(name, in: folder, AT_REMOVEDIR) == 0 { return }
        // To move a folder one must be allowed to write in it, because its `..` changes: opening sees to that.
        _ = try FolderRemoval.open(name, in: folder)
        let other = Beneath.randomName(".")
        let moved = name.withTerminator { name in
            other.withTerminator { cs_move_name(folder, name, top.number, $0) }
        }
        if moved < 0 && moved != Int(-ENOENT) { throw fault("renameat2", name, moved) }
    }
}
