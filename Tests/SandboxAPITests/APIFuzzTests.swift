import Foundation
import Fuzzing
import Synchronization
import Testing
import WebTransport

@testable import SandboxAPI
@testable import SandboxRuntime

/// Runs what it is given at once, on the thread that gives it.
private final class InPlace: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        UnownedJob(job).runSynchronously(on: asUnownedTaskExecutor())
    }
}

/// Whatever a client sends: an answer in its shape, never a fault of ours.
@Suite struct APIFuzzTests {
    private func ask(_ client: Client, _ head: HTTPRequestHead, _ body: [UInt8]) -> Int {
        var request = HTTPRequest(head: head, body: body)
        var taken: (any HTTPBodySink)?
        switch client.api.accept(head) {
        case .answer(let response): return check(response)
        case .body(let limit):
            if body.count > limit { return check(client.api.refusal(413, reason: "x", head: head, peer: nil)) }
        case .sink(let sink, _):
            request.body = []
            taken = sink
            if let response = body.withUnsafeBytes({ sink.take($0) }) { return check(response) }
        }
        switch client.api.answer(request, sink: taken) {
        case .now(let response): return check(response)
        case .later(let make):
            let done = Mutex<HTTPResponse?>(nil)
            // Here and now: the workspaces of these tests never wait.
            Task(executorPreference: InPlace()) {
                let response = await make()
                done.withLock { $0 = response }
            }
            return done.withLock { $0.map { check($0) } } ?? 0
        }
    }

    private func check(_ response: HTTPResponse) -> Int {
        #expect(response.status < 500)
        #expect(response.headers["X-Request-ID"] != nil)
        for field in response.headers.fields {
            #expect(field.value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "\(field)")
        }
        if response.status >= 400, case .bytes(let bytes) = response.body {
            // Not by Foundation, which takes no number beyond a double, such as an echoed 1e400.
            let json = try? JSONRequestReader.value(in: bytes)
            #expect(json?["code"]?.integer == Int64(response.status))
            #expect(json?["error"]?.string != nil && json?["message"]?.string != nil)
        }
        return response.status
    }

    private func client() async throws -> (Client, String, String) {
        let client = try Client()
        let (id, job) = try await client.project()
        return (client, id, job)
    }

    @Test func targetsAreAnswered() async throws {
        let (client, id, job) = try await client()
        let templates = Endpoint.table.flatMap { $0.templates(prefix: "/api/v1") }
        let seeds = templates.map { template in
            Array(
                template.replacing("{project_id}", with: id).replacing("{job_id}", with: job)
                    .replacing("{path}", with: "app.py").utf8
            )
        }
        let queries = ["?limit=3&after=x", "?stream=stdout", "?last_event_id=2", "?after=5", "?%zz=%", "?a&&=&b=+%20"]
        var fuzzing = Fuzzing(
            seeds + queries.map { Array("/api/v1/\(id)/jobs/\(job)/logs\($0)".utf8) },
            words: ["..", "//", "%2e", "%2F", "%00", "%", "projects", "/files/", "/raw/", "?", "\u{0}", "\r\n"],
            lengthLimit: 8192
        )
        let methods = ["GET", "HEAD", "OPTIONS", "POST", "PATCH", "TRACE", "get", ""]
        var turn = 0
        let tally = fuzzing.run { target in
            turn += 1
            return ask(client, client.head(methods[turn % methods.count], target, []), []) < 400
        }
        #expect(tally.taken > 0 && tally.refused > 0)
    }

    @Test func fieldsAreAnswered() async throws {
        let (client, id, _) = try await client()
        let names = [
            "Host", "Origin", "Range", "If-Range", "If-None-Match", "If-Match", "Accept", "Prefer", "Content-Type",
            "Access-Control-Request-Method", "Access-Control-Request-Headers", "Authorization", "X-Request-ID",
        ]
        let seeds = [
            "localhost:8000", "[::1]:80", "http://localhost:3000", "bytes=0-5", "\"a\", W/\"b\"", "*",
            "a/b;q=0.5, */*;q=1",
            "respond-async, wait=10", "application/json; charset=utf-8", "POST", "Content-Type, X-A", "Bearer abc",
        ]
        var fuzzing = Fuzzing(
            seeds.map { Array($0.utf8) },
            words: ["\"", ",", ";q=", "bytes=", "-", "://", "[", "]"],
            lengthLimit: 4096
        )
        let targets = [
            "/api/v1/\(id)/raw/app.py", "/api/v1/projects/", "/api/v1/\(id)/files", "/docs", "/api/v1/projects",
        ]
        var turn = 0
        let tally = fuzzing.run { bytes in
            turn += 1
            let value = String(decoding: bytes, as: UTF8.self)
            let method = ["GET", "POST", "OPTIONS", "PUT", "HEAD", "DELETE"][turn / names.count % 6]
            var fields = [(names[turn % names.count], value)]
            if turn % 3 == 0 { fields.append(("Origin", "http://localhost:3000")) }
            if turn % 5 == 0 { fields.append((names[turn / 7 % names.count], value)) }
            let target = method == "DELETE" ? "/api/v1/\(id)/raw/none" : targets[turn / 5 % targets.count]
            return ask(client, client.head(method, Array(target.utf8), fields), Array(#"{"instruction":"hello"}"#.utf8))
                < 400
        }
        #expect(tally.taken > 0 && tally.refused > 0)
    }

    @Test func bodiesAreAnswered() async throws {
        let (client, id, _) = try await client()
        let seeds = [
            #"{"instruction":"hello"}"#, #"{"job_type":"edit","instruction":"x","policy":"read-only"}"#,
            "[1,2.5e3,null,true]",
        ]
        var fuzzing = Fuzzing(
            seeds.map { Array($0.utf8) },
            words: ["\"", "\\u", "{", "}", ":", "instruction"],
            lengthLimit: 8192
        )
        var turn = 0
        let tally = fuzzing.run { bytes in
            turn += 1
            let target = turn % 2 == 0 ? "/api/v1/projects/" : "/api/v1/\(id)/jobs"
            let fields = turn % 9 == 0 ? [] : [("Content-Type", "application/json")]
            return ask(client, client.head("POST", Array(target.utf8), fields), bytes) < 400
        }
        #expect(tally.taken > 0 && tally.refused > 0)
    }

    /// The parts of a head that say numbers and lists: what they come to is always something that can be served.
    @Test func conditionsAndPlacesAreRead() {
        let seeds = [
            "bytes=0-5", "bytes=-7", "bytes=3-", "bytes=0-0,5-9", "\"a\", W/\"b\"", "*", "42", "a/b;q=0.5, */*;q=1",
            "respond-async, wait=10", "text/html;level=1",
        ]
        var fuzzing = Fuzzing(
            seeds.map { Array($0.utf8) },
            words: ["bytes=", "-", ",", "\"", "W/", ";q=", "*", "0.0000001"],
            lengthLimit: 2048
        )
        var size: UInt64 = 0
        let tally = fuzzing.run { bytes in
            // Small and large files, the empty one and the largest among them.
            size = size &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let length = [0, 1, 10, size >> 40, size, .max][Int(size >> 33) % 6]
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(EventFeed.number(text) >= 0)
            let headers: HTTPHeaders = ["Range": text, "If-None-Match": text, "Accept": text]
            _ = EntityTags(headers, "If-None-Match")?.matchesWeakly("\"a\"")
            _ = FieldText.prefersAsync([text])
            #expect(["a/b", "c/d"].contains(MediaRange.best(of: ["a/b", "c/d"], for: headers)))
            let range = ByteRange(headers, size: length, tag: "\"a\"")
            guard case .part(let offset, let count) = range else { return range == .unsatisfiable }
            #expect(count > 0 && offset < length && count <= length - offset, "\(text) of \(length)")
            return true
        }
        #expect(tally.taken > 0 && tally.refused > 0)
    }

    @Test func dotEnvFilesAreRead() {
        var fuzzing = Fuzzing(
            ["A=1\nexport B='x'\n# c\n", "C=\"a\\nb\" # d\nD=x # y\r\n"].map { Array($0.utf8) },
            words: ["=", "'", "\"", "\n", "export "]
        )
        let tally = fuzzing.run { bytes in
            do throws(DotEnvError) {
                return try !DotEnvFile(bytes).values.isEmpty
            } catch {
                #expect(error.line >= 0 && error.line <= bytes.count + 1)
                return false
            }
        }
        #expect(tally.taken > 0 && tally.refused > 0)
    }

    @Test func textIsWrittenAsItWasMeant() {
        var fuzzing = Fuzzing([Array("aé\u{1F600}\"\\\n\u{0}".utf8), [0xED, 0xA0, 0x80, 0xF4, 0x90]])
        let tally = fuzzing.run { bytes in
            var exact = false
            let json = JSONText.bytes { json in exact = bytes.withUnsafeBufferPointer { json.text($0) } }
            #expect(exact == (String(validating: bytes, as: UTF8.self) != nil))
            #expect(String(validating: json, as: UTF8.self) != nil)
            #expect(JSONText.isReadBack(json, exact ? bytes : nil))
            return exact
        }
        #expect(tally.taken > 0 && tally.refused > 0)
    }
}
