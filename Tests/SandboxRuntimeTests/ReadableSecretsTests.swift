import Foundation
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What `explain` says of files that by their names are secret.
@Suite struct ReadableSecretsTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func put(_ path: String) throws {
        let file = scratch.url(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data().write(to: file)
    }

    private func notes(deny: [String] = []) -> [String] {
        var policy = SampleLaunch.policy
        policy.filesystem.deny = deny.map { OSString(scratch.path($0)) }
        return ReadableSecrets.notes(in: OSString(scratch.path), policy)
    }

    @Test func nestedFilesAreNamedFromTheWorkspaceOn() throws {
        for path in ["a.txt", "id_rsa.pub", ".git/id_x", "src/main.py"] { try put(path) }
        #expect(notes().isEmpty)
        for path in [".env", "services/api/.env.local", "a/b/c/key.pem"] { try put(path) }
        let found = notes()
        #expect(found.count == 1)
        #expect(found.first?.contains("secret: .env, services/api/.env.local, a/b/c/key.pem in ") == true, "\(found)")
        // A denied folder is not gone into.
        let denied = notes(deny: ["services", ".env"])
        #expect(denied.first?.contains("secret: a/b/c/key.pem in ") == true, "\(denied)")
        #expect(notes(deny: ["services", ".env", "a"]).isEmpty)
    }

    /// A link is no way out.
    @Test func linkedFoldersAreNotGoneInto() throws {
        let other = try ScratchFolder()
        try Data().write(to: other.url(".env"))
        try FileManager.default.createSymbolicLink(atPath: scratch.path("link"), withDestinationPath: other.path)
        #expect(notes().isEmpty)
    }

    @Test func whatIsTooDeepIsTold() throws {
        try put(String(repeating: "d/", count: 15) + ".env")
        #expect(notes().count == 1 && notes().first?.contains("secret") == true, "\(notes())")
        try put(String(repeating: "e/", count: 16) + ".env")
        #expect(notes().count == 2 && notes().last?.contains("not all were looked at") == true, "\(notes())")
    }
}
