import Foundation
import Synchronization
import Testing
import WorkspaceStore
import Workspaces

@testable import SandboxAPI
@testable import WebTransport

/// Asks the API as the transport does: the head first, then the body, then the answer.
struct Client {
    let workspaces = FakeWorkspaces()
    let api: WorkspaceAPI
    let log = Log()
    var peer = HTTPPeer(kind: .loopback, address: "127.0.0.1:40000", uid: 1000)

    final class Log: Sendable {
        let entries = Mutex<[LogEntry]>([])
        var last: LogEntry? { entries.withLock { $0.last } }
    }

    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: HTTPResponse.Body

        var bytes: [UInt8] {
            switch body {
            case .bytes(let bytes): return bytes
            case .stream(let stream): return Answer.all(of: stream)
            case .none, .file: return []
            }
        }

        /// What is there without waiting.
        private static func all(of stream: HTTPStream) -> [UInt8] {
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = piece.withUnsafeMutableBytes { room in
                    room.baseAddress.map { stream.pull(into: $0, room: room.count) } ?? -1
                }
                guard count > 0 else {
                    stream.close()
                    return bytes
                }
                bytes += piece[..<count]
            }
        }

        var text: String { String(decoding: bytes, as: UTF8.self) }

        /// As an independent reader has it; nil for what is no JSON.
        ///
        /// Foundation loses a U+FEFF that stands in a string as it is, so it gets it as an escape.
        var json: NSDictionary? {
            let escaped = text.unicodeScalars.reduce(into: "") { text, scalar in
                if scalar == "\u{FEFF}" { text += "\\ufeff" } else { text.unicodeScalars.append(scalar) }
            }
            return (try? JSONSerialization.jsonObject(with: Data(escaped.utf8))) as? NSDictionary
        }

        var detail: String? { json?["detail"] as? String }
    }

    init(_ settings: [String: String] = [:], ownUID: UInt32 = 1000) throws {
        let workspaces = workspaces
        let log = log
        api = WorkspaceAPI(
            settings: try APISettings { settings[$0] },
            service: workspaces,
            files: { (id) throws(WorkspaceError) in try workspaces.folders.folder(id, of: workspaces) },
            countProjects: { (status) throws(WorkspaceError) in
                workspaces.state.withLock { state in
                    state.projects.filter { status == nil || $0.status == status }.count
                }
            },
            ownUID: ownUID,
            log: { entry in log.entries.withLock { $0.append(entry) } }
        )
    }

    func head(_ method: String, _ target: [UInt8], _ fields: [(String, String)], length: Int? = nil) -> HTTPRequestHead
    {
        var headers = HTTPHeaders()
        if !fields.contains(where: { $0.0 == "Host" }) { headers.add("Host", "localhost:8000") }
        for (name, value) in fields { headers.add(name, value) }
        let mark = target.firstIndex(of: UInt8(ascii: "?"))
        return HTTPRequestHead(
            method: method,
            path: Array(target[..<(mark ?? target.count)]),
            query: mark.map { Array(target[($0 + 1)...]) },
            headers: headers,
            peer: peer,
            contentLength: length.map { UInt64($0) }
        )
    }

    func ask(
        _ method: String,
        _ target: String,
        _ fields: [(String, String)] = [],
        body: [UInt8] = []
    ) async -> Answer {
        await ask(method, bytes: Array(target.utf8), fields, body: body)
    }

    func ask(
        _ method: String,
        bytes target: [UInt8],
        _ fields: [(String, String)] = [],
        body: [UInt8] = []
    ) async -> Answer {
        let head = head(method, target, fields, length: body.count)
        let response = await respond(head, body)
        return Answer(status: response.status, headers: response.headers, body: response.body)
    }

    private func respond(_ head: HTTPRequestHead, _ body: [UInt8]) async -> HTTPResponse {
        var request = HTTPRequest(head: head, body: body)
        var taken: (any HTTPBodySink)?
        switch api.accept(head) {
        case .answer(let response): return response
        case .body(let limit):
            if body.count > limit {
                return api.refusal(413, reason: "The body is too large", head: head, peer: head.peer)
            }
        case .sink(let sink, _):
            request.body = []
            taken = sink
            for start in stride(from: 0, to: body.count, by: 700) {
                let piece = Array(body[start..<min(body.count, start + 700)])
                if let response = piece.withUnsafeBytes({ sink.take($0) }) { return response }
            }
        }
        switch api.answer(request, sink: taken) {
        case .now(let response): return response
        case .later(let make): return await make()
        }
    }

    func post(_ target: String, _ json: String, _ fields: [(String, String)] = []) async -> Answer {
        await ask("POST", target, [("Content-Type", "application/json")] + fields, body: Array(json.utf8))
    }

    /// A project with its first job.
    func project() async throws -> (id: String, job: String) {
        let answer = await post("/api/v1/projects/", #"{"instruction":"  Generate something \n"}"#)
        let id = try #require(answer.json?["id"] as? String)
        let job = try #require(workspaces.state.withLock { $0.jobs.last?.id })
        return (id, job)
    }
}
