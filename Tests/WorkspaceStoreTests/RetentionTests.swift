import Foundation
import Testing
import WorkspaceStore

@Suite("retention")
struct RetentionTests {
    private let place: Place

    init() throws {
        place = try Place()
    }

    /// A project whose only job has this status.
    private func add(_ store: SQLiteStore, _ offset: Int64, _ status: JobStatus) throws -> (Project, Job) {
        var project = someProject(offset)
        project.status = status
        let job = someJob(project, status)
        try store.add(project, firstJob: job)
        return (project, job)
    }

    @Test func onlyProjectsAtRestAreNamed() throws {
        let store = try place.store()
        let (late, _) = try add(store, 2_000_000, .completed)
        let (early, _) = try add(store, 1_000_000, .error)
        _ = try add(store, 0, .queued)
        _ = try add(store, 0, .inProgress)
        let (mixed, _) = try add(store, 0, .completed)
        var edit = someJob(mixed)
        edit.type = .edit
        try store.add(edit)
        #expect(try store.idleProjects().map(\.id) == [early.id, late.id])
        edit.status = .completed
        edit.updatedAt = StoredTime(microseconds: someTime.microseconds + 3_000_000)
        try store.update(edit, projectStatus: .completed, projectSummary: nil, events: [])
        let idle = try store.idleProjects()
        #expect(idle.map(\.id) == [early.id, late.id, mixed.id])
        #expect(idle.last?.updatedAt == edit.updatedAt)
        // Beside whoever has it, the same.
        #expect(try place.administration().retained().projects == idle)
    }

    @Test func whatHasChangedSinceStays() throws {
        let store = try place.store()
        let (project, _) = try add(store, 0, .completed)
        let seen = try #require(try store.idleProjects().first)
        var job = someJob(project)
        job.type = .edit
        try store.add(job)
        #expect(try !store.removeIdleProject(seen))
        job.status = .error
        job.updatedAt = StoredTime(microseconds: someTime.microseconds + 1)
        try store.update(job, projectStatus: .error, projectSummary: nil, events: [])
        // At rest again, and not what it was.
        #expect(try !store.removeIdleProject(seen))
        #expect(try store.project(project.id) != nil)
        #expect(try store.removeIdleProject(try #require(try store.idleProjects().first)))
        #expect(try store.project(project.id) == nil && store.job(job.id) == nil)
    }

    @Test func outputGoesAndCountsAsDropped() throws {
        let store = try place.store()
        let (_, running) = try add(store, 0, .inProgress)
        try store.add([event(1, .stdout, "stays")], to: running.id)
        let (_, job) = try add(store, 0, .completed)
        try store.add(
            [
                event(1, .state, "queued"), event(2, .stdout, "four"), event(3, .worker, "{}"),
                event(4, .state, "completed"),
            ],
            to: job.id
        )
        let log = try #require(try store.keptLogs().first)
        #expect(try store.keptLogs().count == 1 && log.job == job.id && log.bytes == 6)
        #expect(try store.removeLog(of: running.id) == 0)
        #expect(try store.removeLog(of: job.id) == 6)
        #expect(
            try store.events(of: job.id, after: 0, limit: 10)
                == [event(1, .state, "queued"), event(3, .dropped, "6"), event(4, .state, "completed")]
        )
        #expect(try store.keptLogs().isEmpty && store.removeLog(of: job.id) == 0)
        #expect(try store.events(of: running.id, after: 0, limit: 10) == [event(1, .stdout, "stays")])
        // Numbers go on, and what comes later is let go as after any drop.
        try store.add([event(5, .stdout, "late")], to: job.id)
        #expect(try store.events(of: job.id, after: 4, limit: 10) == [event(5, .dropped, "10")])
    }

    @Test func anotherVersionsDatabaseIsOnlyRefused() throws {
        _ = try place.store().close()
        try place.python(
            "db.execute('DELETE FROM codex_sandbox_migrations WHERE number = 4')\ndb.execute('DROP TABLE job_changes')"
        )
        #expect(try storeError { _ = try place.administration().retained() }.kind == .unknownSchema)
    }
}
