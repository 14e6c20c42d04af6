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

        /// Whether nobody else shows the folder.
        func isAlone() -> Bool {
            Company(around: [Placeholder(path: OSString(folder + "/parent/.codex"), kind: .folder)], []).isAlone()
        }

        func inode(_ path: String) -> UInt64? {
            var status = stat()
            return lstat(folder + path, &status) == 0 ? UInt64(status.st_ino) : nil
        }
    }

    @Test func aFolderIsMovedInAndOut() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.puts(".codex", .folder, into: place.parent) == 0)
        let made = place.inode("/parent/.codex")
        #expect(spares.take(".codex", .folder, outOf: place.parent, keeping: place.isAlone()) == .kept)
        #expect(place.inode("/parent/.codex") == nil && place.inode("/state/spare/.codex") == made)
        #expect(spares.puts(".codex", .folder, into: place.parent) == 0)
        #expect(place.inode("/parent/.codex") == made)
    }

    /// What was moved in is held by the descriptor that it was looked at with; if another has the name by then, it is not.
    @Test func whatIsMovedInIsHeldAsItWasOpened() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.puts(".codex", .folder, into: place.parent) == 0)
        #expect(spares.take(".codex", .folder, outOf: place.parent, keeping: true) == .kept)
        let held = HeldNames()
        guard case .moved(let first) = spares.put(".codex", .folder, into: place.parent) else {
            Issue.record("made anew instead of moved")
            return
        }
        #expect(held.hold(opened: first, ".codex", in: place.parent) == .held)
        #expect(spares.take(".codex", .folder, outOf: place.parent, keeping: true) == .notNow(-EBUSY))
        held.letGo()
        #expect(spares.take(".codex", .folder, outOf: place.parent, keeping: true) == .kept)
        guard case .moved(let second) = spares.put(".codex", .folder, into: place.parent) else {
            Issue.record("made anew instead of moved")
            return
        }
        try #require(rmdir(place.folder + "/parent/.codex") == 0)
        try #require(mkdir(place.folder + "/parent/.codex", 0o755) == 0)
        #expect(held.hold(opened: second, ".codex", in: place.parent) == .gone)
        #expect(spares.puts(".codex", .folder, into: place.parent) == -EEXIST)
    }

    /// Somebody managed to have his own put into our folder: nobody else gets it.
    @Test func aSpareThatIsNotEmptyIsNotUsed() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        try #require(mkdir(place.folder + "/state/spare/.codex", 0o755) == 0)
        try #require(mkdir(place.folder + "/state/spare/.codex/planted", 0o755) == 0)
        #expect(spares.puts(".codex", .folder, into: place.parent) == 0)
        #expect(place.inode("/parent/.codex") != nil && place.inode("/parent/.codex/planted") == nil)
        #expect(place.inode("/state/spare/.codex/planted") != nil)
    }

    @Test func aSpareThatIsALinkIsNotUsed() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        try #require(symlink("/", place.folder + "/state/spare/.codex") == 0)
        #expect(spares.puts(".codex", .folder, into: place.parent) == 0)
        var status = stat()
        #expect(lstat(place.folder + "/parent/.codex", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR)
    }

    @Test func whatSomebodyFilledStays() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.puts(".codex", .folder, into: place.parent) == 0)
        try #require(mkdir(place.folder + "/parent/.codex/theirs", 0o755) == 0)
        #expect(spares.take(".codex", .folder, outOf: place.parent, keeping: place.isAlone()) == .notOurs)
        #expect(place.inode("/parent/.codex/theirs") != nil && place.inode("/state/spare/.codex") == nil)
    }

    @Test func whatIsHeldStays() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.puts(".codex", .folder, into: place.parent) == 0)
        let held = HeldNames()
        #expect(try held.hold(".codex", .folder, in: place.parent) == .held)
        #expect(try held.hold("missing", .folder, in: place.parent) == .gone)
        #expect(spares.take(".codex", .folder, outOf: place.parent, keeping: place.isAlone()) == .notNow(-EBUSY))
        #expect(place.inode("/parent/.codex") != nil)
        held.letGo()
        #expect(spares.take(".codex", .folder, outOf: place.parent, keeping: place.isAlone()) == .kept)
    }

    /// What somebody has open, or has opened to others, is never one of ours again.
    @Test(arguments: Placeholder.Kind.allCases)
    func whatOthersMayHaveOpenIsNotKept(kind: Placeholder.Kind) throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        let spare = "/state/spare/" + kind.spareName("name").description
        #expect(spares.puts("name", kind, into: place.parent) == 0)
        let others = HeldNames()
        try others.enter(OSString(place.folder))
        #expect(spares.take("name", kind, outOf: place.parent, keeping: place.isAlone()) == .away)
        #expect(place.inode("/parent/name") == nil && place.inode(spare) == nil)
        others.letGo()
        #expect(spares.puts("name", kind, into: place.parent) == 0)
        #expect(chmod(place.folder + "/parent/name", 0o777) == 0)
        #expect(spares.take("name", kind, outOf: place.parent, keeping: place.isAlone()) == .away)
        #expect(place.inode("/parent/name") == nil && place.inode(spare) == nil)
        #expect(spares.puts("name", kind, into: place.parent) == 0)
        #expect(spares.take("name", kind, outOf: place.parent, keeping: place.isAlone()) == .kept)
        #expect(place.inode(spare) != nil, "a lone run keeps it")
        #expect(chmod(place.folder + spare, 0o777) == 0)
        let before = place.inode(spare)
        #expect(spares.puts("name", kind, into: place.parent) == 0)
        var status = stat()
        #expect(lstat(place.folder + "/parent/name", &status) == 0 && status.st_mode & 0o7777 == kind.mode)
        #expect(place.inode(spare) == nil && before != nil)
    }

    /// Nobody can be kept waiting by a run that says it is there.
    @Test func aFolderThatIsEnteredCanBeLocked() throws {
        let place = try Place()
        let held = HeldNames()
        try held.enter(OSString(place.folder + "/parent"))
        #expect(flock(place.parent, LOCK_EX | LOCK_NB) == 0)
    }

    @Test func whatHasSomethingInItIsNotHeld() throws {
        let place = try Place()
        try #require(mkdir(place.folder + "/parent/hooks", 0o755) == 0)
        try #require(mkdir(place.folder + "/parent/hooks/theirs", 0o755) == 0)
        #expect(try HeldNames().hold("hooks", .folder, in: place.parent) == .notNeeded)
    }

    /// A file is taken away only if it is one of ours to the byte.
    @Test(arguments: ["elsewhere\n", ".\n\n"])
    func aFileThatSaysSomethingStays(text: String) throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        try Data(text.utf8).write(to: URL(fileURLWithPath: place.folder + "/parent/commondir"))
        #expect(spares.puts("commondir", .commonFolder, into: place.parent) == -EEXIST)
        #expect(spares.take("commondir", .commonFolder, outOf: place.parent, keeping: place.isAlone()) == .notOurs)
        #expect(place.inode("/parent/commondir") != nil)
    }

    @Test func aFileWithAnotherNameStays() throws {
        let place = try Place()
        let spares = SpareFolders(below: place.state)
        #expect(spares.puts("commondir", .commonFolder, into: place.parent) == 0)
        #expect(link(place.folder + "/parent/commondir", place.folder + "/parent/other") == 0)
        #expect(spares.take("commondir", .commonFolder, outOf: place.parent, keeping: place.isAlone()) == .notOurs)
        #expect(unlink(place.folder + "/parent/other") == 0)
        #expect(spares.take("commondir", .commonFolder, outOf: place.parent, keeping: place.isAlone()) == .kept)
    }
}

extension SpareFolders {
    /// `put` as a number: 0, or -errno.
    fileprivate borrowing func puts(_ name: OSString, _ kind: Placeholder.Kind, into parent: Int32) -> Int32 {
        switch put(name, kind, into: parent) {
        case .moved: 0
        case .made: 0
        case .stands: -EEXIST
        case .failed(let result): result
        }
    }
}
