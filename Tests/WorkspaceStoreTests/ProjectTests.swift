import Foundation
import Testing
import WorkspaceStore

@Suite("projects and jobs")
struct ProjectTests {
    @Test func everyFieldComesBackAfterReopening() throws {
        let place = try Place()
        var project = someProject()
        project.instruction = "nul \0 and ä 𝄞, e\u{301}\n"
        project.summary = ""
        project.policy = "strict"
        var job = someJob(project)
        let store = try place.store()
        try store.add(project, firstJob: job)
        job.status = .error
        job.worker = "dummy"
        job.reason = "wall"
        job.summary = "too long"
        job.exitStatus = -1
        job.launch = "0197-launch"
        job.result = "{\"a\":\"\0\"}"
        job.updatedAt = StoredTime(microseconds: someTime.microseconds + 5)
        job.startedAt = someTime
        job.endedAt = job.updatedAt
        try store.update(
            job,
            projectStatus: .error,
            projectSummary: "summary",
            events: [event(1, .state, "error wall")]
        )
        store.close()

        let again = try place.store()
        #expect(try again.job(job.id) == job)
        project.status = .error
        project.summary = "summary"
        project.updatedAt = job.updatedAt
        #expect(try again.project(project.id) == project)
        #expect(try again.events(of: job.id, after: 0, limit: 10) == [event(1, .state, "error wall")])
        #expect(try again.project(UUID().uuidString.lowercased()) == nil)
        #expect(try again.job("' OR 1=1 --") == nil)
    }

    @Test func updateLeavesWhatIsNotGiven() throws {
        let place = try Place()
        let store = try place.store()
        var project = someProject()
        project.summary = "old"
        var job = someJob(project)
        try store.add(project, firstJob: job)
        job.updatedAt = StoredTime(microseconds: someTime.microseconds + 1)
        try store.update(job, projectStatus: nil, projectSummary: nil, events: [])
        let found = try #require(try store.project(project.id))
        #expect(found.summary == "old" && found.status == .queued && found.updatedAt == job.updatedAt)
    }

    @Test func whatMustNotBeThereTwiceIsRefused() throws {
        let place = try Place()
        let store = try place.store()
        let project = someProject()
        let job = someJob(project)
        try store.add(project, firstJob: job)
        #expect(try storeError { try store.add(project, firstJob: someJob(project)) }.kind == .constraint)
        // All or nothing: the project of a job that is there already is not there afterwards.
        let other = someProject()
        var second = someJob(other)
        second.id = job.id
        #expect(try storeError { try store.add(other, firstJob: second) }.kind == .constraint)
        #expect(try store.project(other.id) == nil)
        #expect(try storeError { try store.add(someJob(other)) }.kind == .constraint)
        #expect(try storeError { try store.add(other, firstJob: someJob(project)) }.kind == .constraint)
        #expect(
            try storeError { try store.update(someJob(project), projectStatus: nil, projectSummary: nil, events: []) }
                .kind
                == .constraint
        )
        #expect(try storeError { try store.add(someProject(id: "../x"), firstJob: job) }.kind == .constraint)
        #expect(try store.countProjects() == 1)
        try store.add(someJob(project))
        #expect(try store.jobs(of: project.id, limit: 10, after: nil).count == 2)
    }

    @Test func textsHaveALimit() throws {
        let place = try Place()
        let store = try place.store()
        var project = someProject()
        project.instruction = String(repeating: "a", count: StoreLimits.textBytes)
        try store.add(project, firstJob: someJob(project))
        #expect(try store.project(project.id) == project)
        var larger = someProject()
        larger.instruction = project.instruction + "a"
        #expect(try storeError { try store.add(larger, firstJob: someJob(larger)) }.kind == .constraint)
    }

    @Test func pagesAreStableWhileProjectsAreAdded() throws {
        let place = try Place()
        let store = try place.store()
        var expected: [Project] = []
        for index in 0..<25 {
            // Five at each moment: ids decide among them.
            let project = someProject(Int64(index / 5))
            try store.add(project, firstJob: someJob(project))
            expected.append(project)
        }
        expected.sort { ($1.createdAt, $0.id) < ($0.createdAt, $1.id) }
        var found: [Project] = []
        while true {
            let page = try store.projects(limit: 4, after: found.last?.id)
            if page.isEmpty { break }
            found += page
            let newer = someProject(1000 + Int64(found.count))
            try store.add(newer, firstJob: someJob(newer))
        }
        #expect(found == expected)
        #expect(try store.countProjects() == 25 + 7)
        #expect(try storeError { _ = try store.projects(limit: 4, after: UUID().uuidString) }.kind == .noPage)
        #expect(try storeError { _ = try store.projects(limit: 0, after: nil) }.kind == .constraint)
        #expect(try storeError { _ = try store.projects(limit: -1, after: nil) }.kind == .constraint)
    }

    @Test func listsAreOfOneStatusWhereThatIsAsked() throws {
        let place = try Place()
        let store = try place.store()
        var projects: [Project] = []
        for index in 0..<8 {
            var project = someProject(Int64(index))
            project.status = JobStatus.allCases[index % 2]
            try store.add(project, firstJob: someJob(project))
            projects.insert(project, at: 0)
        }
        let running = projects.filter { $0.status == .inProgress }
        #expect(running.count == 4)
        #expect(try store.countProjects(in: .inProgress) == 4)
        #expect(try store.projects(in: .inProgress, limit: 100, after: nil) == running)
        #expect(try store.projects(in: .inProgress, limit: 2, after: running[0].id) == Array(running[1...2]))
        // Behind one that is not of this status, as one that has ended since.
        #expect(try store.projects(in: .inProgress, limit: 100, after: projects[3].id) == Array(running[2...]))
        #expect(try store.projects(in: .error, limit: 100, after: nil) == [])
        #expect(try store.countProjects(in: .error) == 0)
        let project = someProject(100)
        var jobs: [Job] = []
        for index in 0..<6 {
            var job = someJob(project)
            job.status = index % 2 == 0 ? .completed : .error
            if index == 0 { try store.add(project, firstJob: job) } else { try store.add(job) }
            jobs.append(job)
        }
        let failed = jobs.filter { $0.status == .error }
        #expect(try store.jobs(of: project.id, in: .error, limit: 100, after: nil).map(\.id) == failed.map(\.id))
        let rest = try store.jobs(of: project.id, in: .error, limit: 1, after: jobs[2].id)
        #expect(rest.map(\.id) == [failed[1].id])
        #expect(try store.jobs(of: project.id, in: .queued, limit: 100, after: nil) == [])
    }

    @Test func aPageHasAThousandRowsAtMost() throws {
        let place = try Place()
        let store = try place.store()
        for index in 0..<1001 {
            let project = someProject(Int64(index))
            try store.add(project, firstJob: someJob(project))
        }
        #expect(try store.projects(limit: 1001, after: nil).count == 1000)
        #expect(try store.projects(limit: .max, after: nil).count == 1000)
        #expect(try store.countJobs(.queued) == 1001)
        #expect(try store.countJobs(.completed) == 0)
    }

    @Test func jobsAreInTheOrderOfTheirMakingWhateverTheClockSays() throws {
        let place = try Place()
        let store = try place.store()
        let project = someProject()
        var jobs = [someJob(project)]
        try store.add(project, firstJob: jobs[0])
        for index in 1..<9 {
            var job = someJob(project)
            job.type = .edit
            job.createdAt = StoredTime(microseconds: someTime.microseconds - Int64(index) * 1000)
            try store.add(job)
            jobs.append(job)
        }
        #expect(try store.jobs(of: project.id, limit: 100, after: nil) == jobs)
        #expect(try store.jobs(of: project.id, limit: 3, after: jobs[4].id) == Array(jobs[5..<8]))
        #expect(try store.jobs(of: project.id, limit: 3, after: jobs[8].id) == [])
        let other = someProject()
        #expect(try store.jobs(of: other.id, limit: 3, after: nil) == [])
        #expect(try storeError { _ = try store.jobs(of: other.id, limit: 3, after: jobs[0].id) }.kind == .noPage)
    }

    /// Texts that belong to a list are bounded together; results, which a worker may make large, are in no list at all.
    @Test func largeJobsComeInSmallerPages() throws {
        let place = try Place()
        let store = try place.store()
        let project = someProject()
        try store.add(project, firstJob: someJob(project))
        for _ in 0..<9 {
            var job = someJob(project)
            job.result = String(repeating: "r", count: 1 << 20)
            job.summary = String(repeating: "s", count: 1 << 20)
            try store.add(job)
            #expect(try store.job(job.id)?.result?.utf8.count == 1 << 20)
        }
        var count = 0
        var last: String?
        while case let page = try store.jobs(of: project.id, limit: 1000, after: last), !page.isEmpty {
            #expect(page.count <= 4 && page.allSatisfy { $0.result == nil })
            count += page.count
            last = page.last?.id
        }
        #expect(count == 10)
    }

    @Test func aRemovedProjectLeavesNothing() throws {
        let place = try Place()
        let store = try place.store()
        let project = someProject()
        let job = someJob(project)
        let other = someProject()
        let kept = someJob(other)
        try store.add(project, firstJob: job)
        try store.add(other, firstJob: kept)
        try store.add([event(1, .stdout, "a")], to: job.id)
        try store.add([event(1, .stdout, "b")], to: kept.id)
        #expect(try store.removeProject(project.id))
        #expect(try !store.removeProject(project.id))
        #expect(try store.project(project.id) == nil)
        #expect(try store.job(job.id) == nil)
        #expect(try store.events(of: job.id, after: 0, limit: 10) == [])
        #expect(try store.events(of: kept.id, after: 0, limit: 10).count == 1)
        store.close()
        let rows = try place.python(
            "print([db.execute('SELECT count(*) FROM ' + t).fetchone()[0] for t in ('projects','jobs','job_events','job_accounts')])"
        )
        #expect(rows == "[1, 1, 1, 1]\n")
    }

    @Test func aClosedStoreSaysSo() throws {
        let place = try Place()
        let store = try place.store()
        store.close()
        store.close()
        #expect(try storeError { _ = try store.countProjects() }.message.contains("closed"))
        #expect(try storeError { try store.add(someJob(someProject())) }.message.contains("closed"))
        // Everything is in the one file then.
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted() == ["codex.db", "codex.db.lock"]
        )
    }

    @Test func manyThreadsWriteAndReadAtOnce() async throws {
        let place = try Place()
        let store = try place.store()
        let ids = try await withThrowingTaskGroup(of: [String].self) { group in
            for thread in 0..<8 {
                group.addTask {
                    var ids: [String] = []
                    for index in 0..<40 {
                        let project = someProject(Int64(thread * 1000 + index))
                        let job = someJob(project)
                        try store.add(project, firstJob: job)
                        try store.add([event(1, .state, "queued")], to: job.id)
                        #expect(try store.project(project.id) == project)
                        ids.append(project.id)
                    }
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(ids).count == 320)
        #expect(try store.countProjects() == 320)
    }
}
