import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import ServiceManager
import WebTransport
import Workspaces

/// A server from its first client to its end: it waits for signals, takes other settings, and stops.
struct RunningServer {
    private let options: ServeOptions
    private let surroundings: ServeSurroundings
    private let start: ServeSettings
    private var settings: ServeSettings
    private let server: HTTPServer
    private let orchestrator: Orchestrator
    private let api: WorkspaceAPI
    private let watch: ServerWatch
    private let retention: ServerRetention
    private let host: HostWatch
    private let memory: MemoryReturn
    /// What was said last of a weaker profile; nil where the policy is none.
    private var weaker: String?

    /// How long requests and teardowns have to end once the server was told to, in seconds.
    private static let patience = 10.0

    init(
        _ options: ServeOptions,
        _ surroundings: ServeSurroundings,
        _ settings: ServeSettings,
        _ server: HTTPServer,
        _ orchestrator: Orchestrator,
        _ api: WorkspaceAPI,
        _ watch: ServerWatch,
        _ host: HostWatch
    ) {
        self.options = options
        self.surroundings = surroundings
        start = settings
        self.settings = settings
        self.server = server
        self.orchestrator = orchestrator
        self.api = api
        self.watch = watch
        retention = ServerRetention(orchestrator, settings)
        self.host = host
        memory = MemoryReturn(orchestrator)
    }

    /// Returns when the server has ended in an orderly way.
    mutating func serve() throws(ServeError) {
        let worker = settings.workspaces.worker.name
        ServerLog.note(
            "listening on \(server.addresses.joined(separator: " and ")), worker \(worker), "
                + "\(settings.workspaces.maximumJobs) jobs at a time"
        )
        sayWeaker()
        sayWithoutWorker()
        tell(.ready(watch.status))
        try host.start()
        try memory.start()
        if surroundings.manager.hasManager { try watch.start() }
        try retention.start()
        while true {
            switch ServeSignals.wait() {
            case .reload: reload()
            case .stop(let signal): return stop(signal)
            }
        }
    }

    /// As every launch of `run` does, once for all jobs: at the start, and when the policy's text has become one since.
    private mutating func sayWeaker() {
        do throws(Refusal) {
            let catalog = PolicyCatalog(environment: settings.workspaces.environment)
            // The name of the start counts, whatever the settings say now.
            let warning = try catalog.weakerWarning(start.workspaces.policy)
            if let warning, warning != weaker { ServerLog.note(warning, .warning) }
            weaker = warning
        } catch {
            // It was valid a moment ago; what is wrong now every job says.
            ServerLog.note("the server's policy cannot be read: \(error.message)", .warning)
        }
    }

    /// It serves all the same: what is there can be read, and the setting be mended with HUP.
    private func sayWithoutWorker() {
        guard let problem = orchestrator.workerProblem() else { return }
        ServerLog.note("every job will fail (no-worker): \(problem)", .warning)
    }

    private func tell(_ message: ServiceMessage) {
        let code = ServiceContext.tell(message)
        if code != 0 { ServerLog.note("the service manager cannot be told: \(ErrnoName.described(code))", .warning) }
    }

    // MARK: - Reload

    /// All of the new settings, or none of them.
    private mutating func reload() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        tell(.reloading(at: UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000))
        do throws(ServeError) {
            let fresh = try ServeSettings(options, surroundings, first: start.dotEnv)
            guard (fresh.api.token == nil) == (start.api.token == nil) else {
                throw ServeError("whether there is a token cannot change while the server runs: restart it")
            }
            do throws(WorkspaceError) {
                try orchestrator.reload(fresh.workspaces)
            } catch { throw ServeError(error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)") }
            api.reload(fresh.api)
            retention.reload(fresh.api)
            host.look()
            ServerLog.set(level: fresh.api.logLevel)
            settings = fresh
            sayWeaker()
            sayWithoutWorker()
            let fixed = fresh.fixed(since: start)
            let rest = fixed.isEmpty ? "" : "; \(fixed.joined(separator: ", ")) only after a restart"
            ServerLog.note("settings read again\(rest)", fixed.isEmpty ? .info : .warning)
        } catch {
            ServerLog.note("settings not taken, the old ones stay: \(error.text)", .error)
            if let problem = orchestrator.policyProblem() {
                let words = "every job is refused until the policy is mended, for it is read at each launch"
                ServerLog.note("\(words): \(problem)", .error)
            }
        }
        tell(.ready(watch.status))
    }

    // MARK: - Stop

    /// Who is connected is still served, then jobs end in the manner that was chosen; a second signal ends them at once.
    private func stop(_ signal: String) {
        var manner = Orchestrator.StopManner.end
        var bound = Self.patience
        var words = "running jobs are ended"
        if settings.api.stopJobs == .finish {
            manner = .finish(seconds: settings.api.stopSeconds)
            bound += settings.api.stopSeconds
            words = "jobs have \(Int(settings.api.stopSeconds)) s to finish"
        }
        ServerLog.note("ending on \(signal): no new requests, \(words)")
        retention.end()
        host.end()
        memory.end()
        watch.serverStops("ending: \(words)")
        // For what comes behind the deadlines: answers on their way, the database's end.
        tell(.stopping(watch.status, microseconds: UInt64((bound + 20) * 1_000_000)))
        server.beginStop(within: bound)
        server.waitUntilDrained()
        let stopped = Done()
        let (orchestrator, chosen) = (orchestrator, manner)
        Task {
            await orchestrator.stop(chosen)
            stopped.set()
        }
        var isCut = manner == .end
        while !stopped.isSet {
            guard case .stop(let again) = ServeSignals.wait(milliseconds: 20), !isCut else { continue }
            isCut = true
            ServerLog.note("ending on a second \(again): running jobs are ended")
            server.beginStop(within: Self.patience)
            Task { await orchestrator.stop(.end) }
        }
        server.beginStop(within: Self.patience)
        server.waitUntilStopped()
        watch.end()
        ServerLog.note("ended")
    }
}
