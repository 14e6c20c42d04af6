internal import Glibc
internal import SandboxPlan
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

    /// Reads the result that a job has left.
    ///
    /// - Parameters:
    ///   - folder: the project's.
    ///   - job: whose it must be, if it says whose it is.
    /// - Returns: what it says.
    /// - Throws: `ResultFault` for everything that is no result.
    public static func read(from folder: ProjectFolder, job: String) throws(ResultFault) -> WorkerResult {
        try WorkerResult(json: try bytes(folder), job: job)
    }

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

    // MARK: - The file

    private static func bytes(_ folder: ProjectFolder) throws(ResultFault) -> [UInt8] {
        let path = ExchangeFolder.name.appending(ExchangeFolder.result)
        let number = Beneath.open(path, below: folder.number, Beneath.readFile, Beneath.withoutLinks)
        switch Int32(-number) {
        case ENOENT: throw ResultFault(.none, "The worker has left no .codex/result.json")
        case ELOOP: throw ResultFault(.link, ".codex/result.json or .codex is a link, which is not followed")
        case ENOTDIR, ENXIO, ENODEV: throw ResultFault(.notAFile, ".codex/result.json is no regular file")
        default:
            guard number >= 0 else {
                let reason = ErrnoName.described(Int32(-number))
                throw ResultFault(.unreadable, ".codex/result.json cannot be read: \(reason)")
            }
        }
        let (facts, result) = FileFacts.of(Int32(number))
        guard let facts else {
            _ = close(Int32(number))
            throw ResultFault(.unreadable, ".codex/result.json cannot be read: \(ErrnoName.described(Int32(-result)))")
        }
        let file = OpenedFile(owning: Int32(number), facts)
        guard facts.kind == .file else { throw ResultFault(.notAFile, ".codex/result.json is no regular file") }
        // What the server itself may have put there, for a worker that may write this one file only.
        guard facts.size > 0 else { throw ResultFault(.none, "The worker has left .codex/result.json empty") }
        // 0: removed since it was opened.
        guard facts.links <= 1 else { throw ResultFault(.hardLink, ".codex/result.json has another name as well") }
        do throws(WorkspaceError) {
            return try ProjectFolder.contents(file, path, sizeLimit)
        } catch {
            switch error.kind {
            case .tooMuch: throw ResultFault(.tooLarge, ".codex/result.json is larger than \(sizeLimit) bytes")
            case .noProject, .noJob, .noFile, .invalidPath, .unknownPolicy, .conflict, .noPage, .unavailable, .fault:
                throw ResultFault(.unreadable, ".codex/result.json cannot be read: \(error.detail)")
            }
        }
    }
}
