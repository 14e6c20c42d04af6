import Foundation
import Glibc
import SandboxPlan
import Testing
@testable import Workspaces

@Suite struct ChangesTests {
    private func changes(_ fixture: FilesFixture, _ script: String) throws -> JobChanges {
        let before = try fixture.folder.snapshot()
        #expect(FilesFixture.run("cd '\(fixture.path)' && { \(script); }") == 0)
        return try fixture.folder.changes(since: before)
    }

    private func words(_ changes: JobChanges) -> [String] {
        changes.changes.map { "\($0.kind.rawValue) \($0.path)\($0.difference == nil ? "" : " +")" }
    }

    @Test func whatAJobDidIsTold() throws {
        let fixture = try FilesFixture()
        for name in ["same", "changed", "gone", "rewritten", "mode"] { try fixture.put("one\ntwo\n", name) }
        fixture.link("same", "link")
        fixture.link("same", "steady")
        let script = """
            echo three >> changed; rm gone; printf 'one\\ntwo\\n' > rewritten; chmod +x mode; mkdir -p d/empty; echo n > d/new
            ln -sfn changed link; mkfifo fifo; printf 'a\\000b' > binary; head -c 70000 /dev/zero > large
            mkdir .git; echo x > .git/config; echo '{}' > .codex/request.json; echo '{}' > .codex/result.json; echo y > .codex/other
            """
        let found = try changes(fixture, script)
        #expect(
            words(found) == [
                "created .codex/other +", "created binary", "modified changed +", "created d/new +", "created fifo",
                "removed gone +", "created large", "modified link", "modified mode",
            ]
        )
        #expect(!found.isCut)
        #expect(found.changes[2].difference == "--- a/changed\n+++ b/changed\n@@ -1,2 +1,3 @@\n one\n two\n+three\n")
        #expect(found.changes[3].difference == "--- /dev/null\n+++ b/d/new\n@@ -0,0 +1 @@\n+n\n")
        #expect(found.changes[5].difference == "--- a/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n")
        #expect(try JobChanges(json: found.json) == found)
        #expect(try changes(fixture, "cat same").changes.isEmpty)
    }

    @Test func aFileWithItsOldTimeIsSeenToBeChanged() throws {
        let fixture = try FilesFixture()
        try fixture.put("one\n", "file")
        #expect(
            words(try changes(fixture, "touch -r file ref; echo two > file; touch -r ref file; rm ref")) == [
                "modified file +"
            ]
        )
    }

    @Test func aFileBecomesALinkAndALinkAFile() throws {
        let fixture = try FilesFixture()
        try fixture.put("x\n", "file")
        fixture.link("../../secret", "link")
        let found = try changes(fixture, "rm file link; ln -s ../../secret file; echo y > link")
        #expect(words(found) == ["modified file", "modified link"])
        #expect(!String(decoding: found.json, as: UTF8.self).contains("TOP SECRET"))
    }

    @Test func aPointerToARepositoryIsTold() throws {
        let fixture = try FilesFixture()
        fixture.make("a")
        let found = try changes(
            fixture,
            "echo 'gitdir: /x' > .git; ln -s /x a/.git; mkdir -p b/.git/c; echo > b/.git/c/d"
        )
        #expect(words(found) == ["created .git +", "created a/.git"])
    }

    @Test func aFolderThatWasClosedHidesNoRemovals() throws {
        let fixture = try FilesFixture()
        fixture.make("d")
        try fixture.put("x\n", "d/file")
        let found = try changes(fixture, "chmod 0 d")
        #expect(found.changes.isEmpty)
        #expect(found.isCut == (geteuid() != 0))
    }

    @Test func limitsHold() throws {
        let fixture = try FilesFixture()
        let before = try fixture.folder.snapshot()
        for index in 0..<6 { try fixture.put(String(repeating: "x\n", count: 100), "f\(index)") }
        #expect(try fixture.folder.changes(since: before, limits: ChangeLimits(changes: 6)).isCut == false)
        let few = try fixture.folder.changes(since: before, limits: ChangeLimits(changes: 5))
        #expect(few.isCut && few.changes.count == 5)
        let size = try #require(few.changes[0].difference?.utf8.count)
        let short = try fixture.folder.changes(since: before, limits: ChangeLimits(differences: 2 * size))
        #expect(short.changes.filter { $0.difference != nil }.count == 2 && short.changes.count == 6)
        var bounds = FolderSnapshot.Bounds()
        bounds.contents = 250
        let little = try FolderSnapshot(fixture.folder, bounds)
        #expect(little.files.values.filter { $0.contents != nil }.count == 1)
        bounds.walk.entries = 3
        let cut = try FolderSnapshot(fixture.folder, bounds)
        #expect(cut.isCut)
        // What a cut look did not see is not said to be new.
        #expect(try fixture.folder.changes(since: cut).changes.isEmpty)
    }

    @Test func damagedRecordsAreFaults() {
        for text in [
            "", "[]", "{}", "{\"changes\":[],\"is_cut\":1}", "{\"changes\":[{}],\"is_cut\":true}",
            "{\"changes\":[{\"kind\":\"created\",\"path\":1}],\"is_cut\":true}",
            "{\"changes\":[{\"kind\":\"made\",\"path\":\"x\"}],\"is_cut\":true}",
            "{\"changes\":[{\"kind\":\"created\",\"path\":\"x\",\"difference\":1}],\"is_cut\":true}",
            "{\"changes\":[{\"kind\":\"created\",\"path\":\"x\",\"path_bytes\":\"%\"}],\"is_cut\":true}",
        ] {
            #expect(
                kind { () throws(WorkspaceError) in _ = try JobChanges(json: Array(text.utf8)) } == .fault,
                "\(text)"
            )
        }
    }

    @Test func pathsThatAreNoTextSurvive() throws {
        let change = JobChanges.Change(kind: .created, path: OSString([0xFF, 0x25]), difference: "\u{1b}\r\n\0")
        let changes = JobChanges(changes: [change], isCut: true)
        #expect(try JobChanges(json: changes.json) == changes)
    }
}
