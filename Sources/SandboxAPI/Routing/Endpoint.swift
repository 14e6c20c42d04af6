/// One thing that can be asked of the API: the router, the handlers and the description are made from the same entry.
struct Endpoint: Sendable {
    enum Name: String, Hashable, Sendable, CaseIterable {
        case landingPage, docsPage, description, health, readiness, metrics
        case listProjects, createProject, readProject, removeProject
        case listFiles, readFile, readRawFile, writeRawFile, removeRawFile, readArchive
        case listJobs, addJob, readJob, cancelJob, rerunJob
        case listPlanted, removePlanted
        case readJobLogs, watchJobEvents, readJobChanges, readJobEvidence
        case readProjectEvidence, readProjectPlan, listPolicies
    }

    /// Where its path begins.
    enum Place: Hashable, Sendable {
        case root
        /// The prefix of the API.
        case api
        /// A project, in both spellings: `/{project_id}` and `/projects/{project_id}`, below the prefix.
        case project
    }

    enum Access: Hashable, Sendable {
        /// Whoever asks: it says nothing.
        case everybody
        /// Clients that may ask at all, without a token: pages and the description, which hold no data.
        case page
        case client
    }

    var name: Name
    var method: String
    var place: Place
    /// Behind its place; `{path}` at the end takes all that is left.
    var path: String
    var access: Access = .client
    var tag: String
    var summary: String
    var note: String?
    var query: [Parameter] = []
    var fields: [Parameter] = []
    var body: RequestBody?
    var answers: [Answer]
    /// The statuses of its errors, beside those that every route has.
    var errors: [Int] = []

    struct Parameter: Sendable {
        var name: String
        var note: String
        var kind: Kind
        var example: String?

        enum Kind: Hashable, Sendable {
            case text
            /// Of a project or a job.
            case id
            case integer(ClosedRange<Int>, fallback: Int)
            /// The first is what holds where there is none.
            case words([String])
        }
    }

    enum RequestBody: Hashable, Sendable {
        /// JSON by the schema of that name.
        case json(String)
        /// The bytes of a file.
        case bytes
    }

    struct Answer: Sendable {
        var status: Int
        var note: String
        /// Content types with their schemas' names; a nil schema is bytes or text.
        var contents: [(type: String, schema: String?)] = []
        var fields: [(name: String, note: String)] = []
    }

    /// The spellings of its path, complete.
    func templates(prefix: String) -> [String] {
        switch place {
        case .root: [path]
        case .api: [prefix + path]
        case .project: ["\(prefix)/{project_id}\(path)", "\(prefix)/projects/{project_id}\(path)"]
        }
    }
}
