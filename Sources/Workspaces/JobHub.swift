internal import Synchronization

/// Wakes whoever looks at a job's events when there are more.
final class JobHub: Sendable {
    private struct State {
        var next = 0
        var watchers: [String: [Int: @Sendable () -> Void]] = [:]
    }

    private let state = Mutex(State())

    func watch(_ job: String, _ wake: @escaping @Sendable () -> Void) -> JobWatch {
        let number = state.withLock { state in
            state.next += 1
            state.watchers[job, default: [:]][state.next] = wake
            return state.next
        }
        return JobWatch { [weak self] in
            self?.state.withLock { state in
                state.watchers[job]?[number] = nil
                if state.watchers[job]?.isEmpty == true { state.watchers[job] = nil }
            }
        }
    }

    /// Outside of the lock: a watcher may let go of its watch in it.
    func wake(_ job: String) {
        let watchers = state.withLock { Array(($0.watchers[job] ?? [:]).values) }
        for wake in watchers { wake() }
    }

    var count: Int { state.withLock { $0.watchers.values.reduce(0) { $0 + $1.count } } }
}
