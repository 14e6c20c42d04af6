import Glibc
import SandboxAPI
import SandboxPlan
import SandboxRuntime
import Synchronization
import WorkspaceStore
import Workspaces

/// Removes at intervals what the settings do not keep: projects and output by the orchestrator, records of the server's own
/// workspaces with a checkpoint.
final class ServerRetention: Sendable {
    private struct State {
        var settings: APISettings
        var isOver = false
    }

    private let orchestrator: Orchestrator
    private let root: OSString
    private let stateFolder: OSString?
    private let environment: [OSString]
    private let state: Mutex<State>

    /// Between two looks whether it is over or was told other settings, in microseconds.
    private static let pace: UInt32 = 200_000

    init(_ orchestrator: Orchestrator, _ settings: ServeSettings) {
        self.orchestrator = orchestrator
        root = settings.workspaces.root
        stateFolder = settings.workspaces.stateFolder
        environment = settings.workspaces.environment
        state = Mutex(State(settings: settings.api))
    }

    func reload(_ settings: APISettings) { state.withLock { $0.settings = settings } }

    func end() { state.withLock { $0.isOver = true } }

    /// Begins, on a thread of its own.
    func start() throws(ServeError) { try OwnThread.start("that looks for what is to be removed") { [self] in run() } }

    /// The first round is one interval after the start: what the clock says at a boot may not be the time yet.
    private func run() {
        var clock = ClockCheck()
        var last = ContinuousClock.now
        while true {
            let (settings, isOver) = state.withLock { ($0.settings, $0.isOver) }
            if isOver { return }
            guard ContinuousClock.now - last >= .seconds(settings.retentionInterval) else {
                usleep(ServerRetention.pace)
                continue
            }
            let jump = clock.jump()
            if jump != 0 {
                ServerLog.note(
                    "the clock was set by \(Int(jump)) s: what is removed by its age waits for the next look",
                    .warning
                )
            }
            look(settings, byAge: jump == 0)
            last = ContinuousClock.now
        }
    }

    private func look(_ settings: APISettings, byAge: Bool) {
        let retention = byAge ? settings.retention : settings.retention.withoutAges
        do throws(WorkspaceError) {
            try orchestrator.makeRoom(retention, at: .now()) { ServerLog.removed(RemovalLine($0)) }
        } catch {
            ServerLog.note(
                "not everything that is not to be kept could be removed: \(error.message): \(error.detail)",
                .error
            )
        }
        let days = byAge ? settings.evidenceDays : nil
        guard days != nil || settings.evidenceSize != nil else { return }
        do throws(EvidenceError) {
            let folder = try StateFolder.path(flag: stateFolder, environment: environment)
            var own: [EvidenceLocation] = []
            for location in try EvidenceCollector.workspaces(stateFolder: folder) {
                let workspace = try EvidenceRetention.workspace(of: location)
                // What `run` has recorded elsewhere is none of the server's.
                if let workspace, workspace.parent == root { own.append(location) }
            }
            let round = RecordsRound(keys: Keys(environment: environment), dryRun: false)
            try round.collect(own, days: days, keep: nil, size: settings.evidenceSize) { result in
                switch result {
                case .collected(let report, let location, let reason):
                    if report.removed.records > 0 {
                        ServerLog.removed(RemovalLine(report, of: location, reason: reason))
                    }
                case .failed(let error): ServerLog.note("\(error.message); \(error.remedy)", .error)
                }
            }
        } catch {
            ServerLog.note("records cannot be looked through: \(error.message); \(error.remedy)", .error)
        }
    }
}
