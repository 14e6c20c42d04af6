import Foundation
import Glibc
import SandboxPlan
import Testing
import Workspaces

@Suite struct ProjectFoldersTests {
    private func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test func aProjectHasItsFolder() throws {
        let fixture = try FilesFixture()
        var found = stat()
        #expect(stat(fixture.path, &found) == 0)
        #expect(found.st_mode & 0o7777 == 0o700)
        #expect(try names(fixture.path) == [".codex"])
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.create("p") } == .conflict)
        try fixture.put("x", "file")
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.create("p") } == .conflict)
        #expect(try fixture.read("file") == "x")
        #expect(try names(fixture.base + "/workspaces") == ["p"])
    }

    @Test(arguments: ["", ".", "..", "a/b", "../p", ".new-1", "a b", String(repeating: "a", count: 65), "é", "a\0"])
    func otherNamesAreNoProjects(name: String) throws {
        let fixture = try FilesFixture()
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.create(name) } == .noProject)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.folder(name) } == .noProject)
        #expect(kind { () throws(WorkspaceError) in try fixture.root.removeAll(name) } == .noProject)
    }

    @Test func aLinkIsNoProject() throws {
        let fixture = try FilesFixture()
        #expect(symlink(fixture.base, fixture.base + "/workspaces/link") == 0)
        try FilesFixture.write([], fixture.base + "/workspaces/file")
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.folder("link") } == .noProject)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.folder("file") } == .noProject)
        try fixture.root.removeAll("link")
        try fixture.root.removeAll("file")
        #expect(try names(fixture.base) == ["secret", "workspaces"])
        #expect(try names(fixture.base + "/workspaces") == ["p"])
    }

    @Test func missingFoldersOnTheWayAreMade() throws {
        let fixture = try FilesFixture()
        let root = try ProjectFolders(at: fixture.base + "/x/y//z/")
        _ = try root.create("p")
        #expect(try names(fixture.base + "/x/y/z/p") == [".codex"])
        #expect(root.path == fixture.base + "/x/y//z/")
    }

    @Test func anUnusableRootSaysWhyAndWhatToDo() throws {
        let fixture = try FilesFixture()
        func detail(_ path: String) -> String? {
            do throws(WorkspaceError) {
                _ = try ProjectFolders(at: path)
                return nil
            } catch {
                #expect(error.kind == .unavailable)
                #expect(!error.message.contains("/"))
                return error.detail
            }
        }
        #expect(detail(fixture.base + "/secret")?.contains("ENOTDIR") == true)
        #expect(detail("")?.contains("no path") == true)
        #expect(mkdir(fixture.base + "/open", 0o755) == 0)
        #expect(chmod(fixture.base + "/open", 0o777) == 0)
        #expect(detail(fixture.base + "/open")?.contains("chmod o-w") == true)
        #expect(chmod(fixture.base + "/open", 0o1777) == 0)
        #expect(detail(fixture.base + "/open") == nil)
        if geteuid() == 0 {
            #expect(chown(fixture.base + "/open", 60600, 60600) == 0)
            #expect(detail(fixture.base + "/open")?.contains("60600") == true)
        } else {
            #expect(chmod(fixture.base + "/open", 0o555) == 0)
            #expect(detail(fixture.base + "/open")?.contains("EACCES") == true)
            #expect(detail("/etc")?.contains("EACCES") == true)
        }
    }

    @Test func aProjectGoesWithAllThatIsInIt() throws {
        let fixture = try FilesFixture()
        let script = """
            import os, socket
            os.chdir('\(fixture.path)')
            os.mkdir('closed'); open('closed/f', 'w'); os.mkdir('closed/in'); open('closed/in/f', 'w')
            os.chmod('closed/in', 0); os.chmod('closed', 0)
            os.mkfifo('fifo'); socket.socket(socket.AF_UNIX).bind('socket')
            os.symlink('../../secret', 'out'); os.symlink('../..', 'parent'); os.symlink('loop', 'loop')
            os.mkdir('wide')
            for i in range(3000): open('wide/%d' % i, 'w')
            for i in range(600): os.makedirs('folders/%d/x/y' % i)
            os.mkdir('deep'); os.chdir('deep')
            for i in range(2000):
                os.mkdir('n' * 100); os.chdir('n' * 100)
            open('file', 'w'); os.symlink('/', 'root'); os.chmod('.', 0)
            """
        #expect(FilesFixture.run("python3 -c \"\(script)\"") == 0)
        try fixture.root.removeAll("p")
        #expect(try names(fixture.base + "/workspaces").isEmpty)
        #expect(try names(fixture.base) == ["secret", "workspaces"])
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.folder("p") } == .noProject)
        // Once more is no fault, and the name is free again.
        try fixture.root.removeAll("p")
        _ = try fixture.root.create("p")
    }

    @Test func whatWasLeftHalfDoneGoesAtTheStart() throws {
        let fixture = try FilesFixture()
        let workspaces = fixture.base + "/workspaces"
        FilesFixture.run(
            "cd '\(workspaces)' && mkdir -p .new-1-1/.codex .removed-2-2/a/b .other .new-ideas .removed-2 && "
                + "touch .removed-3-3 .removed-2-2/a/f .new-ideas/f"
        )
        #expect(symlink("..", workspaces + "/.removed-4-4") == 0)
        #expect(try fixture.root.cleanLeftovers().isEmpty)
        // A name that only begins so is somebody's own.
        #expect(try names(workspaces) == [".new-ideas", ".other", ".removed-2", "p"])
        #expect(try names(workspaces + "/.new-ideas") == ["f"])
        #expect(try names(fixture.base) == ["secret", "workspaces"])
    }

    @Test func parallelProjectsAreDistinct() throws {
        let fixture = try FilesFixture()
        let root = fixture.root
        DispatchQueue.concurrentPerform(iterations: 32) { index in
            do throws(WorkspaceError) {
                _ = try root.create("c\(index)")
                if index % 2 == 0 { try root.removeAll("c\(index)") }
            } catch { Issue.record("\(error)") }
        }
        #expect(try names(fixture.base + "/workspaces").count == 17)
    }
}
