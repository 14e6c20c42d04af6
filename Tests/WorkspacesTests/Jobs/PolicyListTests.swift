import Foundation
import SandboxPlan
import SandboxRuntime
import Testing

@testable import Workspaces

/// The policies that clients are shown.
@Suite struct PolicyListTests {
    /// A name means one policy: what it gives when a project asks for it.
    @Test(arguments: [("codex-worker", "./codex-worker"), ("codex-worker.toml", "codex-worker.toml"), ("mine", "mine")])
    func aFileHasANameOfItsOwn(file: String, shown: String) throws {
        let fixture = try FilesFixture()
        let path = fixture.base + "/" + file
        try FilesFixture.write(Array("version = 1\nextends = \"codex-worker\"\n".utf8), path)
        try #require(FilesFixture.run("chmod 600 '\(path)'") == 0)
        let settings = WorkspaceSettings(
            root: OSString(fixture.base + "/workspaces"),
            rootAsWritten: fixture.base + "/workspaces",
            launcher: "/nonexistent",
            stateFolder: nil,
            policy: .file(OSString(path)),
            worker: .command(["/bin/sh"], files: []),
            maximumJobs: 1,
            environment: [OSString("HOME=" + fixture.base)]
        )
        let list = PolicyChoice(settings).list { Issue.record("\($0)") }
        #expect(list.map(\.name).first == shown && list.first?.isDefault == true && list.first?.unusable != nil)
        #expect(Set(list.map(\.name)).count == list.count && list.count { $0.isDefault } == 1)
        let builtin = try #require(list.first { $0.name == "codex-worker" })
        #expect(!builtin.isDefault && builtin.unusable == nil, "\(builtin)")
    }
}
