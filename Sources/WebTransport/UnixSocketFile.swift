import CMicrohttpd
import Glibc

/// The file of a unix socket that this process has made.
struct UnixSocketFile: Sendable {
    let path: String
    private let device: UInt64
    private let inode: UInt64

    /// Makes the file and listens; takes the place of a socket that nobody listens at, and of nothing else.
    ///
    /// The folder is locked (flock(2)) meanwhile: of two servers that find the same dead socket, one would otherwise remove
    /// the other's new one.
    static func listen(at path: String) throws(ListenError) -> (Int32, UnixSocketFile) {
        let what = "unix:\(path)"
        let folder = try lockFolder(of: path, what: what)
        defer { close(folder) }
        let descriptor = try ListeningSocket.make(AF_UNIX, what: what)
        do throws(ListenError) {
            // bind(2) makes the file with the mode of the socket, less the umask: it is never open to others.
            guard fchmod(descriptor, 0o600) == 0 else { throw ListeningSocket.error(what, errno) }
            var reason = bindOnce(descriptor, path)
            if reason == EADDRINUSE {
                try removeDead(path, what: what)
                reason = bindOnce(descriptor, path)
            }
            guard reason == 0 else { throw ListeningSocket.error(what, reason) }
            return (descriptor, try check(descriptor, path, what: what))
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// What is there after bind(2) must be ours, private, and listen.
    private static func check(_ descriptor: Int32, _ path: String, what: String) throws(ListenError) -> UnixSocketFile {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw ListeningSocket.error(what, errno) }
        let file = UnixSocketFile(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        guard status.st_mode & S_IFMT == S_IFSOCK, status.st_mode & 0o077 == 0 else {
            file.remove()
            throw ListenError(
                kind: .fault,
                what: what,
                why: "the socket's file is open to others",
                remedy: "Choose a folder on a file system that keeps modes."
            )
        }
        // An umask may have taken from its owner.
        guard status.st_mode & 0o777 == 0o600 || chmod(path, 0o600) == 0,
            Glibc.listen(descriptor, ListeningSocket.backlog) == 0
        else {
            let reason = errno
            file.remove()
            throw ListeningSocket.error(what, reason)
        }
        return file
    }

    /// Removes the file if it is still the one that was made.
    func remove() {
        var status = stat()
        guard lstat(path, &status) == 0, UInt64(status.st_dev) == device, UInt64(status.st_ino) == inode else { return }
        unlink(path)
    }

    private static func lockFolder(of path: String, what: String) throws(ListenError) -> Int32 {
        var folder = "."
        if let slash = path.lastIndex(of: "/") { folder = slash == path.startIndex ? "/" : String(path[..<slash]) }
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ListeningSocket.error(what, errno) }
        for _ in 0..<40 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            let reason = errno
            guard reason == EWOULDBLOCK || reason == EINTR else {
                close(descriptor)
                throw ListeningSocket.error(what, reason)
            }
            usleep(50_000)
        }
        close(descriptor)
        throw ListenError(
            kind: .busy,
            what: what,
            why: "another process holds the lock of its folder",
            remedy: "Wait for it, or choose another folder."
        )
    }

    private static func removeDead(_ path: String, what: String) throws(ListenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw ListeningSocket.error(what, errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ListenError(
                kind: .occupied,
                what: what,
                why: "there is a file that is no socket",
                remedy: "Choose another path, or move it away yourself."
            )
        }
        let probe = try ListeningSocket.make(AF_UNIX, what: what)
        defer { close(probe) }
        guard let reason = connectOnce(probe, path), reason == ECONNREFUSED else {
            throw ListeningSocket.error(what, EADDRINUSE)
        }
        guard unlink(path) == 0 || errno == ENOENT else { throw ListeningSocket.error(what, errno) }
    }

    /// The error of bind(2), or 0.
    private static func bindOnce(_ descriptor: Int32, _ path: String) -> Int32 {
        withAddress(path) { bind(descriptor, $0, $1) == 0 ? 0 : errno }
    }

    /// The error of connect(2); nil if somebody answers.
    private static func connectOnce(_ descriptor: Int32, _ path: String) -> Int32? {
        withAddress(path) { connect(descriptor, $0, $1) == 0 ? nil : errno }
    }

    private static func withAddress<Result>(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
