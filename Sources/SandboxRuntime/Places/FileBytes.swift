internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Reads pieces of an open file: short counts and EINTR are dealt with here.
enum FileBytes {
    /// Exactly `count` bytes from `offset`, or fewer where the file ends.
    static func read(
        _ count: Int,
        at offset: Int64,
        of descriptor: Int32,
        named name: OSString
    ) throws(SyscallError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress?.advanced(by: have), count - have, off_t(offset) + off_t(have))
            }
            let code = errno
            if got == 0 { break }
            if got < 0 {
                if code == EINTR { continue }
                throw SyscallError(call: "pread", subject: name.description, errno: code)
            }
            have += got
        }
        return have == count ? bytes : Array(bytes[..<have])
    }

    /// All of `bytes`, at the file's position or, of one that is open for appending, at its end.
    static func write(_ bytes: [UInt8], to descriptor: Int32, named name: OSString) throws(SyscallError) {
        var have = 0
        while have < bytes.count {
            let put = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: have), bytes.count - have)
            }
            let code = errno
            if put < 0 && code == EINTR { continue }
            guard put > 0 else {
                throw SyscallError(call: "write", subject: name.description, errno: put < 0 ? code : ENOSPC)
            }
            have += put
        }
    }
}

extension OSString {
    /// Lends the bytes with the NUL that system calls want; the pointer is good for the length of the call.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // The buffer holds at least the NUL, so it has an address.
            guard let start = buffer.baseAddress else { preconditionFailure("an empty buffer with a NUL in it") }
            return body(start)
        }
    }
}
