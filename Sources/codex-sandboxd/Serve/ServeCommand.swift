import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import ServiceManager
import WebTransport
import WorkspaceStore
import Workspaces

/// `serve`: settings, then folders and database, then the socket; what cannot be used ends it before a client is let in.
enum ServeCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        let options: ServeOptions
        do throws(UsageError) {
            guard let parsed = try ServeOptions.parse(arguments[...]) else {
                return Output.write(HelpText.text(.serve))
            }
            try ServeFlags.check(parsed)
            options = parsed
        } catch {
            return Output.misunderstood(error)
        }
        // Before there is another thread: they all inherit it, and one of them waits for the signals.
        ServeSignals.block()
        ProcessMemory.prepareToLast()
        do throws(ServeError) {
            try serve(options)
            return 0
        } catch {
            if error.isUsage { return Output.misunderstood(UsageError(.conflict(error.text), command: .serve)) }
            ServerLog.note(error.text, .error)
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
        let surroundings = try ServeSurroundings.take()
        ServerLog.set(isJournal: surroundings.manager.logsToJournal)
        var settings = try ServeSettings(options, surroundings)
        ServerLog.set(level: settings.api.logLevel)
        let store = try open(settings)
        defer { store.close() }
        let listeners = try listen(settings, surroundings.manager)
        settings.workspaces.answersHostNetwork = settings.api.token == nil && listeners.contains { $0.port != nil }
        let orchestrator = try make(settings, store)
        let api = WorkspaceAPI(
            settings: settings.api,
            service: orchestrator,
            files: { (project) throws(WorkspaceError) in FolderFiles(try orchestrator.folder(of: project)) },
            countProjects: { (status) throws(WorkspaceError) in try orchestrator.countProjects(in: status) },
            ownUID: geteuid(),
            log: { entry in ServerLog.request(entry) }
        )
        // Before anybody is answered: who asks first whether it is ready hears what is so.
        let host = HostWatch(orchestrator)
        host.look()
        let server: HTTPServer
        do throws(HTTPServerError) {
            server = try HTTPServer(listeners: listeners, settings: transport(settings), handler: api)
        } catch { throw ServeError("\(error)") }
        let watch = ServerWatch(
            server,
            orchestrator,
            watchdogMicroseconds: surroundings.manager.watchdogMicroseconds
        )
        var running = RunningServer(options, surroundings, settings, server, orchestrator, api, watch, host)
        try running.serve()
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
            options.workspaceRoot = WrittenPath.plain(settings.api.workspaceRoot)
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

    private static func listen(
        _ settings: ServeSettings,
        _ manager: ServiceContext
    ) throws(ServeError) -> [HTTPListener] {
        let listeners: [HTTPListener]
        do throws(ListenError) {
            let handed = manager.sockets.map { HandedSocket(descriptor: $0.descriptor, name: $0.name) }
            listeners = try HTTPListener.all(settings.listen, handed: handed)
        } catch { throw ServeError("\(error)") }
        if let listener = listeners.first(where: { $0.isPublic }), settings.api.token == nil {
            for listener in listeners { listener.close() }
            throw ServeError.withoutToken(listener.address)
        }
        return listeners
    }
}
