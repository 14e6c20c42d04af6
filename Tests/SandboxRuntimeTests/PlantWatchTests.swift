import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// The second line: what stands in a repository although a cover was to keep it from there.
@Suite struct PlantWatchTests {
    private final class Repository {
        let scratch: ScratchFolder
        var path: OSString { OSString(scratch.path) }

        init() throws {
            scratch = try ScratchFolder()
            try FileManager.default.createDirectory(atPath: scratch.path(".git"), withIntermediateDirectories: false)
            try write("ref: refs/heads/main\n", ".git/HEAD")
        }

        func write(_ text: String, _ name: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: scratch.path(name)))
        }

        func exists(_ name: String) -> Bool {
            var status = stat()
            return lstat(scratch.path(name), &status) == 0
        }

        func watch() throws -> PlantWatch {
            var plan = SampleLaunch.plan
            plan.placeholders = []
            plan.steps = [bind(path, .workspace), bind(path.appending(".git"), .anchor)]
            return try PlantWatch(plan)
        }

        private func bind(_ path: OSString, _ purpose: BindMount.Purpose) -> LaunchStep {
            var status = stat()
            _ = path.withPointer { lstat($0, &status) }
            let identity = FileIdentity(
                device: UInt64(status.st_dev),
                inode: UInt64(status.st_ino),
                uid: status.st_uid,
                gid: status.st_gid
            )
            return .bind(
                BindMount(
                    source: path,
                    target: path,
                    identity: identity,
                    isDirectory: true,
                    recursive: true,
                    options: [],
                    purpose: purpose
                )
            )
        }
    }

    @Test func aQuietRepositoryHasNothing() throws {
        let repository = try Repository()
        try repository.write(".\n", ".git/commondir")
        let watch = try repository.watch()
        #expect(watch.finding() == nil && watch.settled() == Plants())
        #expect(repository.exists(".git/commondir"))
    }

    @Test(arguments: ["commondir", "config.worktree"], [false, true])
    func whatIsPlantedIsTakenAway(name: String, isFolder: Bool) throws {
        let repository = try Repository()
        let watch = try repository.watch()
        if isFolder {
            #expect(mkdir(repository.scratch.path(".git/" + name), 0o755) == 0)
        } else {
            try repository.write("x", ".git/" + name)
        }
        #expect(chmod(repository.scratch.path(".git"), 0o555) == 0)
        let plants = watch.settled()
        #expect(plants.removed == [repository.path.appending(".git").appending(OSString(name))])
        #expect(plants.remaining == [] && plants.finding?.contains("was planted") == true)
        #expect(!repository.exists(".git/" + name))
    }

    @Test func whatCannotBeTakenAwayIsSaidToBeThere() throws {
        let repository = try Repository()
        let watch = try repository.watch()
        let inner = repository.scratch.path(".git/commondir/x")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        let plants = watch.settled()
        #expect(plants.remaining == [repository.path.appending(".git/commondir")] && plants.removed == [])
    }

    @Test func whatTookThePlaceOfOursIsTakenAway() throws {
        let repository = try Repository()
        try repository.write(".\n", ".git/commondir")
        let watch = try repository.watch()
        try repository.write("/elsewhere\n", ".git/other")
        #expect(rename(repository.scratch.path(".git/other"), repository.scratch.path(".git/commondir")) == 0)
        #expect(watch.settled().removed == [repository.path.appending(".git/commondir")])
        #expect(!repository.exists(".git/commondir"))
    }

    /// The layout that is to replace it goes along, however little of it there is.
    @Test(arguments: [true, false])
    func aBrokenHeadIsFound(isPipe: Bool) throws {
        let repository = try Repository()
        let watch = try repository.watch()
        #expect(unlink(repository.scratch.path(".git/HEAD")) == 0)
        if isPipe { #expect(mkfifo(repository.scratch.path(".git/HEAD"), 0o644) == 0) }
        try repository.write("ref: refs/heads/main\n", "HEAD")
        let plants = watch.settled()
        #expect(plants.finding?.contains(".git/HEAD is no file any more") == true)
        #expect(plants.removed == [repository.path.appending("HEAD")] && !repository.exists("HEAD"))
    }

    /// A folder there is what a cover is: git gives up on it.
    @Test func aCoverIsNoPartOfALayout() throws {
        let repository = try Repository()
        let watch = try repository.watch()
        #expect(mkdir(repository.scratch.path("commondir"), 0o755) == 0)
        try repository.write("x", "HEAD")
        #expect(watch.finding() == nil)
        for name in ["objects", "refs"] { #expect(mkdir(repository.scratch.path(name), 0o755) == 0) }
        #expect(watch.settled().removed == [repository.path.appending("HEAD")])
    }

    /// Whoever gives the workspace another name has not planted anything.
    @Test func aWorkspaceThatIsRenamedIsStillLookedAt() throws {
        let repository = try Repository()
        let watch = try repository.watch()
        let other = repository.scratch.path + "-renamed"
        #expect(rename(repository.scratch.path, other) == 0)
        #expect(watch.finding() == nil)
        #expect(rename(other, repository.scratch.path) == 0)
    }
}
