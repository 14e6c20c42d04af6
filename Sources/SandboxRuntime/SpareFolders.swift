internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Empty folders that wait in our state folder to stand for a missing name.
///
/// Moving a folder in and out costs a fraction of making and removing one (docs/launch.md). Across file systems it cannot
/// be moved: then it is made and removed in its place.
///
/// A folder that is moved takes along the mounts that other places have on it, and no mount table says so. So whoever
/// mounts on one holds a shared lock on it (flock(2)), whatever state folder it works with, and only what can be locked
/// exclusively is taken away.
struct SpareFolders: ~Copyable {
    /// Nil when there is no place for spares; everything works without them.
    private let folder: OwnedFileDescriptor?

    private static let flags = UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)

    /// - Parameter state: the workspace's folder below our state folder.
    init(below state: Int32) {
        func opened() -> Int {
            cs_openat2(state, "spare", SpareFolders.flags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
        }
        var number = opened()
        if number == Int(-ENOENT), mkdirat(state, "spare", 0o700) == 0 { number = opened() }
        folder = number >= 0 ? OwnedFileDescriptor(owning: Int32(number)) : nil
    }

    /// Makes `name` in `parent` an empty folder: 0, or -errno (EEXIST: something stands there).
    borrowing func put(_ name: OSString, into parent: Int32) -> Int32 {
        name.withPointer { name in
            switch folder {
            case .some(let folder):
                if SpareFolders.isSpare(name, in: folder.number), cs_move_name(folder.number, parent, name) == 0 {
                    return 0
                }
            case .none: break
            }
            return mkdirat(parent, name, 0o755) == 0 ? 0 : -errno
        }
    }

    /// Takes `name` out of `parent` if it is an empty folder: 0, or -errno (ENOTEMPTY: it is somebody's by now; EBUSY:
    /// another run's mounts stand on it).
    ///
    /// Only a folder of our own account is kept; anything else is left to rmdir(2), which takes empty folders alone and
    /// every mount with them, so that whoever watches them knows.
    borrowing func take(_ name: OSString, outOf parent: Int32) -> Int32 {
        name.withPointer { name in
            let number = cs_openat2(parent, name, SpareFolders.flags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
            if number >= 0 {
                let found = OwnedFileDescriptor(owning: Int32(number))
                let locked = cs_flock(found.number, LOCK_EX | LOCK_NB)
                if locked == Int(-EWOULDBLOCK) { return -EBUSY }
                switch folder {
                case .some(let folder):
                    if locked == 0, let kept = keep(found, name, outOf: parent, in: folder.number) { return kept }
                case .none: break
                }
            }
            return unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : -errno
        }
    }

    /// Nil when it is none of ours or could not be moved: nothing has happened then.
    private borrowing func keep(
        _ found: borrowing OwnedFileDescriptor,
        _ name: UnsafePointer<CChar>,
        outOf parent: Int32,
        in spare: Int32
    ) -> Int32? {
        var status = stat()
        // Others must be able to open it, or they could not lock it either.
        guard fstat(found.number, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o005 == 0o005 else {
            return nil
        }
        guard cs_is_empty_folder(found.number) == 1 else { return -ENOTEMPTY }
        guard cs_move_name(parent, spare, name) == 0 else { return nil }
        // Asked only now: nobody can put anything in by its old name any more, so nothing of anybody's is carried off. And
        // who owns the place may have put something else under the name meanwhile, which is not ours to keep.
        var moved = cs_identity()
        let isIt =
            cs_identify(spare, name, &moved) == 0 && moved.inode == UInt64(status.st_ino)
            && moved.device == UInt64(status.st_dev)
        if isIt {
            if SpareFolders.isEmptyAgain(found.number) { return 0 }
            if unlinkat(spare, name, AT_REMOVEDIR) == 0 { return 0 }
        }
        let reason = isIt ? errno : EBUSY
        let back = cs_move_name(spare, parent, name)
        return back == 0 ? -reason : Int32(back)
    }

    private static func isEmptyAgain(_ folder: Int32) -> Bool {
        lseek(folder, 0, SEEK_SET) == 0 && cs_is_empty_folder(folder) == 1
    }

    /// Whether an empty folder of our own waits under this name.
    private static func isSpare(_ name: UnsafePointer<CChar>, in spare: Int32) -> Bool {
        let number = cs_openat2(spare, name, flags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
        guard number >= 0 else { return false }
        let found = OwnedFileDescriptor(owning: Int32(number))
        var status = stat()
        return fstat(found.number, &status) == 0 && status.st_uid == geteuid() && cs_is_empty_folder(found.number) == 1
    }
}

/// Folders that mounts of a place stand on, each with a shared lock until `letGo`.
///
/// A class because its owner lets go in its own deinit.
final class HeldFolders {
    enum Result: Hashable {
        case held
        /// It is not there any more, or another folder is.
        case gone
        /// Somebody is about to take it away, or holds it for long.
        case busy
        /// No folder, not ours to open, or a file system without locks: nobody moves it in silence then.
        case notNeeded
    }

    private var held: [Int32] = []

    deinit { letGo() }

    func letGo() {
        for number in held { _ = close(number) }
        held = []
    }

    /// Locks `name` in `parent`, which may be a path of its own.
    ///
    /// - Throws: `HoldError` when no further file can be opened.
    func hold(_ name: OSString, in parent: Int32) throws(HoldError) -> Result {
        let flags = UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = name.withPointer { cs_openat2(parent, $0, flags, 0, resolve) }
        switch Int32(-min(number, 0)) {
        case 0: break
        case ENOENT: return .gone
        case EMFILE, ENFILE, ENOMEM: throw HoldError(result: number)
        default: return .notNeeded
        }
        let found = OwnedFileDescriptor(owning: Int32(number))
        let locked = cs_flock(found.number, LOCK_SH | LOCK_NB)
        if locked == Int(-EWOULDBLOCK) { return .busy }
        guard locked == 0 else { return .notNeeded }
        // It may have been taken away between the two.
        var own = cs_identity()
        var there = cs_identity()
        let same =
            cs_identify(found.number, "", &own) == 0
            && name.withPointer { cs_identify(parent, $0, &there) } == 0 && own.inode == there.inode
            && own.device == there.device
        guard same else { return .gone }
        held.append(found.release())
        return .held
    }

    struct HoldError: Error {
        /// -errno.
        var result: Int
    }
}
