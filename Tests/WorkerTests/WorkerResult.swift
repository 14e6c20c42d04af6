import Foundation
import Testing

/// `result.json`, with exactly the members of the contract.
struct WorkerResult {
    var status: String
    var summary: String
    var created: [String]
    var modified: [String]
    var errors: [String]
    var logs: [String]
    var timestamp: String
    var jobID: String?

    init(_ bytes: [UInt8]) throws {
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
            "not a JSON object: \(String(decoding: bytes, as: UTF8.self))"
        )
        #expect(
            Set(object.keys) == [
                "status", "summary", "created_files", "modified_files", "errors", "logs", "timestamp", "job_id",
            ]
        )
        status = try #require(object["status"] as? String)
        summary = try #require(object["summary"] as? String)
        created = try #require(object["created_files"] as? [String])
        modified = try #require(object["modified_files"] as? [String])
        errors = try #require(object["errors"] as? [String])
        logs = try #require(object["logs"] as? [String])
        timestamp = try #require(object["timestamp"] as? String)
        jobID = object["job_id"] as? String
        if jobID == nil { #expect(object["job_id"] is NSNull) }
        #expect(!summary.isEmpty)
        #expect(
            timestamp.wholeMatch(of: /20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{6}Z/) != nil,
            "\(timestamp)"
        )
    }
}
