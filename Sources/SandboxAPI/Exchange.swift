internal import Synchronization
internal import WebTransport

/// One request from its being complete to its answer: what the log and every answer need.
struct Exchange: Sendable {
    let head: HTTPRequestHead
    let correlationID: String
    /// Nil for what changes nothing.
    let note: CallNote?
    private let start = ContinuousClock.now

    init(_ head: HTTPRequestHead) {
        self.head = head
        note = head.method == "GET" || head.method == "HEAD" ? nil : CallNote()
        correlationID = CorrelationID.of(head)
    }

    var microseconds: Int64 {
        let passed = (ContinuousClock.now - start).components
        return passed.seconds * 1_000_000 + passed.attoseconds / 1_000_000_000_000
    }
}

/// What becomes known of a request on its way, for the log.
final class CallNote: Sendable {
    private let audit = Mutex<LogEntry.Audit?>(nil)

    /// A request that would change something has found its endpoint.
    func begin(_ endpoint: Endpoint, _ target: Router.Target, uid: UInt32?) {
        guard endpoint.method != "GET" else { return }
        // What no id can be is nobody's.
        func id(_ bytes: ArraySlice<UInt8>) -> String? {
            Identifier.isPlausible(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
        }
        let begun = LogEntry.Audit(
            action: endpoint.name.rawValue,
            project: id(target.project),
            job: id(target.job),
            uid: uid
        )
        audit.withLock { $0 = begun }
    }

    func made(project: String) { audit.withLock { $0?.project = project } }

    func made(job: String) { audit.withLock { $0?.job = job } }

    var value: LogEntry.Audit? { audit.withLock { $0 } }
}

/// A request that found its endpoint.
struct Call: Sendable {
    let head: HTTPRequestHead
    let note: CallNote?
    let endpoint: Endpoint
    let target: Router.Target

    init(_ exchange: Exchange, _ endpoint: Endpoint, _ target: Router.Target) {
        head = exchange.head
        note = exchange.note
        self.endpoint = endpoint
        self.target = target
    }

    var isHead: Bool { head.method == "HEAD" }

    var query: QueryParameters { QueryParameters(head.query) }

    /// The project's id; one that no project can have is not looked for.
    func project() throws(APIError) -> String {
        guard Identifier.isPlausible(target.project) else { throw APIError(404, "Project not found") }
        return String(decoding: target.project, as: UTF8.self)
    }

    func job() throws(APIError) -> String {
        guard Identifier.isPlausible(target.job) else { throw APIError(404, "Job not found") }
        return String(decoding: target.job, as: UTF8.self)
    }
}

/// What a handler has for an answer.
enum Reply {
    case now(HTTPResponse)
    case later(@Sendable () async throws(APIError) -> HTTPResponse)
}

/// The fields that keep a browser from taking an answer for more than it is.
enum SecurityFields {
    /// Fields that a handler has set stay.
    static func add(to headers: inout HTTPHeaders) {
        headers.reserve(headers.fields.count + 8)
        headers.set("X-Content-Type-Options", "nosniff")
        headers.set("Referrer-Policy", "no-referrer")
        headers.set("Cross-Origin-Resource-Policy", "same-origin")
        if !headers.contains("Cache-Control") { headers.add("Cache-Control", "no-store") }
        if !headers.contains("Content-Security-Policy") {
            headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        }
    }
}

extension HTTPResponse {
    static func json(_ bytes: [UInt8], status: Int = 200, _ fields: HTTPHeaders = [:]) -> HTTPResponse {
        var headers = fields
        // With those that every answer is given.
        headers.reserve(fields.fields.count + 12)
        headers.add("Content-Type", "application/json")
        return HTTPResponse(status: status, headers: headers, body: .bytes(bytes))
    }

    static func text(_ bytes: [UInt8], _ type: String) -> HTTPResponse {
        HTTPResponse(status: 200, headers: ["Content-Type": type], body: .bytes(bytes))
    }
}

extension APIError {
    var response: HTTPResponse {
        var response = HTTPResponse.json(body, status: status)
        for (name, value) in fields { response.headers.add(name, value) }
        return response
    }
}
