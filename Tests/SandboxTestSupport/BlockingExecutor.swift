import Foundation
import Synchronization

/// Threads for tests that wait in system calls.
///
/// Swift's own pool has as many threads as the machine has processors, and counts on none of them to block: tests that wait for
/// processes would hold it all, and the processors with it would idle.
public final class BlockingExecutor: TaskExecutor, @unchecked Sendable {
    public static let shared = BlockingExecutor()

    private let condition = NSCondition()
    // Behind the condition's lock.
    private var jobs: [UnownedJob] = []
    private var idle = 0

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.lock()
        jobs.append(job)
        // As many threads as there is work at a time: the turnstile says how much that is.
        if idle < jobs.count {
            let thread = Thread { [self] in run() }
            thread.stackSize = 8 << 20
            thread.start()
        }
        condition.signal()
        condition.unlock()
    }

    private func run() {
        while true {
            condition.lock()
            idle += 1
            while jobs.isEmpty { condition.wait() }
            idle -= 1
            let job = jobs.removeFirst()
            condition.unlock()
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
