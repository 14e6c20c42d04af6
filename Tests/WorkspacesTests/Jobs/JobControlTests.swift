import Synchronization
import Testing

@testable import Workspaces

@Suite struct JobControlTests {
    /// Who ends a job tells its worker, whatever the job's own thread is at.
    @Test func whoStopsSignals() throws {
        let control = try #require(JobControl())
        let calls = Mutex(0)
        control.whenStopped { calls.withLock { $0 += 1 } }
        #expect(calls.withLock { $0 } == 0 && control.stopReason == nil)
        control.stop("cancelled")
        control.stop("interrupted")
        #expect(calls.withLock { $0 } == 1 && control.stopReason == "cancelled")
        // One that was stopped before it had a worker.
        control.whenStopped { calls.withLock { $0 += 1 } }
        #expect(calls.withLock { $0 } == 2)
    }
}
