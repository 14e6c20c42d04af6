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
        /// Of all entries, in bytes.
        var size = 0
        var dropped = "0"
        /// The number to go on behind, if there is more.
        var next: Int64?
    }

    func readJobLogs(_ call: Call) throws(APIError) -> Reply {
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
        let type = MediaRange.best(of: ["text/plain", "application/json"], for: call.head.headers)
        return drafted { () throws(APIError) -> Draft in
            let logs = try self.logs(of: job.id, stream, after: Int64(after))
            var fields: HTTPHeaders = ["Vary": "Accept"]
            if let next = logs.next { fields.add("X-Next-After", String(next)) }
            // Text has no other place for it: without it what is cut would look whole.
            if logs.dropped != "0" { fields.add("X-Dropped-Bytes", Int64(logs.dropped).map { "\($0)" } ?? "unknown") }
            guard type == "application/json" else {
                fields.add("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
                return Draft("text/plain; charset=utf-8", fields, size: logs.size) { logs.entries.flatMap(\.data) }
            }
            let size = Draft.escapedSize(logs.size, parts: logs.entries.count)
            return Draft("application/json", fields, size: size) { WorkspaceAPI.text(of: logs, job.id, stream) }
        }
    }

    private static func text(of logs: Logs, _ job: String, _ stream: String) -> [UInt8] {
        JSONText.bytes(reserving: logs.size + 128 * logs.entries.count + 256) { json in
            json.object { json in
                json.member("job_id", job)
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
    }

    private func logs(of job: String, _ stream: String, after: Int64) throws(APIError) -> Logs {
        var logs = Logs()
        var last = after
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
                    if logs.size > 0 && logs.size + event.data.count > WorkspaceAPI.logLimit {
                        logs.next = last
                        return logs
                    }
                    logs.size += event.data.count
                    logs.entries.append(event)
                case .dropped: logs.dropped = String(decoding: event.data, as: UTF8.self)
                case .state, .worker: break
                }
                last = event.number
            }
        }
    }
}
