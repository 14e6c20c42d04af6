import SandboxRuntime

/// The routes that the suite calls, and the shapes that it relies on.
struct SuiteAPI {
    static let root = "/api/v1"

    let client: SuiteClient
    /// For one job, in milliseconds.
    let timeout: UInt64

    struct Job {
        var projectID: String
        var id: String
        var status: String
        /// Of the records; nil where the server has none.
        var launch: String?

        var isOver: Bool { status == "completed" || status == "error" }
    }

    struct Project {
        var status: String
        var workspacePath: String
        /// In the order in which they were made.
        var jobs: [String]
    }

    // MARK: - Asking for jobs

    static func body(_ members: [(String, JSONValue)]) -> [UInt8] {
        JSONValue.object(JSONObject(members)).canonical.bytes
    }

    /// The answer to a project that is asked for; it comes when its first job is over.
    func create(
        _ instruction: String,
        policy: String? = nil,
        path: String = "\(root)/projects/",
        prefer: String? = nil,
        within milliseconds: UInt64? = nil,
        _ progress: Progress
    ) throws(SuiteError) -> SuiteResponse {
        var members: [(String, JSONValue)] = [("instruction", .string(instruction))]
        if let policy { members.append(("policy", .string(policy))) }
        return try client.send(
            "POST",
            path,
            body: Self.body(members),
            within: milliseconds ?? timeout,
            prefer: prefer,
            redirects: .one,
            progress: progress
        )
    }

    func edit(_ projectID: String, _ instruction: String, _ progress: Progress) throws(SuiteError) -> SuiteResponse {
        let members: [(String, JSONValue)] = [("job_type", "edit"), ("instruction", .string(instruction))]
        let path = "\(Self.root)/\(projectID)/jobs"
        return try client.send("POST", path, body: Self.body(members), within: timeout, progress: progress)
    }

    // MARK: - Looking

    func get(_ path: String, status: Int = 200) throws(SuiteError) -> SuiteResponse {
        let response = try client.get(path)
        guard response.status == status else {
            throw SuiteError("GET \(path) is answered with \(response.status), not \(status): \(response.beginning)")
        }
        return response
    }

    func project(_ id: String) throws(SuiteError) -> Project {
        let path = "\(Self.root)/projects/\(id)"
        let json = try get(path).json("the answer to GET \(path)")
        guard let jobs = json["jobs"]?.array else { throw SuiteError("GET \(path): the answer has no jobs") }
        var ids: [String] = []
        for job in jobs { ids.append(try Self.identifier(job, "id", "a job of GET \(path)")) }
        return Project(
            status: try Self.text(json, "status", path),
            workspacePath: try Self.text(json, "workspace_path", path),
            jobs: ids
        )
    }

    func job(_ projectID: String, _ id: String) throws(SuiteError) -> Job {
        let path = "\(Self.root)/\(projectID)/jobs/\(id)"
        let json = try get(path).json("the answer to GET \(path)")
        let job = Job(
            projectID: projectID,
            id: id,
            status: try Self.text(json, "status", path),
            launch: json["launch"]?.string
        )
        guard ["queued", "in_progress", "completed", "error"].contains(job.status) else {
            throw SuiteError("GET \(path): the job has the status \(SuiteText.quoted(job.status.utf8.prefix(40)))")
        }
        return job
    }

    /// Paths of the project's files, by either spelling of the route.
    func files(_ response: SuiteResponse) throws(SuiteError) -> [String] {
        guard let files = try response.json("the list of files")["files"]?.array else {
            throw SuiteError("the list of files has no files")
        }
        var paths: [String] = []
        for file in files {
            guard let path = file["path"]?.string, let size = file["size"]?.integer, size >= 0 else {
                throw SuiteError("the list of files has an entry without path or size")
            }
            paths.append(path)
        }
        return paths
    }

    func file(_ projectID: String, _ path: String) throws(SuiteError) -> (response: SuiteResponse, contents: String) {
        let response = try get("\(Self.root)/\(projectID)/files/\(path)")
        let json = try response.json("the answer to files/\(path)")
        guard json["path"]?.string == path, let contents = json["contents"]?.string else {
            throw SuiteError("the answer to files/\(path) has another path, or no contents")
        }
        return (response, contents)
    }

    // MARK: - Waiting

    /// The job when it is over.
    func ended(_ projectID: String, _ id: String, within milliseconds: UInt64, _ progress: Progress) throws(SuiteError)
        -> Job
    {
        let deadline = Deadline(milliseconds: milliseconds)
        while true {
            let job = try job(projectID, id)
            if job.isOver { return job }
            guard !deadline.isPast else {
                throw SuiteError("job \(id) is \(job.status) after \(milliseconds / 1000) s; see --timeout")
            }
            progress.tick()
            try SuiteWait.pause(milliseconds: 500)
        }
    }

    /// The bytes of `.codex/result.json` as soon as it is there.
    func result(_ projectID: String, _ deadline: Deadline, _ progress: Progress) throws(SuiteError) -> [UInt8] {
        let path = "\(Self.root)/\(projectID)/files/.codex/result.json"
        while true {
            let response = try client.get(path)
            if response.status == 200 {
                guard let contents = try response.json("the answer to GET \(path)")["contents"]?.string else {
                    throw SuiteError("GET \(path): the answer has no contents")
                }
                return Array(contents.utf8)
            }
            guard response.status == 404, !deadline.isPast else {
                throw SuiteError("GET \(path) is answered with \(response.status): \(response.beginning)")
            }
            progress.tick()
            try SuiteWait.pause(milliseconds: 500)
        }
    }

    // MARK: - Shapes

    static func text(_ json: JSONValue, _ key: String, _ what: String) throws(SuiteError) -> String {
        guard let text = json[key]?.string else { throw SuiteError("\(what): the answer has no text \(key)") }
        return text
    }

    /// A UUID, as paths may contain it.
    static func identifier(_ json: JSONValue, _ key: String, _ what: String) throws(SuiteError) -> String {
        let text = try text(json, key, what)
        let bytes = Array(text.utf8)
        let dashes = [8, 13, 18, 23]
        let isUUID =
            bytes.count == 36
            && bytes.indices.allSatisfy {
                dashes.contains($0) ? bytes[$0] == UInt8(ascii: "-") : "0123456789abcdef".utf8.contains(bytes[$0])
            }
        guard isUUID else { throw SuiteError("\(what): \(key) is no UUID: \(SuiteText.quoted(bytes.prefix(60)))") }
        return text
    }
}
