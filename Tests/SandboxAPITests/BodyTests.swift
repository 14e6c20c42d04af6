import Foundation
import Fuzzing
import Testing
import WorkspaceStore

@testable import SandboxAPI
@testable import SandboxRuntime

/// Bodies of requests, judged as the original judges them (ORC-10…15).
@Suite struct BodyTests {
    /// Every body of the table gets the status and the answer that FastAPI gave.
    @Test func answersAreTheOriginals() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        var tried = 0
        for line in BodyCases.lines.split(separator: "\n") {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let entry = try #require(object as? [String: Any])
            let text = try #require(entry["body"] as? String)
            let body = try #require(Data(base64Encoded: text))
            let isProject = entry["route"] as? String == "p"
            let type = (entry["type"] as? String).map { [("Content-Type", $0)] } ?? []
            let target = isProject ? "/api/v1/projects/" : "/api/v1/\(id)/jobs"
            let answer = await client.ask("POST", target, type, body: Array(body))
            let shown = "\(String(decoding: body.prefix(200), as: UTF8.self)) \(type)"
            let status = try #require(entry["status"] as? Int)
            #expect(answer.status == status, "\(shown): \(answer.text)")
            let expected = try #require(entry["answer"] as? NSDictionary)
            if status == 200 {
                #expect(answer.json?["instruction"] as? String == expected["ok"] as? String, "\(shown)")
                #expect(isProject || answer.json?["job_type"] as? String == expected["job_type"] as? String, "\(shown)")
            } else {
                #expect(answer.json == expected, "\(shown)\n\(answer.text)\n\(expected)")
            }
            tried += 1
        }
        #expect(tried > 650)
    }

    /// What the original answers with 500 (seed-features, 9), or takes though it is no JSON.
    @Test(arguments: [
        (#"{"instruction":"\ud800abcde"}"#, 422), (#"{"instruction":NaN}"#, 422), (#"{"instruction":1e400}"#, 422),
        (#"{"instruction":"hello","x":Infinity}"#, 422),
        (String(repeating: "[", count: 5000), 400), (#"{"instruction":"hello","x":1e400}"#, 200),
        ("[" + String(repeating: "9", count: 5000) + "]", 422),
    ])
    func noBodyIsAFault(body: String, status: Int) async throws {
        let client = try Client()
        #expect(await client.post("/api/v1/projects/", body).status == status, "\(body.prefix(50))")
    }

    /// A large value is shown by its beginning: an answer that is a copy of the request helps nobody.
    @Test(arguments: [
        (#"{"instruction":"\#(String(repeating: "é", count: 200_000))"}"#, "string_too_long"),
        (#"{"instruction":["\#(String(repeating: "x\",\"", count: 100_000))"]}"#, "string_type"),
        (#"{"x":[\#(String(repeating: "{\"a\":1},", count: 50_000))1],"instruction":1}"#, "string_type"),
        (#"{"\#(String(repeating: "k", count: 500_000))":1}"#, "missing"),
        ("[\(String(repeating: "1,", count: 200_000))1]", "model_attributes_type"),
        (#"{"instruction":1\#(String(repeating: "0", count: 100_000))}"#, "string_type"),
    ])
    func whatIsEchoedIsBounded(body: String, type: String) async throws {
        let client = try Client()
        let answer = await client.post("/api/v1/projects/", body)
        #expect(answer.status == 422 && answer.bytes.count < 3 * EchoedInput.limit, "\(answer.bytes.count)")
        let item = try #require((answer.json?["detail"] as? [NSDictionary])?.first)
        #expect(item["type"] as? String == type && item["input"] != nil)
        // And a smaller one whole.
        let small = await client.post(
            "/api/v1/projects/",
            #"{"instruction":["\#(String(repeating: "x", count: 9000))"]}"#
        )
        #expect(small.text.contains(String(repeating: "x", count: 9000)))
    }

    @Test func depthHasAnEdge() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try JSONRequestReader.value(in: nested(JSONRequestReader.depthLimit))
        #expect(throws: JSONRequestError(reason: .tooDeep, offset: 0)) {
            try JSONRequestReader.value(in: nested(JSONRequestReader.depthLimit + 1))
        }
    }

    @Test func otherContentTypesAreNoObjects() async throws {
        let client = try Client()
        for type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json", "text/json"] {
            let body = Array(#"{"instruction":"hello"}"#.utf8) + [0xFF]
            let answer = await client.ask("POST", "/api/v1/projects/", [("Content-Type", type)], body: body)
            #expect(answer.status == 422)
            let item = (answer.json?["detail"] as? [NSDictionary])?.first
            #expect(item?["type"] as? String == "model_attributes_type")
            #expect(item?["input"] as? String == "{\"instruction\":\"hello\"}\u{FFFD}")
        }
    }

    /// A body is judged before the project is looked for (ORC-06).
    @Test func bodyComesBeforeTheProject() async throws {
        let client = try Client()
        let missing = FakeWorkspaces.id(77, 1)
        #expect(await client.post("/api/v1/\(missing)/jobs", "{}").status == 422)
        let answer = await client.post("/api/v1/\(missing)/jobs", #"{"job_type":"edit","instruction":"x"}"#)
        #expect(answer.status == 404)
        #expect(answer.detail == "Project not found")
        #expect(await client.post("/api/v1/~/jobs", "{}").status == 422)
        #expect(await client.post("/api/v1/~/jobs", #"{"job_type":"edit","instruction":"x"}"#).status == 404)
    }

    @Test func policyIsOursAndOptional() async throws {
        let client = try Client()
        #expect(await client.post("/api/v1/projects/", #"{"instruction":"hello","policy":null}"#).status == 200)
        #expect(await client.post("/api/v1/projects/", #"{"instruction":"hello","policy":"read-only"}"#).status == 200)
        for policy in [#""other""#, "5"] {
            let answer = await client.post("/api/v1/projects/", #"{"instruction":"hello","policy":\#(policy)}"#)
            #expect(answer.status == 422)
            #expect((answer.json?["detail"] as? [NSDictionary])?.first?["loc"] as? [String] == ["body", "policy"])
        }
    }

    /// The dialect of records is as strict as it was.
    @Test func recordsHaveNoFractions() throws {
        for text in ["1.5", "1e3", "12345678901234567890", "{\"a\":1,\"a\":2}"] {
            #expect(throws: JSONError.self) { try JSONReader.value(in: Array(text.utf8)) }
            #expect(throws: Never.self) { try JSONRequestReader.value(in: Array(text.utf8)) }
        }
        #expect(
            try JSONRequestReader.value(in: Array("{\"b\":1,\"a\":1,\"b\":2.50,\"a\":3,\"b\":4}".utf8)) == [
                "a": 3, "b": 4,
            ]
        )
        #expect(try JSONRequestReader.value(in: Array("[2.50]".utf8)).canonical.text == "[2.50]")
    }

    /// Whatever the bytes are: a value that Foundation has too, or an error.
    @Test func readerAgreesWithFoundation() {
        let seeds = BodyCases.lines.split(separator: "\n").prefix(300).compactMap { line in
            ((try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any])
                .flatMap { Data(base64Encoded: $0["body"] as? String ?? "") }.map { Array($0) }
        }
        var fuzzing = Fuzzing(
            seeds,
            words: ["{", "}", "[", "]", "\"", "\\u", ":", ",", "null", "1.5e3"],
            lengthLimit: 4096
        )
        let tally = fuzzing.run { bytes in
            guard let value = try? JSONRequestReader.value(in: bytes) else { return false }
            let again = value.canonical.bytes
            #expect((try? JSONRequestReader.value(in: again)) == value)
            return true
        }
        #expect(tally.taken > 0 && tally.refused > 0)
    }
}
