import Foundation
import Testing

@testable import WorkspaceStore

/// Databases of the first orchestrator, made by Python with the statements that its SQLAlchemy and Alembic write.
@Suite("adoption", .timeLimit(.minutes(120)))
struct AdoptionTests {
    let place: Place

    init() throws { place = try Place() }

    /// ORC-37: the text is SQLAlchemy's to the white space.
    static let tables = #"""
        db.execute("CREATE TABLE projects (\n\tid VARCHAR NOT NULL, \n\tcreated_at DATETIME NOT NULL, \n\tupdated_at DATETIME NOT NULL, \n\tinstruction TEXT NOT NULL, \n\tstatus VARCHAR NOT NULL, \n\tsummary TEXT, \n\tworkspace_path VARCHAR NOT NULL, \n\tPRIMARY KEY (id)\n)")
        db.execute("CREATE TABLE jobs (\n\tid VARCHAR NOT NULL, \n\tproject_id VARCHAR NOT NULL, \n\tcreated_at DATETIME NOT NULL, \n\tupdated_at DATETIME NOT NULL, \n\tjob_type VARCHAR NOT NULL, \n\tinstruction TEXT NOT NULL, \n\tstatus VARCHAR NOT NULL, \n\tresult_path VARCHAR, \n\tlogs_path VARCHAR, \n\tPRIMARY KEY (id), \n\tFOREIGN KEY(project_id) REFERENCES projects (id)\n)")

        """#
    static let mark = #"""
        db.execute("CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)")
        db.execute("INSERT INTO alembic_version VALUES ('0001')")

        """#
    static let rows = #"""
        t = '2025-11-14 17:14:05.123456'
        p = 'aaaaaaaa-0000-4000-8000-00000000000'
        j = 'bbbbbbbb-0000-4000-8000-00000000000'
        for n, status in enumerate(['queued', 'in_progress', 'completed', 'error']):
            db.execute('INSERT INTO projects VALUES (?,?,?,?,?,?,?)', (p + str(n), t, t, 'Write \x00 ä.', status, None if n == 0 else 'Initial job status: ' + status, 'workspaces/' + p + str(n)))
            db.execute('INSERT INTO jobs VALUES (?,?,?,?,?,?,?,?,?)', (j + str(n), p + str(n), t, t, 'initial_project', 'Write \x00 ä.', status, None, None))

        """#

    @Test(arguments: [true, false]) func itsRowsAreOursAndItsOwnStill(_ isMarked: Bool) throws {
        try place.python(Self.tables + (isMarked ? Self.mark : "") + Self.rows)
        try place.mode(0o644)
        #expect(try place.administration().status().state == .original)
        let store = try place.store()
        let project = try #require(try store.project("aaaaaaaa-0000-4000-8000-000000000002"))
        #expect(project.instruction == "Write \0 ä." && project.status == .completed && project.createdAt == someTime)
        #expect(project.summary == "Initial job status: completed")
        #expect(try store.countProjects() == 4)
        #expect(try store.interruptUnfinished(at: someTime).map(\.id.last) == ["0", "1"])
        #expect(try store.project("aaaaaaaa-0000-4000-8000-000000000001")?.status == .error)
        #expect(try store.jobs(of: project.id, limit: 10, after: nil).map(\.status) == [.completed])
        let added = someProject()
        try store.add(added, firstJob: someJob(added))
        store.close()
        let status = try place.administration().status()
        #expect(status.state == .current && status.migrations.map(\.isAdopted) == [true, false, false, false])
        // The original's queries and inserts.
        let seen = try place.python(
            """
            for row in db.execute("SELECT id, created_at, updated_at, instruction, status, summary, workspace_path FROM projects WHERE id = '\(added.id)'"): print(row)
            db.execute("INSERT INTO projects (id, created_at, updated_at, instruction, status, summary, workspace_path) VALUES "
                "('cccccccc-0000-4000-8000-000000000000', '2025-11-14 17:14:05.123456', '2025-11-14 17:14:05.123456', 'x', 'queued', NULL, 'w')")
            """
        )
        #expect(seen.contains("'2025-11-14 17:14:05.123456'") && seen.contains("'workspaces/\(added.id)'"))
        #expect(try place.store().project("cccccccc-0000-4000-8000-000000000000")?.instruction == "x")
    }

    @Test func stampAndMigrateSayWhatTheyTook() throws {
        for stamps in [true, false] {
            try place.python(Self.tables + Self.mark + Self.rows)
            let change = stamps ? try place.administration().stamp() : try place.administration().migrate()
            #expect(change == .init(adopted: 1, applied: [2, 3, 4]))
            try FileManager.default.removeItem(atPath: place.path())
        }
    }

    @Test(arguments: [
        ("db.execute('ALTER TABLE projects ADD COLUMN owner VARCHAR')", "owner"),
        ("db.execute('CREATE TABLE users (id INTEGER)')", "users"),
        ("db.execute('DROP TABLE jobs')", "jobs is missing"),
        ("db.execute('CREATE TRIGGER t AFTER INSERT ON jobs BEGIN DELETE FROM projects; END')", "trigger t"),
        ("db.execute('CREATE VIEW v AS SELECT 1')", "view v"),
        ("db.execute('CREATE INDEX i ON jobs (status)')", "index i"),
        ("db.execute('CREATE UNIQUE INDEX i ON jobs (status)')", "index i"),
        ("db.execute(\"UPDATE alembic_version SET version_num = '0002'\")", "0002"),
        ("db.execute('DROP TABLE jobs'); db.execute('CREATE TABLE jobs (id VARCHAR)')", "project_id"),
        ("db.execute('CREATE VIRTUAL TABLE f USING fts5(x)')", "f"),
        ("[db.execute('CREATE TABLE t%d (id TEXT)' % n) for n in range(100)]", "more than 64"),
    ])
    func anotherShapeIsRefusedWithWhatDiffers(_ change: String, _ word: String) throws {
        try place.python(Self.tables + Self.mark + Self.rows + change)
        let bytes = try place.bytes()
        for stamps in [true, false] {
            let error = try storeError {
                if stamps { _ = try place.administration().stamp() } else { try place.store().close() }
            }
            #expect(error.kind == .unknownSchema && error.message.contains(word), "\(error)")
        }
        #expect(try place.bytes() == bytes)
    }

    static let brokenRows: [(String, String)] = [
        ("UPDATE jobs SET status = 'paused' WHERE id LIKE '%1'", "paused"),
        ("UPDATE projects SET status = 'Queued' WHERE id LIKE '%1'", "Queued"),
        ("UPDATE projects SET status = '' WHERE id LIKE '%1'", "status"),
        ("UPDATE jobs SET job_type = 'refactor' WHERE id LIKE '%1'", "refactor"),
        ("UPDATE jobs SET id = replace(id, '-', '') WHERE id LIKE '%1'", "UUID"),
        ("UPDATE jobs SET id = upper(id) WHERE id LIKE '%1'", "UUID"),
        ("UPDATE jobs SET id = '../../../etc' WHERE id LIKE '%1'", "UUID"),
        ("UPDATE jobs SET project_id = 'aaaaaaaa-0000-4000-8000-000000000009' WHERE id LIKE '%1'", "not there"),
        ("UPDATE jobs SET created_at = 'yesterday' WHERE id LIKE '%1'", "yesterday"),
        ("UPDATE jobs SET created_at = 1763140445 WHERE id LIKE '%1'", "created_at"),
        ("UPDATE jobs SET updated_at = 1.5 WHERE id LIKE '%1'", "updated_at"),
        ("UPDATE jobs SET instruction = x'00ff' WHERE id LIKE '%1'", "bytes where text"),
        ("UPDATE jobs SET instruction = CAST(x'c328' AS TEXT) WHERE id LIKE '%1'", "UTF-8"),
        ("UPDATE projects SET summary = x'00' WHERE id LIKE '%1'", "summary"),
        ("UPDATE projects SET workspace_path = zeroblob(10) WHERE id LIKE '%1'", "workspace_path"),
        ("UPDATE projects SET instruction = printf('%.*c', 1048577, 'x') WHERE id LIKE '%1'", "1048577"),
        ("UPDATE projects SET instruction = printf('%.*c', 10000000, 'x') WHERE id LIKE '%1'", "projects"),
        ("UPDATE jobs SET logs_path = 7.5e300 || x'ff' WHERE id LIKE '%1'", "logs_path"),
    ]

    @Test(arguments: brokenRows) func aRowThatBreaksARuleIsNamedAndNothingIsChanged(_ change: String, _ word: String)
        throws
    {
        try place.python(Self.tables + Self.rows + "db.execute(\"\"\"\(change)\"\"\")")
        let bytes = try place.bytes()
        let error = try storeError { try place.store().close() }
        #expect(
            error.kind == .unknownSchema && error.message.contains(word) && error.message.contains("row"),
            "\(error)"
        )
        #expect(error.message.utf8.count < 1000)
        #expect(try place.bytes() == bytes)
        #expect(try storeError { _ = try place.administration().stamp() }.kind == .unknownSchema)
    }

    @Test func rowsWithoutAFractionOfTheSecondAreTaken() throws {
        try place.python(Self.tables + Self.rows + "db.execute(\"UPDATE jobs SET created_at = '2025-11-14 17:14:05'\")")
        #expect(try place.store().job("bbbbbbbb-0000-4000-8000-000000000001")?.createdAt.iso == "2025-11-14T17:14:05")
    }

    @Test func aProjectWithoutAJobIsEndedToo() throws {
        try place.python(Self.tables + Self.rows + "db.execute('DELETE FROM jobs')")
        let store = try place.store()
        #expect(try store.interruptUnfinished(at: someTime) == [])
        #expect(try store.projects(limit: 10, after: nil).map(\.status) == [.error, .error, .completed, .error])
    }

    @Test(arguments: brokenRows) func aRowThatIsBrokenLaterIsAnErrorOfItsOwn(_ change: String, _ word: String) throws {
        try place.python(Self.tables + Self.rows)
        try place.store().close()
        try place.python("db.execute(\"\"\"\(change)\"\"\")")
        let store = try place.store()
        // The sound ones are answered as before; the broken one is named, and nothing traps.
        #expect(try store.project("aaaaaaaa-0000-4000-8000-000000000002")?.status == .completed)
        #expect(try store.job("bbbbbbbb-0000-4000-8000-000000000003")?.status == .error)
        var refused = 0
        for body in [
            { _ = try store.projects(limit: 1000, after: nil) },
            {
                for n in 0..<4 {
                    _ = try store.jobs(of: "aaaaaaaa-0000-4000-8000-00000000000\(n)", limit: 10, after: nil)
                }
            },
            { _ = try store.interruptUnfinished(at: someTime) },
        ] as [() throws -> Void] {
            do {
                try body()
            } catch let error as StoreError {
                #expect(error.kind == .corrupt && error.message.utf8.count < 1000, "\(error)")
                refused += 1
            }
        }
        // Columns that are not read are not judged; orphans and long texts are readable.
        let isSeen = !["workspace_path", "logs_path", "not there", "1048577"].contains(word)
        #expect((refused > 0) == isSeen, "\(change)")
    }

    @Test func hostileEventsAndAccountsAreErrors() throws {
        let store = try place.store()
        let project = someProject()
        let job = someJob(project)
        try store.add(project, firstJob: job)
        try store.add([event(1, .stdout, "x"), event(2, .state, "y")], to: job.id)
        store.close()
        let changes = [
            "UPDATE job_events SET kind = 'other'", "UPDATE job_events SET kind = x'00'",
            "UPDATE job_events SET at = ''",
            "UPDATE job_events SET data = 'text'", "UPDATE job_events SET data = zeroblob(9000000)",
            "UPDATE job_accounts SET last_number = -5", "UPDATE job_accounts SET output_bytes = 9223372036854775807",
            "UPDATE job_accounts SET state_events = 'x'", "UPDATE job_accounts SET dropped_number = 'x'",
        ]
        let before = try place.bytes()
        for change in changes {
            try place.write(before)
            try place.python("db.execute(\"\"\"\(change)\"\"\")")
            let store = try place.store()
            #expect(try store.project(project.id) == project)
            let error = try storeError {
                _ = try store.events(of: job.id, after: 0, limit: 10)
                try store.add([event(9, .stdout, "x")], to: job.id)
            }
            #expect(error.kind == .corrupt, "\(change): \(error)")
            store.close()
        }
        // The largest number is the last, and the job can still be ended.
        try place.write(before)
        try place.python(
            "db.execute('UPDATE job_accounts SET last_number = 9223372036854775807, output_dropped = 9223372036854775807')"
        )
        let last = try place.store()
        #expect(try storeError { try last.add([event(.max, .stdout, "x")], to: job.id) }.kind == .constraint)
        #expect(try last.interruptUnfinished(at: someTime).map(\.id) == [job.id])
    }
}
