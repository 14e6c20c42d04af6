internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What a run keeps open on the host until it ends: placeholders that mounts of its place stand on, each with a shared
/// lock (flock(2)); the folders they are in; and those in which the job may write (`Company`).
///
/// A class because its owner lets go in its own deinit.
final class HeldNames {
    enum Result: Hashable {
        case held
        /// It is not there any more, or something else is.
        case gone
        /// Somebody is about to take it away, or holds it for long.
        case busy
        /// It has something in it: nobody takes it away, and a job's own locks on it are the job's business.
        case notNeeded
        /// Not ours to open.
        case closed
    }

    /// A folder in which something of ours stands, wherever it is by now.
    struct Parent {
        var path: OSString
        var number: Int32
    }

    private var held: [Int32] = []
    private(set) var parents: [Parent] = []
    /// Whether everything has been cleared away already.
    var isOver = false

    private static let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)

    deinit {
        letGo()
        for parent in parents { _ = close(parent.number) }
    }

    /// By unlocking and not only by closing: a copy of this process that has not closed its own yet (a terminal's guard)
    /// would hold them on.
    func letGo() {
        for number in held {
            _ = cs_flock(number, LOCK_UN)
            _ = close(number)
        }
        held = []
    }

    /// Tells other runs that a job of ours may write in a folder.
    ///
    /// Where the file system has no such locks, others do not see us, but they know that they would not.
    func enter(_ folder: OSString) throws(HoldError) {
        let flags = Placeholder.Kind.folder.openFlags
        let number = folder.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, HeldNames.resolve) }
        if [-EMFILE, -ENFILE, -ENOMEM].contains(Int32(clamping: number)) { throw HoldError(result: number) }
        guard number >= 0 else { return }
        held.append(Int32(number))
        _ = cs_enter_folder(Int32(number))
    }

    /// O_PATH descriptor of the folder that a path is in, kept open; -errno when there is none.
    ///
    /// Without following any link: as root, the workspace's owner must not send us elsewhere.
    func parent(of path: OSString) -> Int32 {
        let folder = path.parent
        for parent in parents where parent.path == folder { return parent.number }
        let flags = UInt64(CS_O_PATH | CS_O_DIRECTORY)
        let number = folder.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, HeldNames.resolve) }
        if number >= 0 { parents.append(Parent(path: folder, number: Int32(number))) }
        return Int32(number)
    }

    /// Locks `name` in `parent`, which may be a path of its own.
    ///
    /// - Parameters:
    ///   - name: what is to be held.
    ///   - kind: what it is if it is one of ours.
    ///   - parent: the folder it is in.
    ///   - isOurs: whether it was put there just now, and needs no look.
    /// - Returns: what came of it.
    /// - Throws: `HoldError` when no further file can be opened.
    func hold(
        _ name: OSString,
        _ kind: Placeholder.Kind,
        in parent: Int32,
        isOurs: Bool = false
    ) throws(HoldError) -> Result {
        let number = name.withPointer { cs_openat2(parent, $0, kind.openFlags, 0, HeldNames.resolve) }
        switch Int32(-min(number, 0)) {
        case 0: break
        case ENOENT: return .gone
        case EMFILE, ENFILE, ENOMEM: throw HoldError(result: number)
        case EACCES: return .closed
        default: return .notNeeded
        }
        let found = OwnedFileDescriptor(owning: Int32(number))
        // A folder that cannot be listed may be empty.
        let mayBeBare =
            isOurs || (kind == .folder ? cs_is_empty_folder(found.number) != 0 : kind.isBare(found.number))
        guard mayBeBare else { return .notNeeded }
        return hold(opened: found, name, in: parent)
    }

    /// The same for a placeholder that is open, if it is what has the name.
    func hold(opened found: consuming OwnedFileDescriptor, _ name: OSString, in parent: Int32) -> Result {
        let locked = cs_flock(found.number, LOCK_SH | LOCK_NB)
        if locked == Int(-EWOULDBLOCK) { return .busy }
        // A file system without locks: nobody moves it in silence then.
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
