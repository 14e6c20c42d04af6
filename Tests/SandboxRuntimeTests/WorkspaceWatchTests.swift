import CShims
import Foundation
import Glibc
import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What counts as held by a workspace, and when its watch says that it is too much.
@Suite struct WorkspaceWatchTests {
    private static func tree(_ script: String) throws -> ScratchFolder {
        let scratch = try ScratchFolder()
        let made = try Program.run(
            "/bin/sh",
            ["-ec", "mkdir '\(scratch.path)/ws'; cd '\(scratch.path)/ws'; \(script)"]
        )
        try #require(made.status == 0, "\(made.error)")
        return scratch
    }

    private static func sum(
        _ scratch: ScratchFolder,
        most: Int = Int.max,
        limit: UInt64 = .max
    ) throws -> (bytes: UInt64, closed: Int, steps: Int) {
        let path = OSString(scratch.path + "/ws")
        let folder = try FileReading.folder(path)
        let sum = FolderSum(folder.number, mount: try found(path).mount)
        var steps = 1
        while !sum.step(most: most, limit: limit) { steps += 1 }
        return (sum.bytes, sum.closed, steps)
    }

    private static func found(_ path: OSString) throws -> cs_identity {
        var found = cs_identity()
        try #require(path.withPointer { cs_identify(FileReading.currentFolder, $0, &found) } == 0)
        return found
    }

    private static func identity(_ path: OSString) throws -> FileIdentity {
        let found = try found(path)
        return FileIdentity(device: found.device, inode: found.inode, uid: found.uid, gid: found.gid)
    }

    private static let file = "head -c 100000 /dev/zero >"

    @Test(arguments: [
        ("", 0), ("\(file) a", 1), ("\(file) a; \(file) b", 2), ("mkdir -p a/b/c; \(file) a/b/c/d", 1),
        // One file by two names, one outside, and what only looks large.
        ("\(file) a; ln a b; mkdir c; ln a c/a", 1), ("\(file) ../out; ln -s ../out a; ln -s .. b", 0),
        ("truncate -s 1G a", 0),
    ])
    func blocksAreCountedOnce(script: String, count: Int) throws {
        let files = UInt64(count)
        let scratch = try Self.tree(script)
        let found = try Self.sum(scratch)
        #expect(found.closed == 0)
        // Folders, names and the file system's own habits take some blocks more.
        #expect(found.bytes >= files * 100_000 && found.bytes < files * 150_000 + 60_000, "\(found.bytes)")
        // In pieces it is the same.
        let pieces = try Self.sum(scratch, most: 1)
        #expect(pieces.bytes == found.bytes && pieces.steps >= found.steps)
    }

    @Test func emptyFilesCountToo() throws {
        let scratch = try Self.tree("i=0; while [ $i -lt 300 ]; do : > f$i; i=$((i+1)); done")
        #expect(try Self.sum(scratch).bytes >= 300 * FolderSum.least)
        // Beyond the limit nobody looks further.
        let found = try Self.sum(scratch, limit: 50 * FolderSum.least)
        #expect((50 * FolderSum.least...52 * FolderSum.least).contains(found.bytes))
    }

    /// Root is let into every folder: there is nothing to be noted for it.
    @Test func aClosedFolderIsNoted() throws {
        let scratch = try Self.tree("mkdir a b; chmod 0 a")
        #expect(try Self.sum(scratch).closed == (geteuid() == 0 ? 0 : 1))
        chmod(scratch.path + "/ws/a", 0o700)
        #expect(try Self.sum(scratch).closed == 0)
    }

    private static func watch(_ scratch: ScratchFolder, most: ByteCount) throws -> WorkspaceWatch {
        let path = OSString(scratch.path + "/ws")
        let identity = try Self.identity(path)
        // A place without a process: those of this host hold files of their own.
        try FileManager.default.createDirectory(atPath: scratch.path + "/proc", withIntermediateDirectories: true)
        let root = try FileReading.folder(OSString(scratch.path))
        let limit = WorkspaceLimit(path: path, identity: identity, most: most)
        let watch = try WorkspaceWatch(limit, root: root.number, members: .all)
        return try #require(watch)
    }

    /// Looks until `isOver` says so.
    private static func look(_ watch: WorkspaceWatch, until isOver: (UInt64?) -> Bool) throws {
        for _ in 0..<60_000 {
            switch try watch.look() {
            case .exceeded(let used): if isOver(used) { return }
            case .again(let nanoseconds):
                if isOver(nil) { return }
                usleep(UInt32(nanoseconds / 1000))
            }
        }
        Issue.record("nothing came of it")
    }

    @Test func growthIsFound() throws {
        let scratch = try Self.tree("")
        let watch = try Self.watch(scratch, most: .mebibytes(1))
        try Data(count: 2 << 20).write(to: URL(fileURLWithPath: scratch.path + "/ws/file"))
        var found: UInt64?
        try Self.look(watch) { used in
            found = used
            return used != nil
        }
        #expect(try #require(found) > 1 << 20)
    }

    /// The control: what others write beside it is no growth of the workspace, though it lets it be counted.
    @Test func whatOthersWriteIsNot() throws {
        let scratch = try Self.tree("")
        let watch = try Self.watch(scratch, most: .mebibytes(1))
        try Data(count: 4 << 20).write(to: URL(fileURLWithPath: scratch.path + "/file"))
        let before = watch.counts
        try Self.look(watch) { used in
            if used != nil { Issue.record("\(used ?? 0)") }
            return used != nil || watch.counts >= before + 2
        }
    }

    /// A file without a name, held by this process, the only one in the list.
    @Test func deletedFilesCount() throws {
        let scratch = try Self.tree("mkdir ../proc; ln -s /proc/\(getpid()) ../proc/1")
        let path = scratch.path + "/ws/file"
        let number = open(path, O_RDWR | O_CREAT, 0o600)
        try #require(number >= 0)
        defer { close(number) }
        let identity = try Self.identity(OSString(path))
        let proc = try FileReading.folder(OSString(scratch.path + "/proc"))
        let before = try #require(DeletedFiles.bytes(below: proc.number, of: .all, on: identity.device))
        let bytes = [UInt8](repeating: 1, count: 64 << 20)
        try #require(write(number, bytes, bytes.count) == bytes.count)
        let named = try #require(DeletedFiles.bytes(below: proc.number, of: .all, on: identity.device))
        #expect(named < before + 32 << 20)
        unlink(path)
        let nameless = try #require(DeletedFiles.bytes(below: proc.number, of: .all, on: identity.device))
        #expect(nameless >= 64 << 20)
        // More descriptors than are looked at: then nobody knows what they hold.
        #expect(DeletedFiles.bytes(below: proc.number, of: .all, on: identity.device, most: 1) == nil)
    }

    @Test func whatIsTooMuchAlreadyIsRefused() throws {
        let scratch = try Self.tree("head -c 2000000 /dev/zero > a")
        let refusal = #expect(throws: Refusal.self) { try Self.watch(scratch, most: .mebibytes(1)) }
        #expect(refusal?.message.contains("limits.workspace") == true)
        _ = try Self.watch(scratch, most: .mebibytes(4))
    }

    @Test func anotherFolderThanThePlannedOneIsRefused() throws {
        let scratch = try Self.tree("")
        let identity = try Self.identity(OSString(scratch.path))
        let plan = WorkspaceLimit(path: OSString(scratch.path + "/ws"), identity: identity, most: .gibibytes(1))
        let root = try FileReading.folder("/")
        let refusal = #expect(throws: Refusal.self) { _ = try WorkspaceWatch(plan, root: root.number, members: .all) }
        #expect(refusal?.errno == ESTALE)
    }
}
