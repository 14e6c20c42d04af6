internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Folders that a job has closed to us (chmod(2)): it has our account, so the owner's rights are ours to take back.
enum ClosedFolder {
    /// Gives the owner all rights on a folder of our own; false when they were there, or it is not ours.
    ///
    /// An O_PATH descriptor will do, since the way leads over `/proc`.
    static func open(_ folder: Int32) -> Bool {
        var found = cs_identity()
        guard cs_identify(folder, "", &found) == 0, found.mode & S_IFMT == S_IFDIR, found.uid == geteuid(),
            found.mode & 0o700 != 0o700
        else { return false }
        return chmod("/proc/self/fd/\(folder)", found.mode & 0o7777 | 0o700) == 0
    }

    /// O_PATH descriptor of a folder, or -errno.
    ///
    /// Without following any link: as root, its owner must not send us elsewhere.
    static func descriptor(_ path: OSString, below folder: Int32 = FileReading.currentFolder) -> Int {
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        return path.withPointer { cs_openat2(folder, $0, UInt64(CS_O_PATH | CS_O_DIRECTORY), 0, resolve) }
    }
}
