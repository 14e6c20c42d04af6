internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Keeps the folder of compiled policies from growing with every project that ever had a file of its own: the oldest entries go.
///
/// Only who has just compiled a policy, and so waited for far longer, asks. An entry that goes is made again by who needs it.
enum PolicyCacheRoom {
    /// A KiB or ten each.
    static let most = 256
    private static let left = 192

    /// Removes what is too much; what cannot be looked at or removed stays, and costs nothing but its room.
    static func make(in folder: Int32, _ path: OSString) {
        // By a descriptor of its own: the offset of a folder is of the open file.
        let number = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return }
        let list = OwnedFileDescriptor(owning: number)
        var entries: [(name: OSString, seconds: Int, nanoseconds: Int)] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: list.number, named: path) { entry in
                var found = stat()
                if fstatat(list.number, entry.name, &found, AT_SYMLINK_NOFOLLOW) == 0, found.st_mode & S_IFMT == S_IFREG
                {
                    entries.append((entry.copy, found.st_mtim.tv_sec, found.st_mtim.tv_nsec))
                }
                return true
            }
        } catch { return }
        guard entries.count > most else { return }
        entries.sort { ($0.seconds, $0.nanoseconds) < ($1.seconds, $1.nanoseconds) }
        for entry in entries.dropLast(left) { _ = entry.name.withPointer { unlinkat(list.number, $0, 0) } }
    }
}
