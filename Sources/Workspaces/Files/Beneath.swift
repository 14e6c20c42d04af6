internal import CShims
internal import Glibc
internal import SandboxPlan

/// Opening names below a folder that somebody else changes meanwhile: the kernel resolves, and sees to it that nothing leads out.
///
/// There is no check before the use that a swapped link could outrun (openat2(2), RESOLVE_BENEATH).
enum Beneath {
    /// Links that stay inside are followed; absolute ones, those that leave, and the doors of /proc are not.
    static let withLinks = UInt64(CS_RESOLVE_BENEATH | CS_RESOLVE_NO_MAGICLINKS)
    /// No link at all, wherever it leads.
    static let withoutLinks = withLinks | UInt64(CS_RESOLVE_NO_SYMLINKS)
    /// And no other mount (RESOLVE_NO_XDEV): for what is taken away.
    static let onOneMount = withoutLinks | 0x01

    /// To look at, or to name in another call.
    static let handle = UInt64(CS_O_PATH)
    static let folderHandle = UInt64(CS_O_PATH | CS_O_DIRECTORY)
    static let readFolder = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
    /// A FIFO does not wait for a writer, and a terminal does not become ours.
    static let readFile = UInt64(O_RDONLY | O_NONBLOCK | O_NOCTTY)

    /// How often a look-up is begun anew that a rename elsewhere has disturbed: openat2(2), EAGAIN.
    private static let attempts = 128

    /// A descriptor that is the caller's to close, or -errno.
    static func open(_ path: OSString, below folder: Int32, _ flags: UInt64, mode: UInt64 = 0, _ resolve: UInt64) -> Int
    {
        var result = 0
        for _ in 0..<attempts {
            result = path.withTerminator { cs_openat2(folder, $0, flags, mode, resolve) }
            if result != Int(-EAGAIN) && result != Int(-EINTR) { return result }
            sched_yield()
        }
        return result
    }

    /// 0, or -errno; a call of the C library's that answers -1 and errno.
    static func result(_ body: () -> Int32) -> Int {
        while true {
            let result = body()
            let code = errno
            if result >= 0 { return Int(result) }
            if code != EINTR { return Int(-code) }
        }
    }

    /// So many random bytes as hexadecimal digits, for names that nobody guesses.
    static func randomName(_ prefix: String) -> OSString {
        var number: UInt64 = 0
        var other: UInt64 = 0
        // getrandom(2) of up to 256 bytes neither fails nor is cut short once the kernel's pool is ready.
        let first = cs_getrandom(&number, 8)
        let second = cs_getrandom(&other, 8)
        precondition(first == 8 && second == 8, "getrandom(2) gives no bytes")
        return OSString(prefix + String(number, radix: 16) + String(other, radix: 16))
    }
}

extension OSString {
    /// The bytes with a NUL behind them, for the length of `body`.
    func withTerminator<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            buffer[bytes.count] = 0
            // swift-format-ignore: NeverForceUnwrap
            return body(UnsafePointer(buffer.baseAddress!))  // never empty: there is the NUL
        }
    }
}
