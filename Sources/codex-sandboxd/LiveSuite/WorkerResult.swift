import SandboxRuntime

/// What a worker says of its job in `.codex/result.json`: read strictly, as others wrote it.
struct WorkerResult {
    var status: String
    var summary: String
    var createdFiles: [String]
    var modifiedFiles: [String]
    var errors: [String]
    var logs: [String]
    /// Nil where a worker does not say it.
    var jobID: String?

    /// - Throws: where a member is missing or of another kind.
    init(_ bytes: [UInt8]) throws(SuiteError) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONReader.value(in: bytes, sizeLimit: 4 << 20)
        } catch { throw SuiteError(".codex/result.json is no JSON that is read here: \(error)") }
        status = try Self.text(json, "status")
        summary = try Self.text(json, "summary")
        createdFiles = try Self.list(json, "created_files")
        modifiedFiles = try Self.list(json, "modified_files")
        errors = try Self.list(json, "errors")
        logs = try Self.list(json, "logs")
        jobID = json["job_id"] == nil ? nil : try Self.text(json, "job_id")
        guard status == "success" || status == "error" else {
            throw SuiteError(
                ".codex/result.json has the status \(SuiteText.quoted(status.utf8.prefix(40))), not success or error"
            )
        }
    }

    /// Five lines.
    var excerpt: String {
        let lines = [
            "status: \(status)", "summary: \(summary)", "created_files: \(createdFiles.joined(separator: ","))",
            "modified_files: \(modifiedFiles.joined(separator: ","))", "first_error: \(errors.first ?? "none")",
        ]
        return lines.map { SuiteText.line($0) + "\n" }.joined()
    }

    private static func text(_ json: JSONValue, _ key: String) throws(SuiteError) -> String {
        guard let text = json[key]?.string else { throw SuiteError(".codex/result.json has no text \(key)") }
        return text
    }

    private static func list(_ json: JSONValue, _ key: String) throws(SuiteError) -> [String] {
        guard let elements = json[key]?.array else { throw SuiteError(".codex/result.json has no list \(key)") }
        var texts: [String] = []
        for element in elements {
            guard let text = element.string else {
                throw SuiteError(".codex/result.json has something else than texts in \(key)")
            }
            texts.append(text)
        }
        return texts
    }
}
