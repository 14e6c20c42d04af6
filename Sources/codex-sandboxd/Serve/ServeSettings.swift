import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import WebTransport
import WorkspaceStore
import Workspaces

/// Everything that `serve` was told, by flags, environment and `.env`, checked and put together.
struct ServeSettings {
    let api: APISettings
    let database: DatabaseURL
    let listen: HTTPListenAddress
    var workspaces: WorkspaceSettings
    let dotEnv: DotEnvFile

    /// - Parameters:
    ///   - options: the command line.
    ///   - surroundings: what this process was started with.
    ///   - first: what the file of settings said at the start, for a reload. A manager may have put the same file into the
    ///     environment (`EnvironmentFile=`): a variable that said just what the file did counts as the file's.
    /// - Throws: `ServeError` with everything that is wrong.
    init(_ options: ServeOptions, _ surroundings: ServeSurroundings, first: DotEnvFile? = nil) throws(ServeError) {
        let dotEnv = try SettingsFile.read(options.dotEnv, stateFolder: options.stateDirectory)
        self.dotEnv = dotEnv
        if options.dotEnv == nil, !dotEnv.values.isEmpty {
            let names = dotEnv.values.keys.sorted().joined(separator: ", ")
            ServerLog.note("settings from .env: \(names.prefix(512))")
        }
        let live =
            options.dotEnv == nil
            ? try SettingsFile.live(stateFolder: options.stateDirectory) { ServerLog.note($0, .warning) } : nil
        let environment = surroundings.environment(without: first ?? dotEnv)
        var flags = options.settings
        if let file = options.tokenFile { flags[SettingName.token.rawValue] = try surroundings.token(of: file) }
        let (given, data) = (
            flags, try options.dataFolder.map { (folder) throws(ServeError) in try DataFolder(folder) }
        )
        let token = try surroundings.token()
        let sources = SettingSources(
            flags: { given[$0] },
            environment: { name in SettingsFile.variable(name, in: environment) },
            dotEnv: { name in
                if let value = dotEnv.values[name] { return value }
                // What nobody says: the credential, and the folder for the server's data.
                return name == SettingName.token.rawValue ? token : data?.settings[name]
            }
        )
        do throws(SettingsError) {
            api = try APISettings(sources.value)
        } catch { throw ServeError("\(error)") }
        try ServeSettings.checkStopTime(api, sources, isFlag: flags[SettingName.stopTime.rawValue] != nil)
        do throws(DatabaseURLError) {
            database = try DatabaseURL(api.databaseURL)
        } catch { throw ServeError("\(error)") }
        do throws(ListenError) {
            listen = try HTTPListenAddress(api.listen.description)
        } catch { throw ServeError("LISTEN: \(error)") }
        let root = try SettingsFile.absolute(api.workspaceRoot, of: SettingName.workspaceRoot.rawValue)
        workspaces = WorkspaceSettings(
            root: root,
            rootAsWritten: api.workspaceRoot,
            launcher: try OwnExecutables.launcher(),
            stateFolder: options.stateDirectory,
            policy: try ServeSettings.policy(
                options.policy,
                sources.value(ServeSettings.policyName),
                mayBeFile: options.dotEnv != nil || dotEnv.values[ServeSettings.policyName] == nil
                    || SettingsFile.variable(ServeSettings.policyName, in: surroundings.environment) != nil
            ),
            worker: try ServeSettings.worker(api, sources.value),
            maximumJobs: api.maxJobs ?? 4,
            environment: ServeSettings.merged(surroundings.environment, own: environment, dotEnv, live: live)
        )
    }

    /// A bound that bounds nothing would be believed to.
    private static func checkStopTime(
        _ settings: APISettings,
        _ sources: SettingSources,
        isFlag: Bool
    ) throws(ServeError) {
        guard sources.hasIdleStopTime(settings.stopJobs) else { return }
        let why = "has no effect: STOP_JOBS is end, and running jobs are ended at once when the server stops"
        guard isFlag else {
            throw ServeError("STOP_TIME \(why); set STOP_JOBS=finish, or leave STOP_TIME out")
        }
        var error = ServeError("--stop-time \(why). Add --stop-jobs finish, or leave --stop-time out.")
        error.isUsage = true
        throw error
    }

    /// What cannot be changed while the server runs, and says something else now.
    func fixed(since start: ServeSettings) -> [String] {
        var changed: [String] = []
        if listen != start.listen { changed.append("LISTEN") }
        if database != start.database { changed.append("DATABASE_URL") }
        if workspaces.root != start.workspaces.root { changed.append("WORKSPACE_ROOT") }
        if workspaces.policy != start.workspaces.policy { changed.append("CODEX_SANDBOX_POLICY") }
        if api.apiPrefix != start.api.apiPrefix { changed.append("API_V1_STR") }
        return changed
    }

    private static let policyName = "CODEX_SANDBOX_POLICY"

    /// The policy of the server.
    ///
    /// A `.env` that lies in the current folder, and that nobody has named, may choose among the policies of the administrator and
    /// of this account. Which text is a policy is not for it to say: it may have come with a repository.
    private static func policy(
        _ flag: PolicySource?,
        _ variable: String?,
        mayBeFile: Bool
    ) throws(ServeError) -> PolicyReference {
        switch flag ?? variable.flatMap({ PolicySource(OSString($0)) }) ?? .named("codex-worker") {
        case .named(let name): return .named(name)
        case .file(let path):
            guard flag != nil || mayBeFile else {
                throw ServeError(
                    "\(policyName)=\(path) in .env: a .env that nobody has named chooses no file of a policy; give it with --policy, or name the file of settings: --env-file .env"
                )
            }
            return .file(path)
        }
    }

    static let workers = ["dummy", "minimal", "codex", "command"]

    /// An image that is not there is no reason not to serve: its jobs say so (ORC-20).
    ///
    /// `WORKER` is this server's own setting, and takes no other word.
    private static func worker(
        _ settings: APISettings,
        _ value: (String) -> String?
    ) throws(ServeError) -> WorkerProfile {
        let named = value("WORKER")
        if let named, !workers.contains(named) {
            throw ServeError(
                "WORKER = “\(named)”: there is no such worker; allowed: \(workers.joined(separator: ", "))"
            )
        }
        let chosen = named ?? (settings.useDummyWorker ? "dummy" : settings.workerImage)
        switch chosen {
        case "dummy": return .dummy(try OwnExecutables.worker())
        case "minimal", "codex-worker:latest", "codex-worker": return .minimal(try OwnExecutables.worker())
        case "codex": return try WorkerCommand.codex(value)
        case "command": return try WorkerCommand.command(value)
        case let other: return .missing(other)
        }
    }

    /// What workers are handed by name may stand in `.env` (ORC-21).
    ///
    /// The environment's own value comes first, one that came from the file into the environment does not. The three
    /// credentials may stand in `.env.live` too, which comes last.
    private static func merged(
        _ environment: [OSString],
        own: [OSString],
        _ file: DotEnvFile,
        live: DotEnvFile?
    ) -> [OSString] {
        var merged = environment
        for name in WorkerProfile.credentials + ["SLEEP_SECONDS"] where SettingsFile.variable(name, in: own) == nil {
            let prefix = Array("\(name)=".utf8)
            merged.removeAll { $0.bytes.starts(with: prefix) }
            let fromLive = WorkerProfile.credentials.contains(name) ? live?.values[name] : nil
            if let value = file.values[name] ?? fromLive { merged.append(OSString("\(name)=\(value)")) }
        }
        return merged
    }
}
