internal import CShims
public import SandboxKernel

/// The name of one launch: 32 hexadecimal digits, unique without anybody handing them out, and sorting by time.
///
/// 48 bits of milliseconds since 1970, then 80 random bits.
public struct LaunchID: Hashable, Sendable, CustomStringConvertible {
    /// 16 bytes.
    public let bytes: [UInt8]

    /// A new name.
    ///
    /// - Throws: `SyscallError` when the kernel gives no random bytes (getrandom(2)).
    public static func random(at time: Timestamp) throws(SyscallError) -> LaunchID {
        let milliseconds = time.microseconds / 1000
        var bytes = (0..<6).map { UInt8(truncatingIfNeeded: milliseconds >> UInt64(40 - 8 * $0)) }
        bytes += [UInt8](repeating: 0, count: 10)
        let result = bytes.withUnsafeMutableBytes { cs_getrandom($0.baseAddress?.advanced(by: 6), 10) }
        guard result >= 0 else { throw SyscallError(call: "getrandom", subject: "launch id", errno: Int32(-result)) }
        return LaunchID(bytes)
    }

    /// The name with exactly these 16 bytes.
    public init(_ bytes: [UInt8]) {
        precondition(bytes.count == 16, "a launch id has 16 bytes")
        self.bytes = bytes
    }

    /// Reads 32 hexadecimal digits, lower case; nil for anything else.
    public init?(parsing text: String) {
        guard let bytes = Hexadecimal.bytes(text), bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    public var description: String { Hexadecimal.text(bytes) }
}
