internal import COpenSSL

/// A private Ed25519 key (RFC 8032).
public struct SigningKey: Sendable {
    let handle: KeyHandle
    /// What its signatures are checked with.
    public let publicKey: VerificationKey

    static let signatureLength = 64
    private static let remedy = "see that OpenSSL's settings (openssl.cnf) allow Ed25519"

    private init(_ handle: KeyHandle) throws(CryptoError) {
        self.handle = handle
        publicKey = try VerificationKey(handle)
    }

    /// A new key from the system's random numbers.
    public static func generated() throws(CryptoError) -> SigningKey {
        func failure(_ call: String) -> CryptoError {
            .openSSL(call, action: "make", subject: "a key", remedy: remedy)
        }
        guard let context = EVP_PKEY_CTX_new_id(copenssl_ed25519(), nil) else { throw failure("EVP_PKEY_CTX_new_id") }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_keygen_init(context) == 1 else { throw failure("EVP_PKEY_keygen_init") }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen(context, &key) == 1, let key else { throw failure("EVP_PKEY_keygen") }
        return try SigningKey(KeyHandle(owning: key))
    }

    /// The key in a PEM text, PKCS #8, without a passphrase.
    ///
    /// `name` is the file's, for what is said.
    public init(pem: [UInt8], name: String) throws(CryptoError) {
        // No callback would ask the terminal for a passphrase: an encrypted key is none.
        let handle = KeyHandle.read(pem) { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in -1 }, nil) }
        guard let handle else {
            throw .openSSL(
                "PEM_read_bio_PrivateKey",
                action: "read the key",
                subject: name,
                remedy: "a private key is a PEM file, PKCS #8, without a passphrase"
            )
        }
        guard handle.isEd25519 else { throw VerificationKey.otherKind(name) }
        try self.init(handle)
    }

    /// As PEM, PKCS #8.
    public func pem() throws(CryptoError) -> [UInt8] {
        guard let text = KeyHandle.text({ PEM_write_bio_PKCS8PrivateKey($0, handle.key, nil, nil, 0, nil, nil) }) else {
            throw .openSSL(
                "PEM_write_bio_PKCS8PrivateKey",
                action: "write",
                subject: "a key",
                remedy: SigningKey.remedy
            )
        }
        return text
    }

    /// The signature of these bytes: 64 of them, always the same for the same bytes.
    public func signature(of bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
        func failure(_ call: String) -> CryptoError {
            .openSSL(call, action: "sign with", subject: publicKey.id, remedy: SigningKey.remedy)
        }
        guard let context = EVP_MD_CTX_new() else { throw failure("EVP_MD_CTX_new") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestSignInit(context, nil, nil, nil, handle.key) == 1 else { throw failure("EVP_DigestSignInit") }
        var signature = [UInt8](repeating: 0, count: SigningKey.signatureLength)
        var count = signature.count
        guard EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1, count == signature.count else {
            throw failure("EVP_DigestSign")
        }
        return signature
    }
}
