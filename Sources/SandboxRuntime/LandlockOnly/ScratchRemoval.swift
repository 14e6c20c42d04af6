internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The end of the folder of a launch in the profile `landlock-only`.
///
/// The job may be alive, and change what is here while it is removed. What is done is done to what is open, and to a name in
/// what is open: never to what a link of the job's leads to, nor to what somebody has mounted there. However deep it is, few descriptors are
/// held: what a folder has in it is taken up to the top, and is the next round's. However much it is, names are read as they are removed.
enum ScratchRemoval {
    /// What a launch takes for its own.
    static let ownTime: Int64 = 60_000_000_000

    /// Removes a folder of a launch, the mark last: what is interrupted can be gone on with.
    ///
    /// - Parameters:
    ///   - folder: its descriptor.
    ///   - path: of it.
    ///   - time: after which it is left.
    /// - Returns: whether nothing is left.
    static func remove(_ folder: Int32, _ path: OSString, _ time: inout RemovalTime) -> Bool {
        guard empty(folder, but: LandlockOnlyNames.mark, &time) else { return false }
        let unmarked = LandlockOnlyNames.mark.withPointer { unlinkat(folder, $0, 0) }
        if unmarked != 0 && Glibc.errno != ENOENT { return false }
        return path.withPointer { rmdir($0) } == 0
    }

    /// Opens a folder without following a link in its place; negative with errno where that fails.
    static func open(_ path: OSString) -> Int32 {
        path.withPointer { Glibc.open($0, O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)) }
    }

    /// Begins the names of folders that are on their way out; no job can make one there.
    static let lifted = ".codex-sandbox-removed-"

    // MARK: -

    /// The next name of what is taken up.
    ///
    /// No earlier removal has used it, which may have been interrupted: a folder cannot replace one that is not empty.
    private struct Lift {
        private let base = "\(lifted)\(cs_monotonic())-"
        private var serial = 0

        mutating func next() -> OSString {
            serial += 1
            return OSString(base + "\(serial)")
        }
    }

    /// Removes everything below an open folder but one name.
    ///
    /// - Returns: whether nothing else is left.
    private static func empty(_ folder: Int32, but kept: OSString, _ time: inout RemovalTime) -> Bool {
        var lift = Lift()
        while true {
            guard fchmod(folder, LandlockOnlyNames.mode) == 0, let names = FolderNames(folder) else { return false }
            var isEmpty = true
            var hasLifted = false
            while let name = names.next() {
                if name == kept { continue }
                if time.isUp() { return false }
                if name.withPointer({ unlinkat(folder, $0, 0) }) == 0 { continue }
                if Glibc.errno == EISDIR || Glibc.errno == EPERM, let inner = open(name, in: folder) {
                    hasLifted = takeUp(inner.number, to: folder, &lift, &time) || hasLifted
                }
                if name.withPointer({ unlinkat(folder, $0, Int32(AT_REMOVEDIR)) }) != 0 { isEmpty = false }
            }
            if Glibc.errno != 0 { return false }
            if !hasLifted { return isEmpty }
        }
    }

    /// Removes the files of a folder, and moves its folders up to the top.
    ///
    /// - Returns: whether any was moved.
    private static func takeUp(_ inner: Int32, to top: Int32, _ lift: inout Lift, _ time: inout RemovalTime) -> Bool {
        guard fchmod(inner, 0o700) == 0, let names = FolderNames(inner) else { return false }
        var hasLifted = false
        while let name = names.next() {
            if time.isUp() { return hasLifted }
            if name.withPointer({ unlinkat(inner, $0, 0) }) == 0 { continue }
            if name.withPointer({ unlinkat(inner, $0, Int32(AT_REMOVEDIR)) }) == 0 { continue }
            // Its `..` changes, so it has to be open to its owner (rename(2)).
            guard open(name, in: inner) != nil else { continue }
            let other = lift.next()
            if name.withPointer({ from in other.withPointer { renameat(inner, from, top, $0) } }) == 0 {
                hasLifted = true
            }
        }
        return hasLifted
    }

    /// A folder of the job's, which it may have closed to us: it is ours all the same.
    ///
    /// What is mounted there is not (openat2(2)). By what was opened without following a link; chmod(2) of its name would follow one that the job has put there meanwhile.
    private static func open(_ name: OSString, in folder: Int32) -> OwnedFileDescriptor? {
        let flags = UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)
        let resolve = UInt64(CS_RESOLVE_NO_XDEV | CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_BENEATH)
        let number = name.withPointer { cs_openat2(folder, $0, flags | UInt64(O_RDONLY), 0, resolve) }
        if number >= 0 { return OwnedFileDescriptor(owning: Int32(number)) }
        guard number == -Int(EACCES) else { return nil }
        let held = name.withPointer { cs_openat2(folder, $0, flags | UInt64(CS_O_PATH), 0, resolve) }
        guard held >= 0 else { return nil }
        let place = OwnedFileDescriptor(owning: Int32(held))
        let own = OSString("/proc/self/fd/\(place.number)")
        guard own.withPointer({ chmod($0, 0o700) }) == 0 else { return nil }
        let opened = cs_openat2(place.number, ".", UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY | CS_O_CLOEXEC), 0, resolve)
        return opened < 0 ? nil : OwnedFileDescriptor(owning: Int32(opened))
    }
}
