import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import Workspaces

/// What `service uninstall --purge` takes away, and what it leaves.
@Suite struct ServerFolderTests {
    private static let id = "0123abcd-4567-4890-abcd-0123456789ef"
    private static let other = "ffffffff-4567-4890-abcd-0123456789ef"

    private func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    /// A folder of data beside a secret; the project that the fixture has made is moved out of the way.
    private func data(_ fixture: FilesFixture) throws -> String {
        let data = fixture.base + "/serve"
        try #require(FilesFixture.run("mkdir '\(data)' && mv '\(fixture.base)/workspaces' '\(data)/'") == 0)
        try #require(FilesFixture.run("cd '\(data)/workspaces' && mv p \(Self.id)") == 0)
        for name in ["codex.db", "codex.db-wal", "codex.db.lock"] { try FilesFixture.write([], data + "/" + name) }
        return data
    }

    private func refusal(_ path: String) -> String? {
        do throws(WorkspaceError) {
            _ = try ServerFolder(OSString(path))
            return nil
        } catch { return error.detail }
    }

    @Test(arguments: [
        ("codex.db", true), ("codex.db-wal", true), ("codex.db-shm", true), ("codex.db-journal", true),
        ("codex.db.lock", true), ("codex.db.restored", true), ("codex.db.restored-wal", true),
        ("codex.db.restoring", true),
        ("codex.db.restoring.new", true), ("codex.db.before-restore-2026-11-23T05:36:34.123456Z", true),
        ("codex.db.before-restore-2026-11-23T05:36:34Z-wal", true),
        ("codex.db.bak", false), ("codex.db-notes", false), ("codex.db.before-restore-", false),
        ("codex.db.before-restore-of-my-thesis-yesterday", false), ("codex.dbx", false), ("codex", false), ("", false),
        ("codex.db\n", false), ("notes", false),
    ])
    func filesOfTheDatabase(name: String, isOne: Bool) {
        #expect(ServerFileNames.isOfDatabase(OSString(name)) == isOne)
    }

    @Test func namesThatAServerGives() throws {
        for _ in 0..<100 {
            #expect(ServerFileNames.isProject(OSString(UUIDText.random())))
            let hidden = Beneath.randomName(".new-" + Beneath.randomName("").description + "-")
            #expect(ServerFileNames.isHidden(hidden), "\(hidden)")
        }
        for name in [
            "my-thesis", Self.id + "\n", Self.id.uppercased(), "0123abcd", ".new-", ".new-1", ".new-1-2-3",
            ".removed-1-x", ".new-1-\n",
            ".removing-x", ".hidden", "",
        ] {
            let name = OSString(name)
            #expect(
                !ServerFileNames.isProject(name) && !ServerFileNames.isHidden(name) && !ServerFileNames.isMark(name),
                "\(name)"
            )
        }
        #expect(ServerFileNames.isHidden(".removed-a0-9f") && ServerFileNames.isMark(OSString(".removing-" + Self.id)))
    }

    @Test func whatAServerHasMadeGoesWhole() throws {
        let fixture = try FilesFixture()
        let data = try data(fixture)
        // A job has put these: they lead out, and are closed.
        let project = data + "/workspaces/" + Self.id
        #expect(
            symlink(fixture.base, project + "/out") == 0 && symlink(fixture.base + "/secret", project + "/file") == 0
        )
        #expect(FilesFixture.run("mkdir -p '\(project)/a/b' && chmod 0 '\(project)/a'") == 0)
        #expect(
            FilesFixture.run("cd '\(data)/workspaces' && mkdir .new-a-1 && >.removed-a-2 && >.removing-\(Self.id)") == 0
        )
        // A removal takes a link in a project's place, too.
        #expect(symlink(fixture.base, data + "/workspaces/.removed-a-3") == 0)
        try FilesFixture.write([], data + "/codex.db.before-restore-2026-11-23T05:36:34.123456Z")
        let folder = try ServerFolder(OSString(data))
        #expect(folder.hasDatabase && folder.hasProjects && folder.foreign == [])
        #expect(try folder.remove() == [])
        #expect(try names(fixture.base) == ["secret"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.base + "/secret")) == Data(FilesFixture.secret))
    }

    /// Beside the projects, in their place, and by names that nobody can read: it stays, and is named; the second call ends it.
    @Test func whatSomebodyHasPutThereStays() throws {
        let fixture = try FilesFixture()
        let data = try data(fixture)
        let projects = data + "/workspaces"
        #expect(
            FilesFixture.run("cd '\(projects)' && mkdir my-thesis && echo text >my-thesis/one && mkdir \"a\nb\"") == 0
        )
        // A folder whose place a link has taken: neither that nor what it leads to is the server's.
        #expect(FilesFixture.run("mv '\(projects)/\(Self.id)' '\(fixture.base)/moved'") == 0)
        #expect(symlink(fixture.base + "/moved", projects + "/" + Self.id) == 0)
        try FilesFixture.write([1], projects + "/" + Self.other)
        let last = "11111111-4567-4890-abcd-0123456789ef"
        #expect(mkdir(projects + "/" + last, 0o700) == 0)
        let folder = try ServerFolder(OSString(data))
        let foreign = [Self.id, "a\nb", Self.other, "my-thesis"].map { OSString(projects + "/" + $0) }
        #expect(folder.foreign == foreign)
        #expect(try folder.remove() == foreign)
        #expect(try names(data) == ["workspaces"])
        #expect(try names(projects) == [Self.id, "a\nb", Self.other, "my-thesis"].sorted())
        #expect(try names(fixture.base + "/moved") == [".codex"])
        #expect(try names(projects + "/my-thesis") == ["one"])
        let again = try ServerFolder(OSString(data))
        #expect(!again.hasDatabase && !again.hasProjects && again.foreign == foreign)
        #expect(try again.remove() == foreign)
        #expect(FilesFixture.run("rm -r '\(projects)'/*") == 0)
        #expect(try ServerFolder(OSString(data)).remove() == [])
        #expect(try names(fixture.base) == ["moved", "secret"])
    }

    /// What is put in a name's place after the look is judged again.
    @Test func whatComesAfterTheLookStays() throws {
        let fixture = try FilesFixture()
        let data = try data(fixture)
        let project = data + "/workspaces/" + Self.id
        let folder = try ServerFolder(OSString(data))
        #expect(
            FilesFixture.run("mv '\(project)' '\(fixture.base)/moved' && ln -s '\(fixture.base)/moved' '\(project)'")
                == 0
        )
        #expect(mkdir(data + "/workspaces/late", 0o700) == 0)
        let stays = ["/workspaces/" + Self.id, "/workspaces/late"].map { OSString(data + $0) }
        #expect(try folder.remove() == stays)
        #expect(try names(fixture.base + "/moved") == [".codex"])
    }

    @Test func whatIsNoFolderOfAServerIsRefused() throws {
        let fixture = try FilesFixture()
        let data = try data(fixture)
        #expect(refusal(data) == nil)
        #expect(symlink(data, fixture.base + "/link") == 0)
        #expect(refusal(fixture.base + "/link")?.hasPrefix("it is a link") == true)
        #expect(refusal(fixture.base + "/none")?.contains("No such file") == true)
        for (make, words) in [
            (">'\(data)/notes'", "it has notes, which"), ("mkdir '\(data)/codex.db-shm'", "it has codex.db-shm, which"),
            (">'\(data)/codex.db-notes'", "it has codex.db-notes, which"),
            ("ln -s /etc/passwd '\(data)/codex.db.restored'", "it has codex.db.restored, which"),
            (
                "mv '\(data)/workspaces' '\(fixture.base)/w' && ln -s '\(fixture.base)/w' '\(data)/workspaces'",
                "workspaces/ in it is a link"
            ),
        ] {
            #expect(FilesFixture.run(make) == 0)
            #expect(refusal(data)?.hasPrefix(words) == true, "\(make): \(refusal(data) ?? "taken")")
            let undo = "cd '\(data)' && rm -rf notes codex.db-shm codex.db-notes codex.db.restored"
            #expect(FilesFixture.run(undo) == 0)
        }
        #expect(try names(fixture.base + "/w") == [Self.id])
    }

    /// A server with another database may have the projects; nothing goes then.
    @Test func aServerThatHasTheProjectsKeepsThem() throws {
        let fixture = try FilesFixture()
        let data = try data(fixture)
        do {
            let lock = try ProjectFolders(at: data + "/workspaces").lock()
            let error = #expect(throws: WorkspaceError.self) { _ = try ServerFolder(OSString(data)).remove() }
            #expect(error?.detail.contains("another server has") == true)
            #expect(try names(data) == ["codex.db", "codex.db-wal", "codex.db.lock", "workspaces"])
            _ = consume lock
        }
        #expect(try ServerFolder(OSString(data)).remove() == [])
    }

    /// What ends it in the middle ends it before the database goes: the other projects are gone, and it is recognised.
    @Test func whatCannotBeRemovedKeepsTheDatabase() throws {
        let fixture = try FilesFixture()
        let data = try data(fixture)
        #expect(
            FilesFixture.run(
                "cd '\(data)/workspaces' && mkdir \(Self.other) && cd \(Self.id) && seq 3000 | xargs touch"
            ) == 0
        )
        let error = #expect(throws: WorkspaceError.self) { _ = try ServerFolder(OSString(data)).remove(patience: 0) }
        #expect(error?.message.contains(Self.id) == true)
        #expect(try names(data + "/workspaces") == [Self.id])
        #expect(try names(data) == ["codex.db", "codex.db-wal", "codex.db.lock", "workspaces"])
        #expect(try ServerFolder(OSString(data)).remove() == [])
        #expect(try names(fixture.base) == ["secret"])
    }
}
