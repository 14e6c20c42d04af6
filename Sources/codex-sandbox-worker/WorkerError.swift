/// Why a job was not done: a word for programs and a sentence for people.
///
/// No case carries anything from the environment or from the instruction.
struct WorkerError: Error, Equatable {
    enum Code: String {
        /// The instruction asks for a failure.
        case forcedError = "forced_error"
        case invalidRequest = "invalid_request"
        case invalidSetting = "invalid_setting"
        /// A link, a folder or something else where a file should be, or a file that cannot be used.
        case unusableFile = "unusable_file"
        /// A file that this worker would have to rewrite, and did not write.
        case unrecognisedFile = "unrecognised_file"
        case systemCall = "io_error"
    }

    var code: Code
    var text: String

    init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    /// As it stands in `errors`: a forced error is the bare word, which clients look for.
    var description: String { code == .forcedError ? code.rawValue : "\(code.rawValue): \(text)" }

    var summary: String {
        switch code {
        case .forcedError: "The instruction asked for an error, and this is it."
        case .invalidRequest: "The request could not be read; nothing was done."
        case .invalidSetting, .unusableFile, .unrecognisedFile, .systemCall: "The job was not done: \(text)"
        }
    }
}
