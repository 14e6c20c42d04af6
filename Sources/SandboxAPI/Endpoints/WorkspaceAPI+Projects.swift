internal import SandboxRuntime
internal import WebTransport
internal import WorkspaceStore
internal import Workspaces

extension WorkspaceAPI {
    /// A project with so many jobs shows all of them in its detail.
    static let jobsShown = 1000

    func createProject(_ call: Call, _ request: HTTPRequest) throws(APIError) -> Reply {
        let wanted = try InstructionBody.project(request)
        let isAsync = FieldText.prefersAsync(request.head.headers.all("Prefer"))
        let service = service
        let (prefix, note) = (prefix, call.note)
        return .later { () async throws(APIError) -> HTTPResponse in
            let project: Project
            do throws(WorkspaceError) {
                project = try await service.createProject(
                    instruction: wanted.instruction,
                    policy: wanted.policy,
                    waits: !isAsync
                )
            } catch {
                throw WorkspaceAPI.creationError(error, policy: wanted.policy)
            }
            note?.made(project: project.id)
            let body = JSONText.bytes { $0.project(project) }
            return WorkspaceAPI.answer(body, isQueued: isAsync, location: "\(prefix)/projects/\(project.id)")
        }
    }

    /// A policy that is not known is a fault of the body, and shown as one.
    private static func creationError(_ error: WorkspaceError, policy: String?) -> APIError {
        guard error.kind == .unknownPolicy else { return APIError(error, tooMuch: 429) }
        let input = policy.map { JSONValue.string($0) } ?? .null
        return APIError(ValidationFailure([.wrongValue(["body", "policy"], input: input, error.message)]))
    }

    func listProjects(_ call: Call) throws(APIError) -> HTTPResponse {
        let (limit, after, status) = try page(call)
        let (projects, next) = try paging(after) { () throws(WorkspaceError) in
            let page = try service.projects(in: status, limit: limit, after: after)
            guard let last = page.last?.id else { return (page, String?.none) }
            // A page may end early, by its size: whether there is more is asked for.
            return (page, try service.projects(in: status, limit: 1, after: last).isEmpty ? nil : last)
        }
        let total = try asking { () throws(WorkspaceError) in try countProjects(status) }
        return .json(
            JSONText.bytes(reserving: 512 * (projects.count + 1)) { json in
                json.object { json in
                    json.member("projects", array: projects) { $0.project($1) }
                    json.member("total", total)
                    json.member("next", orNull: next)
                }
            }
        )
    }

    /// What a project's or a job's status can be, in the words of the API.
    static let statuses = JobStatus.allCases.map(\.rawValue)

    /// Which part of a list is asked for.
    func page(_ call: Call) throws(APIError) -> (limit: Int, after: String?, status: JobStatus?) {
        let query = call.query
        do throws(ValidationFailure) {
            let status = try query.choice("status", of: WorkspaceAPI.statuses)
            return (
                try query.integer("limit", in: 1...1000, or: 100), try query.id("after"),
                status.flatMap { JobStatus(rawValue: $0) }
            )
        } catch {
            throw APIError(error)
        }
    }

    /// A page's list; an `after` that names nothing is a fault of the query, and shown as one.
    func paging<Value>(_ after: String?, _ body: () throws(WorkspaceError) -> Value) throws(APIError) -> Value {
        do throws(WorkspaceError) {
            return try body()
        } catch {
            guard error.kind == .noPage else { throw APIError(error) }
            let input = after.map { JSONValue.string($0) } ?? .null
            throw APIError(ValidationFailure([.wrongValue(["query", "after"], input: input, error.message)]))
        }
    }

    func readProject(_ call: Call) throws(APIError) -> HTTPResponse {
        let id = try call.project()
        let project = try asking { () throws(WorkspaceError) in try service.project(id) }
        let jobs = try asking { () throws(WorkspaceError) in
            try service.jobs(of: id, in: nil, limit: WorkspaceAPI.jobsShown, after: nil)
        }
        let path = service.workspacePath(id)
        return .json(
            JSONText.bytes(reserving: 512 * (jobs.count + 1)) { $0.project(project, workspacePath: path, jobs: jobs) }
        )
    }

    func removeProject(_ call: Call) throws(APIError) -> Reply {
        let id = try call.project()
        let service = service
        return .later { () async throws(APIError) -> HTTPResponse in
            try await WorkspaceAPI.awaiting(tooMuch: 503) { () async throws(WorkspaceError) in
                try await service.removeProject(id)
            }
            return HTTPResponse(status: 204)
        }
    }

    func readProjectEvidence(_ call: Call) throws(APIError) -> Reply {
        let id = try call.project()
        let service = service
        return drafted { () throws(APIError) -> Draft in
            let records: [UInt8]
            do throws(WorkspaceError) { records = try service.evidence(of: id) } catch { throw APIError(error) }
            return Draft("application/jsonl", size: records.count) { records }
        }
    }

    func readProjectPlan(_ call: Call) throws(APIError) -> Reply {
        let id = try call.project()
        let (service, heavy) = (service, heavy)
        return .later { () async throws(APIError) -> HTTPResponse in
            let words = try await heavy.run { () throws(APIError) -> String in
                do throws(WorkspaceError) { return try service.explanation(of: id) } catch { throw APIError(error) }
            }
            return .text(Array(words.utf8), "text/plain; charset=utf-8")
        }
    }
}
