import Foundation
import Glibc
import SandboxPlan
import Testing
import Workspaces

@Suite struct ProjectFolderTests {
    @Test func filesAreReadByTheirPaths() throws {
        let fixture = try FilesFixture()
        fixture.make("tests")
        try fixture.put("print()\n", "app.py")
        try fixture.put("x", "tests/t.py")
        try fixture.put("h", ".hidden")
        #expect(try fixture.read("app.py") == "print()\n")
        #expect(try fixture.read("tests/t.py") == "x")
        #expect(try fixture.read("tests//./t.py") == "x")
        #expect(try fixture.read(".hidden") == "h")
        #expect(fixture.refusal("none") == .noFile)
        #expect(fixture.refusal("none/none") == .noFile)
        #expect(fixture.refusal("app.py/none") == .noFile)
        #expect(fixture.refusal("tests") == .noFile)
    }

    @Test func linksAreFollowedInsideOnly() throws {
        let fixture = try FilesFixture()
        fixture.make("d")
        fixture.make("d/e")
        try fixture.put("in", "d/file")
        fixture.link("d/file", "inside")
        fixture.link("inside", "chain")
        fixture.link("d", "folder")
        fixture.link("../d/file", "d/up")
        #expect(try fixture.read("inside") == "in")
        #expect(try fixture.read("chain") == "in")
        #expect(try fixture.read("folder/file") == "in")
        #expect(try fixture.read("d/up") == "in")

        fixture.link("../../secret", "relative")
        fixture.link(fixture.base + "/secret", "absolute")
        fixture.link(fixture.path + "/d/file", "absolute-inside")
        fixture.link("../..", "parent")
        fixture.link("relative", "chain-out")
        fixture.link("../../nothing", "dangling-out")
        fixture.link("/nothing", "dangling-absolute")
        fixture.link("/proc/self/root", "magic")
        fixture.link("/proc/self/cwd", "magic-cwd")
        fixture.link("../p/d/file", "out-and-in")
        fixture.link("b", "a")
        fixture.link("a", "b")
        fixture.link("nothing", "dangling")
        for name in [
            "relative", "absolute", "absolute-inside", "parent/secret", "chain-out", "dangling-out",
            "dangling-absolute",
            "magic/etc/passwd", "magic-cwd/x", "out-and-in", "a",
        ] {
            #expect(fixture.refusal(name) == .invalidPath, "\(name)")
        }
        #expect(fixture.refusal("dangling") == .noFile)
        // The control: an ordinary open of the same path gives the secret away.
        #expect(try fixture.text("relative") == String(decoding: FilesFixture.secret, as: UTF8.self))
    }

    @Test func anotherProjectIsOutside() throws {
        let fixture = try FilesFixture()
        _ = try fixture.root.create("q")
        try FilesFixture.write(Array("q".utf8), fixture.base + "/workspaces/q/file")
        fixture.link("../q/file", "theirs")
        #expect(fixture.refusal("theirs") == .invalidPath)
        #expect(
            kind { () throws(WorkspaceError) in _ = try RequestedPath(decoded: Array("../q/file".utf8)) }
                == .invalidPath
        )
    }

    @Test func specialFilesAreNoneAndNobodyWaits() throws {
        let fixture = try FilesFixture()
        #expect(mkfifo(fixture.path + "/fifo", 0o644) == 0)
        fixture.link("fifo", "to-fifo")
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = fixture.path + "/socket"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(name.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        var names = ["fifo", "to-fifo", "socket", "."]
        if geteuid() == 0 {
            #expect(mknod(fixture.path + "/zero", S_IFCHR | 0o666, 0x105) == 0)
            #expect(mknod(fixture.path + "/tty", S_IFCHR | 0o666, 0x500) == 0)
            names += ["zero", "tty"]
        }
        let start = ContinuousClock.now
        for name in names { #expect(fixture.refusal(name) == .noFile, "\(name)") }
        #expect(try fixture.folder.list().files.isEmpty)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func aLimitHoldsToTheByte() throws {
        let fixture = try FilesFixture()
        try fixture.put("12345", "five")
        let five = try RequestedPath(decoded: Array("five".utf8))
        #expect(try fixture.folder.contents(five, limit: 5) == Array("12345".utf8))
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.folder.contents(five, limit: 4) } == .tooMuch)
        try fixture.put("", "empty")
        #expect(try fixture.read("empty").isEmpty)
        // A file without its blocks takes no memory, however large it says it is.
        #expect(truncate(fixture.path + "/five", 1 << 40) == 0)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.folder.contents(five, limit: 1 << 20) } == .tooMuch)
    }

    @Test func anOpenFileIsReadFromAnywhere() throws {
        let fixture = try FilesFixture()
        try fixture.put("0123456789", "ten")
        let file = try fixture.folder.open(try RequestedPath(decoded: Array("ten".utf8)))
        #expect(file.size == 10)
        #expect(try file.read(at: 3, count: 4) == Array("3456".utf8))
        #expect(try file.read(at: 8, count: 40) == Array("89".utf8))
        #expect(try file.read(at: 10, count: 1).isEmpty)
        #expect(try file.read(at: UInt64.max, count: 1).isEmpty)
        #expect(unlink(fixture.path + "/ten") == 0)
        #expect(try file.read(at: 0, count: 2) == Array("01".utf8))
    }

    @Test func aTagChangesWithTheContents() throws {
        let fixture = try FilesFixture()
        func tag() throws -> String { try fixture.folder.open(try RequestedPath(decoded: Array("f".utf8))).tag }
        try fixture.put("one", "f")
        let first = try tag()
        #expect(try tag() == first)
        #expect(first.hasPrefix("\"") && first.hasSuffix("\""))
        usleep(20_000)
        // In place, with the same size and the old time put back: the kernel's own time of change tells.
        FilesFixture.run("cd '\(fixture.path)' && touch -r f ref && printf two > f && touch -r ref f")
        #expect(try tag() != first)
    }

    @Test func whatIsNotOursToReadIsNone() throws {
        let fixture = try FilesFixture()
        try fixture.put("x", "closed")
        #expect(chmod(fixture.path + "/closed", 0) == 0)
        // Root reads everything.
        #expect(fixture.refusal("closed") == (geteuid() == 0 ? nil : .noFile))
    }

    @Test func aFolderThatWasRemovedIsEmpty() throws {
        let fixture = try FilesFixture()
        try fixture.put("x", "f")
        FilesFixture.run("rm -rf '\(fixture.path)'")
        #expect(fixture.refusal("f") == .noFile)
        #expect(try fixture.folder.list().files.isEmpty)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.upload("x", "f") } != nil)
        #expect(kind { () throws(WorkspaceError) in _ = try fixture.root.folder("p") } == .noProject)
    }

    @Test func nothingStaysOpen() throws {
        let fixture = try FilesFixture()
        try fixture.put("x", "f")
        fixture.link("../../secret", "out")
        fixture.make("d")
        for _ in 0..<2000 {
            _ = fixture.refusal("f")
            _ = fixture.refusal("out")
            _ = fixture.refusal("d")
            _ = try fixture.folder.list()
        }
        // The folder's own, and those of what it knows.
        #expect((1...30).contains(try openDescriptors(below: fixture.base)))
    }
}
