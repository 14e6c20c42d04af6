import Foundation
import Synchronization
import Testing
import WebTransport

@testable import SandboxAPI

@Suite struct AccessTests {
    static let token = "0123456789abcdef-TOKEN"
    static let list = "/api/v1/projects/"

    @Test(arguments: [
        ("localhost", 200), ("LOCALHOST:9", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("localhost.", 200),
        ("box.example", 200), ("box.example:80", 200), ("evil.test", 421), ("localhost.evil.test", 421),
        ("127.0.0.2", 421), ("", 421), ("localhost:x", 421), ("localhost@evil.test", 421), ("[::2]", 421),
        ("local host", 421),
        ("10.0.0.1", 421),
    ])
    func hostNamesAreChecked(host: String, status: Int) async throws {
        let client = try Client(["ALLOWED_HOSTS": "box.example"])
        #expect(await client.ask("GET", Self.list, [("Host", host)]).status == status)
        #expect(await client.post(Self.list, #"{"instruction":"hello"}"#, [("Host", host)]).status == status)
    }

    @Test func oneHostIsNamed() async throws {
        let client = try Client()
        #expect(await client.ask("GET", Self.list, [("Host", "localhost"), ("Host", "localhost")]).status == 400)
    }

    /// Listening everywhere each address is a name of this host; a name of the DNS still has to be listed.
    @Test func numericHostsAreOwnWhereItListensEverywhere() async throws {
        var client = try Client(["LISTEN": "0.0.0.0:8000", "API_TOKEN": Self.token])
        client.peer = HTTPPeer(kind: .remote, address: "10.0.0.9:1", uid: nil)
        let token = ("Authorization", "Bearer \(Self.token)")
        #expect(await client.ask("GET", Self.list, [token, ("Host", "10.0.0.1:8000")]).status == 200)
        #expect(await client.ask("GET", Self.list, [token, ("Host", "evil.test")]).status == 421)
    }

    @Test(arguments: [
        (HTTPPeer.Kind.loopback, 1000 as UInt32?, 200), (.loopback, 0, 200), (.loopback, 1001, 403),
        (.loopback, nil, 403),
        (.unix, 1000, 200), (.unix, 0, 200), (.unix, 1001, 403), (.unix, nil, 403), (.remote, nil, 403),
        (.remote, 1000, 403),
    ])
    func peersAreTheOwnAccountWithoutAToken(kind: HTTPPeer.Kind, uid: UInt32?, status: Int) async throws {
        var client = try Client()
        client.peer = HTTPPeer(kind: kind, address: "x", uid: uid)
        for target in [Self.list, "/", "/docs", "/openapi.json", "/readyz", "/metrics", "/nope"] {
            let expected = status == 200 && target == "/nope" ? 404 : status
            #expect(await client.ask("GET", target).status == expected, "\(target)")
        }
        #expect(await client.post(Self.list, #"{"instruction":"hello"}"#).status == status)
        #expect(client.workspaces.state.withLock { $0.projects.count } == (status == 200 ? 1 : 0))
        // It says nothing, to anybody.
        #expect(await client.ask("GET", "/healthz", [("Host", "evil.test")]).json == ["status": "ok"])
    }

    /// A watchdog that is refused for want of a token lets the service manager kill a server that works.
    @Test func theServersOwnLookNeedsNoToken() async throws {
        var client = try Client(["API_TOKEN": Self.token])
        client.peer = HTTPPeer(kind: .unix, address: "unix", uid: 1000)
        #expect(await client.ask("GET", "/readyz").status == 401)
        client.peer = HTTPPeer(kind: .itself, address: "itself", uid: 1000)
        #expect(await client.ask("GET", "/readyz").status == 200)
    }

    @Test func unixClientsNameAnyHost() async throws {
        var client = try Client()
        client.peer = HTTPPeer(kind: .unix, address: "unix", uid: 1000)
        #expect(await client.ask("GET", Self.list, [("Host", "anything.test")]).status == 200)
    }

    @Test(arguments: [
        ("Bearer \(token)", 200), ("bearer \(token)", 200), ("BEARER   \(token)", 200), ("Bearer \(token)x", 401),
        ("Bearer \(token.dropLast())", 401), ("Bearer ", 401), ("Bearer", 401), ("Basic \(token)", 401), (token, 401),
        ("Bearer \(token.lowercased())", 401), ("Bearer\t\(token)", 401), ("", 401),
    ])
    func tokensAreCompared(field: String, status: Int) async throws {
        var client = try Client(["API_TOKEN": Self.token])
        for kind in [HTTPPeer.Kind.loopback, .unix, .remote] {
            client.peer = HTTPPeer(kind: kind, address: "x", uid: nil)
            let answer = await client.ask("GET", Self.list, [("Authorization", field)])
            #expect(answer.status == status)
            if status == 401 {
                #expect(answer.headers["WWW-Authenticate"] == "Bearer realm=\"codex-sandbox\"")
                #expect(answer.json?["error"] as? String == "unauthorized")
            }
        }
    }

    @Test func pagesNeedNoTokenAndDataDoes() async throws {
        let client = try Client(["API_TOKEN": Self.token])
        for target in ["/", "/docs", "/openapi.json", "/healthz"] {
            #expect(await client.ask("GET", target).status == 200)
        }
        for target in [Self.list, "/metrics", "/readyz", "/api/v1/policies", "/nope", "/api/v1/projects"] {
            #expect(await client.ask("GET", target).status == 401, "\(target)")
        }
        // A browser sends no token with a preflight.
        let asked = [("Origin", "http://localhost:3000"), ("Access-Control-Request-Method", "POST")]
        #expect(await client.ask("OPTIONS", Self.list, asked).status == 200)
        #expect(await client.ask("OPTIONS", Self.list).status == 401)
        let twice = [("Authorization", "Bearer \(Self.token)"), ("Authorization", "Bearer \(Self.token)")]
        #expect(await client.ask("GET", Self.list, twice).status == 401)
    }

    @Test func uploadsAreRefusedBeforeTheirBody() throws {
        let client = try Client(["API_TOKEN": Self.token])
        guard case .answer(let response) = client.api.accept(client.head("PUT", Array("/api/v1/x/raw/a".utf8), []))
        else {
            Issue.record("the body is wanted")
            return
        }
        #expect(response.status == 401)
    }
}
