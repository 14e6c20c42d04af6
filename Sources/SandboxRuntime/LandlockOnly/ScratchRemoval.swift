internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The end of the folder of a launch in the profile `landlock-only`: its own, and those that killed launchers have left.
enum ScratchRemoval {
    /// Removes a folder of a launch, the mark last: what is interrupted can be gone on with.
    ///
    /// - Parameters:
    ///   - folder: its descriptor.
    ///   - path: of it.
    ///   - time: after which it is left, in nanoseconds.
    /// - Returns: whether nothing is left.
    static func remove(_ folder: Int32, _ path: OSString, within time: Int64 = 60_000_000_000) -> Bool {
        guard empty(folder, but: LandlockOnlyNames.mark, within: time) else { return false }
        let unmarked = LandlockOnlyNames.mark.withPointer { unlinkat(folder, $0, 0) }
        if unmarked != 0 && Glibc.errno != ENOENT { return false }
        return path.withPointer { rmdir($0) } == 0
    }

    /// Opens a folder without following a link in its place; negative with errno where that fails.
    static func open(_ path: OSString) -> Int32 {
        path.withPointer { Glibc.open($0, O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)) }
    }

    // MARK: - Abandoned ones

    /// What a launch spends on what others have left, in nanoseconds; the next one goes on.
    private static let timeForOthers: Int64 = 500_000_000

    /// Removes the folders of this user's launches whose launcher was killed before it could.
    ///
    /// The lock says that it is gone; its job may be there still, where somebody has killed the keeper, too. Anybody may make folders in /tmp: one counts only if it is this user's own, of mode 0700, has a
    /// launch's name and mark and nothing at its top that no launch puts there, and if nobody else can have moved it there (/tmp is
    /// root's, and sticky). Whatever fails here is left; the launch does not depend on it.
    static func abandoned(by uid: uid_t) {
        let (parent, prefix) = (OSString("/tmp"), Array("codex-sandbox-".utf8))
        let list = open(parent)
        guard list >= 0 else { return }
        let folder = OwnedFileDescriptor(owning: list)
        guard isShared(folder.number), let names = names(in: folder.number) else { return }
        let end = cs_monotonic() &+ timeForOthers
        for name in names where name.bytes.count == prefix.count + 6 && name.bytes.starts(with: prefix) {
            let path = parent.appending(name)
            var state = stat()
            guard path.withPointer({ lstat($0, &state) }) == 0, isOwn(state, uid) else { continue }
            let number = open(path)
            guard number >= 0 else { continue }
            let found = OwnedFileDescriptor(owning: number)
            guard fstat(found.number, &state) == 0, isOwn(state, uid), flock(found.number, LOCK_EX | LOCK_NB) == 0,
                isLaunch(found.number, state)
            else { continue }
            if cs_monotonic() > end { return }
            _ = remove(found.number, path, within: timeForOthers)
        }
    }

    /// Whether nobody but its owner can rename what somebody has made in it (inode(7), the sticky bit).
    private static func isShared(_ folder: Int32) -> Bool {
        var state = stat()
        guard fstat(folder, &state) == 0, state.st_uid == 0 else { return false }
        return state.st_mode & S_ISVTX != 0 || state.st_mode & 0o022 == 0
    }

    private static func isOwn(_ state: stat, _ uid: uid_t) -> Bool {
        state.st_mode & S_IFMT == S_IFDIR && state.st_mode & 0o7777 == 0o700 && state.st_uid == uid
    }

    /// Seconds that a folder has to be marked: more than a launcher needs between two calls, unless somebody stops it; it then refuses.
    private static let timeToMark = 2

    /// Whether a launch has made it; an empty one has no mark, and nothing to lose.
    private static func isLaunch(_ folder: Int32, _ state: stat) -> Bool {
        guard let names = names(in: folder) else { return false }
        if names.isEmpty { return time(nil) - state.st_mtim.tv_sec > timeToMark }
        return names.contains(LandlockOnlyNames.mark)
            && names.allSatisfy { LandlockOnlyNames.parts.contains($0) || $0.bytes.starts(with: lifted.utf8) }
    }

    // MARK: -

    /// Begins the names of folders that are on their way out; no job can make one there.
    private static let lifted = ".codex-sandbox-removed-"

    /// Everything below an open folder, without following a link.
    ///
    /// The job may be alive, and change what is here while it is removed. What is done is done to what is open, and to a name in
    /// what is open: never to what a link of the job's leads to. However deep it is, few descriptors are held: what a folder has in it is
    /// taken up to the top, and is the next round's.
    ///
    /// - Parameters:
    ///   - folder: its descriptor.
    ///   - kept: stays.
    ///   - time: in nanoseconds, for who will not wait for a job that goes on making things.
    /// - Returns: whether nothing else is left.
    private static func empty(_ folder: Int32, but kept: OSString, within time: Int64) -> Bool {
        let end = cs_monotonic() &+ time
        var serial = 0
        while true {
            guard fchmod(folder, 0o700) == 0, let names = names(in: folder) else { return false }
            var isEmpty = true
            var hasLifted = false
            for name in names where name != kept {
                if cs_monotonic() > end { return false }
                if name.withPointer({ unlinkat(folder, $0, 0) }) == 0 { continue }
                if Glibc.errno == EISDIR || Glibc.errno == EPERM, let inner = open(name, in: folder) {
                    hasLifted = lift(inner.number, to: folder, &serial, end) || hasLifted
                }
                if name.withPointer({ unlinkat(folder, $0, Int32(AT_REMOVEDIR)) }) != 0 { isEmpty = false }
            }
            if !hasLifted { return isEmpty }
        }
    }

    /// Removes the files of a folder, and moves its folders up to the top.
    ///
    /// - Returns: whether any was moved.
    private static func lift(_ inner: Int32, to top: Int32, _ serial: inout Int, _ end: Int64) -> Bool {
        guard fchmod(inner, 0o700) == 0, let names = names(in: inner) else { return false }
        var hasLifted = false
        for name in names where cs_monotonic() <= end {
            if name.withPointer({ unlinkat(inner, $0, 0) }) == 0 { continue }
            if name.withPointer({ unlinkat(inner, $0, Int32(AT_REMOVEDIR)) }) == 0 { continue }
            // Its `..` changes, so it has to be open to its owner (rename(2)).
            guard open(name, in: inner) != nil else { continue }
            serial += 1
            let other = OSString("\(lifted)\(serial)")
            let result = name.withPointer { from in other.withPointer { renameat(inner, from, top, $0) } }
            if result == 0 { hasLifted = true }
        }
        return hasLifted
    }

    /// A folder of the job's, which it may have closed to us: it is ours all the same.
    ///
    /// By what was opened without following a link; chmod(2) of its name would follow one that the job has put there meanwhile.
    private static func open(_ name: OSString, in folder: Int32) -> OwnedFileDescriptor? {
        let flags = O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)
        let number = name.withPointer { openat(folder, $0, flags) }
        if number >= 0 { return OwnedFileDescriptor(owning: number) }
        guard Glibc.errno == EACCES else { return nil }
        let held = name.withPointer { openat(folder, $0, flags | Int32(CS_O_PATH)) }
        guard held >= 0 else { return nil }
        let place = OwnedFileDescriptor(owning: held)
        let own = OSString("/proc/self/fd/\(place.number)")
        guard own.withPointer({ chmod($0, 0o700) }) == 0 else { return nil }
        let opened = own.withPointer { Glibc.open($0, O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_CLOEXEC)) }
        return opened < 0 ? nil : OwnedFileDescriptor(owning: opened)
    }

    private static func names(in folder: Int32) -> [OSString]? {
        let copy = cs_openat2(folder, ".", UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY) | UInt64(CS_O_CLOEXEC), 0, 0)
        guard copy >= 0 else { return nil }
        guard let list = fdopendir(Int32(copy)) else {
            _ = close(Int32(copy))
            return nil
        }
        defer { closedir(list) }
        var names: [OSString] = []
        while let entry = readdir(list) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { OSString($0.prefix { $0 != 0 }) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
