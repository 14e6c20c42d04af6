internal import CShims
internal import Glibc
public import SandboxPlan

/// Host paths looked at once, the chosen ones held open so that their inode numbers cannot be used again.
public struct PinnedPaths: ~Copyable {
    /// What each path was.
    public private(set) var entries: HostEntries
    /// Those looked at by name that are regular files of root and give nothing to anybody else.
    public private(set) var rootOnly: [OSString] = []
    private var held: [Int32] = []

    /// - Parameter count: how many paths there will be, about.
    public init(expecting count: Int = 1) {
        entries = HostEntries(expecting: count)
    }

    deinit {
        for number in held { _ = close(number) }
    }

    /// Looks at a path of the system by name; a link in the last component is reported as one.
    public mutating func look(at path: OSString) {
        guard entries[path] == nil else { return }
        var identity = cs_identity()
        let result = path.withCString { cs_identify(AT_FDCWD, $0, &identity) }
        entries[path] = entry(result, identity, path, AT_FDCWD)
        if result == 0 && cs_is_root_only(&identity) == 1 { rootOnly.append(path) }
    }

    /// Looks at a path that somebody chose, following no link at all, and holds it.
    public mutating func pin(_ path: OSString) {
        guard entries[path] == nil else { return }
        let flags = UInt64(CS_O_PATH | O_NOFOLLOW)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = path.withCString { cs_openat2(AT_FDCWD, $0, flags, 0, resolve) }
        if number == Int(-ELOOP) {
            entries[path] = .throughLink(resolved: resolved(path))
            return
        }
        guard number >= 0 else {
            entries[path] = entry(number, cs_identity(), path, AT_FDCWD)
            return
        }
        held.append(Int32(number))
        var identity = cs_identity()
        let result = cs_identify(Int32(number), "", &identity)
        entries[path] = entry(result, identity, "", Int32(number))
    }

    /// Follows the links on the way to a path that was looked at and is to be kept from the job, whatever its name.
    ///
    /// Links that lead nowhere, or round and round, leave the entry as it is.
    ///
    /// - Throws: `SyscallError` when the kernel does not say where they lead.
    public mutating func follow(_ path: OSString) throws(SyscallError) {
        switch entries[path] {
        case .symlink, .throughLink:
            do throws(SyscallError) {
                entries[path] = .throughLink(resolved: try RealPath.of(path))
            } catch {
                if ![ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR].contains(error.errno) { throw error }
            }
        case .absent, .directory, .file, .socket, .characterDevice, .other, .unreadable, nil: return
        }
    }

    /// The real path behind links, for the remedy only.
    private func resolved(_ path: OSString) -> OSString {
        let number = path.withCString { cs_openat2(AT_FDCWD, $0, UInt64(CS_O_PATH), 0, 0) }
        guard number >= 0 else { return path }
        let file = OwnedFileDescriptor(owning: Int32(number))
        do {
            return try FileReading.link(OSString("/proc/self/fd/\(file.number)"))
        } catch {
            return path
        }
    }

    private func entry(_ result: Int, _ found: cs_identity, _ path: OSString, _ folder: Int32) -> HostEntry {
        if result == Int(-ENOENT) || result == Int(-ENOTDIR) { return .absent }
        if result < 0 { return .unreadable(errno: Int32(-result)) }
        let identity = FileIdentity(
            device: found.device,
            inode: found.inode,
            uid: found.uid,
            gid: found.gid,
            links: found.links
        )
        switch found.mode & S_IFMT {
        case S_IFDIR: return .directory(identity)
        case S_IFREG: return .file(identity)
        case S_IFSOCK: return .socket(identity)
        case S_IFCHR: return .characterDevice(identity, major: found.major, minor: found.minor)
        case S_IFLNK:
            do {
                return .symlink(target: try FileReading.link(path, below: folder))
            } catch {
                return .unreadable(errno: error.errno)
            }
        default: return .other(identity)
        }
    }
}
