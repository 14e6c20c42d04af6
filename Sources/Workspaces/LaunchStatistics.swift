internal import CShims
internal import Glibc
internal import SandboxPlan
internal import Synchronization
internal import WorkspaceStore

/// Counts of launches, since the server's start.
final class LaunchStatistics: Sendable {
    private struct Counts {
        var open = 0
        var launches = [Int](repeating: 0, count: WorkspaceStatistics.launchBounds.count + 1)
        var seconds = 0.0
        var refusals: [String: Int] = [:]
        var lostOutput = 0
    }

    private let counts = Mutex(Counts())

    /// CLOCK_MONOTONIC, in seconds.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    func opened() { counts.withLock { $0.open += 1 } }

    func closed() { counts.withLock { $0.open -= 1 } }

    /// - Parameter seconds: from asking for a place to the worker's release.
    func released(after seconds: Double) {
        counts.withLock { counts in
            let index = WorkspaceStatistics.launchBounds.firstIndex { seconds <= $0 }
            counts.launches[index ?? WorkspaceStatistics.launchBounds.count] += 1
            counts.seconds += seconds
        }
    }

    func refused(_ refusal: Refusal) {
        let step = refusal.step.isEmpty ? refusal.stage : refusal.step
        counts.withLock { counts in
            // Steps are a few dozen; a step's name never has a path in it.
            if counts.refusals[step] != nil || counts.refusals.count < 256 { counts.refusals[step, default: 0] += 1 }
        }
    }

    func lostOutput(_ error: StoreError) { counts.withLock { $0.lostOutput += 1 } }

    func write(to statistics: inout WorkspaceStatistics) {
        counts.withLock { counts in
            statistics.sandboxesOpen = counts.open
            statistics.launchCounts = counts.launches
            statistics.launchSecondsTotal = counts.seconds
            statistics.refusals = counts.refusals
        }
    }
}
