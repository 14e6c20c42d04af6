import Glibc
import SandboxAPI
import SandboxPlan
import ServiceManager
import Synchronization
import WebTransport
import Workspaces

/// Looks now and then whether the server works, and tells the service manager, which starts another one where it does not.
///
/// Working means: each of the transport's threads takes a request and the database answers it, all within the time. A thread
/// that does nothing but tell that it is alive would say so of a server that hangs.
final class ServerWatch: Sendable {
    private let server: HTTPServer
    private let orchestrator: Orchestrator
    /// Between two looks, in seconds: half of what the manager allows, so that one may be late.
    private let interval: Double
    private let isOver = Atomic<Bool>(false)
    /// What the server does instead of serving, once it stops.
    private let ending = Mutex<String?>(nil)

    private static let usualInterval = 10.0
    /// Between two comparisons of what the manager was told with what is so, in seconds: it is told no more often than that.
    private static let pace = 1.0

    /// Of what a status is made, but for what only the database knows: that is asked at each look.
    private struct Signs: Equatable {
        var orchestrator: OrchestratorSigns
        var ending: String?
    }

    init(_ server: HTTPServer, _ orchestrator: Orchestrator, watchdogMicroseconds: UInt64?) {
        self.server = server
        self.orchestrator = orchestrator
        let half = watchdogMicroseconds.map { Double($0) / 2_000_000 } ?? Self.usualInterval
        interval = min(max(half, 0.01), Self.usualInterval)
    }

    /// Begins, on a thread of its own.
    func start() throws(ServeError) {
        try OwnThread.start("for the watchdog") { [self] in run() }
    }

    /// The server stops: it works as long as its threads answer anything, and the manager's watchdog does not rest meanwhile
    /// (seen with systemd 252: `Result=watchdog` in the middle of a stop).
    func serverStops(_ words: String) { ending.withLock { $0 = words } }

    /// The server has stopped.
    func end() { isOver.store(true, ordering: .releasing) }

    private func run() {
        var wasWell = true
        var told = signs
        while !isOver.load(ordering: .acquiring) {
            let began = ContinuousClock.now
            let answers = server.selfTest("/readyz", within: interval)
            guard !isOver.load(ordering: .acquiring) else { return }
            let stops = ending.withLock { $0 != nil }
            let isWell =
                stops && server.hasStopped
                ? storeAnswers
                : answers.allSatisfy { ServerWatch.isWell($0, stops: stops) { self.orchestrator.serverProblem() } }
            // Before the status: what changes in between is told once more.
            told = signs
            if isWell {
                tell(.alive(status))
                if !wasWell { ServerLog.note("the server answers itself again") }
                wasWell = true
            } else {
                let words = answers.map { $0.map(String.init) ?? "nothing" }.joined(separator: ", ")
                tell(.status("not ready: its threads answer \(words)"))
                if wasWell { ServerLog.note("the server does not answer itself as it should: \(words)", .error) }
                wasWell = false
            }
            rest(until: began + .seconds(interval), telling: wasWell, &told)
        }
    }

    /// Waits for the next look, and tells meanwhile what has changed: a person who asks the manager sees it a second later.
    ///
    /// `telling` is false for a server that does not answer: that is its status until it does.
    private func rest(until next: ContinuousClock.Instant, telling: Bool, _ told: inout Signs) {
        while !isOver.load(ordering: .acquiring) {
            let left = (next - ContinuousClock.now) / .seconds(1)
            guard left > 0 else { return }
            usleep(UInt32(min(left, Self.pace) * 1_000_000))
            let now = signs
            guard telling, now != told else { continue }
            told = now
            tell(.status(status))
        }
    }

    private var signs: Signs { Signs(orchestrator: orchestrator.signs, ending: ending.withLock { $0 }) }

    /// Whether an answer is that of a server that works.
    ///
    /// One that is not ready does, too, where another server would be no more so; what it was not ready for may be over by now.
    static func isWell(_ status: Int?, stops: Bool, serverProblem: () -> String?) -> Bool {
        stops ? status != nil : status == 200 || status == 503 && serverProblem() == nil
    }

    /// Jobs that still run need nothing else.
    private var storeAnswers: Bool {
        do throws(WorkspaceError) {
            _ = try orchestrator.countProjects()
            return true
        } catch { return false }
    }

    var status: String {
        let load = orchestrator.load
        if let words = ending.withLock({ $0 }) {
            return "\(words): \(load.running) jobs running, \(load.waiting) waiting"
        }
        let problem = orchestrator.readiness().map { "not ready: \($0); " } ?? ""
        return
            "\(problem)\(load.running) jobs running, \(load.waiting) waiting; \(server.addresses.joined(separator: " and "))"
    }

    private func tell(_ message: ServiceMessage) {
        let code = ServiceContext.tell(message)
        if code != 0 { ServerLog.note("the service manager cannot be told: \(ErrnoName.described(code))", .warning) }
    }
}
