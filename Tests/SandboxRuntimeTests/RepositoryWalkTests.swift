import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What counts as a repository, and where the look for them ends.
@Suite struct RepositoryWalkTests {
    private static func tree(_ script: String) throws -> ScratchFolder {
        let scratch = try ScratchFolder()
        let made = try Program.run("/bin/sh", ["-ec", "cd '\(scratch.path)'; \(script)"])
        try #require(made.status == 0, "\(made.error)")
        return scratch
    }

    private static func look(
        _ scratch: ScratchFolder,
        closed: [String] = [],
        known: [HostRepository]? = nil,
        _ bounds: RepositoryWalk.Bounds = .init()
    ) -> (found: [String], unsearched: [UnsearchedFolder]) {
        let root = OSString(scratch.path)
        let places = RepositoryWalk.Places(roots: [root], closed: closed.map { root.appending(OSString($0)) })
        let walk = RepositoryWalk.run(places, known: known, bounds)
        let found = walk.repositories.map { "\($0.kind) \(OSString($0.path.bytes.dropFirst(root.bytes.count + 1)))" }
        return (found.sorted(), walk.unsearched)
    }

    /// A repository's layout in a folder.
    private static let layout = "layout() { mkdir -p $1/objects $1/refs; echo 'ref: refs/heads/x' > $1/HEAD; }; "

    @Test(arguments: [
        ("layout .git", ["folder .git"]),
        ("layout a/b/.git", ["folder a/b/.git"]),
        ("mkdir a; echo gitdir: x > a/.git", ["pointer a/.git"]),
        ("mkdir a; ln -s /nowhere a/.git", ["link a/.git"]),
        ("layout store", ["bare store"]),
        ("mkdir a; echo x > a/HEAD; echo x > a/commondir", ["bare a"]),
        ("mkdir a; ln -s x a/HEAD; ln -s x a/commondir", ["bare a"]),
        ("mkdir a; echo x > a/HEAD; ln -s /tmp a/objects; ln -s /tmp a/refs", ["bare a"]),
        (
            "layout .git; layout .git/modules/a/b; layout .git/modules/a/b/modules/c",
            [
                "bare .git/modules/a/b", "bare .git/modules/a/b/modules/c", "folder .git",
            ]
        ),
        // What `git init` would make a repository of without asking.
        ("mkdir -p a/.git; echo x > a/.git/config", ["partial a/.git"]),
        ("mkdir -p a/.git/hooks", ["partial a/.git"]),
        ("mkdir -p a/.git; echo /x > a/.git/commondir", ["partial a/.git"]),
        ("mkdir -p a/.git/objects a/.git/refs; ln -s /x a/.git/config", ["partial a/.git"]),
        // Parts of one, and what git keeps in its own folders.
        ("mkdir -p a/.git b/objects b/refs c/HEAD c/objects c/refs; echo x > d; mkdir e; echo x > e/HEAD", []),
        ("layout .git; layout .git/objects/a; layout .git/logs/b; layout .git/refs/c", ["folder .git"]),
        // The folder itself is judged elsewhere.
        ("layout .", []),
    ]) func whatGitTakesForOneIsFound(script: String, expected: [String]) throws {
        let scratch = try Self.tree(Self.layout + script)
        let (found, unsearched) = Self.look(scratch)
        #expect(found == expected && unsearched == [])
    }

    /// Afterwards a repository that is new hides nothing.
    @Test func aNewOneIsLookedThroughWhole() throws {
        let scratch = try Self.tree(Self.layout + "layout .git; layout a; layout a/objects/b; layout .git/objects/c")
        #expect(Self.look(scratch).found == ["bare a", "folder .git"])
        let found = Self.look(scratch, known: []).found
        #expect(found == ["bare .git/objects/c", "bare a", "bare a/objects/b", "folder .git"])
    }

    /// Made old, as if an hour had passed since: times of change cannot be set, so the hour is one that is still to come.
    private static let later: Int64 = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec + 3600) * 1_000_000_000
    }()

    private static func again(_ scratch: ScratchFolder, _ known: [HostRepository], settled: Int64?) -> [String] {
        let root = OSString(scratch.path)
        let places = RepositoryWalk.Places(roots: [root], closed: [])
        return RepositoryWalk.run(places, known: known, settled: settled).repositories
            .map { "\($0.kind) \(OSString($0.path.bytes.dropFirst(root.bytes.count + 1)))" }.sorted()
    }

    private static func known(_ scratch: ScratchFolder) -> [HostRepository] {
        RepositoryWalk.run(.init(roots: [OSString(scratch.path)], closed: [])).repositories
    }

    /// What is older than the launch is not asked again: that one is missed here shows that it was not looked at.
    @Test func whatHasNotChangedIsNotAskedAgain() throws {
        let scratch = try Self.tree("mkdir a b; echo gitdir: x > a/.git")
        #expect(Self.again(scratch, [], settled: nil) == ["pointer a/.git"])
        #expect(Self.again(scratch, [], settled: Self.later) == [])
        // Those that were known are always looked into.
        #expect(Self.again(scratch, Self.known(scratch), settled: Self.later) == ["pointer a/.git"])
        // What has changed since is asked, and so is all below a folder that has: it may have been moved.
        let before = Int64(1)
        #expect(Self.again(scratch, [], settled: before) == ["pointer a/.git"])
    }

    @Test func whatChangedOrMovedIsAsked() throws {
        let scratch = try Self.tree(
            Self.layout + "layout .git; mkdir -p .git/objects/aa/deep; mkdir -p part/leaf; sleep 1.1"
        )
        let known = Self.known(scratch)
        #expect(known.map(\.kind) == [.folder])
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let settled = Int64(now.tv_sec) * 1_000_000_000
        // Files have the time of the last tick, which may lie before it.
        usleep(50_000)
        #expect(Self.again(scratch, known, settled: settled) == ["folder .git"])
        // Placed in a leaf; moved with the folder around it; and hidden where git keeps its objects.
        let planted = try Program.run(
            "/bin/sh",
            [
                "-ec",
                "cd '\(scratch.path)'; echo gitdir: x > part/leaf/.git; mkdir out; echo gitdir: x > .git/objects/aa/deep/.git; mv part out/part",
            ]
        )
        try #require(planted.status == 0)
        let expected = ["folder .git", "pointer .git/objects/aa/deep/.git", "pointer out/part/leaf/.git"]
        #expect(Self.again(scratch, known, settled: settled) == expected)
    }

    /// A folder that is moved takes along what is old in it.
    @Test func whatIsOldInAMovedFolderIsAsked() throws {
        let scratch = try Self.tree(
            Self.layout
                + "layout .git; mkdir -p .git/objects/aa/leaf; echo gitdir: x > .git/objects/aa/leaf/.git; sleep 1.1"
        )
        let known = Self.known(scratch)
        #expect(known.map(\.kind) == [.folder])
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let settled = Int64(now.tv_sec) * 1_000_000_000
        // Files have the time of the last tick, which may lie before it.
        usleep(50_000)
        #expect(Self.again(scratch, known, settled: settled) == ["folder .git"])
        try #require(Program.run("/bin/mv", ["\(scratch.path)/.git/objects/aa", "\(scratch.path)/moved"]).status == 0)
        #expect(Self.again(scratch, known, settled: settled) == ["folder .git", "pointer moved/leaf/.git"])
    }

    @Test func aClockThatNobodySetIsNotCalledSet() throws {
        let clock = try #require(ClockWatch())
        #expect(!clock.wasSet())
    }

    /// Deep folders with long names end the look before they fill the memory.
    @Test func longPathsEndIt() throws {
        let scratch = try Self.tree(Self.layout + "layout near/.git; n=$(printf %0200d 0); mkdir -p $n/$n/$n/$n/x")
        #expect(Self.look(scratch).unsearched == [])
        let (found, unsearched) = Self.look(scratch, .init(folderBytes: 500))
        #expect(found == ["folder near/.git"])
        #expect(unsearched.count == 1 && unsearched[0].why.contains("longer than 500 bytes"))
    }

    /// More folders than can be listed are given up: then the root says so, and nothing is claimed of it.
    @Test func whatDoesNotFitIntoTheListIsSaid() throws {
        let scratch = try Self.tree("for i in $(seq 70); do mkdir -p $i/a/b/c; done")
        let root = OSString(scratch.path)
        let walk = RepositoryWalk.run(.init(roots: [root], closed: []), .init(depth: 2))
        #expect(walk.unsearched.count == 65 && walk.overflowing == [root])
        #expect(walk.unsearched.last?.path == root)
        #expect(RepositoryWalk.run(.init(roots: [root], closed: [])).overflowing == [])
    }

    @Test func closedFoldersAreLeftOut() throws {
        let scratch = try Self.tree(Self.layout + "layout a/.git; layout b/.git")
        #expect(Self.look(scratch, closed: ["a"]).found == ["folder b/.git"])
    }

    @Test func whereItEndsIsSaid() throws {
        let scratch = try Self.tree(
            Self.layout
                + "layout near/.git; layout 1/2/3/4/.git; mkdir -p 1/2/many/x; cd 1/2/many; seq 50 | xargs touch"
        )
        func end(_ change: (inout RepositoryWalk.Bounds) -> Void) -> (found: [String], unsearched: [UnsearchedFolder]) {
            var bounds = RepositoryWalk.Bounds()
            change(&bounds)
            return Self.look(scratch, bounds)
        }
        let whole = Self.look(scratch)
        #expect(whole.found == ["folder 1/2/3/4/.git", "folder near/.git"] && whole.unsearched == [])
        let shallow = end { $0.depth = 3 }
        #expect(
            shallow.found == ["folder near/.git"]
                && shallow.unsearched.map(\.why) == ["folders in it are more than 3 deep"]
        )
        let few = end { $0.entries = 12 }
        #expect(few.found == ["folder near/.git"])
        #expect(few.unsearched.first?.why.hasPrefix("there are more than 12 entries") == true)
        let one = end { $0.repositories = 0 }
        #expect(one.unsearched.first?.why.hasPrefix("there are more than 0 repositories") == true)
        let short = end { $0.time = -1 }
        #expect(short.found == [] && short.unsearched.count == 1)
    }
}
