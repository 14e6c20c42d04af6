import Foundation
import SandboxPlan
import Synchronization
import Testing
import WebTransport
import WorkspaceStore
import Workspaces

@testable import SandboxAPI

@Suite struct RouteTests {
    /// ORC-01, 03, 06, 07, 38: the shapes of the original, key for key.
    @Test func shapesAreTheOriginals() async throws {
        let client = try Client()
        let created = await client.post("/api/v1/projects/", #"{"instruction":"  Generate it\u3000"}"#)
        #expect(created.status == 200)
        #expect(created.headers["Content-Type"] == "application/json")
        let project = try #require(created.json)
        #expect(
            Set(project.allKeys.map { "\($0)" })
                == ["id", "instruction", "status", "summary", "created_at", "updated_at"]
        )
        #expect(project["instruction"] as? String == "Generate it")
        #expect(project["status"] as? String == "completed")
        #expect(project["summary"] as? String == "Initial job status: completed")
        #expect(project["created_at"] as? String == "2025-11-13T02:13:21.000250")
        let id = try #require(project["id"] as? String)

        let detail = try #require(await client.ask("GET", "/api/v1/projects/\(id)").json)
        #expect(detail["workspace_path"] as? String == "workspaces/\(id)")
        let jobs = try #require(detail["jobs"] as? [NSDictionary])
        let summary: Set = ["id", "project_id", "job_type", "instruction", "status", "created_at", "updated_at"]
        #expect(Set(jobs[0].allKeys.map { "\($0)" }) == summary)

        for prefix in ["/api/v1/\(id)", "/api/v1/projects/\(id)"] {
            let added = await client.post("\(prefix)/jobs", #"{"job_type":"edit","instruction":" x "}"#)
            #expect(added.status == 200)
            let job = try #require(added.json)
            #expect(Set(job.allKeys.map { "\($0)" }) == summary)
            let jobID = try #require(job["id"] as? String)
            let shown = try #require(await client.ask("GET", "\(prefix)/jobs/\(jobID)").json)
            #expect(summary.union(["result_path", "logs_path"]).isSubset(of: Set(shown.allKeys.map { "\($0)" })))
            #expect((shown["result"] as? NSDictionary)?["n"] as? Double == 1.5)
        }
        let after = try #require(await client.ask("GET", "/api/v1/projects/\(id)").json)
        let before = try #require(detail["updated_at"] as? String)
        let moved = try #require(after["updated_at"] as? String)
        #expect(moved > before)
    }

    /// A whole second has no fraction, as `datetime.isoformat` has it.
    @Test(arguments: [
        (0, "1970-01-01T00:00:00"), (1, "1970-01-01T00:00:00.000001"),
        (1_763_000_000_500_000, "2025-11-13T02:13:20.500000"),
    ])
    func timesAreNaive(microseconds: Int64, text: String) {
        #expect(StoredTime(microseconds: microseconds).naiveText == text)
    }

    /// ORC-02: before the body is judged, query and method kept.
    @Test func missingSlashRedirects() async throws {
        let client = try Client()
        let answer = await client.post("/api/v1/projects?a=b%20c", "not json", [("Host", "LocalHost:8001")])
        #expect(answer.status == 307)
        #expect(answer.headers["Location"] == "/api/v1/projects/?a=b%20c")
        #expect(await client.post("/api/v1/projects", "{}", [("Host", "evil.test")]).status == 421)
        let (id, _) = try await client.project()
        #expect(
            await client.post("/api/v1/\(id)/jobs/", "{}").headers["Location"] == "/api/v1/\(id)/jobs"
        )
        #expect(await client.ask("GET", "/docs/").headers["Location"] == "/docs")
    }

    /// ORC-16: one shape for what is not there and for what cannot be done.
    @Test(arguments: [
        "/nope", "/api/v1", "/api/v1/", "/api/v2/projects/", "//api/v1/projects/", "/api/v1//projects/",
        "/api//v1/projects/",
        "/api/v1/../v1/projects/", "/api/v1/./projects/", "/api/v1/%70rojects/", "/API/v1/projects/",
        "/api/v1/projects//",
        "/api/v1//files", "/api/v1/projects//files", "/healthz/x", "*", "", "http://localhost/api/v1/projects/",
    ])
    func unknownRoutesAreNotFound(target: String) async throws {
        let client = try Client()
        let answer = await client.ask("GET", target)
        #expect(answer.status == 404)
        #expect(answer.json == ["error": "not_found", "message": "Not found", "code": 404, "detail": "Not Found"])
    }

    @Test func otherMethodsAreNamed() async throws {
        let client = try Client()
        let answer = await client.ask("PATCH", "/api/v1/projects/")
        #expect(answer.status == 405)
        #expect(answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST")
        #expect(
            answer.json
                == ["error": "http_error", "message": "HTTP error", "code": 405, "detail": "Method Not Allowed"]
        )
        #expect(await client.ask("get", "/api/v1/projects/").status == 405)
        let options = await client.ask("OPTIONS", "/api/v1/x/raw/a")
        #expect(options.status == 204)
        #expect(options.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT")
        // A project cannot be called as a route is.
        #expect(await client.post("/api/v1/projects/jobs", #"{"job_type":"edit","instruction":"x"}"#).status == 405)
        #expect(await client.ask("GET", "/api/v1/projects/files").detail == "Project not found")
    }

    @Test func headIsItsGet() async throws {
        let client = try Client()
        let (id, job) = try await client.project()
        for path in ["/docs", "/healthz", "/api/v1/\(id)/files", "/api/v1/\(id)/raw/app.py"] {
            let get = await client.ask("GET", path)
            let head = await client.ask("HEAD", path)
            #expect(head.status == 200)
            #expect(head.headers["Content-Type"] == get.headers["Content-Type"])
        }
        let events = await client.ask("HEAD", "/api/v1/\(id)/jobs/\(job)/events")
        #expect(events.headers["Content-Type"] == "text/event-stream")
        #expect(client.workspaces.state.withLock { $0.openWatches } == 0)
    }

    /// ORC-04, 05, 24…26, in both spellings.
    @Test func filesAreListedAndRead() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        client.workspaces.folders.put(id, OSString([0x61, 0xFF]), [0x78, 0xFE])
        for prefix in ["/api/v1/\(id)", "/api/v1/projects/\(id)"] {
            let list = try #require(await client.ask("GET", "\(prefix)/files").json?["files"] as? [NSDictionary])
            #expect(list.map { $0["path"] as? String } == [".codex/result.json", "README.md", "app.py", "a\u{FFFD}"])
            #expect(list[3]["encoded_path"] as? String == "a%FF")
            let file = await client.ask("GET", "\(prefix)/files/app.py")
            #expect(file.json == ["path": "app.py", "contents": "print(1)\n"])
            #expect(
                await client.ask("GET", "\(prefix)/files/.codex%2fresult.json").json?["path"] as? String
                    == ".codex/result.json"
            )
            let lossy = await client.ask("GET", "\(prefix)/files/a%FF")
            #expect(lossy.json?["contents"] as? String == "x\u{FFFD}")
            #expect(lossy.json?["lossy"] as? Bool == true)
            for bad in [
                "../x", "%2e%2e/x", "..%2fx", "%2Fetc%2Fpasswd", "/etc/passwd", "%5C%5Cs%5Cx", "C%3A%5Cx", "a%00b",
            ] {
                let answer = await client.ask("GET", "\(prefix)/files/\(bad)")
                #expect(answer.status == 400, "\(bad)")
                #expect(
                    answer.json == [
                        "error": "bad_request", "message": "Bad request", "code": 400, "detail": "Invalid path",
                    ]
                )
            }
            for missing in ["nope", "%252e%252e%252fx", "a//b", ""] {
                #expect(await client.ask("GET", "\(prefix)/files/\(missing)").detail == "File not found", "\(missing)")
            }
        }
        #expect(await client.ask("GET", "/api/v1/\(FakeWorkspaces.id(9, 1))/files").detail == "Project not found")
    }

    @Test func largeFilesAreNotReadAsJSON() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        client.workspaces.folders.put(id, "fits", [UInt8](repeating: 0x78, count: WorkspaceAPI.readLimit))
        client.workspaces.folders.put(id, "large", [UInt8](repeating: 0x78, count: WorkspaceAPI.readLimit + 1))
        #expect(await client.ask("GET", "/api/v1/\(id)/files/fits").status == 200)
        let answer = await client.ask("GET", "/api/v1/\(id)/files/large")
        #expect(answer.status == 413)
        #expect(answer.json?["error"] as? String == "http_error")
    }

    @Test func listsHavePages() async throws {
        let client = try Client()
        for _ in 0..<5 { _ = try await client.project() }
        let first = try #require(await client.ask("GET", "/api/v1/projects/?limit=2").json)
        #expect(first["total"] as? Int == 5)
        let next = try #require(first["next"] as? String)
        let second = try #require(await client.ask("GET", "/api/v1/projects/?limit=3&after=\(next)").json)
        let ids = [first, second].flatMap { $0["projects"] as? [NSDictionary] ?? [] }.map { $0["id"] as? String ?? "" }
        #expect(ids == (1...5).reversed().map { FakeWorkspaces.id($0, 1) })
        for (query, type) in [
            ("limit=0", "greater_than_equal"), ("limit=1001", "less_than_equal"), ("limit=x", "int_parsing"),
            ("after=..", "value_error"), ("after=nobody", "value_error"), ("limit=", "int_parsing"),
            ("status=done", "enum"), ("status=", "enum"), ("status=COMPLETED", "enum"),
        ] {
            let answer = await client.ask("GET", "/api/v1/projects/?\(query)")
            #expect(answer.status == 422)
            #expect((answer.json?["detail"] as? [NSDictionary])?.first?["type"] as? String == type)
        }
        #expect(await client.ask("GET", "/api/v1/projects/?limit=1000").status == 200)
    }

    @Test func listsAreOfOneStatus() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        let job = #"{"job_type":"edit","instruction":"force_error"}"#
        _ = await client.post("/api/v1/\(id)/jobs", job)
        _ = try await client.project()
        func ids(_ target: String, _ list: String) async throws -> (ids: [String], total: Int?) {
            let answer = try #require(await client.ask("GET", target).json)
            let entries = try #require(answer[list] as? [NSDictionary])
            return (entries.map { $0["id"] as? String ?? "" }, answer["total"] as? Int)
        }
        let failed = try await ids("/api/v1/projects/?status=error", "projects")
        #expect(failed.ids == [id] && failed.total == 1)
        let completed = try await ids("/api/v1/projects/?status=completed&limit=1", "projects")
        #expect(completed.ids == [FakeWorkspaces.id(2, 1)] && completed.total == 1)
        #expect(try await ids("/api/v1/projects/?status=queued", "projects").ids.isEmpty)
        for prefix in ["/api/v1/\(id)", "/api/v1/projects/\(id)"] {
            #expect(try await ids("\(prefix)/jobs?status=error", "jobs").ids == [FakeWorkspaces.id(2, 2)])
            #expect(try await ids("\(prefix)/jobs?status=completed", "jobs").ids == [FakeWorkspaces.id(1, 2)])
            #expect(try await ids("\(prefix)/jobs", "jobs").ids.count == 2)
        }
        let wrong = await client.ask("GET", "/api/v1/\(id)/jobs?status=done")
        let item = try #require((wrong.json?["detail"] as? [NSDictionary])?.first)
        #expect(
            wrong.status == 422 && item["loc"] as? [String] == ["query", "status"] && item["input"] as? String == "done"
        )
        #expect(item["msg"] as? String == "Input should be 'queued', 'in_progress', 'completed' or 'error'")
    }

    @Test func jobsAreListedCancelledAndRunAgain() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        let queued = await client.post(
            "/api/v1/\(id)/jobs",
            #"{"job_type":"edit","instruction":"x"}"#,
            [("Prefer", "wait=5, Respond-Async; x=1")]
        )
        #expect(queued.status == 202)
        #expect(queued.headers["Preference-Applied"] == "respond-async")
        let job = try #require(queued.json?["id"] as? String)
        #expect(queued.headers["Location"] == "/api/v1/\(id)/jobs/\(job)")
        let jobs = try #require(await client.ask("GET", "/api/v1/\(id)/jobs").json?["jobs"] as? [NSDictionary])
        #expect(jobs.map { $0["queue_position"] as? Int } == [nil, 3])
        #expect(await client.ask("POST", "/api/v1/\(id)/jobs/\(job)/cancel").json?["reason"] as? String == "cancelled")
        let again = await client.ask("POST", "/api/v1/\(id)/jobs/\(job)/cancel")
        #expect(again.json == ["error": "conflict", "message": "Conflict", "code": 409, "detail": "The job has ended"])
        let rerun = await client.ask("POST", "/api/v1/projects/\(id)/jobs/\(job)/rerun")
        #expect(rerun.status == 200)
        #expect(rerun.json?["instruction"] as? String == "x")
        #expect(rerun.json?["id"] as? String != job)
        // Of another project it is not there (ORC-07).
        let (other, _) = try await client.project()
        #expect(await client.ask("GET", "/api/v1/\(other)/jobs/\(job)").detail == "Job not found")
        let project = await client.post("/api/v1/projects/", #"{"instruction":"hello"}"#, [("Prefer", "respond-async")])
        #expect(project.status == 202)
        #expect(project.headers["Location"]?.hasPrefix("/api/v1/projects/") == true)
        #expect(await client.ask("DELETE", "/api/v1/projects/\(id)").status == 204)
        #expect(await client.ask("DELETE", "/api/v1/projects/\(id)").detail == "Project not found")
    }

    /// ORC-17: nothing of a fault leaks, and each error of the workspaces has its status.
    @Test(arguments: [
        (WorkspaceError.Kind.fault, 500, "internal_error"), (.unavailable, 503, "unavailable"),
        (.conflict, 409, "conflict"), (.tooMuch, 429, "http_error"), (.invalidPath, 400, "bad_request"),
        (.noProject, 404, "not_found"), (.unknownPolicy, 422, "validation_error"),
    ])
    func errorsHaveTheirAnswers(kind: WorkspaceError.Kind, status: Int, word: String) async throws {
        let client = try Client()
        client.workspaces.state.withLock { $0.fault = WorkspaceError(kind, "words", detail: "secret\n/srv/x") }
        let answer = await client.post("/api/v1/projects/", #"{"instruction":"hello"}"#)
        #expect(answer.status == status)
        #expect(answer.json?["error"] as? String == word)
        #expect(!answer.text.contains("secret"))
        if status == 503 { #expect(answer.json?["message"] as? String == "Service unavailable") }
        if status == 500 {
            #expect(answer.json == ["error": "internal_error", "message": "Internal server error", "code": 500])
        }
        if kind != .unknownPolicy { #expect(client.log.last?.description.contains(#"detail=secret\n/srv/x"#) == true) }
    }

    @Test func whatIsBesideIsServed() async throws {
        let client = try Client()
        let (id, job) = try await client.project()
        let base = "/api/v1/\(id)/jobs/\(job)"
        #expect(await client.ask("GET", "\(base)/evidence").headers["Content-Type"] == "application/jsonl")
        #expect(await client.ask("GET", "/api/v1/projects/\(id)/evidence").text == "{\"a\":1}\n{\"a\":2}\n")
        #expect(await client.ask("GET", "/api/v1/\(id)/plan").text.contains("close every"))
        let changes = await client.ask("GET", "\(base)/changes")
        #expect((changes.json?["changes"] as? [NSDictionary])?.count == 2)
        let diff = await client.ask("GET", "\(base)/changes", [("Accept", "application/json;q=0.5, text/x-diff")])
        #expect(diff.text.hasPrefix("--- /dev/null"))
        let policies = await client.ask("GET", "/api/v1/policies").json?["policies"] as? [NSDictionary]
        #expect(policies?.first?["default"] as? Bool == true)
        #expect(await client.ask("GET", "/healthz").json == ["status": "ok"])
        #expect(await client.ask("GET", "/readyz").json == ["status": "ready"])
        client.workspaces.state.withLock { $0.readiness = "no user namespaces" }
        let unready = await client.ask("GET", "/readyz")
        #expect(unready.status == 503)
        #expect(unready.detail == "no user namespaces")
    }
}
