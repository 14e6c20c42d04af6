import Foundation
import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct GitHeadTests {
    private let scratch: ScratchFolder
    private let commit = String(repeating: "ab", count: 20)

    init() throws {
        scratch = try ScratchFolder()
        try FileManager.default.createDirectory(
            atPath: scratch.path(".git/refs/heads"),
            withIntermediateDirectories: true
        )
    }

    private func put(_ text: String, in name: String) throws {
        try Data(text.utf8).write(to: scratch.url(name))
    }

    private func observed() -> GitHead? {
        let folder = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(folder) }
        return GitHead.observed(workspace: folder)
    }

    @Test func branchWithItsCommit() throws {
        try put("ref: refs/heads/main\n", in: ".git/HEAD")
        try put("\(commit)\n", in: ".git/refs/heads/main")
        #expect(observed() == GitHead(head: "ref: refs/heads/main", commit: commit))
    }

    @Test func branchWithoutALooseReference() throws {
        try put("ref: refs/heads/main\n", in: ".git/HEAD")
        #expect(observed() == GitHead(head: "ref: refs/heads/main"))
    }

    @Test func detachedHead() throws {
        try put("\(commit)\n", in: ".git/HEAD")
        #expect(observed() == GitHead(head: OSString(commit), commit: commit))
    }

    @Test func noRepository() {
        #expect(observed() == nil)
    }

    @Test(arguments: ["ref: ../secret", "ref: refs/../../secret", "ref: /etc/hostname"])
    func referenceThatLeadsOutIsNotRead(head: String) throws {
        try put("\(commit)\n", in: "secret")
        try put(head + "\n", in: ".git/HEAD")
        #expect(observed() == GitHead(head: OSString(head)))
    }

    @Test func linkIsNotFollowed() throws {
        try put("\(commit)\n", in: "secret")
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path(".git/HEAD"),
            withDestinationPath: scratch.path("secret")
        )
        #expect(observed() == nil)
    }

    @Test func fifoDoesNotBlock() throws {
        #expect(mkfifo(scratch.path(".git/HEAD"), 0o600) == 0)
        #expect(observed() == nil)
    }

    @Test func hugeHeadIsNotRead() throws {
        try put(String(repeating: "x", count: 100_000), in: ".git/HEAD")
        #expect(observed() == nil)
    }
}
