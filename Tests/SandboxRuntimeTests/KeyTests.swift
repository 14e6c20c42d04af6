import Foundation
import SandboxCrypto
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// The key of an installation, and what is refused as one.
@Suite struct KeyTests {
    private let scratch: ScratchFolder
    private var keys: KeyFolder { KeyFolder(settings: OSString(settings)) }
    private var settings: String { scratch.path("config/codex-sandbox") }

    init() throws {
        scratch = try ScratchFolder()
    }

    private func mode(_ path: String) throws -> Int {
        var status = stat()
        #expect(lstat(path, &status) == 0)
        return Int(status.st_mode & 0o7777)
    }

    @Test func keyIsMadeOnceForTheOwnerAlone() throws {
        #expect(try keys.verificationKey() == nil)
        #expect(!FileManager.default.fileExists(atPath: settings))
        let key = try keys.signingKey()
        #expect(try keys.signingKey().publicKey.id == key.publicKey.id)
        #expect(try keys.verificationKey()?.id == key.publicKey.id)
        #expect(try mode(settings + "/keys") == 0o700)
        for name in ["evidence.key", "evidence.pub"] { #expect(try mode(settings + "/keys/" + name) == 0o600) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: settings + "/keys").count == 2)
        let text = try String(contentsOfFile: keys.privateKey.description, encoding: .utf8)
        #expect(text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        #expect(try SigningKey.generated().publicKey.id != key.publicKey.id)
    }

    /// RFC 8032, 7.1, test 2; the name is what openssl(1) and sha256sum(1) say of it.
    @Test func signatureIsThatOfTheStandard() throws {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
        let der = try #require(Hexadecimal.bytes("302e020100300506032b657004220420" + seed))
        let pem = "-----BEGIN PRIVATE KEY-----\n\(Data(der).base64EncodedString())\n-----END PRIVATE KEY-----\n"
        let key = try SigningKey(pem: Array(pem.utf8), name: "test")
        let expected =
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        let signature = try key.signature(of: [0x72])
        #expect(Hexadecimal.text(signature) == expected)
        #expect(try key.publicKey.verifies(signature, of: [0x72]))
        #expect(try !key.publicKey.verifies(signature, of: [0x73]))
        #expect(try !key.publicKey.verifies(Array(signature.dropLast()), of: [0x72]))
        #expect(try key.pem() == Array(pem.utf8))
        let publicDER = try #require(
            Hexadecimal.bytes(
                "302a300506032b6570032100" + "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
            )
        )
        #expect(key.publicKey.id == Hexadecimal.text(SHA256.digest(publicDER)))
    }

    @Test func sixteenProcessesGetTheSameKey() throws {
        let script = """
            for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
                "$2" "$1/state$number" "$1" 1 10 >/dev/null
                "$0" evidence sign --state-dir "$1/state$number" --workspace "$1" >/dev/null &
            done
            wait
            cat "$1"/state*/evidence/*/signatures.jsonl | grep -o '"keyid":"[0-9a-f]*"' | sort | uniq -c
            """
        let workspace = try #require(realpath(scratch.path, nil).map { String(cString: $0) })
        let arguments = ["-c", script, try Program.product("codex-sandboxd"), workspace]
        let run = try Program.run(
            "/bin/sh",
            arguments + [try Program.product("evidence-writer")],
            environment: ["HOME": scratch.path, "PATH": "/usr/bin:/bin"]
        )
        #expect(run.error.isEmpty && run.output.split(separator: "\n").count == 1, "\(run)")
        #expect(run.output.contains(" 16 \"keyid\""), "\(run)")
        let folder = scratch.path(".config/codex-sandbox/keys")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["evidence.key", "evidence.pub"]
        )
    }

    enum Wrong: String, CaseIterable {
        case readable, writableFolder, readableFolder, link, linkedFolder, fifo, folder, empty, long, otherKind,
            encrypted
        case strangePublic, writablePublic
    }

    @Test(arguments: Wrong.allCases) func whatIsNoKeyOfOursIsRefused(wrong: Wrong) throws {
        _ = try keys.signingKey()
        let before = try Data(contentsOf: URL(filePath: keys.privateKey.description))
        let (file, folder) = (keys.privateKey.description, keys.path.description)
        func put(_ pem: String, to path: String) throws {
            try FileManager.default.removeItem(atPath: path)
            try Data(pem.utf8).write(to: URL(filePath: path))
            chmod(path, 0o600)
        }
        func openssl(_ arguments: [String]) throws -> String {
            let made = try Program.run("/usr/bin/openssl", ["genpkey"] + arguments)
            #expect(made.status == 0, "\(made.error)")
            return made.output
        }
        switch wrong {
        case .readable: chmod(file, 0o640)
        case .writableFolder: chmod(settings, 0o770)
        case .readableFolder: chmod(folder, 0o750)
        case .link:
            rename(file, scratch.path("elsewhere"))
            symlink(scratch.path("elsewhere"), file)
        case .linkedFolder:
            rename(folder, scratch.path("elsewhere"))
            symlink(scratch.path("elsewhere"), folder)
        case .fifo:
            unlink(file)
            mkfifo(file, 0o600)
        case .folder:
            unlink(file)
            mkdir(file, 0o700)
        case .empty: try put("", to: file)
        case .long: try put(String(repeating: "x", count: 20000), to: file)
        case .otherKind: try put(try openssl(["-algorithm", "ED448"]), to: file)
        case .encrypted:
            try put(try openssl(["-algorithm", "ED25519", "-aes256", "-pass", "pass:secret"]), to: file)
        case .strangePublic:
            try put(
                String(decoding: try SigningKey.generated().publicKey.pem(), as: UTF8.self),
                to: keys.publicKey.description
            )
        case .writablePublic: chmod(keys.publicKey.description, 0o620)
        }
        let error = #expect(throws: CryptoError.self) { try keys.signingKey() }
        #expect(error?.remedy.isEmpty == false && error?.subject.contains("/") == true, "\(String(describing: error))")
        // Whatever lies there is not written over.
        if [.readable, .writableFolder, .readableFolder, .strangePublic, .writablePublic].contains(wrong) {
            #expect(try Data(contentsOf: URL(filePath: file)) == before)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func keyOfSomebodyElseIsRefused() throws {
        _ = try keys.signingKey()
        chown(keys.privateKey.description, 12345, 12345)
        let error = #expect(throws: CryptoError.self) { try keys.signingKey() }
        #expect(error?.cause.contains("belongs to uid 12345") == true)
        chown(keys.privateKey.description, 0, 0)
        chown(keys.path.description, 12345, 12345)
        #expect(throws: CryptoError.self) { try keys.signingKey() }
        #expect(throws: CryptoError.self) { try keys.verificationKey() }
    }

    @Test func publicHalfIsMadeAnew() throws {
        let id = try keys.signingKey().publicKey.id
        unlink(keys.publicKey.description)
        #expect(try keys.verificationKey() == nil)
        #expect(try keys.signingKey().publicKey.id == id)
        #expect(try keys.verificationKey()?.id == id)
        #expect(try VerificationKey(file: keys.publicKey).id == id)
        #expect(throws: CryptoError.self) { try VerificationKey(file: keys.privateKey) }
    }
}
