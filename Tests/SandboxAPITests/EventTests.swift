import Foundation
import Synchronization
import Testing
import WebTransport
import WorkspaceStore
import Workspaces

@testable import SandboxAPI

@Suite struct EventTests {
    private func event(_ number: Int64, _ kind: JobEvent.Kind, _ data: [UInt8]) -> JobEvent {
        JobEvent(number: number, kind: kind, at: StoredTime(microseconds: number * 1_000_000), data: data)
    }

    private func all(_ feed: EventFeed, room: Int = 4096) -> (text: String, last: HTTPStream.Piece) {
        var text: [UInt8] = []
        while true {
            let piece = feed.next(room: room)
            guard case .bytes(let bytes) = piece else { return (String(decoding: text, as: UTF8.self), piece) }
            #expect(bytes.count <= room)
            text += bytes
        }
    }

    private func client() async throws -> (Client, String, String) {
        let client = try Client()
        let (id, job) = try await client.project()
        client.workspaces.state.withLock { state in
            state.events[job] = [
                event(1, .state, Array("in_progress".utf8)), event(2, .stdout, Array("a\r\n\nid: 9\n".utf8)),
                event(3, .stderr, [0xFF, 0x0A]), event(4, .worker, Array(#"{"b":1.5,"a":"\n"}"#.utf8)),
                event(5, .worker, Array("no json\n\nevent: end".utf8)), event(6, .dropped, Array("17".utf8)),
                event(7, .state, Array("error forced_error".utf8)),
            ]
        }
        return (client, id, job)
    }

    static let expected = """
        id: 1\nevent: state\ndata: {"number":1,"at":"1970-01-01T00:00:01","status":"in_progress","reason":null}\n
        id: 2\nevent: stdout\ndata: {"number":2,"at":"1970-01-01T00:00:02","text":"a\\r\\n\\nid: 9\\n"}\n
        id: 3\nevent: stderr\ndata: {"number":3,"at":"1970-01-01T00:00:03","base64":"/wo="}\n
        id: 4\nevent: worker\ndata: {"number":4,"at":"1970-01-01T00:00:04","event":{"a":"\\n","b":1.5}}\n
        id: 5\nevent: worker\ndata: {"number":5,"at":"1970-01-01T00:00:05","event":"no json\\n\\nevent: end"}\n
        id: 6\nevent: dropped\ndata: {"number":6,"at":"1970-01-01T00:00:06","bytes":17}\n
        id: 7\nevent: state\ndata: {"number":7,"at":"1970-01-01T00:00:07","status":"error","reason":"forced_error"}\n
        event: end\ndata: {"status":"completed"}\n\n
        """

    /// Numbered, each in one piece whatever is in it, and with an end.
    @Test(arguments: [64, 100, 4096]) func finishedJobsAreReplayed(room: Int) async throws {
        let (client, id, job) = try await client()
        let feed = EventFeed(client.workspaces, project: id, job: job, after: 0)
        let (text, last) = all(feed, room: room)
        #expect(text == Self.expected)
        #expect(last == .end)
        #expect(feed.next(room: room) == .end)
    }

    @Test(
        arguments: [
            (nil, 7), ("0", 7), ("3", 4), ("7", 0), ("99", 0), ("x", 7), ("-1", 7), ("3 ", 7), ("", 7), ("+3", 7),
            ("99999999999999999999", 7), ("٣", 7),
        ] as [(String?, Int)]
    )
    func lastEventIDResumes(last: String?, count: Int) async throws {
        let (client, id, job) = try await client()
        let feed = EventFeed(client.workspaces, project: id, job: job, after: EventFeed.number(last))
        let (text, end) = all(feed)
        #expect(text.split(separator: "\n").count { $0.hasPrefix("id: ") } == count)
        #expect(end == .end)
    }

    @Test func runningJobsWait() async throws {
        let (client, id, job) = try await client()
        client.workspaces.state.withLock { state in
            state.jobs[0].status = .inProgress
            state.events[job] = [event(1, .state, Array("in_progress".utf8))]
        }
        let feed = EventFeed(client.workspaces, project: id, job: job, after: 0)
        let (text, wait) = all(feed)
        #expect(text.hasPrefix("id: 1\n"))
        #expect(wait == .waiting)
        client.workspaces.state.withLock { state in
            state.jobs[0].status = .completed
            state.events[job]?.append(event(2, .state, Array("completed".utf8)))
        }
        let (rest, end) = all(feed)
        #expect(rest.hasPrefix("id: 2\n"))
        #expect(rest.hasSuffix("event: end\ndata: {\"status\":\"completed\"}\n\n"))
        #expect(end == .end)
    }

    @Test func removedJobsEnd() async throws {
        let (client, id, job) = try await client()
        let feed = EventFeed(client.workspaces, project: id, job: job, after: 0)
        client.workspaces.state.withLock { $0.jobs = [] }
        #expect(all(feed).text == "event: end\ndata: {\"status\":\"removed\"}\n\n")
        #expect(await client.ask("GET", "/api/v1/\(id)/jobs/\(job)/events").detail == "Job not found")
    }

    @Test func streamHasItsFields() async throws {
        let (client, id, job) = try await client()
        let answer = await client.ask("GET", "/api/v1/projects/\(id)/jobs/\(job)/events?last_event_id=2")
        #expect(answer.headers["Content-Type"] == "text/event-stream")
        #expect(answer.headers["Cache-Control"] == "no-store")
        guard case .stream = answer.body else {
            Issue.record("no stream")
            return
        }
    }

    // MARK: - Logs

    @Test func logsAreBytesOrEntries() async throws {
        let (client, id, job) = try await client()
        let base = "/api/v1/\(id)/jobs/\(job)/logs"
        #expect(await client.ask("GET", base).bytes == Array("a\r\n\nid: 9\n".utf8) + [0xFF, 0x0A])
        #expect(await client.ask("GET", "\(base)?stream=stderr").bytes == [0xFF, 0x0A])
        let accept = [("Accept", "application/json")]
        let json = try #require(await client.ask("GET", "\(base)?stream=both", accept).json)
        #expect(json["dropped_bytes"] as? Int == 17)
        #expect((json["entries"] as? [NSDictionary])?.map { $0["stream"] as? String } == ["stdout", "stderr"])
        // What is let go is told in both forms, whichever stream was asked for; and not where all is kept.
        for query in ["", "?stream=stderr", "?after=4"] {
            for fields in [[], accept] {
                #expect(await client.ask("GET", base + query, fields).headers["X-Dropped-Bytes"] == "17", "\(query)")
            }
        }
        client.workspaces.state.withLock { $0.events[job]?.removeAll { $0.kind == .dropped } }
        #expect(await client.ask("GET", base).headers["X-Dropped-Bytes"] == nil)
        let wrong = await client.ask("GET", "\(base)?stream=out")
        #expect(wrong.status == 422)
        #expect(wrong.text.contains("Input should be 'both', 'stdout' or 'stderr'"))
        #expect(await client.ask("GET", "\(base)?after=2").bytes == [0xFF, 0x0A])
        #expect(await client.ask("GET", "\(base)?after=-1").status == 422)
    }

    @Test func longLogsComeInParts() async throws {
        let (client, id, job) = try await client()
        let piece = [UInt8](repeating: 0x78, count: 1 << 20)
        client.workspaces.state.withLock { state in
            state.events[job] = (1...9).map { event($0, .stdout, piece) }
        }
        let base = "/api/v1/\(id)/jobs/\(job)/logs"
        var after: String? = "0"
        var sizes: [Int] = []
        while let from = after {
            let answer = await client.ask("GET", "\(base)?after=\(from)")
            sizes.append(answer.bytes.count)
            after = answer.headers["X-Next-After"]
        }
        #expect(sizes == [4 << 20, 4 << 20, 1 << 20])
    }
}
