public import SandboxPlan
public import WorkspaceStore

/// What the API asks of the workspaces; its one maker is `Orchestrator`, and tests have their own.
public protocol WorkspaceService: Sendable {
    /// Makes a project with its folder, and runs its first job; `waits` for its end, or answers as soon as it is queued.
    func createProject(instruction: String, policy: String?, waits: Bool) async throws(WorkspaceError) -> Project
    func project(_ id: String) throws(WorkspaceError) -> Project
    /// Of one status, where that is given.
    func projects(in status: JobStatus?, limit: Int, after: String?) throws(WorkspaceError) -> [Project]
    /// Ends its jobs, and takes away its rows and its folder; its evidence stays.
    func removeProject(_ id: String) async throws(WorkspaceError)
    /// Where the project's folder lies, as the setting says it.
    func workspacePath(_ id: String) -> String

    func addJob(to project: String, type: JobType, instruction: String, waits: Bool) async throws(WorkspaceError) -> Job
    func job(_ id: String, of project: String) throws(WorkspaceError) -> Job
    /// Of one status, where that is given.
    func jobs(of project: String, in status: JobStatus?, limit: Int, after: String?) throws(WorkspaceError) -> [Job]
    /// Ends a job that is queued or runs, and answers it as it is then; one that has ended is `.conflict`.
    func cancelJob(_ id: String, of project: String) async throws(WorkspaceError) -> Job
    /// The same type and instruction once more, as a new job.
    func rerunJob(_ id: String, of project: String, waits: Bool) async throws(WorkspaceError) -> Job
    /// How many jobs stand before this one in the queue; nil once it does not wait any more.
    func queuePosition(_ id: String) -> Int?

    /// A job's events behind `number`: those there are, at most `limit`.
    func events(of job: String, after number: Int64, limit: Int) throws(WorkspaceError) -> [JobEvent]
    /// Calls `wake` whenever the job has further events, from any thread, until the answer is let go.
    func watch(job: String, wake: @escaping @Sendable () -> Void) -> JobWatch

    /// The project's folder for reading and writing what lies in it.
    func folder(of project: String) throws(WorkspaceError) -> ProjectFolder
    /// What a job has added, changed and removed.
    func changes(of job: String, in project: String) throws(WorkspaceError) -> JobChanges

    /// The records of a job's launch, as JSON lines; empty where nothing was launched.
    func evidence(of job: String, in project: String) throws(WorkspaceError) -> [UInt8]
    /// The records of all launches in the project's workspace, as JSON lines.
    func evidence(of project: String) throws(WorkspaceError) -> [UInt8]
    /// The plan of the next launch, in words.
    func explanation(of project: String) throws(WorkspaceError) -> String

    /// What jobs have planted where tools obey it, as the records list it, and is still there.
    func planted(in project: String) throws(WorkspaceError) -> [PlantedName]
    /// Takes one of these away; `.noFile` for a path that is none of them, `.conflict` while a job runs, and where it cannot be
    /// removed whole without what was there before.
    func removePlanted(_ path: RequestedPath, from project: String) throws(WorkspaceError)

    func policies() -> [PolicySummary]
    /// Whether jobs can be run now; the reason if not.
    func readiness() -> String?
    func statistics() -> WorkspaceStatistics
}

/// What of a server changes from one moment to the next.
public struct OrchestratorSigns: Hashable, Sendable {
    /// Jobs.
    public var running: Int
    public var waiting: Int
    /// Why the host would refuse every job; nil where it would not.
    public var hostProblem: String?
}

/// A held subscription; ends with the value.
public final class JobWatch: Sendable {
    private let end: @Sendable () -> Void

    public init(end: @escaping @Sendable () -> Void) {
        self.end = end
    }

    deinit { end() }
}

/// Why the workspaces did not do what was asked.
public struct WorkspaceError: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case noProject
        case noJob
        case noFile
        /// A path that leads out, or cannot be one.
        case invalidPath
        case unknownPolicy
        /// The state of the thing forbids it.
        case conflict
        /// The entry that a page goes on behind is not there any more.
        case noPage
        /// More than there may be: jobs waiting, bytes of a file, entries of a listing.
        case tooMuch
        /// The server is ending, or cannot work: disk full, store unusable.
        case unavailable
        case fault
    }

    public var kind: Kind
    /// For the client; names no path of the host.
    public var message: String
    /// For the log.
    public var detail: String

    public init(_ kind: Kind, _ message: String, detail: String = "") {
        self.kind = kind
        self.message = message
        self.detail = detail
    }
}

/// What a job has changed; paths are relative to the workspace, and in order.
public struct JobChanges: Hashable, Sendable {
    public struct Change: Hashable, Sendable {
        public enum Kind: String, Hashable, Sendable {
            case created
            case modified
            case removed
        }

        public var kind: Kind
        public var path: OSString
        /// As `diff -u` writes it; nil where the contents are not kept (large, or not text).
        public var difference: String?

        public init(kind: Kind, path: OSString, difference: String?) {
            self.kind = kind
            self.path = path
            self.difference = difference
        }
    }

    public var changes: [Change]
    /// Whether there were more than are kept.
    public var isCut: Bool

    public init(changes: [Change], isCut: Bool) {
        self.changes = changes
        self.isCut = isCut
    }
}

/// A name that tools obey, or a repository, which a job has made.
public struct PlantedName: Hashable, Sendable {
    /// From the workspace's folder.
    public var path: OSString
    public var job: String
    public var launch: String

    public init(path: OSString, job: String, launch: String) {
        self.path = path
        self.job = job
        self.launch = launch
    }
}

public struct PolicySummary: Hashable, Sendable {
    /// What is not held where nothing is.
    public static let everything = "everything"

    public var name: String
    public var description: String
    public var isDefault: Bool
    /// Promises of a sandbox that it does not keep; `everything` alone for a policy without a sandbox, empty for one that keeps all.
    public var notHeld: [String]
    /// Why a project cannot be given it; nil where it can.
    public var unusable: String?

    public init(
        name: String,
        description: String,
        isDefault: Bool,
        notHeld: [String] = [],
        unusable: String? = nil
    ) {
        self.unusable = unusable
        self.name = name
        self.notHeld = notHeld
        self.description = description
        self.isDefault = isDefault
    }
}

/// Counts since the start, and of now.
public struct WorkspaceStatistics: Hashable, Sendable {
    public var jobsByStatus: [JobStatus: Int] = [:]
    public var jobsWaiting = 0
    public var sandboxesOpen = 0
    /// Of finished launches, from asking to release: counts up to each bound of `launchBounds`, and beyond.
    public var launchCounts: [Int] = []
    public var launchSecondsTotal: Double = 0
    /// By the step that refused.
    public var refusals: [String: Int] = [:]

    /// In seconds.
    public static let launchBounds: [Double] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

    public init() {}
}
