import SandboxPlan
import Testing
import WorkspaceStore

@testable import Workspaces

@Suite struct JobEndTests {
    @Test func whatEndedThePlaceIsTheCause() {
        let memory = Outcome.memoryExceeded(used: .mebibytes(2), limit: .mebibytes(1))
        #expect(JobEnd.ofLaunch(.signalled(signal: 9), verdict: memory)?.reason == "memory")
        #expect(
            JobEnd.ofLaunch(.exited(code: 0), verdict: .protectionLost(what: "/workspace/.git/config"))?.reason
                == "protection-lost"
        )
    }

    @Test func onlyAWorkerThatEndedByItselfHasAResult() {
        #expect(JobEnd.ofLaunch(.exited(code: 0), verdict: nil) == nil)
        #expect(JobEnd.ofLaunch(.exited(code: 3), verdict: nil) == nil)
        let refusal = Refusal(stage: "place", step: "landlock", errno: 1, message: "no", remedy: "yes")
        let ends: [(Outcome, String, Int32?)] = [
            (.timedOut, "wall", 124), (.signalled(signal: 11), "signal", 139),
            (.interrupted(signal: 15), "interrupted", 143),
            (.refused(refusal), "refused", nil), (.notExecuted(errno: 2, message: "x"), "not-executed", 127),
            (.notExecuted(errno: 13, message: "x"), "not-executed", 126),
        ]
        for (outcome, reason, status) in ends {
            let end = JobEnd.ofLaunch(outcome, verdict: nil)
            #expect(end?.status == .error && end?.reason == reason && end?.exitStatus == status, "\(outcome)")
        }
    }
}
