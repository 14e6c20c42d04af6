import Foundation
import Glibc
import SandboxPlan
import Synchronization
import Testing
import WorkspaceStore

@testable import Workspaces

/// What goes, decided over values; and the steps of a removal, each of which can be the last.
@Suite struct RetentionPlanTests {
    private let now = StoredTime(microseconds: 1_763_140_445_000_000)

    private func ago(_ seconds: Int64) -> StoredTime {
        StoredTime(microseconds: now.microseconds - seconds * 1_000_000)
    }

    private func log(_ project: String, _ seconds: Int64, _ bytes: Int64) -> KeptLog {
        KeptLog(job: "job-\(seconds)", project: project, endedAt: ago(seconds), bytes: bytes)
    }

    private func used(_ id: String, _ seconds: Int64, _ bytes: UInt64) -> RetentionPlan.Used {
        RetentionPlan.Used(project: IdleProject(id: id, updatedAt: ago(seconds)), bytes: bytes, changed: ago(seconds))
    }

    private func plan(_ change: (inout RetentionSettings) -> Void) -> RetentionPlan {
        var settings = RetentionSettings()
        change(&settings)
        return RetentionPlan(settings: settings, now: now)
    }

    @Test func withoutAWordNothingGoes() {
        let plan = plan { _ in }
        #expect(plan.projects([used("a", 1_000_000, 1 << 40)]).isEmpty)
        #expect(plan.logs([log("a", 1_000_000, 1 << 40)], without: []).isEmpty)
        #expect(RetentionSettings().isEmpty)
    }

    @Test func ageFirstThenSizeTheOldestFirst() {
        let plan = plan {
            $0.projectAge = .seconds(100)
            $0.projectSize = ByteCount(bytes: 25)
        }
        let all = [used("new", 1, 10), used("old", 101, 10), used("edge", 100, 10), used("middle", 50, 10)]
        let removals = plan.projects(all)
        #expect(removals.map(\.project) == ["old", "edge"])
        #expect(removals.map(\.reason) == [.age, .size])
        #expect(plan.projects([used("alone", 1, 26)]).map(\.reason) == [.size])
        #expect(plan.projects([used("alone", 1, 25)]).isEmpty)
    }

    /// A clock that was set back makes everything young, and what is dated in the future is the youngest.
    @Test func aClockThatGoesBackKeepsMore() {
        let plan = plan { $0.projectAge = .seconds(100) }
        #expect(plan.projects([used("future", -86_400, 1)]).isEmpty)
        var early = plan
        early.now = StoredTime(microseconds: 0)
        #expect(early.projects([used("old", 101, 1)]).isEmpty)
        #expect(plan.settings.withoutAges.isEmpty)
    }

    @Test func outputOfAProjectThatGoesIsNotCountedTwice() {
        let plan = plan { $0.logSize = ByteCount(bytes: 5) }
        let logs = [log("gone", 3, 10), log("a", 2, 5), log("b", 1, 5)]
        #expect(plan.logs(logs, without: ["gone"]).map(\.project) == ["a"])
        #expect(plan.logs(logs, without: []).map(\.project) == ["gone", "a"])
    }

    @Test func useCountsBlocksAndTheLatestChange() throws {
        let fixture = try FilesFixture()
        let empty = try FolderUse(fixture.folder)
        try fixture.put(String(repeating: "x", count: 100_000), "large")
        fixture.make("folder")
        fixture.link("/etc", "folder/link")
        var times = [timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: 4_000_000_000, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, fixture.path + "/large", &times, 0) == 0)
        let use = try FolderUse(fixture.folder)
        #expect(use.bytes >= empty.bytes + 100_000 && use.bytes < empty.bytes + 300_000)
        // The time of a file's contents is anybody's to set, the one of its change is not.
        #expect(use.changed >= empty.changed && use.changed < StoredTime.now().microseconds + 1_000_000)
    }

    private func names(_ fixture: FilesFixture) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: fixture.base + "/workspaces").sorted()
    }

    @Test func aRemovalThatHasBegunIsEndedByTheNextStart() throws {
        let fixture = try FilesFixture()
        let (p, q) = ("11111111-1111-4111-9111-111111111111", "22222222-2222-4222-9222-222222222222")
        try fixture.root.removeAll("p")
        _ = try fixture.root.create(p)
        _ = try fixture.root.create(q)
        // Killed behind the rows of `p`, and before those of `q`.
        try fixture.root.markRemoval(p)
        try fixture.root.markRemoval(q)
        try ProjectRemoval(fixture.root) { _ in }.finishBegun { $0 == q }
        #expect(try names(fixture) == [q])
        // Rows that cannot be removed leave everything.
        let removal = try ProjectRemoval(fixture.root) { _ in }
        #expect(throws: WorkspaceError.self) {
            _ = try removal.begin(q) { () throws(WorkspaceError) in throw WorkspaceError(.unavailable, "full") }
        }
        #expect(try names(fixture) == [q])
        let kept = try removal.begin(q) { () throws(WorkspaceError) in false }
        #expect(try !kept.wasThere && names(fixture) == [q])
        let gone = try removal.begin(q) { () throws(WorkspaceError) in true }
        let folder = try #require(gone.folder)
        #expect(try names(fixture).allSatisfy { $0.hasPrefix(".removed-") })
        removal.finish(folder, of: q)
        #expect(try names(fixture) == [])
    }

    /// A start with another database knows nothing of a project whose folder another one's server was at.
    @Test func whatAnotherDatabasesServerHasBegunStays() throws {
        let fixture = try FilesFixture()
        let (p, q) = ("11111111-1111-4111-9111-111111111111", "22222222-2222-4222-9222-222222222222")
        try fixture.root.removeAll("p")
        for id in [p, q] { _ = try fixture.root.create(id) }
        try fixture.root.markRemoval(p, of: "one")
        // As an older version wrote it.
        try fixture.root.markRemoval(q)
        let said = Mutex<[String]>([])
        let log = { @Sendable (line: String) in said.withLock { $0.append(line) } }
        try ProjectRemoval(fixture.root, of: "another", log: log).finishBegun { _ in false }
        #expect(try names(fixture) == [".removing-" + p, ".removing-" + q, p, q])
        #expect(said.withLock { $0.count } == 2)
        // Its own does not stay, which is said.
        try FilesFixture.write([], "\(fixture.base)/workspaces/\(p)/thesis")
        try ProjectRemoval(fixture.root, of: "one", log: log).finishBegun { _ in false }
        #expect(try names(fixture) == [".removing-" + q, q])
        #expect(said.withLock { $0.contains { $0.hasPrefix("project \(p), which was being made or removed") } })
    }

    /// Killed before the folder was made, or before the mark had its words: whoever's it is, nothing can be lost with it.
    @Test func aMarkWithoutAFolderGoes() throws {
        let fixture = try FilesFixture()
        let (p, q) = ("11111111-1111-4111-9111-111111111111", "22222222-2222-4222-9222-222222222222")
        try fixture.root.removeAll("p")
        try fixture.root.markRemoval(p, of: "one")
        try fixture.root.markRemoval(q)
        let said = Mutex<[String]>([])
        try ProjectRemoval(fixture.root, of: "another") { line in said.withLock { $0.append(line) } }
            .finishBegun { _ in false }
        #expect(try names(fixture) == [])
        #expect(said.withLock { $0.isEmpty })
    }

    /// While a project may go nothing is put into it, and what is put into one that has gone is not stored.
    @Test func whatWouldGoWithAProjectIsNotTaken() throws {
        let fixture = try FilesFixture()
        func put() throws -> WorkspaceError.Kind? {
            let file = try fixture.folder.write(try RequestedPath(percentEncoded: Array("precious".utf8)), limit: 100)
            try file.append(Array("x".utf8))
            do throws(WorkspaceError) {
                _ = try file.commit()
                return nil
            } catch { return error.kind }
        }
        #expect(try put() == nil)
        try fixture.root.closeForWriting("p")
        #expect(try put() == .conflict)
        fixture.root.openForWriting("p")
        #expect(try put() == nil)
        _ = try fixture.root.setAside("p")
        #expect(try put() == .noProject)
        // Another one in its place is not meant.
        _ = try fixture.root.create("p")
        #expect(try put() == .noProject)
    }

    /// Of two that are at the same project the one that fails leaves the other's mark.
    @Test func aMarkGoesWithTheLastWhoCountsOnIt() throws {
        let fixture = try FilesFixture()
        let p = "11111111-1111-4111-9111-111111111111"
        try fixture.root.removeAll("p")
        _ = try fixture.root.create(p)
        let removal = try ProjectRemoval(fixture.root) { _ in }
        #expect(try removal.mark(p))
        #expect(throws: WorkspaceError.self) {
            _ = try removal.begin(p) { () throws(WorkspaceError) in throw WorkspaceError(.unavailable, "full") }
        }
        #expect(try names(fixture) == [".removing-" + p, p])
        removal.unmark(p)
        #expect(try names(fixture) == [p])
        #expect(try removal.mark(p))
        removal.unmark(p, stays: true)
        #expect(try names(fixture) == [".removing-" + p, p])
    }

    /// A folder or a link in a mark's place is none, and stops no start.
    @Test func whatIsNoFileIsNoMark() throws {
        let fixture = try FilesFixture()
        let (p, q) = ("11111111-1111-4111-9111-111111111111", "22222222-2222-4222-9222-222222222222")
        try fixture.root.removeAll("p")
        _ = try fixture.root.create(p)
        #expect(mkdir("\(fixture.base)/workspaces/.removing-\(p)", 0o700) == 0)
        #expect(symlink("nowhere", "\(fixture.base)/workspaces/.removing-\(q)") == 0)
        try ProjectRemoval(fixture.root) { _ in }.finishBegun { _ in false }
        #expect(try names(fixture) == [".removing-" + p, ".removing-" + q, p])
    }

    /// What has the name of a mark and is none of ours stays, and stops nothing.
    @Test func whatIsNoMarkIsNamedAndStays() throws {
        let fixture = try FilesFixture()
        let others = [".removing-", ".removing-.x", ".removing-p", ".removing-x.tmp"]
        for name in others { try FilesFixture.write([], "\(fixture.base)/workspaces/\(name)") }
        let said = Mutex<[String]>([])
        let removal = try ProjectRemoval(fixture.root) { line in said.withLock { $0.append(line) } }
        try removal.finishBegun { _ in false }
        #expect(try names(fixture) == others + ["p"])
        let lines = said.withLock { $0 }
        #expect(lines.count == others.count)
        for name in others {
            #expect(
                lines.contains { $0.hasPrefix("\(fixture.base)/workspaces/\(name) is left alone") },
                "\(name): \(lines)"
            )
        }
    }
}
