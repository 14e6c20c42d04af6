import Foundation
import Synchronization
import Testing
import WebTransport

@testable import SandboxAPI

/// ORC-32…34, and what a page of another site may not do.
@Suite struct OriginTests {
    static let good = "http://good.test"

    static func client(_ more: [String: String] = [:]) throws -> Client {
        try Client(["ALLOW_ORIGINS": "http://good.test, https://b.test:8443 ,"].merging(more) { $1 })
    }

    @Test func listedOriginsAreEchoedInErrorsToo() async throws {
        let client = try Self.client()
        for target in ["/openapi.json", "/api/v1/projects/", "/nope", "/api/v1/x/files/a"] {
            let answer = await client.ask("GET", target, [("Origin", Self.good)])
            #expect(answer.headers["Access-Control-Allow-Origin"] == Self.good)
            #expect(answer.headers.all("Vary").contains("Origin"))
            #expect(!answer.headers.contains("Access-Control-Allow-Credentials"))
            // What a page needs of an answer and could not read otherwise.
            let exposed = answer.headers["Access-Control-Expose-Headers"]?.split(separator: ", ").map { String($0) }
            for name in ["Content-Range", "ETag", "Retry-After", "X-Next-After", "X-Request-ID"] {
                #expect(exposed?.contains(name) == true, "\(name)")
            }
        }
    }

    @Test(arguments: [
        "http://evil.test", "null", "https://good.test", "http://good.test:8000", "http://good.test.evil.test",
        "http://evilgood.test", "http://GOOD.test", "http://good.test/", "http://good.test, http://good.test", "",
    ])
    func otherOriginsAreServedReadsWithoutTheField(origin: String) async throws {
        let client = try Self.client()
        let read = await client.ask("GET", "/openapi.json", [("Origin", origin)])
        #expect(read.status == 200)
        #expect(!read.headers.contains("Access-Control-Allow-Origin"))
        for (method, target) in [
            ("POST", "/api/v1/projects/"), ("DELETE", "/api/v1/projects/x"), ("PUT", "/api/v1/x/raw/a"),
        ] {
            let write = await client.ask(
                method,
                target,
                [("Origin", origin)],
                body: Array(#"{"instruction":"hello"}"#.utf8)
            )
            #expect(write.status == 403, "\(method) \(origin)")
            #expect(write.json?["error"] as? String == "forbidden")
        }
        #expect(client.workspaces.state.withLock { $0.projects.isEmpty })
    }

    @Test func listedAndOwnPagesMayWrite() async throws {
        let client = try Self.client()
        let body = #"{"instruction":"hello"}"#
        for origin in [Self.good, "https://b.test:8443", "http://localhost:8000"] {
            #expect(await client.post("/api/v1/projects/", body, [("Origin", origin)]).status == 200, "\(origin)")
        }
        #expect(await client.post("/api/v1/projects/", body).status == 200)
        // Another port of this host is another origin, and so is another scheme.
        for origin in ["http://localhost:8001", "https://localhost:8000", "http://127.0.0.1:8000"] {
            #expect(await client.post("/api/v1/projects/", body, [("Origin", origin)]).status == 403, "\(origin)")
        }
        let twice = [("Origin", Self.good), ("Origin", Self.good)]
        #expect(await client.post("/api/v1/projects/", body, twice).status == 403)
    }

    @Test func preflightsAreAnswered() async throws {
        let client = try Self.client(["ALLOW_CREDENTIALS": "True", "ALLOW_HEADERS": "Authorization,X-Custom-Header"])
        let asked = [
            ("Origin", Self.good), ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization, X-CUSTOM-header,Content-Type"),
        ]
        for target in ["/openapi.json", "/api/v1/projects/", "/nope"] {
            let answer = await client.ask("OPTIONS", target, asked)
            #expect(answer.status == 200)
            #expect(answer.headers["Access-Control-Allow-Origin"] == Self.good)
            #expect(answer.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT, DELETE, OPTIONS")
            #expect(answer.headers["Access-Control-Max-Age"] == "600")
            #expect(answer.headers["Access-Control-Allow-Credentials"] == "true")
            #expect(
                answer.headers["Access-Control-Allow-Headers"]
                    == "Accept, Accept-Language, Authorization, Content-Language, Content-Type, X-Custom-Header"
            )
        }
    }

    @Test(arguments: [
        ("http://evil.test", "GET", "", "Disallowed CORS origin"), ("null", "GET", "", "Disallowed CORS origin"),
        ("http://good.test", "PATCH", "", "Disallowed CORS method"),
        ("http://good.test", "post", "", "Disallowed CORS method"),
        ("http://good.test", "GET", "X-Other", "Disallowed CORS headers"),
        ("http://evil.test", "TRACE", "X-Other", "Disallowed CORS origin, method, headers"),
    ])
    func preflightsAreRefused(origin: String, method: String, headers: String, detail: String) async throws {
        let fields = [
            ("Origin", origin), ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", headers),
        ]
        let answer = try await Self.client().ask("OPTIONS", "/openapi.json", fields)
        #expect(answer.status == 400)
        #expect(answer.detail == detail)
        #expect(!answer.headers.contains("Access-Control-Allow-Methods"))
        #expect(!answer.headers.contains("Access-Control-Allow-Origin"))
        #expect(!answer.headers.contains("Access-Control-Allow-Credentials"))
        #expect(answer.headers.all("Vary").contains("Origin"))
    }

    @Test func everyOriginOnlyByRequest() async throws {
        let client = try Client(["ALLOW_ORIGINS": "*"])
        let answer = await client.post(
            "/api/v1/projects/",
            #"{"instruction":"hello"}"#,
            [("Origin", "http://any.test")]
        )
        #expect(answer.status == 200)
        #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
        #expect(throws: SettingsError.self) { try Client(["ALLOW_ORIGINS": "*", "ALLOW_CREDENTIALS": "1"]) }
    }
}
