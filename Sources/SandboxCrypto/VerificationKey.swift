internal import COpenSSL

/// A public Ed25519 key.
public struct VerificationKey: Sendable {
    private let handle: KeyHandle
    /// SHA-256 of its SubjectPublicKeyInfo in DER, in hexadecimal: `openssl pkey -pubin -outform DER | sha256sum`.
    public let id: String

    init(_ handle: KeyHandle) throws(CryptoError) {
        self.handle = handle
        id = try VerificationKey.id(of: handle)
    }

    /// The key in a PEM text (`BEGIN PUBLIC KEY`).
    ///
    /// `name` is the file's, for what is said.
    public init(pem: [UInt8], name: String) throws(CryptoError) {
        guard let handle = KeyHandle.read(pem, { PEM_read_bio_PUBKEY($0, nil, nil, nil) }) else {
            throw .openSSL(
                "PEM_read_bio_PUBKEY",
                action: "read the key",
                subject: name,
                remedy: "a public key is a PEM file that begins with BEGIN PUBLIC KEY"
            )
        }
        guard handle.isEd25519 else { throw VerificationKey.otherKind(name) }
        try self.init(handle)
    }

    static func otherKind(_ name: String) -> CryptoError {
        CryptoError(
            action: "use the key",
            subject: name,
            cause: "it is no Ed25519 key",
            remedy: "name another file"
        )
    }

    /// As PEM.
    public func pem() throws(CryptoError) -> [UInt8] {
        guard let text = KeyHandle.text({ PEM_write_bio_PUBKEY($0, handle.key) }) else {
            throw .openSSL("PEM_write_bio_PUBKEY", action: "write", subject: id, remedy: "try again")
        }
        return text
    }

    /// Whether `signature` is this key's over `bytes`.
    public func verifies(_ signature: [UInt8], of bytes: [UInt8]) throws(CryptoError) -> Bool {
        func failure(_ call: String) -> CryptoError {
            .openSSL(call, action: "check a signature of", subject: id, remedy: "try again")
        }
        guard let context = EVP_MD_CTX_new() else { throw failure("EVP_MD_CTX_new") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, handle.key) == 1 else {
            throw failure("EVP_DigestVerifyInit")
        }
        let result = EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count)
        // 0 and below: not the signature, or not even the form of one (EVP_DigestVerify(3)).
        ERR_clear_error()
        return result == 1
    }

    private static func id(of handle: KeyHandle) throws(CryptoError) -> String {
        func failure(_ call: String) -> CryptoError {
            .openSSL(call, action: "name", subject: "a key", remedy: "try again")
        }
        var der: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(handle.key, &der)
        guard count > 0, let der else { throw failure("i2d_PUBKEY") }
        defer { CRYPTO_free(der, "", 0) }
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_Digest(der, Int(count), &digest, nil, EVP_sha256(), nil) == 1 else { throw failure("EVP_Digest") }
        return digest.reduce(into: "") { text, byte in
            let digits = String(byte, radix: 16)
            text += digits.utf8.count == 1 ? "0" + digits : digits
        }
    }
}
