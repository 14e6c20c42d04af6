/// What the server wants done: `.codex/request.json`.
///
/// The file may have been written by an earlier job instead: its bytes are data, its instruction is only compared with
/// words, and never run nor used as a path.
struct JobRequest {
    enum JobType: String {
        case initialProject = "initial_project"
        case edit
    }

    /// In bytes; an instruction has 2000 characters at most, each up to 12 bytes long as an escape.
    static let sizeLimit = 64 << 10
    /// In bytes of UTF-8.
    static let identifierLimit = 128

    var projectID: String
    var jobID: String
    var type: JobType
    var instruction: Instruction

    /// Reads the request of the exchange folder.
    ///
    /// `jobID` is set as soon as it is known: a request that is faulty elsewhere has a result of its own job.
    static func read(from exchange: borrowing Folder, jobID: inout String?) throws(WorkerError) -> JobRequest {
        let path = ".codex/request.json"
        let file: Folder.File?
        do {
            file = try exchange.file("request.json", as: path, limit: sizeLimit)
        } catch {
            throw WorkerError(.invalidRequest, error.text)
        }
        guard let file else { throw WorkerError(.invalidRequest, "\(path) is missing") }
        let value: JSONValue
        do {
            value = try JSONReader.value(in: file.bytes)
        } catch {
            throw WorkerError(.invalidRequest, "\(path) is not JSON: \(error.reason), at byte \(error.offset)")
        }
        guard case .object(let members) = value else {
            throw WorkerError(.invalidRequest, "\(path) holds no JSON object")
        }
        let identifier = try identifier("job_id", in: members)
        jobID = identifier
        return try JobRequest(members, jobID: identifier)
    }

    private init(_ members: [JSONValue.Member], jobID: String) throws(WorkerError) {
        projectID = try JobRequest.identifier("project_id", in: members)
        self.jobID = jobID
        guard let type = JobType(rawValue: try JobRequest.string("job_type", in: members)) else {
            throw WorkerError(.invalidRequest, "job_type must be initial_project or edit")
        }
        self.type = type
        instruction = Instruction(try JobRequest.string("instruction", in: members))
        guard !instruction.isBlank else { throw WorkerError(.invalidRequest, "instruction must not be empty") }
    }

    private static func identifier(_ key: String, in members: [JSONValue.Member]) throws(WorkerError) -> String {
        let text = try string(key, in: members)
        guard !text.isEmpty, text.utf8.count <= identifierLimit else {
            throw WorkerError(.invalidRequest, "\(key) must have 1 to \(identifierLimit) bytes")
        }
        return text
    }

    private static func string(_ key: String, in members: [JSONValue.Member]) throws(WorkerError) -> String {
        guard let member = members.first(where: { $0.key.utf8.elementsEqual(key.utf8) }) else {
            throw WorkerError(.invalidRequest, "\(key) is missing")
        }
        guard case .string(let text) = member.value else {
            throw WorkerError(.invalidRequest, "\(key) must be a string")
        }
        return text
    }
}
