internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Whether other runs show a folder in which we take something away: their jobs may have it open.
///
/// Each run puts a lock on the folders in which its job may write: a read lock that belongs to the open file (fcntl(2),
/// F_OFD_SETLK). A folder can have no other, so nobody ever waits for one, and flock(2), by which a job may lock folders
/// itself, knows nothing of it.
struct Company: ~Copyable {
    private var folders: [Int32] = []
    /// False when somebody could be there whom we would not see.
    private var isKnown = true

    private static let flags = UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
    private static let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)

    /// - Parameters:
    ///   - names: what is to be taken away.
    ///   - parents: their folders as they were when the names were made; one that is elsewhere now has unknown company.
    init(around names: [Placeholder], _ parents: [HeldNames.Parent]) {
        var looked: [OSString] = []
        for name in names {
            var folder = name.path
            while folder != "/" {
                folder = folder.parent
                if looked.contains(folder) { break }
                looked.append(folder)
                look(folder, parents)
            }
        }
    }

    deinit {
        for number in folders { _ = close(number) }
    }

    /// What is true once is true for whoever came before: a run locks its folders before its job can open anything.
    borrowing func isAlone() -> Bool {
        guard isKnown else { return false }
        for number in folders where cs_has_company(number) != 0 { return false }
        return true
    }

    private mutating func look(_ path: OSString, _ parents: [HeldNames.Parent]) {
        let number = path.withPointer { cs_openat2(FileReading.currentFolder, $0, Company.flags, 0, Company.resolve) }
        var found = cs_identity()
        guard number >= 0 else {
            // Whose job has another account than ours cannot write into what is ours.
            let isOthers =
                number == Int(-EACCES)
                && path.withPointer { cs_identify(FileReading.currentFolder, $0, &found) } == 0
                && found.uid != geteuid()
            if !isOthers { isKnown = false }
            return
        }
        folders.append(Int32(number))
        for parent in parents where parent.path == path {
            var own = cs_identity()
            let isIt =
                cs_identify(Int32(number), "", &found) == 0 && cs_identify(parent.number, "", &own) == 0
                && found.inode == own.inode && found.device == own.device
            if !isIt { isKnown = false }
        }
    }
}
