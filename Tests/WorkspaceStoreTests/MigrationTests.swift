import Foundation
import Testing

@testable import WorkspaceStore

@Suite("migrations")
struct MigrationTests {
    let place: Place

    init() throws { place = try Place() }

    private func store(_ migrations: [Migration], tool: String = "codex-sandbox 0.0.1") throws -> SQLiteStore {
        var options = SQLiteStore.Options()
        options.tool = tool
        return try SQLiteStore(try place.url(), options: options, at: someTime, migrations: migrations)
    }

    /// With a row in each table that it has.
    private func database(after count: Int) throws {
        try store(Array(Migration.all.prefix(count))).close()
        try place.python(
            """
            db.execute("INSERT INTO projects (id, created_at, updated_at, instruction, status, workspace_path) VALUES "
                "('00000000-0000-4000-8000-000000000001', '2025-11-14 17:14:05.123456', '2025-11-14 17:14:05.123456', 'Write it.', 'queued', 'w')")
            db.execute("INSERT INTO jobs (id, project_id, created_at, updated_at, job_type, instruction, status) VALUES "
                "('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', '2025-11-14 17:14:05.123456', "
                "'2025-11-14 17:14:05.123456', 'edit', 'Edit it.', 'queued')")
            """
        )
    }

    @Test(arguments: 1...Migration.all.count)
    func everyEarlierVersionIsBroughtUpWithItsRows(_ count: Int) throws {
        try database(after: count)
        let before = try place.administration().status()
        #expect(before.state == (count == Migration.all.count ? .current : .behind))
        #expect(before.migrations.map { $0.appliedAt != nil } == (1...Migration.all.count).map { $0 <= count })
        let store = try place.store()
        let project = try #require(try store.project("00000000-0000-4000-8000-000000000001"))
        #expect(project.instruction == "Write it." && project.createdAt == someTime && project.policy == nil)
        let job = try #require(try store.job("00000000-0000-4000-8000-000000000002"))
        #expect(job.type == .edit && job.worker == nil)
        #expect(try store.interruptUnfinished(at: someTime).map(\.id) == [job.id])
        store.close()
        let after = try place.administration().status()
        #expect(after.state == .current)
        #expect(after.migrations[0].appliedAt == someTime && after.migrations[0].tool == "codex-sandbox 0.0.1")
        #expect(after.migrations.last?.isAdopted == false)
    }

    @Test func migrateDoesWhatAStartDoesAndSaysIt() throws {
        #expect(try place.administration().status().state == .missing)
        #expect(!FileManager.default.fileExists(atPath: place.path()))
        #expect(try storeError { _ = try place.administration().stamp() }.kind == .unwritable)
        #expect(try place.administration().migrate(at: someTime) == .init(adopted: 0, applied: [1, 2, 3, 4]))
        #expect(try place.administration().migrate(at: someTime) == .init(adopted: 0, applied: []))
        #expect(try place.administration().stamp(at: someTime) == .init(adopted: 0, applied: []))
    }

    @Test func aMigrationThatFailsLeavesTheWholeStateBefore() throws {
        try store(Array(Migration.all.prefix(2))).close()
        let broken = Migration(
            number: 3,
            name: "broken",
            sql: "CREATE TABLE half (id TEXT); CREATE TABLE projects (id TEXT);"
        )
        let connection = try SQLiteConnection(place.path(), .write, busyTimeout: 100)
        let applied = try storeError {
            // Tried on a scratch database first, it fails before the file is touched: so straight, as a crash would leave it.
            try connection.transaction { () throws(StoreError) in try connection.script(broken.sql) }
        }
        #expect(applied.message.contains("projects"))
        #expect(try place.administration().status().state == .behind)
        #expect(try DatabaseShape.read(connection).tables["half"] == nil)
        try place.store().close()
    }

    @Test func aNewerDatabaseIsRefusedAndNotChanged() throws {
        let newer = Migration(number: 5, name: "later", sql: "CREATE TABLE later (id TEXT);")
        try store(Migration.all + [newer], tool: "codex-sandbox 9.9.9").close()
        let bytes = try place.bytes()
        let error = try storeError { _ = try place.store() }
        #expect(error.kind == .unknownSchema)
        for word in ["5", "later", "codex-sandbox 9.9.9", "codex-sandbox 0.0.0", "up to 4"] {
            #expect(error.message.contains(word))
        }
        #expect(try storeError { _ = try place.administration().migrate() }.kind == .unknownSchema)
        #expect(try storeError { _ = try place.administration().stamp() }.kind == .unknownSchema)
        guard case .unknown(let reason) = try place.administration().status().state else {
            Issue.record("status knows it")
            return
        }
        #expect(reason == error)
        #expect(try place.bytes() == bytes)
        // The one who made it still can.
        try store(Migration.all + [newer]).close()
    }

    @Test func theLogOfANewerOneIsLeftAsItIs() throws {
        let newer = Migration(number: 5, name: "later", sql: "CREATE TABLE later (id TEXT);")
        let running = try store(Migration.all + [newer])
        let project = someProject()
        try running.add(project, firstJob: someJob(project))
        // As a kill leaves it: what was written last is in the log only.
        for ending in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: place.path("codex.db" + ending),
                toPath: place.path("copy.db" + ending)
            )
        }
        let bytes = try place.bytes("copy.db")
        let log = try place.bytes("copy.db-wal")
        #expect(!log.isEmpty)
        #expect(try storeError { _ = try place.store("copy.db") }.kind == .unknownSchema)
        _ = try place.administration("copy.db").status()
        #expect(try place.bytes("copy.db") == bytes)
        #expect(try place.bytes("copy.db-wal") == log)
        var options = SQLiteStore.Options()
        options.readers = 1
        let again = try SQLiteStore(
            try place.url("copy.db"),
            options: options,
            at: someTime,
            migrations: Migration.all + [newer]
        )
        #expect(try again.project(project.id) == project)
    }

    @Test(arguments: [
        ("UPDATE codex_sandbox_migrations SET sql = sql || ' ' WHERE number = 2", "another text"),
        ("UPDATE codex_sandbox_migrations SET name = 'other' WHERE number = 2", "job-runs here"),
        ("DELETE FROM codex_sandbox_migrations WHERE number = 1", "migration 1 is missing"),
        ("DELETE FROM codex_sandbox_migrations", "empty"),
        ("DROP TABLE codex_sandbox_migrations; CREATE TABLE codex_sandbox_migrations (version TEXT)", "number"),
        ("ALTER TABLE jobs ADD COLUMN extra TEXT", "extra"),
        ("DROP INDEX jobs_in_status", "jobs_in_status"),
        ("DROP TABLE job_events", "job_events is missing"),
        ("CREATE TABLE more (id TEXT)", "more"),
        ("CREATE VIEW seen AS SELECT * FROM jobs", "seen"),
        ("CREATE TRIGGER planted AFTER INSERT ON jobs BEGIN DELETE FROM projects; END", "planted"),
    ])
    func aSchemaThatIsNotOursIsRefusedAndNotChanged(_ change: String, _ word: String) throws {
        try database(after: 4)
        try place.python("db.executescript(\"\"\"\(change);\"\"\")")
        let bytes = try place.bytes()
        let error = try storeError { _ = try place.store() }
        #expect(error.kind == .unknownSchema && error.message.contains(word), "\(error)")
        #expect(try place.bytes() == bytes)
    }

    @Test func whatCountsAndAnalyzesMayStand() throws {
        try database(after: 4)
        try place.python("db.execute('ANALYZE')")
        #expect(try place.store().countProjects() == 1)
    }

    @Test func stampTakesOurOwnTablesWithoutTheirMark() throws {
        for count in 2...4 {
            try database(after: count)
            try place.python("db.execute('DROP TABLE codex_sandbox_migrations')")
            #expect(try place.administration().status().state == .unmarked(count))
            let error = try storeError { _ = try place.store() }
            #expect(error.kind == .unknownSchema && error.remedy.contains("db stamp"))
            #expect(try place.administration().stamp() == .init(adopted: count, applied: Array((count + 1)..<5)))
            #expect(try place.store().countProjects() == 1)
            try FileManager.default.removeItem(atPath: place.path())
        }
    }

    @Test func theTextsNeverChange() {
        // A release's migrations stand in databases: a change here is a new migration instead.
        func checksum(_ text: String) -> UInt64 {
            text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        #expect(Migration.all.map(\.number) == Array(1...Migration.all.count))
        #expect(
            Migration.all.map { checksum($0.name + $0.sql) } == [
                13_933_769_417_915_102_759, 3_213_729_737_226_122_269, 6_167_974_131_941_859_256,
                7_106_407_015_132_875_306,
            ]
        )
    }
}
