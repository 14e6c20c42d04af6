internal import Glibc
internal import Synchronization
public import WebTransport
public import WorkspaceStore
public import Workspaces

/// The HTTP API over the workspaces.
///
/// A request goes one way: which route, may the client ask, may its page ask, then the handler; and every answer, whoever
/// made it, leaves through `finish`, which adds the fields that all have, counts it and logs it. Safe from any thread.
public final class WorkspaceAPI: HTTPHandler {
    let service: any WorkspaceService
    let files: @Sendable (_ project: String) throws(WorkspaceError) -> any ProjectFiles
    let countProjects: @Sendable (JobStatus?) throws(WorkspaceError) -> Int
    let prefix: String
    let counts = RequestCounts()
    let heavy = HeavyWork()
    private let rules: Mutex<Rules>
    private let router: Router
    private let log: @Sendable (LogEntry) -> Void

    /// What can be changed while the server runs.
    private final class Rules: Sendable {
        let access: AccessRule
        let origins: CORSRule
        let pages: Pages

        init(_ settings: APISettings, ownUID: UInt32) {
            access = AccessRule(settings, ownUID: ownUID)
            origins = CORSRule(settings)
            pages = Pages(settings)
        }
    }

    private let ownUID: UInt32

    /// What a request may bring that needs no body.
    static let strayBodyLimit = 64 << 10
    /// Of one uploaded file, in bytes.
    public static let uploadLimit: UInt64 = 256 << 20

    /// - Parameters:
    ///   - settings: as checked; where the server listens is for whoever starts it.
    ///   - service: what runs the jobs.
    ///   - files: the files of a project; `.noProject` for one that is not there.
    ///   - countProjects: how many there are in all, or of one status.
    ///   - ownUID: the account whose clients are served without a token, the server's own.
    ///   - log: called once for each answer, from any thread.
    public init(
        settings: APISettings,
        service: any WorkspaceService,
        files: @escaping @Sendable (_ project: String) throws(WorkspaceError) -> any ProjectFiles,
        countProjects: @escaping @Sendable (JobStatus?) throws(WorkspaceError) -> Int,
        ownUID: UInt32,
        log: @escaping @Sendable (LogEntry) -> Void
    ) {
        self.service = service
        self.files = files
        self.countProjects = countProjects
        self.log = log
        prefix = settings.apiPrefix
        self.ownUID = ownUID
        rules = Mutex(Rules(settings, ownUID: ownUID))
        router = Router(Endpoint.table, prefix: settings.apiPrefix)
    }

    /// Takes token, hosts, origins and title of other settings for what is asked from now on.
    ///
    /// Where the API lies stays, and whether there is a token has to: who is let in at all was decided with it at the start.
    public func reload(_ settings: APISettings) {
        let changed = Rules(settings, ownUID: ownUID)
        rules.withLock { $0 = changed }
    }

    private var current: Rules { rules.withLock { $0 } }
    var pages: Pages { current.pages }

    // MARK: - HTTPHandler

    public func accept(_ head: HTTPRequestHead) -> HTTPAcceptance {
        switch head.method {
        case "POST", "PUT", "DELETE", "PATCH": break
        // Nothing is read but the head: who asks is looked at once, when it is answered.
        default: return .body(limit: WorkspaceAPI.strayBodyLimit)
        }
        let exchange = Exchange(head)
        do throws(APIError) {
            switch try admit(exchange) {
            case .response(let response, let template): return .answer(finish(response, exchange, template))
            case .call(let call):
                switch call.endpoint.body {
                case nil: return .body(limit: WorkspaceAPI.strayBodyLimit)
                case .json: return .body(limit: InstructionBody.sizeLimit)
                case .bytes:
                    let upload = try upload(call)
                    let sink = UploadSink(upload) { self.finish($0, exchange, call.target.template) }
                    return .sink(sink, limit: WorkspaceAPI.uploadLimit)
                }
            }
        } catch {
            return .answer(finish(error, exchange, template(of: head)))
        }
    }

    public func answer(_ request: HTTPRequest, sink: (any HTTPBodySink)?) -> HTTPAnswer {
        let exchange = Exchange(request.head)
        do throws(APIError) {
            switch try admit(exchange) {
            case .response(let response, let template): return .now(finish(response, exchange, template))
            case .call(let call):
                let template = call.target.template
                switch try reply(to: call, request, sink) {
                case .now(let response): return .now(finish(response, exchange, template))
                case .later(let make):
                    return .later {
                        do throws(APIError) {
                            return self.finish(try await make(), exchange, template)
                        } catch {
                            return self.finish(error, exchange, template)
                        }
                    }
                }
            }
        } catch {
            return .now(finish(error, exchange, template(of: request.head)))
        }
    }

    public func refusal(_ status: Int, reason: String, head: HTTPRequestHead?, peer: HTTPPeer?) -> HTTPResponse {
        let known =
            head
            ?? HTTPRequestHead(
                method: "-",
                path: [],
                query: nil,
                headers: [:],
                peer: peer ?? HTTPPeer(kind: .remote, address: "-", uid: nil)
            )
        let error = status == 500 ? APIError.fault(reason) : APIError(status, reason, log: reason)
        return finish(error, Exchange(known), head.map { template(of: $0) } ?? "-")
    }

    // MARK: - Before the handler

    private enum Admission {
        case response(HTTPResponse, template: String)
        case call(Call)
    }

    private func admit(_ exchange: Exchange) throws(APIError) -> Admission {
        let head = exchange.head
        let match = router.match(head.method, head.path)
        var access = Endpoint.Access.client
        if case .endpoint(let endpoint, let target) = match {
            access = endpoint.access
            exchange.note?.begin(endpoint, target, uid: head.peer.uid)
        }
        let isPreflight = CORSRule.isPreflight(head)
        if access != .everybody {
            try checkAccess(head, needsToken: access == .client && !isPreflight)
        }
        if isPreflight { return .response(try preflight(head), template: template(match)) }
        let isSafe = head.method == "GET" || head.method == "HEAD" || head.method == "OPTIONS"
        if !isSafe && !current.origins.mayChange(head) {
            throw APIError(
                403,
                "A page of this origin may not change anything here; ALLOW_ORIGINS lists those that may"
            )
        }
        switch match {
        case .endpoint(let endpoint, let target): return .call(Call(exchange, endpoint, target))
        case .otherMethods(let methods, let template):
            let allow = ("Allow", methods.joined(separator: ", "))
            guard head.method == "OPTIONS" else { throw APIError(405, "Method Not Allowed", fields: [allow]) }
            return .response(HTTPResponse(status: 204, headers: [allow.0: allow.1]), template: template)
        case .slash(let path, let template):
            return .response(redirect(head, to: path), template: template)
        case .nothing: throw .notFound
        }
    }

    private func checkAccess(_ head: HTTPRequestHead, needsToken: Bool) throws(APIError) {
        switch current.access.verdict(head, needsToken: needsToken) {
        case .allowed: return
        case .noHost: throw APIError(400, "A request has one Host field")
        case .foreignHost:
            throw APIError(421, "This server is not known by that name; ALLOWED_HOSTS lists further ones")
        case .noToken:
            throw APIError(401, "A token is needed", fields: [("WWW-Authenticate", "Bearer realm=\"codex-sandbox\"")])
        case .foreignPeer: throw APIError(403, "Only clients of the server's own account are served without a token")
        }
    }

    private func preflight(_ head: HTTPRequestHead) throws(APIError) -> HTTPResponse {
        let origins = current.origins
        if let refusal = origins.refusal(ofPreflight: head) { throw APIError(400, refusal) }
        var headers: HTTPHeaders = ["Content-Type": "text/plain; charset=utf-8"]
        for (name, value) in origins.preflightFields(for: head) { headers.add(name, value) }
        return HTTPResponse(status: 200, headers: headers, body: .bytes(Array("OK".utf8)))
    }

    /// To the same server, by whatever scheme and name the client came, which behind a proxy only the client knows
    /// (RFC 9110, 10.2.2); the query kept, the method and body to be repeated.
    private func redirect(_ head: HTTPRequestHead, to path: [UInt8]) -> HTTPResponse {
        var location = WorkspaceAPI.sendable(path)
        if let query = head.query { location += "?" + WorkspaceAPI.sendable(query) }
        return HTTPResponse(status: 307, headers: ["Location": location])
    }

    /// Bytes of a target as a header field can have them.
    private static func sendable(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            text += byte > 0x20 && byte < 0x7F ? String(Unicode.Scalar(byte)) : PercentCoding.encoded([byte])
        }
        return text
    }

    private func template(of head: HTTPRequestHead) -> String { template(router.match(head.method, head.path)) }

    private func template(_ match: Router.Match) -> String {
        switch match {
        case .endpoint(_, let target): target.template
        case .otherMethods(_, let template), .slash(_, let template): template
        case .nothing: "-"
        }
    }

    // MARK: - After it

    private func finish(_ error: APIError, _ exchange: Exchange, _ template: String) -> HTTPResponse {
        finish(error.response, exchange, template, detail: error.log)
    }

    private func finish(
        _ response: HTTPResponse,
        _ exchange: Exchange,
        _ template: String,
        detail: String? = nil
    ) -> HTTPResponse {
        var response = response
        SecurityFields.add(to: &response.headers)
        current.origins.mark(&response.headers, for: exchange.head)
        response.headers.set(CorrelationID.field, exchange.correlationID)
        let entry = LogEntry(
            method: LogText.escaped(exchange.head.method, limit: 32),
            route: template,
            status: response.status,
            microseconds: exchange.microseconds,
            correlationID: exchange.correlationID,
            peer: LogText.escaped(exchange.head.peer.address, limit: 128),
            detail: detail.map { LogText.escaped($0) },
            audit: exchange.note?.value
        )
        counts.count(entry)
        log(entry)
        return response
    }
}
