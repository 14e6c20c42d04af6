import Foundation
import SandboxPlan
import Synchronization
import Testing
import WebTransport
import WorkspaceStore
import Workspaces

@testable import SandboxAPI

@Suite struct DescriptionTests {
    private func paths() async throws -> [String: [String: NSDictionary]] {
        let answer = try await Client().ask("GET", "/openapi.json")
        #expect(answer.headers["Content-Type"] == "application/json")
        #expect(answer.json?["openapi"] as? String == "3.1.0")
        return try #require(answer.json?["paths"] as? [String: [String: NSDictionary]])
    }

    /// What is described is routed, and what is routed is described.
    @Test func everyRouteIsDescribed() async throws {
        let all = Set(
            try await paths().flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } }
        )
        // ORC-02: the one path that is also described without its slash, as what leads there.
        let described = all.subtracting(["GET /api/v1/projects", "POST /api/v1/projects"])
        #expect(described.count == all.count - 2)
        let table = Endpoint.table.flatMap { one in one.templates(prefix: "/api/v1").map { "\(one.method) \($0)" } }
        #expect(described == Set(table))
        #expect(Set(Endpoint.table.map(\.name)) == Set(Endpoint.Name.allCases))
        let router = Router(Endpoint.table, prefix: "/api/v1")
        for route in described {
            let parts = route.split(separator: " ").map { String($0) }
            let path = parts[1].replacing("{project_id}", with: "p").replacing("{job_id}", with: "j").replacing(
                "{path}",
                with: "a/b"
            )
            guard case .endpoint(let endpoint, let target) = router.match(parts[0], Array(path.utf8)) else {
                Issue.record("\(route) leads nowhere")
                continue
            }
            #expect(endpoint.method == parts[0])
            #expect(target.template == parts[1])
        }
    }

    /// Both spellings of each route of a project, with ids of their own.
    @Test func operationsHaveNames() async throws {
        let names = try await paths().values.flatMap { $0.values.map { $0["operationId"] as? String ?? "" } }
        #expect(Set(names).count == names.count)
        let described = Set(try await paths().keys)
        for path in described where path.hasPrefix("/api/v1/{project_id}/") {
            #expect(described.contains(path.replacing("/api/v1/", with: "/api/v1/projects/")))
        }
    }

    /// ORC-39.
    @Test func requestsHaveExamples() async throws {
        let schemas = (try await Client().ask("GET", "/openapi.json").json?["components"] as? NSDictionary)?["schemas"]
        for name in ["ProjectCreate", "JobCreate"] {
            let examples = ((schemas as? NSDictionary)?[name] as? NSDictionary)?["examples"] as? [NSDictionary]
            #expect((examples?.first?["instruction"] as? String)?.contains("Fibonacci") == true)
        }
    }

    /// Every status that is answered is one that is described.
    @Test func answersAreDescribed() async throws {
        let client = try Client()
        let paths = try await paths()
        let (id, job) = try await client.project()
        for (template, methods) in paths {
            for (method, operation) in methods {
                let known = Set((operation["responses"] as? NSDictionary)?.allKeys.map { "\($0)" } ?? [])
                for (project, body) in [
                    (id, "{}"), (FakeWorkspaces.id(99, 1), ""), (id, #"{"instruction":"hello","job_type":"edit"}"#),
                ] {
                    let path = template.replacing("{project_id}", with: project).replacing("{job_id}", with: job)
                        .replacing("{path}", with: "app.py")
                    if method == "delete" && path.hasSuffix(id) { continue }
                    let answer = await client.ask(method.uppercased(), path, body: Array(body.utf8))
                    #expect((answer.status == 307) == (path == "/api/v1/projects"), "\(method) \(path)")
                    #expect(known.contains("411") == (method != "get"), "\(method) \(path)")
                    #expect(known.contains("\(answer.status)"), "\(method) \(path): \(answer.status)")
                }
            }
        }
    }

    @Test func prefixIsTheSettings() async throws {
        let client = try Client(["API_V1_STR": "/x/y"])
        #expect(await client.ask("GET", "/x/y/projects/").status == 200)
        #expect(await client.ask("GET", "/api/v1/projects/").status == 404)
        #expect(await client.ask("GET", "/openapi.json").text.contains("/x/y/{project_id}/files"))
    }

    // MARK: - Pages

    @Test func pagesNeedNothingFromElsewhere() async throws {
        let client = try Client(["APP_NAME": "A <b> & \"%SCRIPT%\""])
        for target in ["/", "/docs"] {
            let page = await client.ask("GET", target)
            #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
            let policy = try #require(page.headers["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(!page.text.contains("http://") && !page.text.contains("https://") && !page.text.contains("src="))
            #expect(!page.text.contains("style=") && page.text.firstRange(of: /\son[a-z]+=/) == nil)
            #expect(page.text.contains("A &lt;b&gt; &amp; &quot;&#37;SCRIPT&#37;&quot;"))
            // The hashes are those of what stands in the page.
            for mark in ["style", "script"] {
                let start = try #require(page.text.firstRange(of: "<\(mark)>")?.upperBound)
                let end = try #require(page.text.firstRange(of: "</\(mark)>")?.lowerBound)
                #expect(policy.contains(Self.digest(String(page.text[start..<end]))))
            }
            let tag = try #require(page.headers["ETag"])
            #expect(await client.ask("GET", target, [("If-None-Match", tag)]).status == 304)
        }
    }

    /// By another program than ours.
    private static func digest(_ text: String) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "openssl dgst -sha256 -binary | base64"]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        do {
            try process.run()
            try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
            try input.fileHandleForWriting.close()
        } catch {
            return "no openssl: \(error)"
        }
        let digest = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return "sha256-" + digest.split(separator: "\n").joined()
    }

    // MARK: - Fields and logs

    @Test func everyAnswerHasItsFields() async throws {
        let client = try Client()
        for (method, target) in [
            ("GET", "/"), ("GET", "/nope"), ("PATCH", "/docs"), ("POST", "/api/v1/projects/"), ("GET", "/healthz"),
        ] {
            let answer = await client.ask(method, target)
            #expect(answer.headers["X-Content-Type-Options"] == "nosniff")
            #expect(answer.headers["Referrer-Policy"] == "no-referrer")
            #expect(answer.headers["Content-Security-Policy"]?.contains("frame-ancestors 'none'") == true)
            #expect(answer.headers["Cache-Control"] != nil)
            #expect(answer.headers["X-Request-ID"]?.utf8.count == 32)
        }
        let refusal = client.api.refusal(431, reason: "The head is too large", head: nil, peer: nil)
        #expect(refusal.status == 431)
        #expect(refusal.headers["X-Request-ID"] != nil)
        for status in [400, 408, 413, 500, 501, 503] {
            let response = client.api.refusal(status, reason: "words", head: nil, peer: nil)
            #expect(response.status == status)
            let answer = Client.Answer(status: status, headers: response.headers, body: response.body)
            #expect(answer.json?["code"] as? Int == status)
            #expect((answer.detail == nil) == (status == 500))
        }
    }

    @Test(arguments: [
        ("abc-1._Z", true), (String(repeating: "a", count: 128), true), (String(repeating: "a", count: 129), false),
        ("", false), ("a b", false), ("a\r\nb", false), ("a~b", false), ("é", false),
    ])
    func requestIDsAreTaken(id: String, isTaken: Bool) async throws {
        let client = try Client()
        let answer = await client.ask("GET", "/healthz", [("X-Request-ID", id)])
        let given = try #require(answer.headers["X-Request-ID"])
        #expect((given == id) == isTaken)
        #expect(client.log.last?.correlationID == given)
    }

    @Test func requestsAreLoggedWithoutSecrets() async throws {
        let token = "0123456789abcdef-CANARY"
        let client = try Client(["API_TOKEN": token])
        let body = #"{"instruction":"hello CANARY"}"#
        _ = await client.post("/api/v1/projects/?CANARY=1", body, [("Authorization", "Bearer \(token)")])
        #expect(client.log.last?.level == .info)
        #expect(client.log.last?.route == "/api/v1/projects/")
        _ = await client.post("/api/v1/projects/", body, [("Authorization", "Bearer CANARY")])
        #expect(client.log.last?.level == .warning)
        _ = await client.ask("GET\u{1B}[31m\n", "/CANARY\n", [("Authorization", "Bearer \(token)")])
        let lines = client.log.entries.withLock { $0.map(\.description) }
        #expect(lines.count == 3)
        for line in lines {
            #expect(!line.contains("CANARY"))
            #expect(line.utf8.allSatisfy { $0 >= 0x20 })
        }
    }

    @Test func countsAreInThePrometheusFormat() async throws {
        let client = try Client()
        client.workspaces.state.withLock { state in
            state.statistics.jobsByStatus = [.completed: 4]
            state.statistics.launchCounts = [1, 2] + Array(repeating: 0, count: 9) + [5]
            state.statistics.launchSecondsTotal = 1.5
            state.statistics.refusals = ["a\"b\\c\nd": 2]
        }
        _ = await client.ask("QUIT\"", "/nope")
        _ = await client.ask("GET", "/healthz")
        let answer = await client.ask("GET", "/metrics")
        #expect(answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = answer.text.split(separator: "\n").map { String($0) }
        for line in [
            #"codex_sandbox_jobs{status="completed"} 4"#, #"codex_sandbox_jobs{status="error"} 0"#,
            #"codex_sandbox_launch_seconds_bucket{le="0.002"} 1"#,
            #"codex_sandbox_launch_seconds_bucket{le="0.005"} 3"#,
            #"codex_sandbox_launch_seconds_bucket{le="5.0"} 3"#, #"codex_sandbox_launch_seconds_bucket{le="+Inf"} 8"#,
            "codex_sandbox_launch_seconds_count 8", "codex_sandbox_launch_seconds_sum 1.5",
            #"codex_sandbox_refusals_total{step="a\"b\\c\nd"} 2"#,
            #"codex_sandbox_http_requests_total{method="other",route="-",status="404"} 1"#,
            #"codex_sandbox_http_requests_total{method="GET",route="/healthz",status="200"} 1"#,
        ] { #expect(lines.contains(line), "\(line)") }
        for line in lines where !line.hasPrefix("#") { #expect(line.hasPrefix("codex_sandbox_")) }
    }
}
