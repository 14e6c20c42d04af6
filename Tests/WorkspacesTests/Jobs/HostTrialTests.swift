import SandboxPlan
import SandboxRuntime
import Testing

@testable import Workspaces

@Suite struct HostTrialTests {
    private let refusal = Refusal(stage: "place", subject: "x", message: "/w/p is amiss", remedy: "mend it")
    private let words = "every job would be refused: p is amiss"

    private func settled(_ trial: HostTrial, over standing: String?) -> (standing: String?, Bool, String?) {
        var problem = standing
        let (hasChanged, said) = trial.settle(&problem, root: "/w")
        return (problem, hasChanged, said)
    }

    @Test func aRefusalStandsUntilATrialPasses() {
        #expect(
            settled(.refused(refusal), over: nil) == (words, true, "every job would be refused: /w/p is amiss; mend it")
        )
        #expect(settled(.refused(refusal), over: words).1 == false)
        #expect(
            settled(.refused(refusal), over: "another") == (
                words, true, "every job would be refused: /w/p is amiss; mend it"
            )
        )
        #expect(settled(.passed, over: words) == (nil, true, nil))
        #expect(settled(.passed, over: nil) == (nil, false, nil))
    }

    /// A full disk mends no host.
    @Test func whatWasNotTriedChangesNothing() {
        #expect(settled(.untried, over: words) == (words, false, words))
        #expect(settled(.untried, over: nil) == (nil, false, nil))
    }
}
