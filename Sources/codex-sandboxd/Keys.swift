import SandboxCrypto
import SandboxPlan
import SandboxRuntime

/// The installation's keys, for what signs and checks records.
struct Keys {
    private let environment: [OSString]

    init(environment: [OSString]) {
        self.environment = environment
    }

    /// Nil where no folder of settings is known: then there is no key to check with, and none can be made.
    private func known() throws(EvidenceError) -> KeyFolder? {
        do throws(Refusal) {
            return try OwnFolders.settings(environment: environment).map { KeyFolder(settings: $0) }
        } catch {
            throw EvidenceError(
                action: "find the folder of settings by",
                subject: OSString(error.subject),
                cause: error.message,
                remedy: error.remedy
            )
        }
    }

    /// The key that signs; made when there is none.
    func signing() throws(EvidenceError) -> RecordSigningKey {
        guard let folder = try known() else {
            throw EvidenceError(
                action: "find a folder for keys in",
                subject: "/etc/passwd",
                cause: "there is no home there, and XDG_CONFIG_HOME and HOME are unset or relative",
                remedy: "set HOME, or name the folder of settings in CODEX_SANDBOX_CONFIG"
            )
        }
        do throws(CryptoError) {
            let key = try folder.signingKey()
            return RecordSigningKey(id: key.publicKey.id) { (bytes) throws(EvidenceError) in
                do throws(CryptoError) {
                    return try key.signature(of: bytes)
                } catch {
                    throw EvidenceError(error)
                }
            }
        } catch {
            throw EvidenceError(error)
        }
    }

    /// What signatures are checked with: the files, or without any this installation's key.
    func verification(_ files: [OSString]) throws(EvidenceError) -> SignatureKeys {
        let folder = files.isEmpty ? try known() : nil
        do throws(CryptoError) {
            guard files.isEmpty else {
                var keys: [RecordVerificationKey] = []
                for file in files { keys.append(Keys.verification(try VerificationKey(file: file))) }
                let names = files.map(\.description).joined(separator: ", ")
                return SignatureKeys(keys: keys, areRequired: true, origin: "the key of \(names)")
            }
            guard let folder, let key = try folder.verificationKey() else {
                let place = folder.map { "in \($0.path)" } ?? "where no folder of settings is known"
                let origin = "a key of this installation, for there is none \(place): name one with --key FILE"
                return SignatureKeys(keys: [], areRequired: false, origin: origin)
            }
            return SignatureKeys(
                keys: [Keys.verification(key)],
                areRequired: false,
                origin: "this installation's, \(folder.publicKey) (name another with --key FILE)"
            )
        } catch {
            throw EvidenceError(error)
        }
    }

    /// PEM; nil where no key was made.
    func publicHalf() throws(EvidenceError) -> [UInt8]? {
        let folder = try known()
        do throws(CryptoError) {
            return try folder?.verificationKey()?.pem()
        } catch { throw EvidenceError(error) }
    }

    private static func verification(_ key: VerificationKey) -> RecordVerificationKey {
        RecordVerificationKey(id: key.id) { (signature, bytes) throws(EvidenceError) in
            do throws(CryptoError) {
                return try key.verifies(signature, of: bytes)
            } catch {
                throw EvidenceError(error)
            }
        }
    }
}

extension EvidenceError {
    init(_ error: CryptoError) {
        self.init(
            action: error.action,
            subject: OSString(error.subject),
            call: error.call,
            errno: error.errno,
            cause: error.cause,
            remedy: error.remedy
        )
    }
}
