import SandboxTestSupport
import Testing

/// Every attempt of the hostile programs: succeeds outside, fails inside, with the right error and an untouched host.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct EscapeTests {
    @Test(arguments: FileAttempts.all, Caller.available)
    func filesHold(attempt: Attempt, caller: Caller) throws { try hold(attempt, caller) }

    @Test(arguments: TrustAttempts.all, Caller.available)
    func trustedNamesHold(attempt: Attempt, caller: Caller) throws { try hold(attempt, caller) }

    @Test(arguments: ProcessAttempts.all, Caller.available)
    func processesHold(attempt: Attempt, caller: Caller) throws { try hold(attempt, caller) }

    @Test(arguments: KernelAttempts.all, Caller.available)
    func kernelSurfaceHolds(attempt: Attempt, caller: Caller) throws { try hold(attempt, caller) }

    @Test(arguments: NetworkAttempts.all, Caller.available)
    func networkHolds(attempt: Attempt, caller: Caller) throws { try hold(attempt, caller) }

    private func hold(_ attempt: Attempt, _ caller: Caller) throws {
        let trial = try attempt.tried(by: caller)
        for problem in trial.problems { Issue.record("\(attempt), \(caller): \(problem)") }
        // Not a failure and not a pass: the run says what this host could not show.
        for reason in trial.uncontrolled {
            Issue.record("\(attempt), \(caller): held, but without a control: \(reason)", severity: .warning)
        }
    }
}
