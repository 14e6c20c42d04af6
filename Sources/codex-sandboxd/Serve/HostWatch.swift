import Glibc
import SandboxAPI
import Synchronization
import Workspaces

/// Tries now and then whether jobs could run, off the way of requests: a sysctl or a profile may have changed.
final class HostWatch: Sendable {
    private let orchestrator: Orchestrator
    private let isOver = Atomic<Bool>(false)
    /// One trial at a time.
    private let trial = Mutex(false)

    /// Between two trials, in seconds: what takes a launch away seldom changes, and one that mends it wants to see that.
    private static let interval = 300.0
    private static let intervalWhileRefused = 10.0
    /// Between two looks whether it is over, in microseconds.
    private static let pace: UInt32 = 200_000

    init(_ orchestrator: Orchestrator) { self.orchestrator = orchestrator }

    /// Tries it now, and says in the log what has changed.
    func look() {
        trial.withLock { isRefused in
            let (hasChanged, problem) = orchestrator.tryHost()
            isRefused = problem != nil
            guard hasChanged else { return }
            if let problem {
                ServerLog.note("not ready: \(problem)", .error)
            } else {
                ServerLog.note("jobs are no longer refused by the host")
            }
        }
    }

    func end() { isOver.store(true, ordering: .releasing) }

    func start() throws(ServeError) {
        try OwnThread.start("that tries the host") { [self] in
            var last = ContinuousClock.now
            while !isOver.load(ordering: .acquiring) {
                let isRefused = trial.withLock { $0 }
                let interval = isRefused ? HostWatch.intervalWhileRefused : HostWatch.interval
                if ContinuousClock.now - last >= .seconds(interval) {
                    look()
                    last = ContinuousClock.now
                }
                usleep(HostWatch.pace)
            }
        }
    }
}
