import Glibc
import SandboxPlan
import SandboxRuntime

/// Folders from the inside, by descriptor; links are entries like any other, and are not followed.
enum FolderWalk {
    /// Each level holds a descriptor.
    private static let depthLimit = 100

    /// All names below a folder, folders with a slash behind them; what a listing of the API might leave out is here too.
    static func names(below folder: OSString) throws(SuiteError) -> [String] {
        let descriptor = folder.withCString { open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        return try names(descriptor, folder, depth: 0).sorted()
    }

    private static func names(_ folder: Int32, _ path: OSString, depth: Int) throws(SuiteError) -> [String] {
        var names: [String] = []
        for entry in try entries(folder, path) {
            guard let inner = try opened(entry, folder, path, depth) else {
                names.append(entry.description)
                continue
            }
            defer { close(inner) }
            names.append("\(entry)/")
            for name in try self.names(inner, path.appending(entry), depth: depth + 1) {
                names.append("\(entry)/\(name)")
            }
        }
        return names
    }

    /// Removes a folder of ours with all in it.
    static func remove(_ folder: OSString) throws(SuiteError) {
        let descriptor = folder.withCString { open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        try empty(descriptor, folder, depth: 0)
        guard folder.withCString({ rmdir($0) }) == 0 else { throw failure("remove", folder) }
    }

    private static func empty(_ folder: Int32, _ path: OSString, depth: Int) throws(SuiteError) {
        // A job may have taken its own folder's rights away.
        _ = fchmod(folder, 0o700)
        for entry in try entries(folder, path) {
            var flags: Int32 = 0
            if let inner = try opened(entry, folder, path, depth) {
                defer { close(inner) }
                try empty(inner, path.appending(entry), depth: depth + 1)
                flags = AT_REMOVEDIR
            }
            guard entry.withCString({ unlinkat(folder, $0, flags) }) == 0 else {
                throw failure("remove", path.appending(entry))
            }
        }
    }

    /// The entry where it is a folder; nil for anything else.
    private static func opened(_ entry: OSString, _ folder: Int32, _ path: OSString, _ depth: Int) throws(SuiteError)
        -> Int32?
    {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var descriptor = entry.withCString { openat(folder, $0, flags) }
        if descriptor < 0, errno == EACCES, entry.withCString({ fchmodat(folder, $0, 0o700, 0) }) == 0 {
            descriptor = entry.withCString { openat(folder, $0, flags) }
        }
        if descriptor < 0, errno == ENOTDIR || errno == ELOOP { return nil }
        guard descriptor >= 0 else { throw failure("open", path.appending(entry)) }
        guard depth < depthLimit else {
            close(descriptor)
            throw SuiteError("\(path) is too deep to look at")
        }
        return descriptor
    }

    private static func entries(_ folder: Int32, _ path: OSString) throws(SuiteError) -> [OSString] {
        // A description of its own: a duplicate would share the place in the folder.
        let own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else {
            if own >= 0 { close(own) }
            throw failure("list", path)
        }
        defer { closedir(stream) }
        var entries: [OSString] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = OSString(of: entry)
            if name != "." && name != ".." { entries.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw failure("list", path) }
        return entries
    }

    private static func failure(_ action: String, _ path: OSString) -> SuiteError {
        SuiteError("cannot \(action) \(path): \(ErrnoName.described(errno))")
    }
}
