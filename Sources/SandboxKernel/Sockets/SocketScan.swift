internal import CShims
internal import Glibc
public import SandboxPlan

/// Sockets of the host that a job could reach by their path: connecting needs no right that a mount can take away.
///
/// The kernel lists every bound socket of this network namespace with its name (`/proc/net/unix`, unix(7)). Sockets
/// bound in other network namespaces are not in that list.
public enum SocketScan {
    /// More entries than this are not looked through for a socket that was bound by a relative name.
    static let walkLimit = 50_000
    /// Folders of sockets that are looked up; with more of them the list is no answer.
    static let folderLimit = 4096

    /// Paths of sockets in or below the roots that something listens on now.
    ///
    /// - Parameters:
    ///   - roots: folders and files that the place shows, absolute.
    ///   - allowed: paths that the policy lets the job reach.
    /// - Returns: the paths, sorted.
    /// - Throws: `SyscallError` when the list cannot be read, or a folder in it cannot be looked up.
    public static func found(in roots: [OSString], allowed: [OSString]) throws(SyscallError) -> [OSString] {
        let text = try FileReading.read("/proc/net/unix", limit: 32 << 20)
        var paths: Set<OSString> = []
        var relative: Set<OSString> = []
        var folders: [OSString: OSString] = [:]
        for line in text.split(separator: 0x0A).dropFirst() {
            guard let name = boundName(line), let first = name.bytes.first, first != UInt8(ascii: "@") else { continue }
            if first == UInt8(ascii: "/") {
                var path = name.normalised
                if path == nil || !roots.contains(where: { path?.isWithin($0) == true }) {
                    path = try realPath(of: name, &folders)
                }
                guard let path, roots.contains(where: { path.isWithin($0) }), isSocket(path) else { continue }
                if let written = name.normalised, allowed.contains(written) { continue }
                paths.insert(path)
            } else {
                relative.insert(name.lastComponent)
            }
        }
        if !relative.isEmpty {
            for root in roots { walk(root, names: relative, into: &paths) }
        }
        return paths.subtracting(allowed).sorted()
    }

    /// Where a socket lies whose name leads through a link or `..`; nil where its folder is gone.
    ///
    /// Most sockets share a few folders: `folders` holds what was found so far.
    private static func realPath(
        of name: OSString,
        _ folders: inout [OSString: OSString]
    ) throws(SyscallError) -> OSString? {
        let parent = name.parent
        if let known = folders[parent] { return known.isEmpty ? nil : known.appending(name.lastComponent) }
        guard folders.count < folderLimit else {
            throw SyscallError(call: "openat2", subject: "/proc/net/unix", errno: E2BIG)
        }
        do throws(SyscallError) {
            let real = try RealPath.of(parent)
            folders[parent] = real
            return real.appending(name.lastComponent)
        } catch {
            guard [ENOENT, ENOTDIR, ELOOP].contains(error.errno) else { throw error }
            folders[parent] = ""
            return nil
        }
    }

    /// The eighth field to the end of the line: a name may hold blanks.
    private static func boundName(_ line: ArraySlice<UInt8>) -> OSString? {
        var rest = line
        for _ in 0..<7 {
            rest = rest.drop { $0 == 0x20 }.drop { $0 != 0x20 }
        }
        rest = rest.drop { $0 == 0x20 }
        return rest.isEmpty ? nil : OSString(rest)
    }

    private static func isSocket(_ path: OSString) -> Bool {
        var identity = cs_identity()
        return path.withCString { cs_identify(FileReading.currentFolder, $0, &identity) } == 0
            && identity.mode & S_IFMT == S_IFSOCK
    }

    /// Looks for the names below a root, by descriptor and without following links.
    private static func walk(_ root: OSString, names: Set<OSString>, into paths: inout Set<OSString>) {
        var open: [OSString] = [root]
        var seen = 0
        while let folder = open.popLast(), seen < walkLimit {
            let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
            let number = folder.withCString { cs_openat2(FileReading.currentFolder, $0, flags, 0, 0) }
            guard number >= 0 else { continue }  // no folder, or closed to us and so to the job
            guard let list = fdopendir(Int32(number)) else {
                _ = close(Int32(number))
                continue
            }
            while let entry = readdir(list) {
                seen += 1
                let name = withUnsafeBytes(of: entry.pointee.d_name) { OSString($0.prefix { $0 != 0 }) }
                if name == "." || name == ".." { continue }
                switch Int32(entry.pointee.d_type) {
                case Int32(DT_DIR): open.append(folder.appending(name))
                case Int32(DT_SOCK): if names.contains(name) { paths.insert(folder.appending(name)) }
                default: continue
                }
            }
            closedir(list)
        }
    }
}
