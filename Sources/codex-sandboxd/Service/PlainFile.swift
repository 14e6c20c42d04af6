import Glibc
import SandboxPlan
import SandboxRuntime
import ServiceManager

/// Why a file cannot be read or written.
struct FileFault: Error {
    var why: String
}

/// Small regular files, whole.
enum PlainFile {
    /// Nil where there is none.
    static func read(_ path: String, limit: Int) throws(FileFault) -> [UInt8]? {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else {
            if errno == ENOENT { return nil }
            throw FileFault(why: errno == ELOOP ? "it is a link" : ErrnoName.described(errno))
        }
        defer { close(number) }
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileFault(why: "it is no regular file")
        }
        guard status.st_size <= limit else { throw FileFault(why: "it is longer than \(limit) bytes") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(number, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFault(why: ErrnoName.described(errno)) }
            if count == 0 { break }
            done += count
        }
        return Array(bytes[..<done])
    }

    /// The names in a folder, in their order; nil where there is none.
    static func names(in folder: String) throws(FileFault) -> [String]? {
        guard let stream = opendir(folder) else {
            if errno == ENOENT { return nil }
            throw FileFault(why: ErrnoName.described(errno))
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = OSString(of: entry).description
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw FileFault(why: ErrnoName.described(errno)) }
        return names.sorted()
    }

    /// Puts a file in its place at once, whole: who reads it meanwhile finds the old one or the new one.
    static func write(_ path: String, _ text: String, mode: UInt32) throws(FileFault) {
        try make(path, text, mode) { rename($0, path) }
    }

    /// Puts a file at once and whole where none is; anything of its name, a link that leads nowhere too, stays.
    static func add(_ path: String, _ text: String, mode: UInt32) throws(FileFault) {
        try make(path, text, mode) { new in
            guard link(new, path) == 0 else { return -1 }
            unlink(new)
            return 0
        }
    }

    /// - Parameters:
    ///   - path: where it is to be.
    ///   - text: what is in it.
    ///   - mode: its mode.
    ///   - place: gives the file its name; 0, or -1 with errno.
    /// - Throws: `FileFault`, with nothing left behind.
    private static func make(
        _ path: String,
        _ text: String,
        _ mode: UInt32,
        place: (String) -> Int32
    ) throws(FileFault) {
        // The number alone may be in a name that is there: of one that was killed, or of somebody's own file.
        let random = String((0..<letterCount).map { _ in letters[Int.random(in: letters.indices)] })
        let new = path + unfinished + "\(getpid())-\(random)"
        let number = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600))
        guard number >= 0 else { throw FileFault(why: ErrnoName.described(errno)) }
        defer { close(number) }
        var rest = Array(text.utf8)[...]
        var code: Int32 = 0
        while !rest.isEmpty, code == 0 {
            let count = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { code = errno }
        }
        if code == 0, fchmod(number, mode_t(mode)) != 0 { code = errno }
        if code == 0, fsync(number) != 0 { code = errno }
        if code == 0, place(new) != 0 { code = errno }
        guard code == 0 else {
            unlink(new)
            throw FileFault(why: ErrnoName.described(code))
        }
    }

    /// Behind the name of a file that is not whole yet, with the number of the process that writes it behind it, and random letters.
    private static let unfinished = ".new-"
    private static let letters = Array("abcdefghijklmnopqrstuvwxyz")
    private static let letterCount = 8

    /// The number of the process in the rest of such a name; older versions wrote no letters.
    private static func writer(_ rest: Substring) -> pid_t? {
        let parts = rest.split(separator: "-", omittingEmptySubsequences: false)
        guard let digits = parts.first, let pid = pid_t(digits), pid > 0, String(pid) == digits else { return nil }
        guard parts.count > 1 else { return pid }
        let isRandom = parts[1].count == letterCount && parts[1].allSatisfy { letters.contains($0) }
        return parts.count == 2 && isRandom ? pid : nil
    }

    /// What writers of a file have left that were killed: regular files of our own, of which no process is at work.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - isOurs: whether what is in one is the beginning of what they write: somebody's own copy may have such a name.
    /// - Returns: those, with what is in them.
    /// - Throws: `FileFault` where the folder cannot be read.
    static func leftovers(of path: String, isOurs: ([UInt8]) -> Bool) throws(FileFault) -> [Leftover] {
        guard let slash = path.lastIndex(of: "/") else { return [] }
        let folder = String(path[..<slash])
        let beginning = path[path.index(after: slash)...] + unfinished
        var found: [Leftover] = []
        for name in try names(in: folder) ?? [] where name.hasPrefix(beginning) {
            guard let pid = writer(name.dropFirst(beginning.count)) else { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                status.st_uid == geteuid()
            else { continue }
            // Our own writes at this moment; one of another account is none that writes here.
            if pid != getpid(), kill(pid, 0) == 0 { continue }
            let bytes: [UInt8]?
            do throws(FileFault) { bytes = try read("\(folder)/\(name)", limit: 1 << 16) } catch { continue }
            if let bytes, isOurs(bytes) { found.append(Leftover(path: "\(folder)/\(name)", bytes: bytes)) }
        }
        return found
    }

    /// Makes a folder and those on the way to it, where they are missing.
    static func makeFolder(_ path: String) throws(FileFault) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileFault(why: ErrnoName.described(errno))
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw FileFault(why: ErrnoName.described(errno)) }
    }
}
