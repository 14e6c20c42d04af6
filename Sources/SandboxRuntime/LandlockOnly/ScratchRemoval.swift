internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The end of the folder of a launch in the profile `landlock-only`: its own, and those that killed launchers have left.
enum ScratchRemoval {
    /// Levels that are gone down before giving up: the job makes what it likes.
    private static let deepest = 512

    /// Removes a folder of a launch, the mark last: what is interrupted can be gone on with.
    ///
    /// - Returns: whether nothing is left.
    static func remove(_ folder: Int32, _ path: OSString) -> Bool {
        guard empty(folder, 0, but: LandlockOnlyNames.mark) else { return false }
        let unmarked = LandlockOnlyNames.mark.withPointer { unlinkat(folder, $0, 0) }
        if unmarked != 0 && Glibc.errno != ENOENT { return false }
        return path.withPointer { rmdir($0) } == 0
    }

    /// Opens a folder without following a link in its place; negative with errno where that fails.
    static func open(_ path: OSString) -> Int32 {
        path.withPointer { Glibc.open($0, O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)) }
    }

    // MARK: - Abandoned ones

    /// Removes the folders of this user's launches whose launcher was killed before it could.
    ///
    /// The lock says that it is gone. Anybody may make folders in /tmp: one counts only if it is this user's own, of mode 0700, has a
    /// launch's name and mark and nothing at its top that no launch puts there, and if nobody else can have moved it there (/tmp is
    /// root's, and sticky). Whatever fails here is left; the launch does not depend on it.
    static func abandoned(by uid: uid_t) {
        let (parent, prefix) = (OSString("/tmp"), Array("codex-sandbox-".utf8))
        let list = open(parent)
        guard list >= 0 else { return }
        let folder = OwnedFileDescriptor(owning: list)
        guard isShared(folder.number), let names = names(in: folder.number) else { return }
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
            _ = remove(found.number, path)
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
    private static let timeToMark = 60

    /// Whether a launch has made it; an empty one has no mark, and nothing to lose.
    private static func isLaunch(_ folder: Int32, _ state: stat) -> Bool {
        guard let names = names(in: folder) else { return false }
        if names.isEmpty { return time(nil) - state.st_mtim.tv_sec > timeToMark }
        return names.contains(LandlockOnlyNames.mark) && names.allSatisfy(LandlockOnlyNames.parts.contains)
    }

    // MARK: -

    /// Everything below an open folder, without following a link.
    private static func empty(_ folder: Int32, _ depth: Int, but kept: OSString? = nil) -> Bool {
        // The job may have closed its own folders.
        if depth > deepest || fchmod(folder, 0o700) != 0 { return false }
        guard let names = names(in: folder) else { return false }
        for name in names where name != kept {
            if name.withPointer({ unlinkat(folder, $0, 0) }) == 0 { continue }
            guard Glibc.errno == EISDIR || Glibc.errno == EPERM else { return false }
            guard let inner = open(name, in: folder), empty(inner.number, depth + 1) else { return false }
            if name.withPointer({ unlinkat(folder, $0, Int32(AT_REMOVEDIR)) }) != 0 { return false }
        }
        return true
    }

    /// A folder of the job's, which it may have closed to us: it is ours all the same.
    private static func open(_ name: OSString, in folder: Int32) -> OwnedFileDescriptor? {
        let flags = O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)
        var number = name.withPointer { openat(folder, $0, flags) }
        if number < 0, Glibc.errno == EACCES, name.withPointer({ fchmodat(folder, $0, 0o700, 0) }) == 0 {
            number = name.withPointer { openat(folder, $0, flags) }
        }
        return number < 0 ? nil : OwnedFileDescriptor(owning: number)
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
