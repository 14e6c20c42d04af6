import Foundation
import Glibc
import Testing
import WorkspaceStore
import Workspaces

@Suite struct WorkerRequestTests {
    private let request = WorkerRequest(
        projectID: "p",
        jobID: "j",
        type: .edit,
        instruction: "say \"hello\"\n\u{1F600}"
    )

    private func read(_ fixture: FilesFixture) throws -> [String: String]? {
        let data = try Data(contentsOf: URL(fileURLWithPath: fixture.path + "/.codex/request.json"))
        return try JSONSerialization.jsonObject(with: data) as? [String: String]
    }

    private let expected = [
        "project_id": "p", "job_id": "j", "job_type": "edit", "instruction": "say \"hello\"\n\u{1F600}",
    ]

    @Test func theRequestIsThereAndTheOldResultGone() throws {
        let fixture = try FilesFixture()
        try fixture.put("{}", ".codex/result.json")
        try request.write(to: fixture.folder)
        #expect(try read(fixture) == expected)
        try request.write(to: fixture.folder)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.path + "/.codex") == ["request.json"])
    }

    /// What an earlier job may have left in the places of the folder and its files.
    @Test(
        arguments: [
            "rm -r .codex", "rm -r .codex; ln -s ../.. .codex", "rm -r .codex; ln -s /tmp .codex",
            "rm -r .codex; touch .codex",
            "rm -r .codex; mkfifo .codex", "rm -r .codex; ln -s .codex .codex", "rm -r .codex; mkdir d; ln -s d .codex",
            "chmod 0 .codex", "ln -s ../../../secret .codex/request.json", "ln -s ../../../secret .codex/result.json",
            "mkfifo .codex/request.json .codex/result.json",
            "mkdir -p .codex/result.json/a/b .codex/request.json/c; touch .codex/result.json/a/f",
            "mkdir .codex/result.json; ln -s ../../../../secret .codex/result.json/x; chmod 0 .codex/result.json",
        ]
    )
    func whateverWasThereIsReplaced(script: String) throws {
        let fixture = try FilesFixture()
        #expect(FilesFixture.run("cd '\(fixture.path)' && \(script)") == 0)
        try request.write(to: fixture.folder)
        #expect(try read(fixture) == expected)
        var found = stat()
        #expect(lstat(fixture.path + "/.codex", &found) == 0 && found.st_mode & S_IFMT == S_IFDIR)
        #expect(lstat(fixture.path + "/.codex/result.json", &found) == -1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.base + "/secret")) == Data(FilesFixture.secret))
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.base).sorted() == ["secret", "workspaces"])
    }
}
