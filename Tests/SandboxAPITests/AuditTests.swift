import Foundation
import Synchronization
import Testing
import WebTransport

@testable import SandboxAPI

/// What is logged of calls that change something, and what of the others.
@Suite struct AuditTests {
    private let json = [("Content-Type", "application/json")]

    @Test func changesAreLoggedWithWhoAndWhat() async throws {
        let client = try Client()
        let body = Array("{\"instruction\":\"Generate it\"}".utf8)
        let made = await client.ask("POST", "/api/v1/projects/", json + [("X-Request-ID", "mine")], body: body)
        let project = try #require(made.json?["id"] as? String)
        let entry = try #require(client.log.last)
        #expect(entry.audit == LogEntry.Audit(action: "createProject", project: project, job: nil, uid: 1000))
        #expect(
            entry.description.hasPrefix("audit createProject project=\(project) uid=1000 POST /api/v1/projects/ 200 ")
        )
        #expect(entry.description.contains("request=mine peer=127.0.0.1:40000"))
        let job = await client.ask(
            "POST",
            "/api/v1/\(project)/jobs",
            json,
            body: Array("{\"instruction\":\"x\",\"job_type\":\"edit\"}".utf8)
        )
        #expect(client.log.last?.audit?.action == "addJob" && client.log.last?.audit?.project == project)
        #expect(client.log.last?.audit?.job == job.json?["id"] as? String && job.status == 200)
    }

    /// Somebody who may not is what an audit is for.
    @Test func refusedChangesAreLoggedToo() async throws {
        let client = try Client(["API_TOKEN": "0123456789abcdef"])
        _ = await client.ask("DELETE", "/api/v1/projects/abc")
        #expect(client.log.last?.audit == LogEntry.Audit(action: "removeProject", project: "abc", job: nil, uid: 1000))
        #expect(client.log.last?.status == 401 && client.log.last?.level == .warning)
        // No id, no name of a project: nothing of a client's making in the line.
        _ = await client.ask("DELETE", "/api/v1/projects/a%0Ab")
        #expect(client.log.last?.audit?.project == nil)
        let text = client.log.entries.withLock { $0.map(\.description).joined() }
        #expect(!text.contains("0123456789abcdef"))
    }

    @Test func readingIsNoChange() async throws {
        let client = try Client()
        for (path, level) in [("/api/v1/projects/", LogLevel.info), ("/healthz", .debug), ("/nowhere", .warning)] {
            _ = await client.ask("GET", path)
            #expect(client.log.last?.audit == nil && client.log.last?.level == level)
        }
        _ = await client.ask("POST", "/nowhere")
        #expect(client.log.last?.audit == nil)
    }

    @Test func levelsShowWhatIsGraver() {
        #expect(LogLevel.allCases.map { LogLevel.info.shows($0) } == [true, true, true, false])
        #expect(LogLevel.allCases.map { LogLevel.error.shows($0) } == [true, false, false, false])
    }

    @Test func otherSettingsCountFromThenOn() async throws {
        let client = try Client(["API_TOKEN": "0123456789abcdef-1"])
        func status(_ token: String) async -> Int {
            await client.ask("GET", "/api/v1/projects/", [("Authorization", "Bearer \(token)")]).status
        }
        #expect(await status("0123456789abcdef-1") == 200)
        let values = ["API_TOKEN": "0123456789abcdef-2", "ALLOW_ORIGINS": "http://new.test"]
        client.api.reload(try APISettings { values[$0] })
        #expect(await status("0123456789abcdef-1") == 401)
        #expect(await status("0123456789abcdef-2") == 200)
        let answer = await client.ask("GET", "/healthz", [("Origin", "http://new.test")])
        #expect(answer.headers["Access-Control-Allow-Origin"] == "http://new.test")
    }
}
