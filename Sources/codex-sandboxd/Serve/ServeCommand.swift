import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import WebTransport
import WorkspaceStore
import Workspaces

/// `serve`: settings, then folders and database, then the socket; what cannot be used ends it before a client is let in.
enum ServeCommand {
    /// How long requests and jobs have to end once the server was told to.
    private static let patience = 10.0

    static func run(_ arguments: [OSString]) -> Int32 {
        let options: ServeOptions
        do throws(UsageError) {
            guard let parsed = try ServeOptions.parse(arguments[...]) else {
                return Output.write(HelpText.text(.serve))
            }
            options = parsed
        } catch {
            return Output.misunderstood(error)
        }
        // Before there is another thread: they all inherit it, and one of them waits for the signals.
        StopSignals.block()
        do throws(ServeError) {
            try serve(options)
            return 0
        } catch {
            Output.say(error.text)
            return 1
        }
    }

    private static func serve(_ options: ServeOptions) throws(ServeError) {
        // It would open what jobs have made with root's rights, and nobody needs it to.
        guard geteuid() != 0 else {
            throw ServeError(
                "serve does not run as root: start it as the account whose projects these are (setpriv, runuser, or User= of a "
                    + "unit)"
            )
        }
        let settings = try ServeSettings(options, environment: CallerStrings.all(environ))
        let store = try open(settings)
        defer { store.close() }
        let orchestrator = try make(settings, store)
        let listener = try listen(settings)
        let api = WorkspaceAPI(
            settings: settings.api,
            service: orchestrator,
            files: { (project) throws(WorkspaceError) in FolderFiles(try orchestrator.folder(of: project)) },
            countProjects: { () throws(WorkspaceError) in try orchestrator.countProjects() },
            ownUID: geteuid(),
            log: { entry in ServerLog.request(entry) }
        )
        let server: HTTPServer
        do throws(HTTPServerError) {
            server = try HTTPServer(listener: listener, settings: transport(settings), handler: api)
        } catch { throw ServeError("\(error)") }
        let worker = settings.workspaces.worker.name
        ServerLog.note(
            "listening on \(server.address), worker \(worker), \(settings.workspaces.maximumJobs) jobs at a time"
        )
        let signal = StopSignals.wait()
        ServerLog.note("ending on \(signal): no new requests, running jobs are ended")
        server.beginStop(within: patience)
        let stopped = Done()
        Task {
            await orchestrator.stop()
            stopped.set()
        }
        stopped.wait()
        server.waitUntilStopped()
        ServerLog.note("ended")
    }

    /// Without a token only two accounts are served: the others' connections must not take the place of theirs.
    private static func transport(_ settings: ServeSettings) -> HTTPServerSettings {
        var transport = HTTPServerSettings()
        if settings.api.token == nil { transport.trustedUIDs = [geteuid(), 0] }
        transport.connectionsPerPeer = settings.api.token == nil ? nil : 1536
        return transport
    }

    private static func open(_ settings: ServeSettings) throws(ServeError) -> SQLiteStore {
        do throws(StoreError) {
            var options = SQLiteStore.Options()
            options.tool = "\(ToolVersion.current)"
            options.workspaceRoot = settings.api.workspaceRoot
            return try SQLiteStore(settings.database, options: options)
        } catch { throw ServeError("DATABASE_URL: \(error)") }
    }

    private static func make(
        _ settings: ServeSettings,
        _ store: SQLiteStore
    ) throws(ServeError) -> Orchestrator {
        do throws(WorkspaceError) {
            return try Orchestrator(settings.workspaces, store: store) { ServerLog.note($0) }
        } catch { throw ServeError(error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)") }
    }

    private static func listen(_ settings: ServeSettings) throws(ServeError) -> HTTPListener {
        let listener: HTTPListener
        do throws(ListenError) {
            let inherited = try HTTPListener.inheritedDescriptor(
                listenPID: settings.variable("LISTEN_PID"),
                listenFDs: settings.variable("LISTEN_FDS"),
                pid: getpid()
            )
            listener = try HTTPListener(settings.listen, inherited: inherited)
        } catch { throw ServeError("\(error)") }
        if listener.isPublic, settings.api.token == nil {
            listener.close()
            throw ServeError.withoutToken(listener.address)
        }
        return listener
    }
}
