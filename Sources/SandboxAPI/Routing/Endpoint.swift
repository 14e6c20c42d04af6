/// One thing that can be asked of the API: the router, the handlers and the description are made from the same entry.
///
/// A class, because every request takes one along.
final class Endpoint: Sendable {
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

    let name: Name
    let method: String
    let place: Place
    /// Behind its place; `{path}` at the end takes all that is left.
    let path: String
    let access: Access
    let tag: String
    let summary: String
    let note: String?
    let query: [Parameter]
    let fields: [Parameter]
    let body: RequestBody?
    let answers: [Answer]
    /// The statuses of its errors, beside those that every route has.
    let errors: [Int]

    init(
        name: Name,
        method: String,
        place: Place,
        path: String,
        access: Access = .client,
        tag: String,
        summary: String,
        note: String? = nil,
        query: [Parameter] = [],
        fields: [Parameter] = [],
        body: RequestBody? = nil,
        answers: [Answer],
        errors: [Int] = []
    ) {
        self.name = name
        self.method = method
        self.place = place
        self.path = path
        self.access = access
        self.tag = tag
        self.summary = summary
        self.note = note
        self.query = query
        self.fields = fields
        self.body = body
        self.answers = answers
        self.errors = errors
    }

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
            /// Nothing holds where there is none.
            case choice([String])
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
