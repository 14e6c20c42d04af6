internal import CShims
internal import Glibc
public import SandboxPlan

/// Reading small files of the kernel's and the user's, with a bound, never blocking on what is no regular file.
public enum FileReading {
    /// AT_FDCWD: relative paths start at the current folder (openat(2)).
    public static let currentFolder: Int32 = -100

    /// The whole content, at most `limit` bytes; a longer file is EFBIG.
    ///
    /// - Throws: `SyscallError` of openat2(2) or read(2).
    public static func read(
        _ path: OSString,
        below folder: Int32 = currentFolder,
        limit: Int = 1 << 20,
        followingLinks: Bool = true
    ) throws(SyscallError) -> [UInt8] {
        let file = try open(path, below: folder, followingLinks: followingLinks)
        return try read(file, named: path, limit: limit)
    }

    /// Opens for reading, never waiting for what is no regular file.
    ///
    /// - Throws: `SyscallError` of openat2(2).
    public static func open(
        _ path: OSString,
        below folder: Int32 = currentFolder,
        followingLinks: Bool = true
    ) throws(SyscallError) -> OwnedFileDescriptor {
        let flags = UInt64(O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let resolve = followingLinks ? 0 : UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = try checkedKernel("openat2", on: path.description) {
            path.withCString { cs_openat2(folder, $0, flags, 0, resolve) }
        }
        return OwnedFileDescriptor(owning: Int32(number))
    }

    /// A folder to look things up in, without the right to list it.
    ///
    /// - Throws: `SyscallError` of openat2(2).
    public static func folder(
        _ path: OSString,
        below folder: Int32 = currentFolder,
        followingLinks: Bool = true
    ) throws(SyscallError) -> OwnedFileDescriptor {
        let flags = UInt64(CS_O_PATH | CS_O_DIRECTORY)
        let resolve = followingLinks ? 0 : UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = try checkedKernel("openat2", on: path.description) {
            path.withCString { cs_openat2(folder, $0, flags, 0, resolve) }
        }
        return OwnedFileDescriptor(owning: Int32(number))
    }

    /// The path of an open file or folder as the kernel knows it now, without links; ` (deleted)` behind one that is gone.
    public static func path(of number: Int32) throws(SyscallError) -> OSString {
        try link(OSString("/proc/self/fd/\(number)"))
    }

    /// The whole content of an open file from its beginning, at most `limit` bytes; a longer file is EFBIG.
    ///
    /// - Throws: `SyscallError` of lseek(2) or read(2).
    public static func readAgain(
        _ file: borrowing OwnedFileDescriptor,
        named path: OSString,
        limit: Int = 1 << 20
    ) throws(SyscallError) -> [UInt8] {
        let result = lseek(file.number, 0, SEEK_SET)
        let code = errno
        if result < 0 { throw SyscallError(call: "lseek", subject: path.description, errno: code) }
        return try read(file, named: path, limit: limit)
    }

    /// The rest of an open file, at most `limit` bytes.
    public static func read(
        _ file: borrowing OwnedFileDescriptor,
        named path: OSString,
        limit: Int
    ) throws(SyscallError) -> [UInt8] {
        var bytes: [UInt8] = []
        // Nearly every file of the kernel's fits into the first piece.
        var size = 8192
        let number = file.number
        while true {
            var failure: Int32 = 0
            var atEnd = false
            let piece = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = 0
                while count < buffer.count && !atEnd && failure == 0 {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                    let result = Glibc.read(number, rest.baseAddress, rest.count)
                    let code = errno
                    if result > 0 { count += result }
                    if result == 0 { atEnd = true }
                    if result < 0 && code != EINTR { failure = code }
                }
            }
            if failure != 0 { throw SyscallError(call: "read", subject: path.description, errno: failure) }
            if bytes.count + piece.count > limit {
                throw SyscallError(call: "read", subject: path.description, errno: EFBIG)
            }
            if bytes.isEmpty { bytes = piece } else { bytes += piece }
            if atEnd { return bytes }
            size = 65536
        }
    }

    /// Where a symbolic link leads.
    public static func link(_ path: OSString, below folder: Int32 = currentFolder) throws(SyscallError) -> OSString {
        var target = OSString("")
        let result = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let result = path.withCString { cs_readlinkat(folder, $0, buffer.baseAddress, buffer.count) }
            if result > 0 { target = OSString(Array(buffer[..<result])) }
            return result
        }
        if result < 0 {
            throw SyscallError(call: "readlinkat", subject: path.description, errno: Int32(-result))
        }
        return target
    }
}

extension OSString {
    /// The bytes with a NUL behind them, for the length of `body`.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            buffer[bytes.count] = 0
            // swift-format-ignore: NeverForceUnwrap
            return body(UnsafePointer(buffer.baseAddress!))  // never empty: there is the NUL
        }
    }
}
