internal import SandboxRuntime
internal import WebTransport
internal import WorkspaceStore

/// What the body of a request says, checked in the order and in the words of the original's models (ORC-10…15).
enum InstructionBody {
    /// A body is 2000 characters, each at most twelve bytes as an escape, and what people put around them.
    static let sizeLimit = 1 << 20

    struct ProjectCreate {
        var instruction: String
        /// Ours: the policy of the project's jobs.
        var policy: String?
    }

    struct JobCreate {
        var type: JobType
        var instruction: String
    }

    static func project(_ request: HTTPRequest) throws(APIError) -> ProjectCreate {
        let object = try object(request)
        var faults: [ValidationFailure.Item] = []
        let instruction = self.instruction(object, least: 5, &faults)
        var policy: String?
        switch object["policy"] {
        case nil, .null: break
        case .string(let name): policy = name
        case .some(let other): faults.append(.notText(["body", "policy"], input: other))
        }
        guard let instruction, faults.isEmpty else { throw APIError(ValidationFailure(faults)) }
        return ProjectCreate(instruction: instruction, policy: policy)
    }

    static func job(_ request: HTTPRequest) throws(APIError) -> JobCreate {
        let object = try object(request)
        var faults: [ValidationFailure.Item] = []
        let type = jobType(object, &faults)
        let instruction = self.instruction(object, least: 1, &faults)
        guard let type, let instruction, faults.isEmpty else { throw APIError(ValidationFailure(faults)) }
        return JobCreate(type: type, instruction: instruction)
    }

    private static func instruction(
        _ object: JSONObject,
        least: Int,
        _ faults: inout [ValidationFailure.Item]
    ) -> String? {
        let path: ValidationFailure.Item.Path = ["body", "instruction"]
        guard let value = object["instruction"] else {
            faults.append(.missing(path, input: .object(object)))
            return nil
        }
        guard case .string(let text) = value else {
            faults.append(.notText(path, input: value))
            return nil
        }
        let trimmed = PythonText.trimmed(text)
        let length = trimmed.unicodeScalars.count
        if length == 0 {
            faults.append(.wrongValue(path, input: value, "instruction must not be empty"))
        } else if length < least {
            faults.append(.tooShort(path, input: trimmed, least: least))
        } else if length > 2000 {
            faults.append(.tooLong(path, input: trimmed, most: 2000))
        } else {
            return trimmed
        }
        return nil
    }

    private static func jobType(_ object: JSONObject, _ faults: inout [ValidationFailure.Item]) -> JobType? {
        let path: ValidationFailure.Item.Path = ["body", "job_type"]
        guard let value = object["job_type"] else {
            faults.append(.missing(path, input: .object(object)))
            return nil
        }
        if case .string(let word) = value, let type = JobType(rawValue: word) { return type }
        faults.append(.notOneOf(JobType.allCases.map(\.rawValue), path, input: value))
        return nil
    }

    /// The body as an object, read as JSON where the client calls it so or says nothing (as the original's framework does).
    private static func object(_ request: HTTPRequest) throws(APIError) -> JSONObject {
        if request.body.isEmpty { throw APIError(ValidationFailure([.missing(["body"], input: .null)])) }
        guard isJSON(request.head.headers) else {
            let text = String(decoding: request.body, as: UTF8.self)
            throw APIError(ValidationFailure([.notAnObject(.string(text))]))
        }
        let value: JSONValue
        do throws(JSONRequestError) {
            value = try JSONRequestReader.value(in: request.body)
        } catch {
            switch error.reason {
            case .notUTF8, .tooDeep: throw APIError(400, "There was an error parsing the body")
            case .malformed(let words): throw APIError(ValidationFailure([.notJSON(at: error.offset, words)]))
            }
        }
        switch value {
        case .object(let object): return object
        case .null: throw APIError(ValidationFailure([.missing(["body"], input: .null)]))
        case .array, .string, .integer, .number, .bool: throw APIError(ValidationFailure([.notAnObject(value)]))
        }
    }

    /// `application/json` and `application/….+json`, with any parameters.
    private static func isJSON(_ headers: HTTPHeaders) -> Bool {
        guard let field = headers.all("Content-Type").first else { return true }
        let type = FieldText.list(field, by: ";").first ?? ""
        if field.isEmpty { return true }
        let parts = type.lowercased().split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0] == "application" && (parts[1] == "json" || parts[1].hasSuffix("+json"))
    }
}
