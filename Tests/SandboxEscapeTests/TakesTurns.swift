import SandboxTestSupport
import Testing

/// Lets a test start processes only when it is its turn.
struct TakesTurns: TestTrait, SuiteTrait, TestScoping {
    /// Nothing else may run: the test watches a clock or takes much of the machine.
    var alone: Bool

    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        // A test that runs alone stands in a suite that takes turns: it enters once, for itself.
        let isForAnother = !alone && test.traits.contains { ($0 as? TakesTurns)?.alone == true }
        guard testCase != nil, !isForAnother else { return try await function() }
        await Turnstile.shared.enter(alone: alone)
        let entered = ContinuousClock.now
        let result: Result<Void, any Error> = await withTaskExecutorPreference(BlockingExecutor.shared) {
            do { return .success(try await function()) } catch { return .failure(error) }
        }
        TestTimes.note(test.name, alone, ContinuousClock.now - entered)
        await Turnstile.shared.leave(alone: alone)
        try result.get()
    }
}

extension Trait where Self == TakesTurns {
    static var takesTurns: Self { TakesTurns(alone: false) }
    static var runsAlone: Self { TakesTurns(alone: true) }
}
