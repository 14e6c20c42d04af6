internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Placeholders that wait in our state folder to stand for a missing name.
///
/// Moving one in and out costs a fraction of making and removing it (docs/launch.md). Across file systems it cannot be
/// moved: then it is made and removed in its place.
///
/// What is moved takes along the mounts that other places have on it, and no mount table says so. So whoever mounts on one
/// holds a shared lock on it (flock(2)), whatever state folder it works with, and only what can be locked exclusively is
/// taken away. It takes along open files and working folders, too: so it is moved only where no other run shows the
/// folder (`Company`), and else removed, which leaves a dead one to whoever has it open.
struct SpareFolders: ~Copyable {
    /// Nil when there is no place for spares; everything works without them.
    private let folder: OwnedFileDescriptor?

    /// - Parameter state: the workspace's folder below our state folder.
    init(below state: Int32) {
        func opened() -> Int {
            cs_openat2(state, "spare", Placeholder.Kind.folder.openFlags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
        }
        var number = opened()
        if number == Int(-ENOENT), mkdirat(state, "spare", 0o700) == 0 { number = opened() }
        folder = number >= 0 ? OwnedFileDescriptor(owning: Int32(number)) : nil
    }

    /// What became of a name that was to be made.
    enum Put: ~Copyable {
        /// One that waited is there now; open for reading.
        case moved(OwnedFileDescriptor)
        case made
        /// Something stands there.
        case stands
        /// -errno.
        case failed(Int32)
    }

    /// Makes `name` in `parent` a placeholder.
    borrowing func put(_ name: OSString, _ kind: Placeholder.Kind, into parent: Int32) -> Put {
        switch folder {
        case .some(let folder):
            let spare = kind.spareName(name)
            switch SpareFolders.spare(spare, kind, in: folder.number) {
            case .some(let found):
                if SpareFolders.move(spare, from: folder.number, to: parent, as: name) == 0 { return .moved(found) }
            case .none: break
            }
        case .none: break
        }
        let made = name.withPointer { kind.make($0, in: parent) }
        return made == 0 ? .made : made == -EEXIST ? .stands : .failed(made)
    }

    private static func move(_ name: OSString, from: Int32, to: Int32, as other: OSString) -> Int {
        name.withPointer { name in other.withPointer { cs_move_name(from, name, to, $0) } }
    }

    /// What became of a name that was to be taken away.
    enum Taken: Equatable {
        case away
        /// It waits for the next run.
        case kept
        /// It is somebody's by now, or not there any more.
        case notOurs
        /// -errno: another run's mounts stand on it (EBUSY), or its folder is closed to us. The next run tries again.
        case notNow(Int32)
        /// It was moved while somebody put something in, and cannot go back since another has its name.
        case stranded
    }

    /// Takes `name` out of `parent` if there is nothing in it that is anybody's; it is moved only if we keep ours.
    ///
    /// What is not as we make it is left to rmdir(2), which takes empty folders alone and every mount with them, so that
    /// whoever watches them knows.
    borrowing func take(
        _ name: OSString,
        _ kind: Placeholder.Kind,
        outOf parent: Int32,
        keeping: Bool
    ) -> Taken {
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS)
        let number = name.withPointer { cs_openat2(parent, $0, kind.openFlags, 0, resolve) }
        if number >= 0 {
            let found = OwnedFileDescriptor(owning: Int32(number))
            let locked = cs_flock(found.number, LOCK_EX | LOCK_NB)
            if locked == Int(-EWOULDBLOCK) { return .notNow(-EBUSY) }
            // Closed is not let go: a child that is forked meanwhile has it open until its execve.
            defer { if locked == 0 { _ = cs_flock(found.number, LOCK_UN) } }
            guard kind.isRemovable(found.number) else { return .notOurs }
            switch folder {
            case .some(let folder):
                if keeping, locked == 0, kind.isAsMade(found.number),
                    let kept = keep(found, name, kind, outOf: parent, in: folder.number)
                {
                    return kept
                }
            case .none: break
            }
        } else if kind != .folder {
            return SpareFolders.taken(Int32(number))
        }
        return SpareFolders.taken(name.withPointer { kind.remove($0, from: parent) })
    }

    private static func taken(_ result: Int32) -> Taken {
        switch -result {
        case 0: .away
        case ENOENT, ENOTDIR, ENOTEMPTY, EEXIST, ELOOP, EISDIR: .notOurs
        default: .notNow(result)
        }
    }

    /// Nil when it could not be moved: nothing has happened then.
    private borrowing func keep(
        _ found: borrowing OwnedFileDescriptor,
        _ name: OSString,
        _ kind: Placeholder.Kind,
        outOf parent: Int32,
        in spare: Int32
    ) -> Taken? {
        let kept = kind.spareName(name)
        guard SpareFolders.move(name, from: parent, to: spare, as: kept) == 0 else { return nil }
        // Asked only now: nobody can put anything in by its old name any more, so nothing of anybody's is carried off. And
        // who owns the place may have put something else under the name meanwhile, which is not ours to keep.
        var own = cs_identity()
        var moved = cs_identity()
        let isIt =
            cs_identify(found.number, "", &own) == 0
            && kept.withPointer { cs_identify(spare, $0, &moved) } == 0 && moved.inode == own.inode
            && moved.device == own.device
        if isIt && kind.isBare(found.number, again: true) { return .kept }
        guard SpareFolders.move(kept, from: spare, to: parent, as: name) == 0 else { return .stranded }
        return isIt ? .notOurs : .notNow(-EBUSY)
    }

    /// Removes what was kept: it is a dead one then to whoever has it open.
    borrowing func drop(_ placeholder: Placeholder) {
        switch folder {
        case .some(let folder):
            _ = placeholder.kind.spareName(placeholder.path.lastComponent).withPointer {
                placeholder.kind.remove($0, from: folder.number)
            }
        case .none: break
        }
    }

    /// One of our own that waits under this name, open for reading; what is not fit for it makes way.
    private static func spare(_ name: OSString, _ kind: Placeholder.Kind, in spare: Int32) -> OwnedFileDescriptor? {
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS)
        let number = name.withPointer { cs_openat2(spare, $0, kind.openFlags, 0, resolve) }
        guard number >= 0 else { return nil }
        let found = OwnedFileDescriptor(owning: Int32(number))
        if kind.isAsMade(found.number) { return found }
        if kind.isRemovable(found.number) { _ = name.withPointer { kind.remove($0, from: spare) } }
        return nil
    }
}
