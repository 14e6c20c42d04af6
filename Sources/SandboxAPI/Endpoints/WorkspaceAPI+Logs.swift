internal import WebTransport
internal import WorkspaceStore
internal import Workspaces

extension WorkspaceAPI {
    /// Of one answer, in bytes of output.
    static let logLimit = 4 << 20
    private static let eventPage = 256

    /// A job's output, as far as one answer holds it.
    private struct Logs {
        var entries: [JobEvent] = []
        var dropped = "0"
        /// The number to go on behind, if there is more.
        var next: Int64?
    }

    func readJobLogs(_ call: Call) throws(APIError) -> HTTPResponse {
        let job = try job(call)
        let query = call.query
        let stream: String
        let after: Int
        do throws(ValidationFailure) {
            stream = try query.word("stream", of: ["both", "stdout", "stderr"])
            after = try query.integer("after", in: 0...Int.max, or: 0)
        } catch {
            throw APIError(error)
        }
        let logs = try logs(of: job.id, stream, after: Int64(after))
        var fields: HTTPHeaders = ["Vary": "Accept"]
        if let next = logs.next { fields.add("X-Next-After", String(next)) }
        let type = MediaRange.best(of: ["text/plain", "application/json"], for: call.head.headers)
        guard type == "application/json" else {
            fields.add("Content-Type", "text/plain; charset=utf-8")
            fields.add("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
            return HTTPResponse(status: 200, headers: fields, body: .bytes(logs.entries.flatMap(\.data)))
        }
        let body = JSONText.bytes(reserving: logs.entries.reduce(256) { $0 + $1.data.count + 128 }) { json in
            json.object { json in
                json.member("job_id", job.id)
                json.member("stream", stream)
                json.member("entries", array: logs.entries) { json, entry in
                    json.object { json in
                        json.member("number", entry.number)
                        json.member("at", entry.at)
                        json.member("stream", entry.kind.rawValue)
                        json.data(entry.data)
                    }
                }
                json.key("dropped_bytes")
                if let count = Int64(logs.dropped) { json.integer(count) } else { json.null() }
                json.key("next")
                if let next = logs.next { json.integer(next) } else { json.null() }
            }
        }
        return .json(body, fields)
    }

    private func logs(of job: String, _ stream: String, after: Int64) throws(APIError) -> Logs {
        var logs = Logs()
        var last = after
        var size = 0
        while true {
            let page = try asking { () throws(WorkspaceError) in
                try service.events(of: job, after: last, limit: WorkspaceAPI.eventPage)
            }
            guard !page.isEmpty else { return logs }
            for event in page {
                switch event.kind {
                case .stdout, .stderr:
                    guard stream == "both" || stream == event.kind.rawValue else { break }
                    // One piece always fits, so that whoever goes on gets on.
                    if size > 0 && size + event.data.count > WorkspaceAPI.logLimit {
                        logs.next = last
                        return logs
                    }
                    size += event.data.count
                    logs.entries.append(event)
                case .dropped: logs.dropped = String(decoding: event.data, as: UTF8.self)
                case .state, .worker: break
                }
                last = event.number
            }
        }
    }
}
