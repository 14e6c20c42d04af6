import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

/// Folders and executables as they are found on a real file system.
@Suite final class OwnFilesTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "doctor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        chmod(folder.path, 0o755)
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: folder)
        } catch {
            Issue.record(error)
        }
    }

    private func path(_ name: String) -> OSString { OSString("\(folder.path)/\(name)") }

    private func make(_ name: String, mode: mode_t) throws {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data().write(to: file)
        try #require(chmod(file.path, mode) == 0)
    }

    @Test func ourOwnFolderIsWritableAndStaysEmpty() throws {
        let own = path("own")
        try #require(mkdir(own.description, 0o700) == 0)
        #expect(FolderState.of(own) == .writable)
        #expect(try FileManager.default.contentsOfDirectory(atPath: own.description).isEmpty)
        chmod(own.description, 0o770)
        #expect(FolderState.of(own) == .writableByOthers(mode: 0o770))
    }

    @Test func aMissingFolderIsNotMade() {
        #expect(FolderState.of(path("a/b/c")) == .canBeMade(in: OSString(folder.path)))
        #expect(!FileManager.default.fileExists(atPath: path("a").description))
        if geteuid() != 0 {
            #expect(FolderState.of("/nowhere/a") == .cannotBeMade(in: "/", errno: EACCES))
        }
    }

    @Test func somethingElseIsNoFolder() throws {
        try make("file", mode: 0o600)
        #expect(FolderState.of(path("file")) == .unusable(errno: ENOTDIR))
        #expect(FolderState.of(path("file/below")) == .unusable(errno: ENOTDIR))
    }

    @Test func anothersFolderIsForeign() throws {
        let foreign: OSString = geteuid() == 0 ? path("foreign") : "/"
        if geteuid() == 0 {
            try #require(mkdir(foreign.description, 0o700) == 0)
            try #require(chown(foreign.description, 12345, 12345) == 0)
        }
        #expect(FolderState.of(foreign) == .foreign(uid: geteuid() == 0 ? 12345 : 0))
    }

    @Test func theCompanionIsBesideUsOrInLibexec() throws {
        let own = path("bin/codex-sandbox")
        let beside = path("bin/codex-sandboxd")
        let libexec = path("libexec/codex-sandbox/codex-sandboxd")
        func found() -> CompanionExecutable { CompanionExecutable.find(besides: own, owner: geteuid()) }
        #expect(found() == .absent(tried: [beside, libexec]))
        try make("libexec/codex-sandbox/codex-sandboxd", mode: 0o755)
        #expect(found() == .found(libexec))
        try make("bin/codex-sandboxd", mode: 0o755)
        #expect(found() == .found(beside))
    }

    /// One that is there and wrong is not passed over for the next place.
    @Test func aCompanionThatOthersCouldChangeIsNotUsed() throws {
        let own = path("bin/codex-sandbox")
        let beside = path("bin/codex-sandboxd")
        try make("libexec/codex-sandbox/codex-sandboxd", mode: 0o755)
        try make("bin/codex-sandboxd", mode: 0o757)
        #expect(
            CompanionExecutable.find(besides: own, owner: geteuid())
                == .unusable(beside, why: "everybody can write to it")
        )
        try make("bin/codex-sandboxd", mode: 0o644)
        #expect(
            CompanionExecutable.find(besides: own, owner: geteuid())
                == .unusable(beside, why: "it cannot be executed: EACCES (Permission denied)")
        )
        try FileManager.default.removeItem(atPath: beside.description)
        try #require(mkdir(beside.description, 0o755) == 0)
        #expect(CompanionExecutable.find(besides: own, owner: geteuid()) == .unusable(beside, why: "it is not a file"))
        if geteuid() != 0 {
            try FileManager.default.removeItem(atPath: beside.description)
            try make("bin/codex-sandboxd", mode: 0o755)
            guard case .unusable = CompanionExecutable.find(besides: own, owner: geteuid() + 1) else {
                Issue.record("a companion of somebody else was taken")
                return
            }
        }
    }

    @Test func theMountTableTellsWhatIsBelow() throws {
        let text = """
            20 1 0:1 / / rw - ext4 /dev/a rw
            21 20 0:2 / /proc rw - proc proc rw
            22 21 0:3 / /proc/a\\040b rw - tmpfs tmpfs rw
            23 20 0:4 / /process rw - tmpfs tmpfs rw

            """
        let table = try #require(MountTable(parsing: Array(text.utf8)))
        #expect(table.contains("/proc"))
        #expect(!table.contains("/proc/a"))
        #expect(table.below("/proc") == ["/proc/a b"])
    }
}
