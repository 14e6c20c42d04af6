public import SandboxRuntime

/// What a worker says of its work: `.codex/result.json`, read as something that anybody may have written.
///
/// Members: `status` (`success` or `error`) and `summary`; lists of texts `created_files`, `modified_files`, `errors`, `logs`;
/// optionally `timestamp` and `job_id`. Other members are allowed and dropped. Numbers in it must be whole.
public struct WorkerResult: Hashable, Sendable {
    public enum Status: String, Hashable, Sendable {
        case success
        case error
    }

    public var status: Status
    public var summary: String
    public var createdFiles: [String]
    public var modifiedFiles: [String]
    public var errors: [String]
    public var logs: [String]
    /// As the worker wrote it.
    public var timestamp: String?

    /// Bytes of the file.
    public static let sizeLimit = 1 << 20
    /// Bytes of `summary`.
    public static let summaryLimit = 64 << 10
    /// Texts in each list.
    public static let countLimit = 10_000
    /// Bytes of each of them.
    public static let textLimit = 16 << 10
    /// Bytes of `timestamp`.
    public static let timestampLimit = 64

    /// - Throws: `.notJSON`, `.schema` or `.otherJob`.
    public init(json bytes: [UInt8], job: String) throws(ResultFault) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.value(in: bytes, sizeLimit: WorkerResult.sizeLimit, depthLimit: 16)
        } catch { throw ResultFault(.notJSON, "The worker's result is not JSON: \(error)") }
        guard let object = value.object else { throw ResultFault(.schema, "The worker's result is no object") }
        guard let word = object["status"]?.string, let status = Status(rawValue: word) else {
            throw ResultFault(.schema, "\"status\" of the worker's result is neither \"success\" nor \"error\"")
        }
        self.status = status
        guard let summary = try WorkerResult.text("summary", object["summary"], WorkerResult.summaryLimit) else {
            throw ResultFault(.schema, "\"summary\" of the worker's result is missing")
        }
        self.summary = summary
        createdFiles = try WorkerResult.texts("created_files", object["created_files"])
        modifiedFiles = try WorkerResult.texts("modified_files", object["modified_files"])
        errors = try WorkerResult.texts("errors", object["errors"])
        logs = try WorkerResult.texts("logs", object["logs"])
        timestamp = try WorkerResult.text("timestamp", object["timestamp"], WorkerResult.timestampLimit)
        if let id = object["job_id"] {
            guard id == .string(job) else {
                throw ResultFault(.otherJob, "\"job_id\" of the worker's result is not this job's")
            }
        }
    }

    /// What is kept of it.
    public var json: JSONValue {
        var object = JSONObject([
            ("created_files", .array(createdFiles.map { .string($0) })), ("errors", .array(errors.map { .string($0) })),
            ("logs", .array(logs.map { .string($0) })), ("modified_files", .array(modifiedFiles.map { .string($0) })),
            ("status", .string(status.rawValue)), ("summary", .string(summary)),
        ])
        object.add("timestamp", ifPresent: timestamp.map { .string($0) })
        return .object(object)
    }

    /// The same as text, for the store.
    public var jsonText: String { json.canonical.text }

    // MARK: - Members

    private static func text(_ name: String, _ value: JSONValue?, _ limit: Int) throws(ResultFault) -> String? {
        switch value {
        case nil, .null: return nil
        case .string(let text):
            guard text.utf8.count <= limit else {
                throw ResultFault(.schema, "\"\(name)\" of the worker's result is longer than \(limit) bytes")
            }
            return text
        case .object, .array, .integer, .number, .bool:
            throw ResultFault(.schema, "\"\(name)\" of the worker's result is no text")
        }
    }

    private static func texts(_ name: String, _ value: JSONValue?) throws(ResultFault) -> [String] {
        guard let array = value?.array else {
            throw ResultFault(.schema, "\"\(name)\" of the worker's result is no list")
        }
        guard array.count <= countLimit else {
            throw ResultFault(.schema, "\"\(name)\" of the worker's result has more than \(countLimit) texts")
        }
        var texts: [String] = []
        for element in array {
            guard let text = try text(name, element, textLimit) else {
                throw ResultFault(.schema, "\"\(name)\" of the worker's result has something in it that is no text")
            }
            texts.append(text)
        }
        return texts
    }
}
