import Foundation
import Glibc
import SandboxPlan
import Testing
@testable import Workspaces

@Suite struct WritingTests {
    private func mode(_ path: String) -> mode_t {
        var found = stat()
        return lstat(path, &found) == 0 ? found.st_mode & 0o7777 : 0
    }

    private func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    private func tag(_ fixture: FilesFixture, _ name: String) throws -> String {
        try fixture.folder.open(try RequestedPath(decoded: Array(name.utf8))).tag
    }

    /// In a thread that has a mask of its own (unshare(2), CLONE_FS): tests beside this one make files, too.
    private func underAMask<Value: Sendable>(
        _ mask: mode_t,
        _ body: @escaping @Sendable () throws -> Value
    ) throws -> Value {
        // Swift's Glibc lacks it.
        let unshare = unsafeBitCast(
            try #require(dlsym(nil, "unshare")),
            to: (@convention(c) (_ flags: Int32) -> Int32).self
        )
        let fileSystem: Int32 = 0x200  // CLONE_FS
        let done = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var result: Result<Value, any Error> = .failure(POSIXError(.EIO))
        Thread.detachNewThread {
            if unshare(fileSystem) == 0 {
                umask(mask)
                result = Result { try body() }
            }
            done.signal()
        }
        done.wait()
        return try result.get()
    }

    @Test func aFileIsMadeWithItsFolders() throws {
        let fixture = try FilesFixture()
        let outcome = try underAMask(0o077) { try fixture.upload("new", "a/b/file") }
        #expect(outcome == .created(tag: try tag(fixture, "a/b/file")))
        #expect(try fixture.text("a/b/file") == "new")
        #expect(mode(fixture.path + "/a/b/file") == 0o644)
        #expect(mode(fixture.path + "/a") == 0o755 && mode(fixture.path + "/a/b") == 0o755)
        #expect(try names(fixture.path + "/a/b") == ["file"])
    }

    @Test func anOlderFileIsReplacedAtOnce() throws {
        let fixture = try FilesFixture()
        try fixture.put("old", "file")
        #expect(chmod(fixture.path + "/file", 0o700) == 0)
        let open = try fixture.folder.open(try RequestedPath(decoded: Array("file".utf8)))
        let outcome = try fixture.upload("new", "file")
        #expect(outcome == .replaced(tag: try tag(fixture, "file")))
        #expect(try fixture.text("file") == "new")
        // Who had it open reads the old one on.
        #expect(try open.read(at: 0, count: 10) == Array("old".utf8))
        #expect(mode(fixture.path + "/file") == 0o755)
        _ = try fixture.upload("new", "file", executable: false)
        #expect(mode(fixture.path + "/file") == 0o644)
        _ = try fixture.upload("new", "script", executable: true)
        #expect(mode(fixture.path + "/script") == 0o755)
        #expect(try names(fixture.path) == [".codex", "file", "script"])
    }

    @Test func whatIsNotCommittedIsNotThere() throws {
        let fixture = try FilesFixture()
        let path = try RequestedPath(decoded: Array("file".utf8))
        do {
            let writing = try fixture.folder.write(path, limit: 4)
            try writing.append(Array("1234".utf8))
            #expect(kind { () throws(WorkspaceError) in try writing.append(Array("5".utf8)) } == .tooMuch)
            #expect(try fixture.folder.list().files.isEmpty)
        }
        #expect(try names(fixture.path) == [".codex"])
    }

    /// Folders that were made for a file which does not come go with it; those with something in them stay.
    @Test func whatIsNotCommittedLeavesNoFolders() throws {
        let fixture = try FilesFixture()
        fixture.make("old")
        func begin(_ name: String) throws(WorkspaceError) -> FileWriting {
            try fixture.folder.write(try RequestedPath(decoded: Array(name.utf8)), limit: 10)
        }
        do {
            let aborted = try begin("old/x/y/z")
            try aborted.append([1, 2, 3])
            #expect(FileManager.default.fileExists(atPath: fixture.path + "/old/x/y"))
        }
        #expect(try names(fixture.path + "/old") == [])
        #expect(try fixture.upload("x", "c/d/refused", .exists) == .preconditionFailed)
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "/c"))
        #expect(
            kind { () throws(WorkspaceError) in try begin("e/f/g").append(Array(repeating: 0, count: 11)) } == .tooMuch
        )
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "/e"))
        do {
            let aborted = try begin("h/i/j")
            try fixture.put("somebody's", "h/k")
            try aborted.append([1])
        }
        #expect(try names(fixture.path + "/h") == ["k"])
        guard case .created = try fixture.upload("x", "l/m/n") else {
            Issue.record("a file that is committed is there")
            return
        }
        #expect(try names(fixture.path + "/l/m") == ["n"])
        // A name on the way is a file: what was made before it is gone.
        try fixture.put("a file", "o")
        #expect(kind { () throws(WorkspaceError) in _ = try begin("o/p/q") } == .conflict)
    }

    /// Where the file system has no files without a name.
    @Test func aHiddenNameDoesAsWell() throws {
        let fixture = try FilesFixture()
        func begin(_ name: String) throws(WorkspaceError) -> FileWriting {
            let path = OSString(name)
            let parent = try fixture.folder.parentFolder(of: path)
            let writing = try FileWriting(
                fixture.folder,
                path,
                parent: parent,
                limit: 10,
                isExecutable: nil,
                prefersNameless: false
            )
            try writing.append(Array(name.utf8))
            return writing
        }
        do {
            let writing = try begin("file")
            let hidden = try names(fixture.path).filter { $0.hasPrefix(".codex-sandbox-upload-") }
            #expect(hidden.count == 1 && mode(fixture.path + "/" + (hidden.first ?? "")) == 0o600)
            guard case .created = try writing.commit(.isAbsent) else {
                Issue.record("not created")
                return
            }
        }
        #expect(try fixture.text("file") == "file" && mode(fixture.path + "/file") == 0o644)
        guard case .replaced = try begin("file").commit(.exists) else {
            Issue.record("not replaced")
            return
        }
        #expect(try begin("file").commit(.isAbsent) == .preconditionFailed)
        _ = try begin("never")
        #expect(try names(fixture.path) == [".codex", "file"])
    }

    @Test func aLimitHoldsToTheByte() throws {
        let fixture = try FilesFixture()
        let path = try RequestedPath(decoded: Array("file".utf8))
        let writing = try fixture.folder.write(path, limit: 4)
        try writing.append(Array("123".utf8))
        try writing.append(Array("4".utf8))
        try writing.append([])
        _ = try writing.commit()
        #expect(try fixture.text("file") == "1234")
    }

    @Test func preconditionsHold() throws {
        let fixture = try FilesFixture()
        #expect(try fixture.upload("x", "file", .exists) == .preconditionFailed)
        #expect(try fixture.upload("x", "file", .matches(["\"x\""])) == .preconditionFailed)
        #expect(try names(fixture.path) == [".codex"])
        guard case .created(let first) = try fixture.upload("1", "file", .isAbsent) else {
            Issue.record("not created")
            return
        }
        #expect(try fixture.upload("x", "file", .isAbsent) == .preconditionFailed)
        #expect(try fixture.upload("x", "file", .both(.exists, .isAbsent)) == .preconditionFailed)
        #expect(try fixture.upload("x", "file", .both(.exists, .matchesNone([first]))) == .preconditionFailed)
        #expect(try fixture.upload("x", "file", .matches(["\"other\"", "W/" + first])) == .preconditionFailed)
        #expect(try fixture.upload("x", "file", .matchesNone(["W/" + first])) == .preconditionFailed)
        #expect(try fixture.text("file") == "1")
        guard case .replaced(let second) = try fixture.upload("2", "file", .matches(["\"other\"", first])) else {
            Issue.record("not replaced")
            return
        }
        #expect(first != second)
        #expect(try fixture.upload("x", "file", .matches([first])) == .preconditionFailed)
        #expect(try fixture.text("file") == "2")
        #expect(try fixture.upload("3", "file", .exists) != .preconditionFailed)
        #expect(try fixture.upload("4", "file", .matchesNone([second])) != .preconditionFailed)
        let path = try RequestedPath(decoded: Array("file".utf8))
        #expect(try fixture.folder.remove(path, .matches([second])) == .preconditionFailed)
        #expect(try fixture.folder.remove(path, .matches([try tag(fixture, "file")])) == .removed)
        #expect(fixture.refusal("file") == .noFile)
    }

    /// The time that a job sets is no time of change, and a change in the same second has another.
    @Test func datesAreOfTheKernelsTimeOfChange() throws {
        let fixture = try FilesFixture()
        _ = try fixture.upload("1", "file")
        let path = try RequestedPath(decoded: Array("file".utf8))
        let began = Int64(time(nil))
        let name = fixture.path + "/file"
        var times = [timeval(tv_sec: 784_111_777, tv_usec: 0), timeval(tv_sec: 784_111_777, tv_usec: 0)]
        try #require(utimes(name, &times) == 0)
        let file = try fixture.folder.open(path)
        #expect(file.modified_ns == 784_111_777_000_000_000)
        // The second behind the one in which it was set. time(2) is of the coarse clock, a tick behind that of files (Linux 6.13).
        var now = timespec()
        try #require(clock_gettime(CLOCK_REALTIME, &now) == 0)
        #expect((began...Int64(now.tv_sec) + 1).contains(file.lastModified_s))
        let date = file.lastModified_s
        #expect(try fixture.upload("x", "file", .unmodifiedSince(date - 1)) == .preconditionFailed)
        #expect(try fixture.upload("2", "file", .unmodifiedSince(date)) != .preconditionFailed)
        let later = try fixture.folder.open(path).lastModified_s
        #expect(try fixture.folder.remove(path, .unmodifiedSince(later - 1)) == .preconditionFailed)
        #expect(try fixture.folder.remove(path, .unmodifiedSince(later)) == .removed)
        #expect(try fixture.upload("3", "file", .unmodifiedSince(0)) != .preconditionFailed)
        var facts = FileFacts.of(AT_FDCWD, OSString(name)).facts
        for (changed, seconds) in [(0, 1), (999_999_999, 1), (1_000_000_000, 2), (-1, 0), (-1_000_000_000, 0)]
            as [(Int64, Int64)]
        {
            facts?.changed_ns = changed
            #expect(facts?.lastModified_s == seconds, "\(changed)")
        }
    }

    /// Of clients that saw the same tag, or no file, exactly one writes.
    @Test func oneOfManyClientsWins() throws {
        let fixture = try FilesFixture()
        for round in 0..<20 {
            let outcomes = Outcomes()
            let condition: WritePrecondition =
                round % 2 == 0 ? .isAbsent : .matches([try tag(fixture, "file")])
            DispatchQueue.concurrentPerform(iterations: 8) { index in
                do throws(WorkspaceError) {
                    outcomes.add(try fixture.upload("\(index)", "file", condition))
                } catch { Issue.record("\(error)") }
            }
            #expect(outcomes.all.filter { $0 != .preconditionFailed }.count == 1)
            if round % 2 == 1 { #expect(unlink(fixture.path + "/file") == 0) }
        }
    }

    private final class Outcomes: @unchecked Sendable {
        private let lock = NSLock()
        private var outcomes: [WriteOutcome] = []
        var all: [WriteOutcome] { lock.withLock { outcomes } }
        func add(_ outcome: WriteOutcome) { lock.withLock { outcomes.append(outcome) } }
    }

    @Test func linksAreNotWrittenThrough() throws {
        let fixture = try FilesFixture()
        fixture.make("d")
        try fixture.put("kept", "d/file")
        fixture.link("../../secret", "out")
        fixture.link("d/file", "in")
        fixture.link("d", "folder")
        fixture.link("../..", "parent")
        fixture.link("nothing", "dangling")
        for name in ["out", "in", "dangling", "folder/file", "folder/new", "parent/secret", "parent/new"] {
            #expect(kind { () throws(WorkspaceError) in _ = try fixture.upload("x", name) } == .invalidPath, "\(name)")
        }
        #expect(try fixture.text("d/file") == "kept")
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.base + "/secret")) == Data(FilesFixture.secret))
        #expect(try names(fixture.base) == ["secret", "workspaces"])
        #expect(try names(fixture.path) == [".codex", "d", "dangling", "folder", "in", "out", "parent"])
        // A link is removed itself.
        #expect(try fixture.folder.remove(try RequestedPath(decoded: Array("out".utf8))) == .removed)
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.base + "/secret")) == Data(FilesFixture.secret))
    }

    @Test func whatIsNoFileIsNotReplaced() throws {
        let fixture = try FilesFixture()
        fixture.make("d")
        try fixture.put("", "file")
        #expect(mkfifo(fixture.path + "/fifo", 0o644) == 0)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.upload("x", "d") } == .conflict)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.upload("x", "fifo") } == .conflict)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.upload("x", "file/x") } == .conflict)
        func remove(_ name: String) -> WorkspaceError.Kind? {
            kind { () throws(WorkspaceError) in
                _ = try fixture.folder.remove(try RequestedPath(decoded: Array(name.utf8)))
            }
        }
        #expect(remove("d") == .noFile)
        #expect(remove("none") == .noFile)
        #expect(remove("none/none") == .noFile)
        #expect(remove("fifo") == nil)
        #expect(remove("file") == nil)
        #expect(try names(fixture.path) == [".codex", "d"])
    }

    @Test(
        arguments: [
            ".codex/request.json", ".codex", ".git", ".git/config", ".git/hooks/pre-commit", ".GIT/config",
            "sub/.git/config",
            ".envrc", "sub/.envrc", ".mcp.json", ".codex-sandbox.toml", ".Codex-Sandbox.toml", ".gitmodules",
            ".claude/settings.json", ".vscode/tasks.json", ".idea/x", ".codex-sandbox-upload-1",
        ]
    )
    func namesThatToolsObeyAreNotWritten(name: String) throws {
        let fixture = try FilesFixture()
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.upload("x", name) } == .invalidPath)
        let path = try RequestedPath(decoded: Array(name.utf8))
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.folder.remove(path) } == .invalidPath)
        #expect(try names(fixture.path) == [".codex"])
        #expect(try names(fixture.path + "/.codex").isEmpty)
    }

    @Test(arguments: [".gitignore", ".github/workflows/ci.yml", "codex", ".env", "a.git/x", "é/ü"])
    func otherNamesAre(name: String) throws {
        let fixture = try FilesFixture()
        _ = try fixture.upload("x", name)
        #expect(try fixture.read(name) == "x")
    }

    @Test func aFolderThatWasMovedMeanwhileIsNotWrittenIn() throws {
        let fixture = try FilesFixture()
        fixture.make("d")
        let writing = try fixture.folder.write(try RequestedPath(decoded: Array("d/file".utf8)), limit: 10)
        try writing.append([1])
        #expect(rename(fixture.path + "/d", fixture.path + "/e") == 0)
        fixture.make("d")
        #expect(kind { () throws(WorkspaceError) in _ = try writing.commit() } == .conflict)
        #expect(try names(fixture.path + "/d").isEmpty && names(fixture.path + "/e").isEmpty)
        // The same where nothing, a link or a file is in its place.
        for script in ["rm -rf d", "rm -rf d; ln -s e d", "rm -rf d; touch d"] {
            FilesFixture.run("cd '\(fixture.path)' && rm -rf d && mkdir d")
            let other = try fixture.folder.write(try RequestedPath(decoded: Array("d/file".utf8)), limit: 10)
            #expect(FilesFixture.run("cd '\(fixture.path)' && \(script)") == 0)
            let found = kind { () throws(WorkspaceError) in _ = try other.commit() }
            #expect(found == (script.contains("ln") ? .invalidPath : .conflict), "\(script)")
            #expect(try names(fixture.path + "/e").isEmpty)
        }
    }

    @Test func filesBelongToTheFoldersOwner() throws {
        let fixture = try FilesFixture()
        let other: uid_t = geteuid() == 0 ? 60601 : geteuid()
        let folder = try fixture.root.create(
            "theirs",
            owner: FileOwner(uid: other, gid: geteuid() == 0 ? 60602 : getegid())
        )
        let writing = try folder.write(try RequestedPath(decoded: Array("a/file".utf8)), limit: 10)
        _ = try writing.commit()
        for name in ["", "/.codex", "/a", "/a/file"] {
            var found = stat()
            #expect(lstat(fixture.base + "/workspaces/theirs" + name, &found) == 0)
            #expect(found.st_uid == other, "\(name)")
            #expect(found.st_gid == (geteuid() == 0 ? 60602 : getegid()), "\(name)")
        }
    }
}
