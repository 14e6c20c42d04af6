internal import CShims

/// SHA-256 over bytes that come in pieces.
///
/// The computing is `CShims/sha256.c`, which uses the CPU's SHA instructions where there are some.
public struct SHA256 {
    private var state = cs_sha256()

    public init() {
        cs_sha256_init(&state)
    }

    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { cs_sha256_update(&state, $0.baseAddress, $0.count) }
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        cs_sha256_update(&state, bytes.baseAddress, bytes.count)
    }

    /// The digest, 32 bytes, of everything taken so far; further pieces may follow.
    public func digest() -> [UInt8] {
        var copy = state
        return [UInt8](unsafeUninitializedCapacity: CS_SHA256_SIZE) { buffer, count in
            cs_sha256_final(&copy, buffer.baseAddress)
            count = buffer.count
        }
    }

    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.digest()
    }
}
