internal import WebTransport
internal import WorkspaceStore
internal import Workspaces

extension WorkspaceAPI {
    /// One handler for each endpoint.
    func reply(to call: Call, _ request: HTTPRequest, _ sink: (any HTTPBodySink)?) throws(APIError) -> Reply {
        switch call.endpoint.name {
        case .landingPage: .now(pages.landing.response(to: call.head))
        case .docsPage: .now(pages.docs.response(to: call.head))
        case .description: .now(pages.description.response(to: call.head))
        case .health: .now(WorkspaceAPI.statusAnswer("ok"))
        case .readiness: .now(try readiness())
        case .metrics: .now(metrics())
        case .listPolicies: .now(listPolicies())
        case .listProjects: .now(try listProjects(call))
        case .createProject: try createProject(call, request)
        case .readProject: .now(try readProject(call))
        case .removeProject: try removeProject(call)
        case .listFiles: try listFiles(call)
        case .readFile: try readFile(call)
        case .readRawFile: .now(try readRawFile(call))
        case .writeRawFile: .now(try finishUpload(call, sink))
        case .removeRawFile: .now(try removeRawFile(call))
        case .readArchive: try readArchive(call)
        case .listPlanted: try listPlanted(call)
        case .removePlanted: try removePlanted(call)
        case .listJobs: .now(try listJobs(call))
        case .addJob: try addJob(call, request)
        case .readJob: .now(try readJob(call))
        case .cancelJob: try cancelJob(call)
        case .rerunJob: try rerunJob(call)
        case .readJobLogs: try readJobLogs(call)
        case .watchJobEvents: .now(try watchJobEvents(call))
        case .readJobChanges: try readJobChanges(call)
        case .readJobEvidence: try readJobEvidence(call)
        case .readProjectEvidence: try readProjectEvidence(call)
        case .readProjectPlan: try readProjectPlan(call)
        }
    }

    /// What the workspaces answer, with their errors as answers.
    func asking<Value>(
        tooMuch: Int = 413,
        _ body: () throws(WorkspaceError) -> Value
    ) throws(APIError) -> Value {
        do throws(WorkspaceError) { return try body() } catch { throw APIError(error, tooMuch: tooMuch) }
    }

    /// The same for what takes its time.
    static func awaiting<Value: Sendable>(
        tooMuch: Int = 413,
        _ body: @Sendable () async throws(WorkspaceError) -> Value
    ) async throws(APIError) -> Value {
        do throws(WorkspaceError) { return try await body() } catch { throw APIError(error, tooMuch: tooMuch) }
    }

    static func statusAnswer(_ word: String) -> HTTPResponse {
        .json(JSONText.bytes { json in json.object { $0.member("status", word) } })
    }

    /// 200, or 202 for a job that has only been queued, with the place to look for it.
    static func answer(_ body: [UInt8], isQueued: Bool, location: String) -> HTTPResponse {
        guard isQueued else { return .json(body) }
        return .json(body, status: 202, ["Location": location, "Preference-Applied": "respond-async"])
    }
}
