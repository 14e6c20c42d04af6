import Foundation
import Testing
import WorkspaceStore

@Suite("events")
struct EventTests {
    private let place: Place

    init() throws {
        place = try Place()
    }

    private func store(_ limits: StoreLimits = StoreLimits()) throws -> (SQLiteStore, Job) {
        let store = try place.store(limits: limits)
        let project = someProject()
        let job = someJob(project)
        try store.add(project, firstJob: job)
        return (store, job)
    }

    @Test func eventsComeBackInOrderAndBehindANumber() throws {
        let (store, job) = try store()
        let all = (1...30).map {
            JobEvent(number: $0, kind: $0 % 2 == 0 ? .stdout : .stderr, at: someTime, data: [0, 255, UInt8($0)])
        }
        try store.add(Array(all[..<10]), to: job.id)
        try store.add(Array(all[10...]), to: job.id)
        #expect(try store.events(of: job.id, after: 0, limit: 1000) == all)
        #expect(try store.events(of: job.id, after: 12, limit: 5) == Array(all[12..<17]))
        #expect(try store.events(of: job.id, after: 30, limit: 5) == [])
        try store.add([event(31, .stdout, "")], to: job.id)
        #expect(try store.events(of: job.id, after: 30, limit: 5) == [event(31, .stdout, "")])
    }

    @Test func changesAreKeptOncePerJobAndGoWithIt() throws {
        let (store, job) = try store()
        #expect(try store.changes(of: job.id) == nil)
        try store.setChanges("{}", of: job.id)
        try store.setChanges("{\"a\":\"\\u0000\"}", of: job.id)
        #expect(try store.changes(of: job.id) == "{\"a\":\"\\u0000\"}")
        let most = String(repeating: "x", count: StoreLimits.textBytes)
        try store.setChanges(most, of: job.id)
        #expect(try storeError { try store.setChanges(most + "x", of: job.id) }.kind == .constraint)
        #expect(try storeError { try store.setChanges("{}", of: "nobody") }.kind == .constraint)
        #expect(try store.changes(of: job.id) == most)
        #expect(try store.removeProject(job.projectID))
        #expect(try store.changes(of: job.id) == nil)
    }

    @Test func aNumberThatDoesNotRiseIsRefusedAndNothingOfTheCallIsKept() throws {
        let (store, job) = try store()
        try store.add([event(1, .state, "queued")], to: job.id)
        for number: Int64 in [1, 0, -1, .min] {
            let error = try storeError {
                try store.add([event(2, .stdout, "x"), event(number, .stdout, "y")], to: job.id)
            }
            #expect(error.kind == .constraint)
        }
        #expect(try store.events(of: job.id, after: 0, limit: 10).count == 1)
        try store.add([event(2, .stdout, "x")], to: job.id)
        #expect(try storeError { try store.add([event(1, .state, "x")], to: UUID().uuidString) }.kind == .constraint)
    }

    @Test func outputIsKeptUpToTheByteAndTheRestIsCounted() throws {
        var limits = StoreLimits()
        limits.keptOutputBytes = 10
        let (store, job) = try store(limits)
        try store.add([event(1, .stdout, "12345"), event(2, .stderr, "67890")], to: job.id)
        #expect(try store.events(of: job.id, after: 0, limit: 10).map(\.kind) == [.stdout, .stderr])
        try store.add([event(3, .stdout, "x")], to: job.id)
        #expect(try store.events(of: job.id, after: 2, limit: 10) == [event(3, .dropped, "1")])
        // It moves on, and a state stands where it was given.
        try store.add([event(4, .state, "completed"), event(5, .stderr, "abc"), event(6, .stdout, "de")], to: job.id)
        #expect(
            try store.events(of: job.id, after: 0, limit: 10)
                == [
                    event(1, .stdout, "12345"), event(2, .stderr, "67890"), event(4, .state, "completed"),
                    event(6, .dropped, "6"),
                ]
        )
        // The number of what was let go is used up, too.
        #expect(try storeError { try store.add([event(5, .stdout, "x")], to: job.id) }.kind == .constraint)
    }

    @Test func whatIsKeptHasNoHoles() throws {
        var limits = StoreLimits()
        limits.keptOutputBytes = 10
        let (store, job) = try store(limits)
        try store.add(
            [event(1, .stdout, "12345678"), event(2, .stdout, "too long"), event(3, .stdout, "x")],
            to: job.id
        )
        #expect(try store.events(of: job.id, after: 1, limit: 10) == [event(3, .dropped, "9")])
    }

    @Test func smallPiecesAreCountedToo() throws {
        var limits = StoreLimits()
        limits.keptOutputEvents = 3
        let (store, job) = try store(limits)
        try store.add((1...3).map { event($0, .stdout, "") }, to: job.id)
        #expect(try store.events(of: job.id, after: 0, limit: 10).count == 3)
        try store.add((4...100).map { event($0, .stdout, "a") }, to: job.id)
        #expect(try store.events(of: job.id, after: 3, limit: 10) == [event(100, .dropped, "97")])
    }

    @Test func workersHaveAnAccountOfTheirOwn() throws {
        var limits = StoreLimits()
        limits.keptOutputBytes = 1
        limits.keptWorkerBytes = 4
        limits.keptWorkerEvents = 2
        let (store, job) = try store(limits)
        try store.add([event(1, .stdout, "xx"), event(2, .worker, "{}"), event(3, .worker, "{}")], to: job.id)
        #expect(try store.events(of: job.id, after: 0, limit: 10).map(\.kind) == [.dropped, .worker, .worker])
        try store.add([event(4, .worker, "{}"), event(5, .stdout, "x")], to: job.id)
        #expect(try store.events(of: job.id, after: 3, limit: 10) == [event(5, .dropped, "5")])
    }

    @Test func theCallersOwnLossIsAdded() throws {
        let (store, job) = try store()
        try store.add([event(1, .dropped, "100"), event(2, .stdout, "x")], to: job.id)
        #expect(try store.events(of: job.id, after: 0, limit: 10) == [event(2, .dropped, "101")])
        try store.add([event(3, .dropped, "9223372036854775807")], to: job.id)
        #expect(try store.events(of: job.id, after: 2, limit: 10) == [event(3, .dropped, "9223372036854775807")])
        for text in ["", "-1", "1.5", "x", "9223372036854775808", "00000000000000000001"] {
            #expect(try storeError { try store.add([event(4, .dropped, text)], to: job.id) }.kind == .constraint)
        }
    }

    @Test func statesAndSingleEventsHaveLimits() throws {
        let (store, job) = try store()
        let state = String(repeating: "s", count: StoreLimits.stateBytes)
        try store.add([event(1, .state, state)], to: job.id)
        #expect(try storeError { try store.add([event(2, .state, state + "s")], to: job.id) }.kind == .constraint)
        let large = String(repeating: "o", count: StoreLimits.eventBytes)
        try store.add([event(2, .stdout, large)], to: job.id)
        #expect(try storeError { try store.add([event(3, .stdout, large + "o")], to: job.id) }.kind == .constraint)
        try store.add((0..<(StoreLimits.stateEvents - 1)).map { event(Int64($0) + 3, .state, "x") }, to: job.id)
        #expect(try storeError { try store.add([event(5000, .state, "x")], to: job.id) }.kind == .constraint)
    }

    @Test func theDefaultKeepsFourMebibytes() throws {
        let (store, job) = try store()
        let piece = String(repeating: "o", count: 65_536)
        try store.add((1...64).map { event($0, .stdout, piece) }, to: job.id)
        #expect(try store.events(of: job.id, after: 63, limit: 10).map(\.kind) == [.stdout])
        for round: Int64 in 0..<20 {
            try store.add((1...50).map { event(64 + round * 50 + $0, .stdout, piece) }, to: job.id)
        }
        #expect(try store.events(of: job.id, after: 64, limit: 10) == [event(1064, .dropped, "65536000")])
        var bytes = 0
        var last: Int64 = 0
        while case let page = try store.events(of: job.id, after: last, limit: 1000), let end = page.last {
            #expect(page.reduce(0) { $0 + $1.data.count } <= StoreLimits.answerBytes)
            bytes += page.filter { $0.kind == .stdout }.reduce(0) { $0 + $1.data.count }
            last = end.number
        }
        #expect(bytes == 4 << 20)
        store.close()
        #expect(try place.bytes().count < 6 << 20)
    }

    @Test func interruptionEndsWhatWasUnfinishedAndNothingElse() throws {
        var store = try place.store()
        var projects: [Project] = []
        var jobs: [Job] = []
        for (index, status) in JobStatus.allCases.enumerated() {
            var project = someProject(Int64(index))
            project.status = status
            var job = someJob(project)
            try store.add(project, firstJob: job)
            job.status = status
            try store.update(
                job,
                projectStatus: status,
                projectSummary: nil,
                events: [event(7, .state, status.rawValue)]
            )
            projects.append(project)
            jobs.append(job)
        }
        store.close()
        store = try place.store()
        let time = StoredTime(microseconds: someTime.microseconds + 99)
        let ended = try store.interruptUnfinished(at: time)
        #expect(ended.map(\.id) == [jobs[0].id, jobs[1].id])
        for index in [0, 1] {
            let job = try #require(try store.job(jobs[index].id))
            #expect(job == ended[index])
            #expect(job.status == .error && job.reason == "interrupted" && job.endedAt == time && job.updatedAt == time)
            let project = try #require(try store.project(projects[index].id))
            #expect(project.status == .error && project.updatedAt == time)
            let events = try store.events(of: job.id, after: 7, limit: 10)
            #expect(events == [JobEvent(number: 8, kind: .state, at: time, data: Array("error interrupted".utf8))])
        }
        for index in [2, 3] {
            #expect(try store.job(jobs[index].id) == jobs[index])
            #expect(try store.project(projects[index].id)?.status == projects[index].status)
            #expect(try store.events(of: jobs[index].id, after: 7, limit: 10) == [])
        }
        #expect(try store.interruptUnfinished(at: time) == [])
    }

    /// Status and summary are of one job, also where a later one was interrupted.
    @Test func aProjectsSummaryIsOfTheJobOfItsStatus() throws {
        let (store, first) = try store()
        var done = first
        done.status = .completed
        try store.update(done, projectStatus: done.status, projectSummary: done.projectSummary, events: [])
        #expect(try store.project(first.projectID)?.summary == "Initial job status: completed")
        var edit = someJob(try #require(try store.project(first.projectID)))
        edit.type = .edit
        try store.add(edit)
        #expect(try store.interruptUnfinished(at: someTime).map(\.id) == [edit.id])
        let project = try #require(try store.project(first.projectID))
        #expect(project.status == .error)
        #expect(project.summary == "Edit job status: error (interrupted: the server ended before the job did)")
    }

    @Test func theWordsForAProjectNameKindStatusAndReason() throws {
        var job = someJob(someProject())
        job.type = .initialProject
        #expect(job.projectSummary == "Initial job status: queued")
        (job.status, job.summary) = (.completed, "made 5 files")
        #expect(job.projectSummary == "Initial job status: completed")
        job.type = .edit
        #expect(job.projectSummary == "Edit job status: completed")
        (job.status, job.reason, job.summary) = (.error, "forced_error", "asked for it")
        #expect(job.projectSummary == "Edit job status: error (forced_error: asked for it)")
        (job.type, job.summary) = (.initialProject, nil)
        #expect(job.projectSummary == "Initial job status: error (forced_error)")
    }

    @Test func aProjectSaysWhatItsLatestJobSays() throws {
        let (store, first) = try store()
        let project = try #require(try store.project(first.projectID))
        var latest = someJob(project)
        latest.status = .completed
        try store.add(latest)
        var done = first
        done.status = .inProgress
        try store.update(done, projectStatus: .completed, projectSummary: nil, events: [])
        #expect(try store.interruptUnfinished(at: someTime).map(\.id) == [first.id])
        #expect(try store.project(project.id)?.status == .completed)
    }
}
