internal import SandboxRuntime
internal import Workspaces

/// An answer that is no success; `answer` gives it its body.
struct APIError: Error {
    enum Detail {
        /// The original's 500 has none, so that nothing leaks.
        case none
        case text(String)
        case validation(ValidationFailure)
    }

    var status: Int
    var detail: Detail
    /// Further fields of the answer.
    var fields: [(String, String)] = []
    /// For the log; may say what a client must not know.
    var log: String?

    init(_ status: Int, _ detail: String, fields: [(String, String)] = [], log: String? = nil) {
        self.status = status
        self.detail = .text(detail)
        self.fields = fields
        self.log = log
    }

    init(_ failure: ValidationFailure) {
        status = 422
        detail = .validation(failure)
    }

    /// A fault of ours.
    static func fault(_ log: String) -> APIError {
        var error = APIError(500, "", log: log)
        error.detail = .none
        return error
    }

    static var notFound: APIError { APIError(404, "Not Found") }

    /// What a fault of the workspaces is answered with; `tooMuch` is the status where there is more than may be: 413 for
    /// bytes, 429 for jobs.
    init(_ error: WorkspaceError, tooMuch: Int = 413) {
        let log = error.detail.isEmpty ? nil : error.detail
        switch error.kind {
        case .noProject: self.init(404, error.message, log: log)
        case .noJob: self.init(404, "Job not found", log: log)
        case .noFile: self.init(404, "File not found", log: log)
        case .invalidPath: self.init(400, "Invalid path", log: log)
        // Of what in the request the handler knows; the shape is that of every 422.
        case .unknownPolicy, .noPage:
            self.init(ValidationFailure([.wrongValue([], input: .null, error.message)]))
            self.log = log
        case .conflict: self.init(409, error.message, log: log)
        case .tooMuch:
            let fields = tooMuch == 429 ? [("Retry-After", "1")] : tooMuch == 503 ? [("Retry-After", "5")] : []
            self.init(tooMuch, error.message, fields: fields, log: log)
        case .unavailable: self.init(503, error.message, fields: [("Retry-After", "5")], log: log ?? error.message)
        case .fault: self = .fault(log ?? error.message)
        }
    }

    /// The machine's word for a status, as the original has it (ORC-16); 501 and 503 are planned, and no faults, and
    /// 505 is the client's.
    static func word(_ status: Int) -> String {
        switch status {
        case 400: "bad_request"
        case 401: "unauthorized"
        case 403: "forbidden"
        case 404: "not_found"
        case 409: "conflict"
        case 422: "validation_error"
        case 501: "not_implemented"
        case 503: "unavailable"
        case 505: "http_error"
        case 500...: "internal_error"
        default: "http_error"
        }
    }

    /// The person's words for a status, as the original has them.
    static func words(_ status: Int) -> String {
        switch status {
        case 400: "Bad request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not found"
        case 409: "Conflict"
        case 422: "Validation failed"
        case 501: "Not implemented"
        case 503: "Service unavailable"
        case 505: "HTTP error"
        case 500...: "Internal server error"
        default: "HTTP error"
        }
    }

    var body: [UInt8] {
        JSONText.bytes { json in
            json.object { json in
                json.member("error", APIError.word(status))
                json.member("message", APIError.words(status))
                json.member("code", status)
                switch detail {
                case .none: break
                case .text(let text): json.member("detail", text)
                case .validation(let failure):
                    json.key("detail")
                    failure.write(&json)
                }
            }
        }
    }
}
