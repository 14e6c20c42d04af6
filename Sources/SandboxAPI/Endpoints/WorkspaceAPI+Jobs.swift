internal import SandboxPlan
internal import WebTransport
internal import WorkspaceStore
internal import Workspaces

extension WorkspaceAPI {
    func addJob(_ call: Call, _ request: HTTPRequest) throws(APIError) -> Reply {
        // The body comes first, as in the original (ORC-06).
        let wanted = try InstructionBody.job(request)
        let project = try call.project()
        let service = service
        return queueing(call, project) { (waits: Bool) async throws(WorkspaceError) in
            try await service.addJob(to: project, type: wanted.type, instruction: wanted.instruction, waits: waits)
        }
    }

    func rerunJob(_ call: Call) throws(APIError) -> Reply {
        let (project, job) = try ids(call)
        let service = service
        return queueing(call, project) { (waits: Bool) async throws(WorkspaceError) in
            try await service.rerunJob(job, of: project, waits: waits)
        }
    }

    private func queueing(
        _ call: Call,
        _ project: String,
        _ make: @escaping @Sendable (_ waits: Bool) async throws(WorkspaceError) -> Job
    ) -> Reply {
        let isAsync = FieldText.prefersAsync(call.head.headers.all("Prefer"))
        let (prefix, note) = (prefix, call.note)
        return .later { () async throws(APIError) -> HTTPResponse in
            let job = try await WorkspaceAPI.awaiting(tooMuch: 429) { () async throws(WorkspaceError) in
                try await make(!isAsync)
            }
            note?.made(job: job.id)
            let body = JSONText.bytes { $0.job(job) }
            return WorkspaceAPI.answer(body, isQueued: isAsync, location: "\(prefix)/\(project)/jobs/\(job.id)")
        }
    }

    func ids(_ call: Call) throws(APIError) -> (project: String, job: String) {
        (try call.project(), try call.job())
    }

    /// The job that is asked for, of the project that is.
    func job(_ call: Call) throws(APIError) -> Job {
        let (project, id) = try ids(call)
        return try asking { () throws(WorkspaceError) in try service.job(id, of: project) }
    }

    func listJobs(_ call: Call) throws(APIError) -> HTTPResponse {
        let (limit, after, status) = try page(call)
        let project = try call.project()
        let (jobs, next) = try paging(after) { () throws(WorkspaceError) in
            let page = try service.jobs(of: project, in: status, limit: limit, after: after)
            guard let last = page.last?.id else { return (page, String?.none) }
            // A page may end early, by its size: whether there is more is asked for.
            return (page, try service.jobs(of: project, in: status, limit: 1, after: last).isEmpty ? nil : last)
        }
        let entries = jobs.map { (job: $0, position: service.queuePosition($0.id)) }
        return .json(
            JSONText.bytes(reserving: 512 * (jobs.count + 1)) { json in
                json.object { json in
                    json.member("jobs", array: entries) { $0.job($1.job, queuePosition: $1.position) }
                    json.member("next", orNull: next)
                }
            }
        )
    }

    func readJob(_ call: Call) throws(APIError) -> HTTPResponse {
        WorkspaceAPI.detail(try job(call), service, prefix)
    }

    static func detail(_ job: Job, _ service: any WorkspaceService, _ prefix: String) -> HTTPResponse {
        let logs = "\(prefix)/\(job.projectID)/jobs/\(job.id)/logs"
        let position = job.status == .queued ? service.queuePosition(job.id) : nil
        return .json(JSONText.bytes(reserving: 1024) { $0.job(job, queuePosition: position, logsPath: logs) })
    }

    func cancelJob(_ call: Call) throws(APIError) -> Reply {
        let (project, id) = try ids(call)
        let service = service
        let prefix = prefix
        return .later { () async throws(APIError) -> HTTPResponse in
            let job = try await WorkspaceAPI.awaiting(tooMuch: 503) { () async throws(WorkspaceError) in
                try await service.cancelJob(id, of: project)
            }
            return WorkspaceAPI.detail(job, service, prefix)
        }
    }

    func readJobEvidence(_ call: Call) throws(APIError) -> Reply {
        let (project, id) = try ids(call)
        let service = service
        return drafted { () throws(APIError) -> Draft in
            let records: [UInt8]
            do throws(WorkspaceError) {
                records = try service.evidence(of: id, in: project)
            } catch { throw APIError(error) }
            return Draft("application/jsonl", size: records.count) { records }
        }
    }

    func readJobChanges(_ call: Call) throws(APIError) -> Reply {
        let (project, id) = try ids(call)
        let service = service
        let type = MediaRange.best(of: ["application/json", "text/x-diff"], for: call.head.headers)
        return drafted { () throws(APIError) -> Draft in
            let found: JobChanges
            do throws(WorkspaceError) {
                found = try service.changes(of: id, in: project)
            } catch { throw APIError(error) }
            let words = found.changes.reduce(0) { $0 + $1.path.bytes.count + ($1.difference?.utf8.count ?? 0) }
            guard type == "application/json" else {
                return Draft("text/x-diff; charset=utf-8", ["Vary": "Accept"], size: words) {
                    found.changes.flatMap { Array(($0.difference ?? "").utf8) }
                }
            }
            let size = Draft.escapedSize(words, parts: found.changes.count)
            return Draft("application/json", ["Vary": "Accept"], size: size) {
                JSONText.bytes { json in
                    json.object { json in
                        json.member("job_id", id)
                        json.member("changes", array: found.changes) { $0.change($1) }
                        json.member("truncated", found.isCut)
                    }
                }
            }
        }
    }
}
