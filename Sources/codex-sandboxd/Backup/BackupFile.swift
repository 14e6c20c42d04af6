import Glibc
import SandboxPlan
import SandboxRuntime

/// Files of a backup: written once, read whole, known by their digest.
enum BackupFile {
    struct Digest: Hashable {
        var sha256: String
        var bytes: UInt64
    }

    private static let piece = 1 << 20

    /// A new file that only its owner can read; on the disk when the call returns.
    static func write(
        _ path: OSString,
        _ body: (_ put: ([UInt8]) throws(ServeError) -> Void) throws(ServeError) -> Void
    ) throws(ServeError) -> Digest {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = CString.with(path) { open($0, flags, 0o600) }
        guard number >= 0 else { throw failure("made", path, errno) }
        defer { close(number) }
        var hash = SHA256()
        var count: UInt64 = 0
        try body { (bytes) throws(ServeError) in
            hash.update(bytes)
            count += UInt64(bytes.count)
            var rest = bytes[...]
            while !rest.isEmpty {
                let put = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
                if put < 0 && errno == EINTR { continue }
                guard put >= 0 else { throw failure("written", path, errno) }
                rest = rest.dropFirst(put)
            }
        }
        guard fsync(number) == 0 else { throw failure("brought to the disk", path, errno) }
        return Digest(sha256: hex(hash.digest()), bytes: count)
    }

    /// Gives all of a regular file to `body`, in pieces.
    static func read(_ path: OSString, _ body: ([UInt8]) throws(ServeError) -> Void) throws(ServeError) {
        let number = CString.with(path) { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) }
        guard number >= 0 else { throw failure("read", path, errno) }
        defer { close(number) }
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ServeError("\(path) is no regular file; name a folder that db backup has made")
        }
        var buffer = [UInt8](repeating: 0, count: piece)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path, errno) }
            if count == 0 { return }
            try body(Array(buffer[..<count]))
        }
    }

    static func digest(_ path: OSString) throws(ServeError) -> Digest {
        var hash = SHA256()
        var count: UInt64 = 0
        try read(path) { (bytes) in
            hash.update(bytes)
            count += UInt64(bytes.count)
        }
        return Digest(sha256: hex(hash.digest()), bytes: count)
    }

    /// Mode 0700; nothing may be there.
    static func makeFolder(_ path: OSString) throws(ServeError) {
        guard CString.with(path, { mkdir($0, 0o700) }) == 0 else { throw failure("made", path, errno) }
    }

    /// Waits until a folder's names are on the disk.
    static func settle(_ folder: OSString) throws(ServeError) {
        let number = CString.with(folder) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard number >= 0 else { throw failure("brought to the disk", folder, errno) }
        defer { close(number) }
        guard fsync(number) == 0 else { throw failure("brought to the disk", folder, errno) }
    }

    static func move(_ old: OSString, _ new: OSString) throws(ServeError) {
        let result = CString.with(old) { old in CString.with(new) { rename(old, $0) } }
        guard result == 0 else { throw failure("renamed to \(new)", old, errno) }
    }

    static func isThere(_ path: OSString) -> Bool {
        var status = stat()
        return CString.with(path) { lstat($0, &status) } == 0
    }

    /// The names in a folder, in order; nil where there is none.
    static func names(_ path: OSString) throws(ServeError) -> [OSString]? {
        guard let folder = CString.with(path, { opendir($0) }) else {
            if errno == ENOENT { return nil }
            throw failure("listed", path, errno)
        }
        defer { closedir(folder) }
        var names: [OSString] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                if errno != 0 { throw failure("listed", path, errno) }
                return names.sorted()
            }
            let name = OSString(of: entry)
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// Takes a folder away with all that is in it; nothing there is as good.
    static func removeAll(_ path: OSString) throws(ServeError) {
        if CString.with(path, { unlink($0) }) == 0 || errno == ENOENT { return }
        guard errno == EISDIR else { throw failure("removed", path, errno) }
        for name in try names(path) ?? [] { try removeAll(path.appending(name)) }
        guard CString.with(path, { rmdir($0) }) == 0 else { throw failure("removed", path, errno) }
    }

    private static func failure(_ what: String, _ path: OSString, _ code: Int32) -> ServeError {
        ServeError(
            "\(path) cannot be \(what): \(ErrnoName.described(code)); see that this account may, and that there is room"
        )
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
