internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Empty folders that wait in our state folder to stand for a missing name.
///
/// Moving a folder in and out costs a fraction of making and removing one (docs/launch.md). Across file systems it cannot
/// be moved: then it is made and removed in its place.
struct SpareFolders: ~Copyable {
    /// Nil when there is no place for spares; everything works without them.
    private let folder: OwnedFileDescriptor?

    /// - Parameter state: the workspace's folder below our state folder.
    init(below state: Int32) {
        func opened() -> Int {
            let flags = UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
            return cs_openat2(state, "spare", flags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
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
                if cs_move_name(folder.number, parent, name) == 0 { return 0 }
            case .none: break
            }
            return mkdirat(parent, name, 0o755) == 0 ? 0 : -errno
        }
    }

    /// Takes `name` out of `parent` if it is an empty folder: 0, or -errno (ENOTEMPTY: it is somebody's by now).
    ///
    /// Only a folder of our own account is kept; anything else is left to rmdir(2), which takes empty folders alone.
    borrowing func take(_ name: OSString, outOf parent: Int32) -> Int32 {
        name.withPointer { name in
            switch folder {
            case .some(let folder):
                if let kept = keep(name, outOf: parent, in: folder.number) { return kept }
            case .none: break
            }
            return unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : -errno
        }
    }

    /// Nil when it could not be moved: nothing has happened then.
    private borrowing func keep(_ name: UnsafePointer<CChar>, outOf parent: Int32, in spare: Int32) -> Int32? {
        let flags = UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
        let number = cs_openat2(parent, name, flags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
        guard number >= 0 else { return nil }
        let found = OwnedFileDescriptor(owning: Int32(number))
        var status = stat()
        guard fstat(found.number, &status) == 0, status.st_uid == geteuid() else { return nil }
        guard cs_move_name(parent, spare, name) == 0 else { return nil }
        // Asked only now: nobody can put anything in by its old name any more, so nothing of anybody's is carried off.
        if cs_is_empty_folder(found.number) == 1 { return 0 }
        if unlinkat(spare, name, AT_REMOVEDIR) == 0 { return 0 }
        let reason = errno
        let back = cs_move_name(spare, parent, name)
        return back == 0 ? -reason : Int32(back)
    }
}
