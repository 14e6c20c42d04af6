internal import CShims
internal import Glibc
public import SandboxPlan

/// Where a path leads when every link on it is followed: for comparing paths, never for opening one.
public enum RealPath {
    /// As many links as the kernel itself follows (path_resolution(7)).
    private static let linkLimit = 40

    /// The real path; of what does not exist yet, the real path of what does with the rest behind it.
    ///
    /// One openat2(2) for a path without links, which is nearly every one.
    ///
    /// - Parameter path: absolute.
    /// - Returns: the real path; where this process may not look, the rest as it is written.
    /// - Throws: `SyscallError` when the kernel gives no answer.
    public static func of(_ path: OSString) throws(SyscallError) -> OSString {
        try of(path, links: linkLimit)
    }

    private static func of(_ path: OSString, links: Int) throws(SyscallError) -> OSString {
        if path.normalised == path {
            // Names are looked up in turn: one that is missing before any link was met has no link before it.
            let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
            let number = open(path, resolve: resolve)
            if number >= 0 {
                _ = close(Int32(number))
                return path
            }
            switch Int32(-number) {
            case ENOENT, ENOTDIR, EACCES: return path
            case ELOOP: break
            default: throw failure(path, number)
            }
        }
        let number = open(path, resolve: 0)
        if number >= 0 {
            let file = OwnedFileDescriptor(owning: Int32(number))
            return try FileReading.path(of: file.number)
        }
        switch Int32(-number) {
        // EACCES: in a folder that is closed to us, or a link that the kernel does not follow for us (proc_sys_fs(5),
        // protected_symlinks): where it leads is known up to there.
        case ENOENT, ENOTDIR, EACCES: return try missing(path, links: links)
        default: throw failure(path, number)
        }
    }

    /// The last name does not exist, cannot be looked at, or is a link to something of which one of these is true.
    private static func missing(_ path: OSString, links: Int) throws(SyscallError) -> OSString {
        guard links > 0, path != "/", path.lastComponent != ".." else {
            throw SyscallError(call: "openat2", subject: path.description, errno: links > 0 ? ENOENT : ELOOP)
        }
        let parent = try of(path.parent, links: links - 1)
        let place = parent.appending(path.lastComponent)
        let target: OSString
        do throws(SyscallError) {
            target = try FileReading.link(place)
        } catch {
            return place  // no link: it is missing
        }
        return try of(target.isAbsolute ? target : parent.appending(target), links: links - 1)
    }

    /// All paths that a lookup comes by.
    ///
    /// The one that is written, and one more for each link that is followed, up to a `..` that is still ahead. The last is the real path, but where it leads through a link of the kernel's own (`/proc/self/cwd`).
    ///
    /// - Parameter path: absolute.
    /// - Returns: each without `.` and `..`; what cannot be looked at counts as no link.
    public static func way(of path: OSString) -> [OSString] {
        var ways: [OSString] = []
        var done: OSString = "/"
        var rest = path.components[...]
        var links = linkLimit
        func note() {
            let way = rest.prefix { $0 != ".." }.reduce(done) { $0.appending($1) }
            if ways.last != way { ways.append(way) }
        }
        note()
        while let name = rest.popFirst() {
            if name == ".." {
                done = done.parent
                note()
                continue
            }
            let place = done.appending(name)
            let target: OSString
            do throws(SyscallError) {
                target = try FileReading.link(place)
            } catch {
                done = place
                continue
            }
            guard links > 0 else { break }
            links -= 1
            if target.isAbsolute { done = "/" }
            rest = (target.components + rest)[...]
            note()
        }
        return ways
    }

    private static func open(_ path: OSString, resolve: UInt64) -> Int {
        path.withCString { cs_openat2(FileReading.currentFolder, $0, UInt64(CS_O_PATH), 0, resolve) }
    }

    private static func failure(_ path: OSString, _ result: Int) -> SyscallError {
        SyscallError(call: "openat2", subject: path.description, errno: Int32(-result))
    }
}
