import Foundation
import Testing

@testable import WorkspaceStore

@Suite("the database's file")
struct DatabaseFileTests {
    let place: Place

    init() throws { place = try Place() }

    private func mode(_ name: String) throws -> Int {
        let value = try FileManager.default.attributesOfItem(atPath: place.path(name))[.posixPermissions]
        return try #require(value as? Int)
    }

    private func refusal(_ kind: StoreError.Kind, _ word: String) throws {
        let error = try storeError { _ = try place.store() }
        #expect(error.kind == kind, "\(error)")
        #expect(error.message.contains(word), "\(error)")
        #expect(try storeError { _ = try place.administration().status() }.kind == kind)
    }

    @Test func newFilesAreTheAccountsOwn() throws {
        let store = try place.store()
        try store.add(
            someProject(id: "00000000-0000-4000-8000-000000000000"),
            firstJob: someJob(someProject(id: "00000000-0000-4000-8000-000000000000"))
        )
        for name in ["codex.db", "codex.db.lock", "codex.db-wal", "codex.db-shm"] {
            #expect(try mode(name) == 0o600, "\(name)")
        }
    }

    @Test func relativePathsAreFromTheWorkingDirectory() throws {
        let script = "cd \(place.folder) && $1 hold ./dot.db && $1 hold plain.db && ls"
        let (status, output) = try Running("/bin/sh", ["-c", script, "sh", Running.path(of: "store-writer")]).end()
        #expect(status == 0)
        #expect(output == "open\nopen\ndot.db\ndot.db.lock\nplain.db\nplain.db.lock\n")
    }

    @Test func anEmptyFileIsANewDatabase() throws {
        try place.write(Data())
        #expect(try place.administration().status().state == .missing)
        #expect(try place.store().countProjects() == 0)
    }

    @Test func aFolderThatIsALinkIsFollowedAndAFileIsNot() throws {
        try FileManager.default.createDirectory(
            atPath: place.path("real"),
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        try FileManager.default.createSymbolicLink(atPath: place.path("link"), withDestinationPath: "real")
        let store = try place.store("link/codex.db")
        #expect(store.path.hasSuffix("/real/codex.db"))
        store.close()
        try FileManager.default.createSymbolicLink(atPath: place.path(), withDestinationPath: "real/codex.db")
        try refusal(.unwritable, "symbolic link")
    }

    @Test func aDanglingLinkMakesNothing() throws {
        try FileManager.default.createSymbolicLink(atPath: place.path(), withDestinationPath: "elsewhere")
        try refusal(.unwritable, "symbolic link")
        #expect(!FileManager.default.fileExists(atPath: place.path("elsewhere")))
    }

    @Test(.timeLimit(.minutes(120)), arguments: ["codex.db", "codex.db-wal", "codex.db-shm", "codex.db-journal"])
    func whatIsNoRegularFileIsRefusedAtOnce(_ name: String) throws {
        #expect(mkfifo(place.path(name), 0o600) == 0)
        try refusal(.corrupt, "no regular file")
        try FileManager.default.removeItem(atPath: place.path(name))
        try FileManager.default.createDirectory(atPath: place.path(name), withIntermediateDirectories: false)
        try refusal(.corrupt, "folder")
        try FileManager.default.removeItem(atPath: place.path(name))
        #expect(try place.store().countProjects() == 0)
    }

    @Test(.timeLimit(.minutes(120))) func theLockIsARegularFileToo() throws {
        #expect(mkfifo(place.path("codex.db.lock"), 0o600) == 0)
        #expect(try storeError { _ = try place.store() }.kind == .unwritable)
        try FileManager.default.removeItem(atPath: place.path("codex.db.lock"))
        try FileManager.default.createSymbolicLink(atPath: place.path("codex.db.lock"), withDestinationPath: "other")
        #expect(try storeError { _ = try place.store() }.message.contains("symbolic link"))
        #expect(!FileManager.default.fileExists(atPath: place.path("other")))
    }

    @Test func othersMayNotWriteFileOrFolder() throws {
        try place.store().close()
        for mode in [0o602, 0o666] {
            try place.mode(mode)
            try refusal(.unwritable, "writable by others")
        }
        try place.mode(0o644)
        try place.store().close()
        try place.mode(0o660)
        try place.store().close()
        try place.mode(0o600)
        for mode in [0o1777, 0o702] {
            #expect(chmod(place.folder, mode_t(mode)) == 0)
            try refusal(.unwritable, "writable by others")
        }
        #expect(chmod(place.folder, 0o755) == 0)
        try place.store().close()
    }

    @Test func aFileOfSomebodyElseIsRefused() throws {
        try place.store().close()
        let isRoot = geteuid() == 0
        // An account that is not root cannot give a file away: the system's own files are somebody else's for it.
        guard isRoot else {
            #expect(try storeError { _ = try DatabaseFile("/etc/passwd") }.kind == .unwritable)
            return
        }
        #expect(chown(place.path(), 12_345, getegid()) == 0)
        try refusal(.unwritable, "belongs to account 12345")
        #expect(chown(place.path(), 0, 12_345) == 0)
        try place.mode(0o660)
        try refusal(.unwritable, "writable by others")
    }

    @Test func aFolderThatIsNotThereIsNamed() throws {
        let error = try storeError { _ = try DatabaseFile(place.path("no/codex.db")) }
        #expect(error.kind == .unwritable && error.message.contains("/no ") && error.remedy.contains("mkdir"))
    }

    @Test func aPathIsAsLongAsSQLiteTakes() throws {
        let room = DatabaseFile.pathLimit - place.folder.utf8.count - 2
        let folder = String(repeating: "f", count: 200)
        try FileManager.default.createDirectory(
            atPath: place.path(folder),
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let name = String(repeating: "n", count: room - 200)
        #expect(name.utf8.count < 250)
        try place.store(folder + "/" + name).close()
        #expect(
            try storeError { _ = try place.store(folder + "/" + name + "n") }.message.contains("more than 504 bytes")
        )
    }

    @Test func networkFileSystemsAreKnown() throws {
        for type: UInt in [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x00c3_6400] {
            #expect(NetworkFileSystem.name(type) != nil)
        }
        // ext4, tmpfs, XFS, btrfs, overlayfs, ZFS, FUSE: statfs(2).
        for type: UInt in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x2fc1_2fc1, 0x6573_5546] {
            #expect(NetworkFileSystem.name(type) == nil)
        }
    }

    @Test func oneServerHasADatabase() throws {
        let holder = try Running.writer("hold", place.path())
        #expect(holder.line() == "open")
        let error = try storeError { _ = try place.store() }
        #expect(error.kind == .busy && error.message.contains("another server"), "\(error)")
        #expect(error.message.contains("\(holder.process.processIdentifier)"))
        #expect(try storeError { _ = try place.administration().migrate() }.kind == .busy)
        #expect(try storeError { _ = try place.administration().stamp() }.kind == .busy)
        #expect(try place.administration().status().state == .current)
        try place.administration().check()
        holder.kill()
        _ = try holder.end()
        // The lock goes with its process, however that ends.
        let store = try place.store()
        #expect(try storeError { _ = try place.store() }.kind == .busy)
        store.close()
        #expect(try place.store().countProjects() == 0)
    }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted() }
    }

    @Test func whoOnlyLooksLeavesNothingBehind() throws {
        try place.store().close()
        let (before, bytes) = (try names, try place.bytes())
        #expect(before == ["codex.db", "codex.db.lock"])
        #expect(try place.administration().status().state == .current)
        try place.administration().check()
        #expect(try names == before && place.bytes() == bytes)
        // A log that another program has left stays as it is, an empty one, too.
        try place.write(Data(), "codex.db-wal")
        #expect(try place.administration().status().state == .current)
        #expect(try place.bytes("codex.db-wal").isEmpty)
    }

    /// A server that starts and writes while somebody looks keeps its log.
    @Test func whoOnlyLooksTakesNoServersLog() throws {
        try place.store().close()
        let project = someProject()
        var looking: SQLiteConnection? = try SQLiteConnection(place.path(), .inspect, busyTimeout: 100)
        guard case .applied = try SchemaVersion.read(try #require(looking), Migration.all) else {
            Issue.record("it is not what a server left")
            return
        }
        let store = try place.store()
        try store.add(project, firstJob: someJob(project))
        let log = try place.bytes("codex.db-wal")
        #expect(!log.isEmpty)
        looking = nil
        #expect(try place.bytes("codex.db-wal") == log)
        #expect(try store.project(project.id) == project)
        store.close()
    }

    @Test(arguments: ["deleted", "replaced", "moved"])
    func aFileThatIsTakenAwayIsSeenAtTheNextWrite(_ how: String) throws {
        let store = try place.store()
        let project = someProject()
        try store.add(project, firstJob: someJob(project))
        switch how {
        case "deleted": try FileManager.default.removeItem(atPath: place.path())
        case "moved": try FileManager.default.moveItem(atPath: place.path(), toPath: place.path("away.db"))
        default:
            try place.write(Data(), "other.db")
            #expect(rename(place.path("other.db"), place.path()) == 0)
        }
        for _ in 0..<2 {
            let other = someProject()
            let error = try storeError { try store.add(other, firstJob: someJob(other)) }
            #expect(error.kind == .unwritable && error.message.contains("moved, deleted or replaced"))
            #expect(try storeError { try store.checkReady() } == error)
        }
        #expect(try store.project(project.id) == project)
        if how == "moved" {
            try FileManager.default.moveItem(atPath: place.path("away.db"), toPath: place.path())
            let other = someProject()
            try store.add(other, firstJob: someJob(other))
        }
    }
}
