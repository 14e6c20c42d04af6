internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The folders of launches in the profile `landlock-only` whose launcher was killed before it could remove its own.
enum AbandonedScratch {
    /// What a launch spends on what others have left, in nanoseconds; the next one goes on.
    private static let timeForOthers: Int64 = 500_000_000

    /// More names than a launch has seen in /tmp are left to another one.
    private static let mostNames = 100_000

    /// Seconds that a folder without a mark is left: more than a launcher needs between two calls, unless somebody stops it; it then refuses.
    private static let timeToMark = 2

    /// Removes them, or begins to.
    ///
    /// The lock says that the launcher is gone; its job may be there still, where somebody has killed the keeper, too. Anybody may make
    /// folders in /tmp: one counts only if it is this user's own, has a launch's name and mode (which no program gives by itself) and nothing
    /// at its top that no launch puts there, and if nobody else can have moved it there (/tmp is root's, and sticky). Whatever fails here is
    /// left; the launch does not depend on it.
    static func remove(of uid: uid_t) {
        let parent: OSString = "/tmp"
        let list = ScratchRemoval.open(parent)
        guard list >= 0 else { return }
        let folder = OwnedFileDescriptor(owning: list)
        guard isShared(folder.number) else { return }
        var time = RemovalTime(timeForOthers)
        let found = candidates(in: folder.number, of: uid, &time)
        guard !found.isEmpty else { return }
        // With another one first each time: a large one may take all the time of many launches.
        let first = Int(truncatingIfNeeded: cs_monotonic() / 1000) % found.count
        for name in found[first...] + found[..<first] {
            if time.isUp() { return }
            let path = parent.appending(name)
            let number = ScratchRemoval.open(path)
            guard number >= 0 else { continue }
            let one = OwnedFileDescriptor(owning: number)
            var state = stat()
            guard fstat(one.number, &state) == 0, isOwn(state, uid), flock(one.number, LOCK_EX | LOCK_NB) == 0,
                isLaunch(one.number, state)
            else { continue }
            _ = ScratchRemoval.remove(one.number, path, &time)
        }
    }

    private static func candidates(in folder: Int32, of uid: uid_t, _ time: inout RemovalTime) -> [OSString] {
        guard let names = FolderNames(folder) else { return [] }
        var found: [OSString] = []
        for _ in 0..<mostNames {
            guard !time.isUp(), let name = names.next() else { break }
            guard name.bytes.count == LandlockOnlyNames.prefix.count + LandlockOnlyNames.randomCount,
                name.bytes.starts(with: LandlockOnlyNames.prefix)
            else { continue }
            var state = stat()
            guard name.withPointer({ fstatat(folder, $0, &state, Int32(AT_SYMLINK_NOFOLLOW)) }) == 0, isOwn(state, uid)
            else { continue }
            found.append(name)
        }
        return found
    }

    /// Whether nobody but its owner can rename what somebody has made in it (inode(7), the sticky bit).
    private static func isShared(_ folder: Int32) -> Bool {
        var state = stat()
        guard fstat(folder, &state) == 0, state.st_uid == 0 else { return false }
        return state.st_mode & S_ISVTX != 0 || state.st_mode & 0o022 == 0
    }

    private static func isOwn(_ state: stat, _ uid: uid_t) -> Bool {
        state.st_mode & S_IFMT == S_IFDIR && state.st_mode & 0o7777 == LandlockOnlyNames.mode && state.st_uid == uid
    }

    /// Whether a launch has made it.
    ///
    /// An empty one, which has no mark yet, is known by its mode, and has nothing to lose.
    private static func isLaunch(_ folder: Int32, _ state: stat) -> Bool {
        // What an interrupted removal has taken up to the top may be any number.
        guard let names = FolderNames(folder) else { return false }
        var isEmpty = true
        var seen = 0
        while let name = names.next() {
            isEmpty = false
            seen += 1
            let isOurs = LandlockOnlyNames.parts.contains(name) || name.bytes.starts(with: ScratchRemoval.lifted.utf8)
            if !isOurs { return false }
            if seen == 1000 { break }
        }
        if isEmpty { return Glibc.errno == 0 && time(nil) - state.st_mtim.tv_sec > timeToMark }
        var mark = stat()
        return LandlockOnlyNames.mark.withPointer { fstatat(folder, $0, &mark, Int32(AT_SYMLINK_NOFOLLOW)) } == 0
    }
}
