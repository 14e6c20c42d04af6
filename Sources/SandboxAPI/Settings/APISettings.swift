public import SandboxPlan
public import Workspaces

/// What the server was told, checked: every value, and the default where there was none.
public struct APISettings: Hashable, Sendable {
    public var appName = "Codex Workspace Orchestrator"
    /// Begins with a slash and does not end with one.
    public var apiPrefix = "/api/v1"
    public var databaseURL = "sqlite:///./codex.db"
    public var workspaceRoot = "./workspaces"
    public var useDummyWorker = true
    public var workerImage = "codex-worker:latest"
    public var allowOrigins = ["http://localhost:3000", "http://127.0.0.1:3000"]
    public var allowMethods = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]
    public var allowHeaders = ["Authorization", "Content-Type"]
    public var allowCredentials = false
    public var listen = ListenAddress.tcp(host: "127.0.0.1", port: 8000)
    public var token: String?
    /// Without ports, in lower case.
    public var allowedHosts: [String] = []
    /// Nil leaves it to the queue.
    public var maxJobs: Int?
    public var stopJobs = StopJobs.end
    /// Of `StopJobs.finish`, in seconds.
    public var stopSeconds: Double = 600
    public var logLevel = LogLevel.info
    /// What of projects and output is removed by itself: nothing where nothing is said.
    public var retention = RetentionSettings()
    /// The same of records, in days.
    public var evidenceDays: Int64?
    public var evidenceSize: ByteCount?
    /// Between two looks for what is to go, in seconds.
    public var retentionInterval: Double = 3600

    /// What becomes of accepted jobs when the server stops.
    public enum StopJobs: String, Hashable, Sendable, CaseIterable {
        case end
        case finish
    }

    /// `STOP_TIME`, in milliseconds.
    public static let stopTimes: ClosedRange<UInt64> = 1000...86_400_000

    /// `KEEP_INTERVAL`, in milliseconds.
    public static let intervals: ClosedRange<UInt64> = 1000...604_800_000

    /// The defaults.
    public init() {}

    /// What `value` answers for each name; all that is wrong with it is in one error.
    public init(_ value: @escaping (_ name: String) -> String?) throws(SettingsError) {
        self.init()
        var reader = SettingReader(value: value)
        appName = reader.text(.appName, limit: 200) ?? appName
        apiPrefix = reader.prefix(.apiPrefix) ?? apiPrefix
        databaseURL = reader.text(.databaseURL, limit: 4096) ?? databaseURL
        workspaceRoot = reader.text(.workspaceRoot, limit: 4095) ?? workspaceRoot
        useDummyWorker = reader.bool(.useDummyWorker) ?? useDummyWorker
        workerImage = reader.text(.workerImage, limit: 255) ?? workerImage
        allowOrigins = reader.origins(.allowOrigins) ?? allowOrigins
        allowMethods = reader.tokens(.allowMethods) ?? allowMethods
        allowHeaders = reader.tokens(.allowHeaders) ?? allowHeaders
        allowCredentials = reader.bool(.allowCredentials) ?? allowCredentials
        listen = reader.listenAddress(.listen) ?? listen
        token = reader.token(.token)
        allowedHosts = reader.hosts(.allowedHosts) ?? allowedHosts
        maxJobs = reader.integer(.maxJobs, in: 1...1024)
        stopJobs = reader.word(.stopJobs) ?? stopJobs
        stopSeconds = reader.seconds(.stopTime, in: APISettings.stopTimes) ?? stopSeconds
        logLevel = reader.word(.logLevel) ?? logLevel
        let age = "1s to 3650d, as 12h or 30d"
        retention.projectAge = reader.span(.keepProjects, age)
        retention.projectSize = reader.size(.keepProjectsSize)
        retention.logAge = reader.span(.keepLogs, age)
        retention.logSize = reader.size(.keepLogsSize)
        // The checkpoint that takes the place of records says whole days.
        let day: UInt64 = 86_400_000
        evidenceDays = reader.span(.keepEvidence, unit: day, "whole days, 1d to 3650d").map {
            Int64($0.milliseconds / day)
        }
        evidenceSize = reader.size(.keepEvidenceSize)
        retentionInterval = reader.seconds(.keepInterval, in: APISettings.intervals) ?? retentionInterval
        if let problem = contradiction(origins: value(SettingName.allowOrigins.rawValue) ?? "") {
            reader.problems.append(problem)
        }
        if token == nil, !listen.isLocal, !listen.isInherited, !reader.problems.contains(where: { $0.name == .token }) {
            reader.problems.append(
                SettingProblem(
                    name: .listen,
                    value: listen.description,
                    reason: "other hosts could use the server without a token",
                    allowed: "a loopback address, unix:/PATH, or this address together with API_TOKEN",
                    isOfSeveral: true
                )
            )
        }
        if !reader.problems.isEmpty { throw SettingsError(problems: reader.problems) }
    }

    private func contradiction(origins: String) -> SettingProblem? {
        guard allowCredentials, allowOrigins.contains("*") else { return nil }
        return SettingProblem(
            name: .allowOrigins,
            value: origins,
            reason: "every origin may not send credentials (ALLOW_CREDENTIALS is true)",
            allowed: "a list of origins, or ALLOW_CREDENTIALS=false",
            isOfSeveral: true
        )
    }
}
