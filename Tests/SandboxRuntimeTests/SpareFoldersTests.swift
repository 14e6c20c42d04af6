import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxKernel
@testable import SandboxRuntime

/// What is moved between our state folder and a workspace is ours, empty, and nobody's mounts stand on it.
@Suite struct SpareFoldersTests {
    private final class Place {
        let folder = FileManager.default.temporaryDirectory.path + "/spares-\(UUID().uuidString)"
        let state: Int32
        let parent: Int32

        init() throws {
            for path in [folder, folder + "/state", folder + "/parent"] { try #require(mkdir(path, 0o755) == 0) }
            state = open(folder + "/state", O_RDONLY | O_DIRECTORY)
            parent = open(folder + "/parent", O_RDONLY | O_DIRECTORY)
            try #require(state >= 0 && parent >= 0)
        }

        deinit {
            close(state)
            close(parent)
            do {
                try FileManager.default.removeItem(atPath: folder)
            } catch { Issue.record(error) }
        }

        func inode(_ path: String) -> UInt64? {
            var status = stat()
            return lstat(folder + path, &status) == 0 ? UInt64(status.st_ino) : nil
        }
    }

    @Test func aFolderIsMovedInAndOut() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.put(".codex", into: place.parent) == 0)
        let made = place.inode("/parent/.codex")
        #expect(spares.take(".codex", outOf: place.parent) == 0)
        #expect(place.inode("/parent/.codex") == nil && place.inode("/state/spare/.codex") == made)
        #expect(spares.put(".codex", into: place.parent) == 0)
        #expect(place.inode("/parent/.codex") == made)
    }

    /// Somebody managed to have his own put into our folder: nobody else gets it.
    @Test func aSpareThatIsNotEmptyIsNotUsed() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        try #require(mkdir(place.folder + "/state/spare/.codex", 0o755) == 0)
        try #require(mkdir(place.folder + "/state/spare/.codex/planted", 0o755) == 0)
        #expect(spares.put(".codex", into: place.parent) == 0)
        #expect(place.inode("/parent/.codex") != nil && place.inode("/parent/.codex/planted") == nil)
        #expect(place.inode("/state/spare/.codex/planted") != nil)
    }

    @Test func aSpareThatIsALinkIsNotUsed() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        try #require(symlink("/", place.folder + "/state/spare/.codex") == 0)
        #expect(spares.put(".codex", into: place.parent) == 0)
        var status = stat()
        #expect(lstat(place.folder + "/parent/.codex", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR)
    }

    @Test func whatSomebodyFilledStays() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.put(".codex", into: place.parent) == 0)
        try #require(mkdir(place.folder + "/parent/.codex/theirs", 0o755) == 0)
        #expect(spares.take(".codex", outOf: place.parent) == -ENOTEMPTY)
        #expect(place.inode("/parent/.codex/theirs") != nil && place.inode("/state/spare/.codex") == nil)
    }

    @Test func whatIsHeldStays() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.put(".codex", into: place.parent) == 0)
        let held = HeldFolders()
        #expect(try held.hold(".codex", in: place.parent) == .held)
        #expect(try held.hold("missing", in: place.parent) == .gone)
        #expect(spares.take(".codex", outOf: place.parent) == -EBUSY)
        #expect(place.inode("/parent/.codex") != nil)
        held.letGo()
        #expect(spares.take(".codex", outOf: place.parent) == 0)
    }
}
