public import SandboxPlan

/// The flat file a compiled policy is cached in.
///
/// Little endian, no alignment:
///
///     0   8  magic "CSPOLICY"
///     8   4  format version
///     12  32 version of the tool that wrote it, ASCII, padded with NUL
///     44  8  length of the whole file
///     52  32 SHA-256 of everything from byte 84 on
///     84     the fields of `CompiledPolicy`, in the order of `encode`
///
/// Numbers are fixed width, lists and strings are preceded by their length as 32 bits. One version of the tool reads
/// only its own files: a default that changed must not live on in a cache.
public enum CompiledPolicyCoding {
    static let magic: [UInt8] = Array("CSPOLICY".utf8)
    /// Raised whenever the fields change, or what a policy file leaves unsaid: `CompiledDefaultsTests` sees to it.
    public static let formatVersion: UInt32 = 7
    static let toolVersionLength = 32
    static let headerLength = 84
    /// Larger than any policy this tool writes; a larger file is not looked at.
    public static let maximumLength = 1 << 20

    /// The file's bytes.
    ///
    /// - Parameters:
    ///   - policy: What is to be cached.
    ///   - toolVersion: Version of this program, at most 32 ASCII characters.
    ///   - sha256: SHA-256 of bytes, 32 bytes.
    /// - Returns: The bytes of the file.
    public static func encode(
        _ policy: CompiledPolicy,
        toolVersion: String,
        sha256: (UnsafeRawBufferPointer) -> [UInt8]
    ) -> [UInt8] {
        precondition(toolVersion.utf8.count <= toolVersionLength, "tool version \(toolVersion) is too long")
        var body = PolicyByteWriter()
        body.compiledPolicy(policy)
        var file = PolicyByteWriter()
        file.bytes += magic
        file.integer(formatVersion)
        file.bytes += padded(toolVersion)
        file.integer(UInt64(headerLength + body.bytes.count))
        file.bytes += body.bytes.withUnsafeBytes(sha256)
        precondition(file.bytes.count == headerLength, "SHA-256 has 32 bytes")
        file.bytes += body.bytes
        return file.bytes
    }

    /// Reads a file back.
    ///
    /// The bytes are taken for hostile until the checksum agrees, and for damaged after that: nothing in them can make
    /// this trap, allocate more than a small multiple of their length, or yield a value outside of `PolicyRange`.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - toolVersion: Version of this program.
    ///   - sha256: SHA-256 of bytes, 32 bytes.
    /// - Returns: The policy, equal to the one that was encoded.
    /// - Throws: `CompiledPolicyCodingError`; the caller rebuilds the entry.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer,
        toolVersion: String,
        sha256: (UnsafeRawBufferPointer) -> [UInt8]
    ) throws(CompiledPolicyCodingError) -> CompiledPolicy {
        guard bytes.count >= headerLength, bytes.count <= maximumLength else { throw .length(bytes.count) }
        var header = PolicyByteReader(bytes)
        guard try header.take(magic.count).elementsEqual(magic) else { throw .notAPolicy }
        let version: UInt32 = try header.integer()
        guard version == formatVersion else { throw .format(version) }
        guard try header.take(toolVersionLength).elementsEqual(padded(toolVersion)) else { throw .otherTool }
        let length: UInt64 = try header.integer()
        guard length == UInt64(bytes.count) else { throw .length(bytes.count) }
        let digest = try header.take(32)
        let body = UnsafeRawBufferPointer(rebasing: bytes[headerLength...])
        guard digest.elementsEqual(sha256(body)) else { throw .checksum }
        var reader = PolicyByteReader(body)
        let policy = try reader.compiledPolicy()
        guard reader.isAtEnd else { throw .field("end", offset: reader.offset) }
        return policy
    }

    private static func padded(_ toolVersion: String) -> [UInt8] {
        let text = Array(toolVersion.utf8)
        return text + [UInt8](repeating: 0, count: max(0, toolVersionLength - text.count))
    }
}

/// Why a cached policy was not taken.
public enum CompiledPolicyCodingError: Error, Hashable, Sendable, CustomStringConvertible {
    case notAPolicy
    case format(UInt32)
    /// Written by another version of this program.
    case otherTool
    /// The file has another length than it says, or one that no policy has.
    case length(Int)
    case checksum
    /// A value that cannot be, in a file with the right checksum.
    case field(String, offset: Int)

    public var description: String {
        switch self {
        case .notAPolicy: "it is not a compiled policy"
        case .format(let version): "it has format \(version), not \(CompiledPolicyCoding.formatVersion)"
        case .otherTool: "another version of codex-sandbox wrote it"
        case .length(let count): "its length, \(count) bytes, is not the one it should have"
        case .checksum: "its checksum does not agree with its content"
        case .field(let name, let offset): "its field `\(name)` before byte \(offset) has an impossible value"
        }
    }
}
