internal import COpenSSL

/// An `EVP_PKEY` of OpenSSL's that is freed with the last one who holds it.
///
/// Unchecked: a key is never changed once it is made, and OpenSSL lets several threads read one (openssl-threads(7)).
final class KeyHandle: @unchecked Sendable {
    let key: OpaquePointer

    /// Takes the key over.
    init(owning key: OpaquePointer) {
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// Whether it is an Ed25519 key, and no other kind.
    var isEd25519: Bool { EVP_PKEY_get_id(key) == copenssl_ed25519() }

    /// What `write` writes into memory; nil when it fails.
    static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8]? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(memory) }
        guard write(memory) == 1 else { return nil }
        var start: UnsafeMutablePointer<CChar>?
        let count = copenssl_memory(memory, &start)
        guard count > 0, let start else { return nil }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// What `read` finds in the text.
    static func read(_ text: [UInt8], _ read: (OpaquePointer) -> OpaquePointer?) -> KeyHandle? {
        text.withUnsafeBytes { bytes in
            // The memory BIO only reads the bytes, and is freed before they go away.
            guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { BIO_free(memory) }
            return read(memory).map(KeyHandle.init(owning:))
        }
    }
}
