internal import Glibc
internal import SandboxPlan

/// Files of keys, reached by descriptor from a folder that nobody else can touch.
enum KeyFile {
    private static let sizeLimit = 16 << 10

    /// An open folder; closed with the value.
    struct Folder: ~Copyable {
        let number: Int32
        let path: OSString

        deinit { close(number) }
    }

    // MARK: - Folders

    /// The folder `name` in the folder of settings, made with those above it where they are missing.
    static func folder(_ settings: OSString, _ name: OSString) throws(CryptoError) -> Folder {
        var parent: OSString = "/"
        for component in settings.components {
            parent = parent.appending(component)
            try makeFolder(parent)
        }
        try makeFolder(settings.appending(name))
        guard let folder = try existingFolder(settings, name) else {
            throw CryptoError(
                action: "open the folder",
                subject: settings.appending(name).description,
                cause: "it was removed while it was being opened",
                remedy: "try again"
            )
        }
        return folder
    }

    /// - Returns: nil when it does not exist.
    static func existingFolder(_ settings: OSString, _ name: OSString) throws(CryptoError) -> Folder? {
        // Whoever can write to the folder above could put another one in its place.
        guard let above = try open(settings) else { return nil }
        try check(above, forbidden: 0o022)
        let path = settings.appending(name)
        guard let folder = try open(path, below: above.number, name: name) else { return nil }
        try check(folder, forbidden: 0o077)
        return folder
    }

    private static func makeFolder(_ path: OSString) throws(CryptoError) {
        let result = cString(path) { mkdir($0, 0o700) }
        let code = errno
        if result == 0 || code == EEXIST { return }
        throw failure("make the folder", path, "mkdir", code, "see the owner and mode of the folder above it")
    }

    private static func open(
        _ path: OSString,
        below folder: Int32 = AT_FDCWD,
        name: OSString? = nil
    ) throws(CryptoError) -> Folder? {
        let number = cString(name ?? path) { openat(folder, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        let code = errno
        if number < 0 && code == ENOENT { return nil }
        guard number >= 0 else {
            var error = failure("open the folder", path, "openat", code, "put a folder there")
            // A link answers ENOTDIR when O_DIRECTORY and O_NOFOLLOW come together (open(2)).
            if code == ENOTDIR || code == ELOOP { error.cause = "it is no folder, or a link" }
            throw error
        }
        return Folder(number: number, path: path)
    }

    private static func check(_ folder: borrowing Folder, forbidden: mode_t) throws(CryptoError) {
        _ = try checked(folder.number, folder.path, forbidden: forbidden, action: "keep keys in")
    }

    /// Belongs to the effective user, and others may do nothing of `forbidden`.
    private static func checked(
        _ number: Int32,
        _ path: OSString,
        forbidden: mode_t,
        action: String
    ) throws(CryptoError) -> stat {
        var status = stat()
        let result = fstat(number, &status)
        let code = errno
        guard result == 0 else { throw failure("look at", path, "fstat", code, "try again") }
        guard status.st_uid == geteuid() else {
            throw CryptoError(
                action: action,
                subject: path.description,
                cause: "it belongs to uid \(status.st_uid), and this process is uid \(geteuid())",
                remedy: "look at who made it, and move it away"
            )
        }
        guard status.st_mode & forbidden == 0 else {
            let clear = forbidden & 0o044 == 0 ? "go-w" : "go="
            throw CryptoError(
                action: action,
                subject: path.description,
                cause: "others may \(forbidden & 0o044 == 0 ? "write to" : "read or write") it "
                    + "(mode \(String(status.st_mode & 0o7777, radix: 8)))",
                remedy: "chmod \(clear) \(path), after a look at who could have seen or changed it"
            )
        }
        return status
    }

    // MARK: - Files

    /// The content of `name` in `folder`; nil when it is not there.
    static func read(
        _ name: OSString,
        in folder: borrowing Folder,
        path: OSString,
        isSecret: Bool
    ) throws(CryptoError) -> [UInt8]? {
        // O_NONBLOCK: a FIFO of this name must not hold us up.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let number = cString(name) { openat(folder.number, $0, flags) }
        let code = errno
        if number < 0 && code == ENOENT { return nil }
        guard number >= 0 else {
            var error = failure("open the key", path, "openat", code, "move it away, after a look at who put it there")
            if code == ELOOP { error.cause = "it is a link" }
            throw error
        }
        defer { close(number) }
        let status = try checked(number, path, forbidden: isSecret ? 0o077 : 0o022, action: "use the key")
        return try content(of: number, status, path)
    }

    /// The content of a file that a person names.
    static func content(of path: OSString) throws(CryptoError) -> [UInt8] {
        let number = cString(path) { Glibc.open($0, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        let code = errno
        guard number >= 0 else { throw failure("open the key", path, "open", code, "name another file") }
        defer { close(number) }
        var status = stat()
        let result = fstat(number, &status)
        let statCode = errno
        guard result == 0 else { throw failure("look at", path, "fstat", statCode, "try again") }
        return try content(of: number, status, path)
    }

    private static func content(of number: Int32, _ status: stat, _ path: OSString) throws(CryptoError) -> [UInt8] {
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= sizeLimit else {
            throw CryptoError(
                action: "read the key",
                subject: path.description,
                cause: status.st_mode & S_IFMT == S_IFREG ? "it is too long for one" : "it is no regular file",
                remedy: "name, or put there, a file that is a key"
            )
        }
        var bytes = [UInt8](repeating: 0, count: sizeLimit)
        var have = 0
        while have < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(number, buffer.baseAddress?.advanced(by: have), buffer.count - have)
            }
            let code = errno
            if got < 0 && code == EINTR { continue }
            guard got >= 0 else { throw failure("read the key", path, "read", code, "try again") }
            if got == 0 { break }
            have += got
        }
        return Array(bytes[..<have])
    }

    /// Makes `name` with this content, whole or not at all, unless it is there.
    ///
    /// - Returns: false when it was there.
    static func make(
        _ name: OSString,
        in folder: borrowing Folder,
        _ content: [UInt8],
        path: OSString
    ) throws(CryptoError) -> Bool {
        let temporary = OSString(".\(name).\(getpid())")
        _ = cString(temporary) { unlinkat(folder.number, $0, 0) }
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = cString(temporary) { openat(folder.number, $0, flags, 0o600) }
        let code = errno
        guard number >= 0 else { throw failure("make the key", path, "openat", code, "see the folder's mode") }
        defer {
            close(number)
            _ = cString(temporary) { unlinkat(folder.number, $0, 0) }
        }
        let written = content.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
        let writeCode = errno
        guard written == content.count else {
            throw failure("write the key", path, "write", written < 0 ? writeCode : ENOSPC, "free space for it")
        }
        // On the disk before it has its name: a key that has signed and is lost cannot be made again.
        let synced = fsync(number)
        let syncCode = errno
        guard synced == 0 else { throw failure("bring to the disk", path, "fsync", syncCode, "see the disk") }
        // link(2), not rename(2): it never takes the place of one that is there.
        let linked = cString(temporary) { old in
            cString(name) { linkat(folder.number, old, folder.number, $0, 0) }
        }
        let linkCode = errno
        if linked != 0 && linkCode == EEXIST { return false }
        guard linked == 0 else {
            throw failure("make the key", path, "linkat", linkCode, "use a file system that has hard links")
        }
        _ = fsync(folder.number)
        return true
    }

    private static func failure(
        _ action: String,
        _ path: OSString,
        _ call: String,
        _ errno: Int32,
        _ remedy: String
    ) -> CryptoError {
        CryptoError(action: action, subject: path.description, call: call, errno: errno, remedy: remedy)
    }

    private static func cString<Result>(_ text: OSString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (text.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // The buffer holds at least the NUL, so it has an address.
            guard let start = buffer.baseAddress else { preconditionFailure("an empty buffer with a NUL in it") }
            return body(start)
        }
    }
}
