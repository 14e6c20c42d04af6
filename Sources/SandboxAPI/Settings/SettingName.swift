/// A setting of the server, by its name in the environment and in `.env`.
public enum SettingName: String, Hashable, Sendable, CaseIterable {
    case appName = "APP_NAME"
    case apiPrefix = "API_V1_STR"
    case databaseURL = "DATABASE_URL"
    case workspaceRoot = "WORKSPACE_ROOT"
    case useDummyWorker = "USE_DUMMY_WORKER"
    case workerImage = "CODEX_WORKER_IMAGE"
    case allowOrigins = "ALLOW_ORIGINS"
    case allowMethods = "ALLOW_METHODS"
    case allowHeaders = "ALLOW_HEADERS"
    case allowCredentials = "ALLOW_CREDENTIALS"
    // What follows is ours.
    case listen = "LISTEN"
    case token = "API_TOKEN"
    case allowedHosts = "ALLOWED_HOSTS"
    case maxJobs = "MAX_JOBS"
    case stopJobs = "STOP_JOBS"
    case stopTime = "STOP_TIME"
    case logLevel = "LOG_LEVEL"
    case keepProjects = "KEEP_PROJECTS"
    case keepProjectsSize = "KEEP_PROJECTS_SIZE"
    case keepLogs = "KEEP_LOGS"
    case keepLogsSize = "KEEP_LOGS_SIZE"
    case keepEvidence = "KEEP_EVIDENCE"
    case keepEvidenceSize = "KEEP_EVIDENCE_SIZE"
    case keepInterval = "KEEP_INTERVAL"

    /// What the setting is for, in one line of a help text.
    public var purpose: String {
        switch self {
        case .appName: "the title of the pages and of the description"
        case .apiPrefix: "the path below which the API lies"
        case .databaseURL: "where projects and jobs are kept"
        case .workspaceRoot: "the folder of the workspaces"
        case .useDummyWorker: "whether the built-in dummy worker runs the jobs"
        case .workerImage: "the name of the worker profile that runs them else"
        case .allowOrigins: "origins of pages that may use the API, comma list"
        case .allowMethods: "methods that such pages may use, comma list"
        case .allowHeaders: "request headers that such pages may send, comma list"
        case .allowCredentials: "whether such pages may send credentials"
        case .listen: "where the server listens: HOST:PORT, unix:/PATH, fd or fd:NAME"
        case .token: "the token that every client has to send as Authorization: Bearer"
        case .allowedHosts: "further names under which clients may address the server, comma list"
        case .maxJobs: "how many jobs run at once"
        case .stopJobs: "what becomes of jobs when the server stops: end or finish"
        case .stopTime: "how long finish may take"
        case .logLevel: "what is logged: error, warning, info or debug"
        case .keepProjects: "how long a project is kept of which nothing changes"
        case .keepProjectsSize: "what the folders of the projects may take together"
        case .keepLogs: "how long the output of a job is kept"
        case .keepLogsSize: "what the output of all jobs may take together"
        case .keepEvidence: "how many days the records of a launch are kept"
        case .keepEvidenceSize: "what the records of all launches may take together"
        case .keepInterval: "how often is looked for what is not to be kept"
        }
    }
}

/// A setting that cannot be used, and what could be.
public struct SettingProblem: Hashable, Sendable, CustomStringConvertible {
    public var name: SettingName
    /// As given: show `shownValue` instead.
    public var value: String
    public var reason: String
    /// What may stand there.
    public var allowed: String
    /// The value could be used by itself, and not beside what others say.
    public var isOfSeveral = false

    /// What may be shown of the value: nothing of a token, and of an address nothing that may be a password.
    public var shownValue: String {
        switch name {
        case .token: ""
        case .databaseURL: SettingProblem.withoutSecrets(value)
        default: value
        }
    }

    /// What may be shown of a database's address: of a SQLite file its path, of anything else the scheme.
    ///
    /// In an address that cannot be read a password may stand anywhere: before an `@`, in a query, behind `#` or `;`, or, with no scheme
    /// at all, in a list of `password=…` (RFC 3986, 3.1 for the scheme).
    public static func withoutSecrets(_ address: String) -> String {
        let bytes = Array(address.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            return bytes.isEmpty ? "" : "…"
        }
        let isScheme = bytes[..<colon].allSatisfy { byte in
            switch byte | 0x20 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): true
            default: "+-.0123456789".utf8.contains(byte)
            }
        }
        guard isScheme, colon > 0 else { return "…" }
        let front = String(decoding: bytes[..<(colon + 3)], as: UTF8.self)
        // Without a host: what is a path can be nothing else.
        guard front == "sqlite://", bytes.dropFirst(front.utf8.count).first == UInt8(ascii: "/") else {
            return front + "…"
        }
        let path = bytes.prefix { !"?#;".utf8.contains($0) }
        return String(decoding: path, as: UTF8.self) + (path.count == bytes.count ? "" : "…")
    }

    public var description: String {
        let shown = name == .token ? "" : " = “\(LogText.escaped(shownValue, limit: 128))”"
        return "\(name.rawValue)\(shown): \(reason); allowed: \(allowed)"
    }
}

/// Every setting that cannot be used.
public struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    public var problems: [SettingProblem]

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
