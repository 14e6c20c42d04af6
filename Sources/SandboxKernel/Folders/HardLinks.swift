internal import CShims
internal import Glibc
public import SandboxPlan

/// Finds files of a folder that have another name outside of it (link(2)): a mount over the folder does not hold them.
///
/// One for all folders of a launch: they have one bound together.
public struct HardLinks {
    /// A file and how many of its names are not in the folder.
    public struct Finding: Hashable, Sendable {
        public var path: OSString
        public var names: UInt32
        public var outside: UInt32
    }

    public enum Failure: Error, Hashable, Sendable {
        case call(SyscallError)
        /// More entries than are looked at before a launch.
        case tooMany(Int)
    }

    private struct File {
        var device: UInt64
        var inode: UInt64
        var links: UInt32
        /// From the folder.
        var path: OSString
    }

    /// Entries of all folders together: some hundred milliseconds, in folders as large as that only.
    public static let limit = 100_000

    private let limit: Int
    private var seen = 0

    public init(limit: Int = HardLinks.limit) {
        self.limit = limit
    }

    /// The first file of the folder that has a name elsewhere.
    ///
    /// Everything is looked up by descriptor, no link is followed, no other mount is entered. A folder of somebody
    /// else's that is closed to this process is closed to its jobs too, and is left out.
    ///
    /// - Parameter folder: absolute.
    /// - Returns: nil when each file has all its names in the folder.
    /// - Throws: `Failure` when the folder cannot be looked through to its end.
    public mutating func first(outside folder: OSString) throws(Failure) -> Finding? {
        var files: [File] = []
        do throws(SyscallError) {
            guard let top = try HardLinks.open(folder, below: FileReading.currentFolder, within: 0) else { return nil }
            var open: [OSString] = []
            try look(top.number, top.number, "", folder, &files, &open)
            while let path = open.popLast(), seen <= limit {
                let within = UInt64(CS_RESOLVE_BENEATH) | HardLinks.noOtherMount
                guard let number = try HardLinks.open(path, below: top.number, within: within) else { continue }
                try look(top.number, number.number, path, folder, &files, &open)
            }
        } catch { throw .call(error) }
        if seen > limit { throw .tooMany(limit) }
        return HardLinks.finding(&files, folder)
    }

    /// RESOLVE_NO_XDEV (openat2(2)).
    private static let noOtherMount: UInt64 = 0x01

    /// Nil where there is nothing that a job could reach by this name.
    private static func open(
        _ path: OSString,
        below folder: Int32,
        within: UInt64
    ) throws(SyscallError) -> OwnedFileDescriptor? {
        let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
        let resolve = within | UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = path.withCString { cs_openat2(folder, $0, flags, 0, resolve) }
        if number >= 0 { return OwnedFileDescriptor(owning: Int32(number)) }
        switch Int32(-number) {
        // Gone or exchanged since it was listed, or another mount.
        case ENOENT, ENOTDIR, ELOOP, EXDEV: return nil
        case EACCES:
            var identity = cs_identity()
            let result = path.withCString { cs_identify(folder, $0, &identity) }
            // Its owner, and so a job of the owner's, could open it again by chmod(2).
            if result == 0 && identity.uid != geteuid() || result == Int(-EACCES) { return nil }
        default: break
        }
        throw SyscallError(call: "openat2", subject: path.description, errno: Int32(-number))
    }

    /// Notes the files of one folder that have several names, and the folders in it.
    private mutating func look(
        _ top: Int32,
        _ number: Int32,
        _ path: OSString,
        _ folder: OSString,
        _ files: inout [File],
        _ open: inout [OSString]
    ) throws(SyscallError) {
        var seen = self.seen
        defer { self.seen = seen }
        let limit = self.limit
        try FolderEntries.each(in: number, named: folder.appending(path)) { (entry) throws(SyscallError) in
            seen += 1
            if seen > limit { return false }
            switch Int32(entry.kind) {
            case Int32(DT_DIR): open.append(path.appending(entry.copy))
            case Int32(DT_REG), Int32(DT_UNKNOWN):
                var identity = cs_identity()
                let result = cs_identify(number, entry.name, &identity)
                if result == Int(-ENOENT) { return true }
                if result < 0 {
                    let subject = folder.appending(path).appending(entry.copy).description
                    throw SyscallError(call: "statx", subject: subject, errno: Int32(-result))
                }
                if identity.mode & S_IFMT == S_IFDIR { open.append(path.appending(entry.copy)) }
                guard identity.mode & S_IFMT == S_IFREG, identity.links > 1 else { return true }
                files.append(
                    File(
                        device: identity.device,
                        inode: identity.inode,
                        links: identity.links,
                        path: path.appending(entry.copy)
                    )
                )
            default: break  // links, sockets, FIFOs and devices have nothing in them to change or to read by a name
            }
            return true
        }
    }

    /// Names of one file stand together once they are sorted.
    private static func finding(_ files: inout [File], _ folder: OSString) -> Finding? {
        if files.isEmpty { return nil }
        files.sort { ($0.device, $0.inode) < ($1.device, $1.inode) }
        var start = 0
        while start < files.count {
            let file = files[start]
            var end = start
            while end < files.count && files[end].device == file.device && files[end].inode == file.inode { end += 1 }
            let inside = UInt32(end - start)
            if file.links > inside {
                return Finding(path: folder.appending(file.path), names: file.links, outside: file.links - inside)
            }
            start = end
        }
        return nil
    }
}
