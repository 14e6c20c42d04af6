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
    let workspaces: WorkspaceSettings
    private let environment: [OSString]

    init(_ options: ServeOptions, environment: [OSString]) throws(ServeError) {
        self.environment = environment
        let dotEnv = try SettingsFile.read(options.dotEnv)
        var flags = options.settings
        if let file = options.tokenFile { flags[SettingName.token.rawValue] = try SettingsFile.token(file) }
        let given = flags
        let sources = SettingSources(
            flags: { given[$0] },
            environment: { name in SettingsFile.variable(name, in: environment) },
            dotEnv: { dotEnv.values[$0] }
        )
        do throws(SettingsError) {
            api = try APISettings(sources.value)
        } catch { throw ServeError("\(error)") }
        do throws(DatabaseURLError) {
            database = try DatabaseURL(api.databaseURL)
        } catch { throw ServeError("DATABASE_URL: \(error)") }
        do throws(ListenError) {
            listen = try HTTPListenAddress(api.listen.description)
        } catch { throw ServeError("LISTEN: \(error)") }
        let root = try SettingsFile.absolute(api.workspaceRoot)
        workspaces = WorkspaceSettings(
            root: root,
            rootAsWritten: api.workspaceRoot,
            launcher: try OwnExecutables.launcher(),
            stateFolder: options.stateDirectory,
            policy: ServeSettings.policy(options.policy, sources.value("CODEX_SANDBOX_POLICY")),
            worker: try ServeSettings.worker(api, sources.value),
            maximumJobs: api.maxJobs ?? 4,
            environment: ServeSettings.merged(environment, dotEnv)
        )
    }

    func variable(_ name: String) -> String? { SettingsFile.variable(name, in: environment) }

    private static func policy(_ flag: PolicySource?, _ variable: String?) -> PolicyReference {
        let source = flag ?? variable.flatMap { PolicySource(OSString($0)) } ?? .named("codex-worker")
        switch source {
        case .named(let name): return .named(name)
        case .file(let path): return .file(path)
        }
    }

    /// A profile that is not there is no reason not to serve: its jobs say so (ORC-20).
    private static func worker(
        _ settings: APISettings,
        _ value: (String) -> String?
    ) throws(ServeError) -> WorkerProfile {
        let chosen = value("WORKER") ?? (settings.useDummyWorker ? "dummy" : settings.workerImage)
        switch chosen {
        case "dummy": return .dummy(try OwnExecutables.worker())
        case "minimal", "codex-worker:latest", "codex-worker": return .minimal(try OwnExecutables.worker())
        case "codex": return try WorkerCommand.codex(value)
        case "command": return try WorkerCommand.command(value)
        case let other: return .missing(other)
        }
    }

    /// What workers are handed by name may stand in `.env` (ORC-21): the environment's own value comes first.
    private static func merged(_ environment: [OSString], _ file: DotEnvFile) -> [OSString] {
        var merged = environment
        for name in WorkerProfile.credentials + ["SLEEP_SECONDS"] {
            guard SettingsFile.variable(name, in: environment) == nil, let value = file.values[name] else { continue }
            merged.append(OSString("\(name)=\(value)"))
        }
        return merged
    }
}
