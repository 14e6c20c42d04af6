internal import Glibc
public import SandboxPlan

/// The key of this installation: `SETTINGS/keys/evidence.key`, and its public half `evidence.pub` beside it.
///
/// The folder has mode 0700 and the private key 0600; both must belong to the effective user, nobody else may read or
/// write them, and neither may be a link. A key that is there is never written over.
public struct KeyFolder: Sendable {
    private let settings: OSString

    /// Below the folder of settings.
    public static let folderName: OSString = "keys"
    public static let privateName: OSString = "evidence.key"
    public static let publicName: OSString = "evidence.pub"

    /// - Parameter settings: the folder of settings; absolute.
    public init(settings: OSString) {
        self.settings = settings
    }

    public var path: OSString { settings.appending(KeyFolder.folderName) }
    public var privateKey: OSString { path.appending(KeyFolder.privateName) }
    public var publicKey: OSString { path.appending(KeyFolder.publicName) }

    /// The key that signs; made when there is none.
    ///
    /// Of several processes that make one at the same time, all get the same.
    public func signingKey() throws(CryptoError) -> SigningKey {
        let folder = try KeyFile.folder(settings, KeyFolder.folderName)
        if let key = try signingKey(in: folder) { return key }
        let made = try SigningKey.generated()
        _ = try KeyFile.make(KeyFolder.privateName, in: folder, try made.pem(), path: privateKey)
        guard let key = try signingKey(in: folder) else {
            throw CryptoError(
                action: "read the key",
                subject: privateKey.description,
                cause: "it was removed while it was being made",
                remedy: "try again"
            )
        }
        return key
    }

    private func signingKey(in folder: borrowing KeyFile.Folder) throws(CryptoError) -> SigningKey? {
        guard let pem = try KeyFile.read(KeyFolder.privateName, in: folder, path: privateKey, isSecret: true) else {
            return nil
        }
        let key = try SigningKey(pem: pem, name: privateKey.description)
        try keepPublic(key.publicKey, in: folder)
        return key
    }

    /// The public half is there beside the private one, and is its own.
    private func keepPublic(_ key: VerificationKey, in folder: borrowing KeyFile.Folder) throws(CryptoError) {
        _ = try KeyFile.make(KeyFolder.publicName, in: folder, try key.pem(), path: publicKey)
        guard
            let pem = try KeyFile.read(KeyFolder.publicName, in: folder, path: publicKey, isSecret: false),
            try VerificationKey(pem: pem, name: publicKey.description).id == key.id
        else {
            throw CryptoError(
                action: "use the key",
                subject: privateKey.description,
                cause: "\(KeyFolder.publicName) beside it is not its public half",
                remedy: "move \(publicKey) away: it is made anew from the private one"
            )
        }
    }

    /// The key that signatures are checked with; nil when none was made here.
    public func verificationKey() throws(CryptoError) -> VerificationKey? {
        guard let folder = try KeyFile.existingFolder(settings, KeyFolder.folderName),
            let pem = try KeyFile.read(KeyFolder.publicName, in: folder, path: publicKey, isSecret: false)
        else { return nil }
        return try VerificationKey(pem: pem, name: publicKey.description)
    }
}

extension VerificationKey {
    /// The public key in a file that somebody remembered.
    public init(file path: OSString) throws(CryptoError) {
        self = try VerificationKey(pem: try KeyFile.content(of: path), name: path.description)
    }
}
