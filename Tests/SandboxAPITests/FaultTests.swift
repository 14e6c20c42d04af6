import Foundation
import Synchronization
import Testing
import WebTransport
import Workspaces

@testable import SandboxAPI

/// Whose fault it is: what the operator has to look at, and what a client did.
@Suite struct FaultTests {
    /// ORC-18: at the level of errors, with what is known in the log and nowhere else.
    @Test(arguments: [(WorkspaceError.Kind.fault, 500), (.unavailable, 503)])
    func ownFaultsAreErrorsWithTheirDetailInTheLog(kind: WorkspaceError.Kind, status: Int) async throws {
        let client = try Client()
        client.workspaces.state.withLock { $0.fault = WorkspaceError(kind, "words", detail: "why\n/srv/secret") }
        for (method, path, body) in [
            ("POST", "/api/v1/projects/", #"{"instruction":"hello"}"#), ("GET", "/api/v1/projects/", ""),
        ] {
            let fields = body.isEmpty ? [] : [("Content-Type", "application/json")]
            let answer = await client.ask(method, path, fields, body: Array(body.utf8))
            #expect(answer.status == status)
            let entry = try #require(client.log.last)
            #expect(entry.level == .error && entry.status == status)
            #expect(entry.detail == #"why\n/srv/secret"# && entry.description.hasSuffix(#" detail=why\n/srv/secret"#))
            #expect(!answer.text.contains("secret") && !answer.text.contains("why"), "\(answer.text)")
            #expect(answer.headers["X-Request-ID"] == entry.correlationID)
            let fieldsOfAnswer = "\(answer.headers)"
            #expect(!fieldsOfAnswer.contains("secret"))
        }
    }

    /// A response that cannot be sent is a fault as well, whose words stay here.
    @Test func theTransportsFaultIsOneToo() throws {
        let client = try Client()
        let response = client.api.refusal(500, reason: "why: /srv/secret", head: nil, peer: nil)
        #expect(response.status == 500 && client.log.last?.level == .error)
        #expect(client.log.last?.detail == "why: /srv/secret")
        let body = try object(response)
        #expect(body == ["error": "internal_error", "message": "Internal server error", "code": 500])
    }

    /// Another version of HTTP is the client's choice, not a fault of the server, though its status begins with 5.
    @Test func anotherVersionIsTheClients() throws {
        let client = try Client()
        let response = client.api.refusal(505, reason: "HTTP/1.1 and HTTP/1.0 are spoken", head: nil, peer: nil)
        #expect(response.status == 505)
        #expect(
            try object(response) == [
                "error": "http_error", "message": "HTTP error", "code": 505,
                "detail": "HTTP/1.1 and HTTP/1.0 are spoken",
            ]
        )
        #expect(client.log.last?.level == .warning && client.log.last?.status == 505)
    }

    /// Every status that the server says, with the words that `Tests/Support/api/api_suite/client.py` holds clients to (ORC-16).
    @Test(arguments: [
        (400, "bad_request", "Bad request"), (401, "unauthorized", "Unauthorized"), (403, "forbidden", "Forbidden"),
        (404, "not_found", "Not found"), (405, "http_error", "HTTP error"), (408, "http_error", "HTTP error"),
        (409, "conflict", "Conflict"), (411, "http_error", "HTTP error"), (412, "http_error", "HTTP error"),
        (413, "http_error", "HTTP error"), (414, "http_error", "HTTP error"), (415, "http_error", "HTTP error"),
        (416, "http_error", "HTTP error"), (421, "http_error", "HTTP error"),
        (422, "validation_error", "Validation failed"), (429, "http_error", "HTTP error"),
        (431, "http_error", "HTTP error"), (500, "internal_error", "Internal server error"),
        (501, "not_implemented", "Not implemented"), (503, "unavailable", "Service unavailable"),
        (505, "http_error", "HTTP error"),
    ])
    func everyStatusHasItsWords(status: Int, word: String, words: String) throws {
        let client = try Client()
        let body = try object(client.api.refusal(status, reason: "why", head: nil, peer: nil))
        #expect(body["error"] as? String == word && body["message"] as? String == words)
        #expect(body["code"] as? Int == status && body["detail"] as? String == (status == 500 ? nil : "why"))
    }

    private func object(_ response: HTTPResponse) throws -> NSDictionary {
        guard case .bytes(let bytes) = response.body else { throw NotBytes() }
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
    }

    private struct NotBytes: Error {}
}
