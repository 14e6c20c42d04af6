import Foundation
import Glibc
import SandboxPlan
import Synchronization
import Testing

@testable import Workspaces

/// A listing that is not made anew is the same as one that is.
@Suite struct KnownListingTests {
    /// The same numbers each time (a linear congruence of Knuth's), so that a failure can be repeated.
    private struct Repeatable: RandomNumberGenerator {
        private var state: UInt64 = 7

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 32
        }
    }

    /// What a client sees of a listing.
    private static func text(_ listing: FileListing) -> [String] {
        listing.files.map { "\($0.text) \($0.size) \($0.modified_ns)" }
    }

    /// A project with three folders whose times lie far enough back.
    private static func settled() throws -> FilesFixture {
        let fixture = try FilesFixture()
        fixture.make("a")
        fixture.make("a/b")
        try fixture.put("1", "top")
        try fixture.put("22", "a/middle")
        try fixture.put("333", "a/b/deep")
        usleep(120_000)
        return fixture
    }

    /// Lists until the listing holds its files open.
    private static func holdFiles(_ fixture: FilesFixture) async throws {
        for _ in 0..<600 {
            _ = try fixture.folder.list(limit: 1000, text)
            if fixture.folder.known.withLock({ $0?.holdsFiles ?? false }) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("a listing that has settled does not hold its files")
    }

    @Test func itIsMadeOnceAsLongAsItHolds() throws {
        let fixture = try KnownListingTests.settled()
        var made = 0
        for _ in 0..<3 {
            _ = try fixture.folder.list(limit: 1000) { listing in
                made += 1
                return KnownListingTests.text(listing)
            }
        }
        // Once more when its folders have settled for good, which a machine that stands still may reach.
        #expect((1...2).contains(made))
    }

    @Test func aFreshFolderIsReadAgain() throws {
        let fixture = try FilesFixture()
        // Ahead of the clock, as after the clock was set back: nothing vouches for it.
        var times = [timespec(tv_sec: time(nil) + 3600, tv_nsec: 0), timespec(tv_sec: time(nil) + 3600, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, fixture.path, &times, 0) == 0)
        var made = 0
        for _ in 0..<3 {
            _ = try fixture.folder.list(limit: 1000) { listing in
                made += 1
                return KnownListingTests.text(listing)
            }
        }
        #expect(made == 3)
    }

    @Test(arguments: [
        "touch new", "touch a/b/new", "rm top", "rm a/b/deep", "mv top other", "mv a/middle a/b/",
        "printf more >> a/b/deep",
        ": > top", "printf 2 > top", "rm top && ln -s a/middle top", "rm top && mkdir top && touch top/x",
        "mkfifo a/pipe && rm a/middle", "mv a c", "rm -r a/b", "rm top && mkfifo top",
        "cp -r a c && printf 4444 > c/b/deep && mv a ../../a.old && mv c a && rm -r ../../a.old",
        "cp -rp a ../../a.copy && printf 5555 > ../../a.copy/b/deep && rm -r a && ln -s ../../a.copy a",
        "ln a/b/deep ../../linked && printf through >> ../../linked", "touch -d 2001-02-03 a/middle", "chmod 0 a/b",
    ])
    func everyChangeIsSeenAtOnce(change: String) throws {
        try see(change, try KnownListingTests.settled())
    }

    @Test(arguments: [
        "touch a/b/new", "rm top", "rm a/b/deep", "mv a/middle a/b/", "printf more >> a/b/deep", ": > top",
        "printf 2 > top",
        "rm top && ln -s a/middle top", "printf 2 > new && mv new top",
        "cp -p top new && touch -r top new && mv new top",
        "mv a c && cp -rp c a && printf 4444 > a/b/deep", "cp -rp a ../../copy && rm -r a && ln -s ../../copy a",
        "ln a/b/deep ../../linked && printf through >> ../../linked", "truncate -s 0 a/middle", "rm top && mkfifo top",
    ])
    func soItIsWhileItsFilesAreHeld(change: String) async throws {
        let fixture = try KnownListingTests.settled()
        try await KnownListingTests.holdFiles(fixture)
        // What is no change for a client: the same name, length and time.
        try see(change, fixture, isChange: !change.hasPrefix("cp -p top"))
    }

    private func see(_ change: String, _ fixture: FilesFixture, isChange: Bool = true) throws {
        let before = try fixture.folder.list(limit: 1000, KnownListingTests.text)
        FilesFixture.run("cd '\(fixture.path)' && \(change)")
        let seen = try fixture.folder.list(limit: 1000, KnownListingTests.text)
        #expect(seen == KnownListingTests.text(try fixture.folder.list(limit: 1000)))
        if isChange, geteuid() != 0 || change != "chmod 0 a/b" { #expect(seen != before) }
    }

    /// Changes and looks without a pause: times that stand still between two ticks must not hide one.
    @Test func quickChangesAreSeenToo() throws {
        let fixture = try FilesFixture()
        for folder in ["a", "b", "b/c"] { fixture.make(folder) }
        var generator = Repeatable()
        var log: [String] = []
        for round in 0..<600 {
            let folder = ["", "a/", "b/", "b/c/"].randomElement(using: &generator)!
            let name = folder + ["x", "y", "z"].randomElement(using: &generator)!
            let path = fixture.path + "/" + name
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: try fixture.put(String(repeating: "-", count: Int.random(in: 0..<4, using: &generator)), name)
            case 1: _ = unlink(path)
            case 2: _ = rename(path, fixture.path + "/b/moved")
            default: if round % 20 == 0 { usleep(70_000) }
            }
            log.append(name)
            let seen = try fixture.folder.list(limit: 1000, KnownListingTests.text)
            #expect(seen == KnownListingTests.text(try fixture.folder.list(limit: 1000)), "\(log.suffix(4))")
        }
    }

    /// A file that was removed takes its space for as long as it is held.
    @Test func removedFilesAreNotHeldOn() async throws {
        let fixture = try KnownListingTests.settled()
        try await KnownListingTests.holdFiles(fixture)
        func isHeld() throws -> Bool {
            let folder = "/proc/self/fd"
            return try FileManager.default.contentsOfDirectory(atPath: folder).contains { number in
                // Others' tests close some meanwhile.
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(number)")
                return target == "\(fixture.path)/a/middle (deleted)"
            }
        }
        fixture.folder.letGoStale()
        #expect(fixture.folder.known.withLock { $0?.holdsFiles ?? false }, "what holds is kept")
        #expect(unlink(fixture.path + "/a/middle") == 0)
        #expect(try isHeld())
        fixture.folder.letGoStale()
        #expect(try !isHeld())
    }

    @Test func descriptorsAreGivenBack() throws {
        for _ in 0..<30 {
            var base: String
            do {
                let fixture = try FilesFixture()
                base = fixture.base
                for name in ["a", "b", "c"] { fixture.make(name) }
                usleep(60_000)
                for _ in 0..<2 { _ = try fixture.folder.list(limit: 1000, KnownListingTests.text) }
                #expect(try openDescriptors(below: base) > 0, "the control")
            }
            #expect(try openDescriptors(below: base) == 0)
        }
    }

    @Test func aFolderThatWasExchangedByHandIsNotTheKnownOne() throws {
        let fixture = try FilesFixture()
        let known = KnownFolders()
        func folder() throws -> ProjectFolder {
            if let folder = known.folder("p", in: fixture.root) { return folder }
            let time = known.time
            let folder = try fixture.root.folder("p")
            known.keep(folder, of: "p", since: time)
            return folder
        }
        let first = try folder()
        #expect(try folder() === first)
        FilesFixture.run("cd '\(fixture.base)/workspaces' && mv p q && cp -r q p")
        let second = try folder()
        #expect(second !== first)
        #expect(second.inode != first.inode)
        // One that a job has closed is opened anew, which takes the owner's rights back.
        #expect(chmod(fixture.path, 0) == 0)
        #expect(known.folder("p", in: fixture.root) == nil)
        FilesFixture.run("cd '\(fixture.base)/workspaces' && chmod u+rwx p && rm -rf p")
        #expect(throws: WorkspaceError.self) { try folder() }
    }

    @Test func whatWasLookedUpBeforeARemovalIsNotKept() throws {
        let fixture = try FilesFixture()
        let known = KnownFolders()
        let time = known.time
        let folder = try fixture.root.folder("p")
        known.forget("p")
        known.keep(folder, of: "p", since: time)
        #expect(known.folder("p", in: fixture.root) == nil)
        known.keep(folder, of: "p", since: known.time)
        #expect(known.folder("p", in: fixture.root) === folder)
    }

    @Test func onlySoManyFoldersAreKnown() throws {
        let fixture = try FilesFixture()
        let known = KnownFolders()
        for number in 0..<100 {
            known.keep(try fixture.root.create("p\(number)"), of: "p\(number)", since: known.time)
            #expect(known.folder("p0", in: fixture.root) != nil)
        }
        let count = (0..<100).count { known.folder("p\($0)", in: fixture.root) != nil }
        #expect(count == 64)
    }
}
