internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What a project's folder takes of the disk, and when anything in it was last changed.
///
/// Goes through the folder a name at a time: no link is followed and no other mount entered. What vanishes on the way, is deeper
/// than a path is long, or closed by its mode counts with its own entry alone.
struct FolderUse: Hashable {
    /// As the disk has them (stat(2), st_blocks); a file with several names counts for each.
    var bytes: UInt64 = 0
    /// The latest time of change (st_ctime, which nobody can set), in microseconds since 1970.
    var changed: Int64 = 0

    /// - Throws: `WorkspaceError` where the kernel cannot go on.
    init(_ folder: ProjectFolder) throws(WorkspaceError) {
        var status = stat()
        guard fstat(folder.number, &status) == 0 else { throw WorkspaceError("fstat", on: ".", Int(-errno)) }
        add(status)
        var open: [OSString] = ["."]
        while let path = open.popLast() {
            let number = Beneath.open(path, below: folder.number, Beneath.readFolder, Beneath.onOneMount)
            switch Int32(-number) {
            case ENOENT, ENOTDIR, ELOOP, EXDEV, EACCES, EPERM, ENAMETOOLONG, EAGAIN: continue
            default: break
            }
            guard number >= 0 else { throw WorkspaceError("openat2", on: path, number) }
            let below = OwnedFileDescriptor(owning: Int32(number))
            do throws(SyscallError) {
                try FolderEntries.each(in: below.number, named: path) { (entry) throws(SyscallError) in
                    var status = stat()
                    // One that is gone, or cannot be looked at, is none.
                    guard fstatat(below.number, entry.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return true }
                    add(status)
                    if status.st_mode & S_IFMT == S_IFDIR {
                        open.append(path == "." ? entry.copy : path.appending(entry.copy))
                    }
                    return true
                }
            } catch {
                // A folder that was removed while it is open is an empty one.
                if error.errno != ENOENT { throw WorkspaceError(error.call, on: path, Int(-error.errno)) }
            }
        }
    }

    private mutating func add(_ status: stat) {
        bytes &+= UInt64(max(status.st_blocks, 0)) &* 512
        changed = max(changed, Int64(status.st_ctim.tv_sec) * 1_000_000 + Int64(status.st_ctim.tv_nsec) / 1000)
    }
}
