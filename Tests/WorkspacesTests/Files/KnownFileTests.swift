import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import Workspaces

/// A file that is not opened anew is read as one that is.
@Suite struct KnownFileTests {
    private static func path(_ name: String) throws(WorkspaceError) -> RequestedPath {
        try RequestedPath(decoded: Array(name.utf8))
    }

    /// What a reader sees: the text, or why there is none.
    private static func seen(_ folder: ProjectFolder, _ name: String) -> String {
        do throws(WorkspaceError) {
            let file = try folder.open(try path(name))
            let bytes = try file.read(at: 0, count: 1 << 16)
            let text = file.value(of: bytes) { $0 + Array(" as text".utf8) }
            return String(decoding: text, as: UTF8.self) + ", \(file.size) bytes, \(file.tag)"
        } catch { return "\(error.kind)" }
    }

    /// The text without length and tag.
    private static func text(_ folder: ProjectFolder, _ name: String) -> String {
        String(seen(folder, name).split(separator: ",")[0])
    }

    /// A project with two files, one of them in a folder.
    private static func fixture() throws -> FilesFixture {
        let fixture = try FilesFixture()
        fixture.make("a")
        try fixture.put("first", "top")
        try fixture.put("below", "a/deep")
        return fixture
    }

    /// Reads until the file is known.
    private static func learn(_ fixture: FilesFixture, _ name: String) async throws -> OpenedFile {
        let path = try path(name)
        for _ in 0..<600 {
            let file = try fixture.folder.open(path)
            _ = seen(fixture.folder, name)
            if try fixture.folder.open(path) === file { return file }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw POSIXError(.ETIMEDOUT)
    }

    @Test(arguments: ["top", "a/deep"])
    func itIsOpenedOnce(name: String) async throws {
        let fixture = try KnownFileTests.fixture()
        // What has changed just now is opened each time.
        #expect(
            try fixture.folder.open(try KnownFileTests.path(name))
                !== fixture.folder.open(try KnownFileTests.path(name))
        )
        let file = try await KnownFileTests.learn(fixture, name)
        #expect(try fixture.folder.open(try KnownFileTests.path(name)) === file)
        // Another folder's files, or another project's, are none of its business.
        try FilesFixture.write(Array("x".utf8), fixture.base + "/beside")
        #expect(try fixture.folder.open(try KnownFileTests.path(name)) === file)
    }

    @Test(arguments: [
        "printf other > top", "printf more >> top", ": > top", "truncate -s 2 top", "rm top", "chmod 0 top",
        "printf other > new && mv new top", "printf other > new && touch -r top new && mv new top",
        "printf OTHER | dd conv=notrunc of=top status=none && touch -d 2001-02-03 top",
        "rm top && ln -s a/deep top", "rm top && ln -s ../../secret top", "rm top && ln -s \"$PWD/a/deep\" top",
        "rm top && mkdir top", "rm top && mkfifo top", "mv top t && ln -s t top && printf other > t",
        "ln top ../../linked && printf other > ../../linked", "mv ../p ../q && mkdir ../p",
    ])
    func everyChangeOfAFileIsSeenAtOnce(change: String) async throws { try await see(change, "top") }

    @Test(arguments: [
        "printf other > a/deep", "rm a/deep", "chmod 0 a", "mv a c", "rm -r a && printf x > a",
        "mv a c && mkdir a && printf other > a/deep", "mv a c && mkdir a && ln c/deep a/deep && printf other > a/deep",
        "mv a ../../a.moved && ln -s ../../a.moved a", "mv a c && ln -s \"$PWD/c\" a",
        "mv a c && ln -s c a && printf other > c/deep", "rm a/deep && ln -s ../../../secret a/deep",
        "cp -rp a c && printf other > c/deep && rm -r a && mv c a",
    ])
    func everyChangeOfAFolderOnTheWayIsSeenAtOnce(change: String) async throws { try await see(change, "a/deep") }

    private func see(_ change: String, _ name: String) async throws {
        let fixture = try KnownFileTests.fixture()
        _ = try await KnownFileTests.learn(fixture, name)
        let before = KnownFileTests.seen(fixture.folder, name)
        #expect(before.hasPrefix(name == "top" ? "first as text" : "below as text"))
        FilesFixture.run("cd '\(fixture.path)' && \(change)")
        let seen = KnownFileTests.seen(fixture.folder, name)
        if change.hasPrefix("mv ../p") {
            // The folder itself was moved away: which one a project has is `KnownFolders`'.
            #expect(seen == before)
            return
        }
        // The same folder, about which nothing is known yet.
        #expect(seen == KnownFileTests.seen(try fixture.root.folder("p"), name))
        if geteuid() != 0 || !change.hasPrefix("chmod") { #expect(seen != before) }
        #expect(!seen.contains("TOP SECRET"))
    }

    /// A file that is mapped changes without any time of it moving; nor does one whose writer sets them back.
    @Test func bytesThatChangeWithoutATimeAreSeen() async throws {
        let fixture = try KnownFileTests.fixture()
        let number = open(fixture.path + "/top", O_RDWR)
        #expect(number >= 0)
        defer { close(number) }
        let map = mmap(nil, 5, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0)
        let bytes = try #require(map == MAP_FAILED ? nil : map?.assumingMemoryBound(to: UInt8.self))
        defer { munmap(bytes, 5) }
        // From here on the page is dirty, and the next store is not noted.
        bytes[0] = UInt8(ascii: "F")
        _ = try await KnownFileTests.learn(fixture, "top")
        for letter in "ABC".utf8 {
            bytes[0] = letter
            #expect(
                KnownFileTests.text(fixture.folder, "top") == String(decoding: [letter], as: UTF8.self) + "irst as text"
            )
        }
    }

    /// In place, of the same length, many within one tick of the kernel's clock.
    @Test func quickRewritesAreSeen() async throws {
        let fixture = try KnownFileTests.fixture()
        _ = try await KnownFileTests.learn(fixture, "top")
        let number = open(fixture.path + "/top", O_WRONLY)
        #expect(number >= 0)
        defer { close(number) }
        for round in 0..<2000 {
            let text = String(10_000 + round)
            #expect(pwrite(number, text, 5, 0) == 5)
            #expect(KnownFileTests.text(fixture.folder, "top") == text + " as text")
        }
    }

    @Test func aTextIsMadeOnceOfTheSameBytes() throws {
        let fixture = try KnownFileTests.fixture()
        let file = try fixture.folder.open(try KnownFileTests.path("top"))
        var made = 0
        for bytes in [[1], [1], [1, 2], [1, 2], [], [], [1]] as [[UInt8]] {
            let value = file.value(of: bytes) { bytes in
                made += 1
                return bytes + [0]
            }
            #expect(value == bytes + [0])
        }
        #expect(made == 4)
        // Long ones are not kept.
        made = 0
        for _ in 0..<2 {
            _ = file.value(of: [UInt8](repeating: 1, count: 1 << 16)) { bytes in
                made += 1
                return bytes
            }
        }
        #expect(made == 2)
    }

    @Test func onlySoManyDescriptorsAreHeld() {
        let held = HeldDescriptors(most: 4)
        var first = held.take(3)
        #expect(first != nil)
        #expect(held.take(2) == nil)
        let second = held.take(1)
        #expect(second != nil)
        first = nil
        #expect(held.take(4) == nil)
        #expect(held.take(3) != nil)
    }
}
