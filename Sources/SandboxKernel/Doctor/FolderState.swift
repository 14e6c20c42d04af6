internal import Glibc
public import SandboxPlan

/// Whether one of our own folders can be used: tried by making a file without a name in it.
public enum FolderState: Hashable, Sendable {
    case writable
    /// Not there yet; the nearest folder above it that is can be written.
    case canBeMade(in: OSString)
    case cannotBeMade(in: OSString, errno: Int32)
    /// Somebody else's.
    case foreign(uid: UInt32)
    case writableByOthers(mode: UInt32)
    case unusable(errno: Int32)
    /// No path is known for it; the sentence says why.
    case unknown(why: String)

    /// O_TMPFILE of asm-generic/fcntl.h, which Glibc hides from Swift.
    private static let unnamedFile: Int32 = 0o20000000 | O_DIRECTORY

    static func of(_ path: OSString) -> FolderState {
        let folder = path.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard folder >= 0 else {
            let code = errno
            return code == ENOENT ? whereToMake(path) : .unusable(errno: code)
        }
        defer { close(folder) }
        var state = stat()
        guard fstat(folder, &state) == 0 else { return .unusable(errno: errno) }
        guard state.st_uid == geteuid() else { return .foreign(uid: state.st_uid) }
        guard state.st_mode & (S_IWGRP | S_IWOTH) == 0 else { return .writableByOthers(mode: state.st_mode & 0o7777) }
        return tryFile(in: folder)
    }

    private static func tryFile(in folder: Int32) -> FolderState {
        let unnamed = openat(folder, ".", O_WRONLY | O_CLOEXEC | unnamedFile, 0o600)
        if unnamed >= 0 {
            close(unnamed)
            return .writable
        }
        let code = errno
        // File systems without O_TMPFILE say one of these (open(2)); there a file with a name has to do.
        guard code == EOPNOTSUPP || code == EISDIR else { return .unusable(errno: code) }
        let name = ".doctor-\(getpid())"
        let named = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard named >= 0 else { return .unusable(errno: errno) }
        close(named)
        guard unlinkat(folder, name, 0) == 0 else { return .unusable(errno: errno) }
        return .writable
    }

    private static func whereToMake(_ path: OSString) -> FolderState {
        var folder = path.parent
        while true {
            if folder.withCString({ faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) }) == 0 {
                return .canBeMade(in: folder)
            }
            let code = errno
            guard code == ENOENT, folder != "/" else { return .cannotBeMade(in: folder, errno: code) }
            folder = folder.parent
        }
    }
}
