import Foundation
import Testing

@testable import WorkspaceStore

@Suite("crashes and full disks", .timeLimit(.minutes(120)))
struct CrashTests {
    let place: Place

    init() throws { place = try Place() }

    @Test func everyAcknowledgedProjectSurvivesKill() throws {
        var acknowledged: Set<String> = []
        for round in 0..<60 {
            let writer = try Running.writer("write", place.path())
            #expect(writer.line() == "open")
            for _ in 0..<(round % 7) { acknowledged.insert(writer.line()) }
            usleep(UInt32.random(in: 0...8000))
            writer.kill()
            let rest = try writer.end().output
            // What is behind the last newline was not said whole.
            acknowledged.formUnion(
                rest.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
            )

            let store = try place.store()
            let interrupted = try store.interruptUnfinished(at: .now())
            #expect(try store.countJobs(.queued) == 0)
            #expect(try store.countJobs(.inProgress) == 0)
            for job in interrupted {
                let last = try store.events(of: job.id, after: 0, limit: 100).last
                #expect(last.map { String(decoding: $0.data, as: UTF8.self) } == "error interrupted")
            }
            store.close()
            if round % 10 == 0 { try place.administration().check() }
        }
        let store = try place.store()
        for id in acknowledged {
            guard let project = try store.project(id) else {
                Issue.record("project \(id) was said, and is gone")
                continue
            }
            #expect(project.status == .error)
            let jobs = try store.jobs(of: id, limit: 10, after: nil)
            #expect(jobs.map(\.reason) == ["interrupted"])
            // What was acknowledged with the project is there with it.
            #expect(try store.events(of: jobs[0].id, after: 0, limit: 10).map(\.kind) == [.state, .stdout, .state])
        }
        // Those that were waited for are 174; how many more a disk takes meanwhile is its own business.
        #expect(acknowledged.count > 150)
        #expect(try store.countProjects() >= acknowledged.count)
        store.close()
        try place.administration().check()
    }

    @Test func aKillWhileTheDatabaseIsMadeLeavesAWholeState() throws {
        for _ in 0..<50 {
            let writer = try Running.writer("write", place.path())
            usleep(UInt32.random(in: 0...25_000))
            writer.kill()
            _ = try writer.end()
            let status = try place.administration().status().state
            #expect(status == .missing || status == .behind || status == .current)
            try place.store().close()
            try place.administration().check()
            for file in try FileManager.default.contentsOfDirectory(atPath: place.folder) {
                try FileManager.default.removeItem(atPath: place.path(file))
            }
        }
    }

    @Test func aKillWhileADatabaseIsAdoptedLosesNoRow() throws {
        for _ in 0..<30 {
            try place.python(AdoptionTests.tables + AdoptionTests.mark + AdoptionTests.rows)
            let writer = try Running.writer("hold", place.path())
            usleep(UInt32.random(in: 0...25_000))
            writer.kill()
            _ = try writer.end()
            let store = try place.store()
            #expect(try store.countProjects() == 4)
            store.close()
            try place.administration().check()
            for file in try FileManager.default.contentsOfDirectory(atPath: place.folder) {
                try FileManager.default.removeItem(atPath: place.path(file))
            }
        }
    }

    @Test func whoOnlyLooksDoesNotDisturbAServer() throws {
        let writer = try Running.writer("write", place.path())
        #expect(writer.line() == "open")
        for _ in 0..<10 {
            #expect(!writer.line().hasPrefix("error"))
            #expect(try place.administration().status().state == .current)
            try place.administration().check()
        }
        writer.kill()
        #expect(try !writer.end().output.contains("error"))
    }

    @Test func anotherProgramsLockIsBusyAndThenNot() throws {
        let store = try place.store()
        let project = someProject()
        let text =
            "import sqlite3,sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\ndb.execute('BEGIN IMMEDIATE')\n"
            + "print('held', flush=True)\nsys.stdin.read()\n"
        let other = try Running("/usr/bin/env", ["python3", "-c", text, place.path()])
        #expect(other.line() == "held")
        #expect(try storeError { try store.add(project, firstJob: someJob(project)) }.kind == .busy)
        #expect(try store.countProjects() == 0)
        #expect(try other.end().status == 0)
        try store.add(project, firstJob: someJob(project))
        #expect(try store.countProjects() == 1)
    }

    @Test func aFileThatMayNotGrowIsFullAndThenWorksAgain() throws {
        let writer = try Running.writer("full", place.path(), "1000000")
        let words = writer.line().split(separator: " ")
        #expect(words.first == "full", "\(words) \(writer.line())")
        let kept = try #require(words.last.flatMap { Int($0) })
        #expect(kept > 5)
        // The project of the failed call may have been added before its job's update failed: two calls.
        let again = writer.line().split(separator: " ")
        #expect(again.first == "again")
        let count = try #require(again.last.flatMap { Int($0) })
        #expect(count == kept + 1 || count == kept + 2)
        #expect(try writer.end().status == 0)
        #expect(try place.store().countProjects() == count)
        try place.administration().check()
    }

    /// In a mount namespace of its own, which takes the small file system away with its processes.
    private func onSmallDisk(_ script: String) throws -> [String] {
        let writer = try Running.path(of: "store-writer")
        let mount = "mount -t tmpfs -o size=1m,mode=700 none \(place.folder) && cd \(place.folder) && "
        let (status, output) = try Running(
            "/usr/bin/env",
            ["unshare", "-rm", "sh", "-c", mount + script, "sh", writer]
        ).end()
        #expect(status == 0, "\(output)")
        return output.split(separator: "\n").map(String.init)
    }

    @Test func aFullFileSystemIsFullAndThenWorksAgain() throws {
        let lines = try onSmallDisk("head -c 300000 /dev/zero > ballast && $1 full $PWD/codex.db ballast")
        let words = lines[0].split(separator: " ")
        #expect(words.first == "full", "\(lines)")
        let kept = try #require(words.last.flatMap { Int($0) })
        #expect(kept > 3)
        let count = try #require(lines[1].split(separator: " ").last.flatMap { Int($0) })
        #expect(count == kept + 1 || count == kept + 2)
        #expect(lines[2] == "sound")
    }

    @Test func aFullFileSystemAtTheStartIsSaid() throws {
        let lines = try onSmallDisk(
            "cat /dev/zero > ballast 2>/dev/null; ! $1 hold $PWD/codex.db && rm ballast && $1 hold $PWD/codex.db"
        )
        #expect(lines[0].hasPrefix("error full"), "\(lines)")
        #expect(lines[1] == "open")
    }

    @Test func aReadOnlyFileSystemIsSaid() throws {
        let lines = try onSmallDisk(
            "$1 hold $PWD/codex.db && mount -o remount,ro none $PWD && ! $1 hold $PWD/codex.db && mount -o remount,rw none $PWD "
                + "&& $1 hold $PWD/codex.db"
        )
        #expect(lines.count == 3 && lines[0] == "open" && lines[2] == "open")
        #expect(lines[1].hasPrefix("error unwritable") && lines[1].contains("Read-only"), "\(lines)")
    }
}
