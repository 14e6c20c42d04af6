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

    @Test func theReasonIsTheLimit() {
        let (more, less) = (ByteCount.mebibytes(2), ByteCount.mebibytes(1))
        let ends: [(Outcome, [HeldLimit.Name], String)] = [
            (.diskExceeded(used: more, limit: less), [.workspace], "disk"),
            (.outputExceeded(used: more, limit: less), [.output], "output"),
            (.memoryExceeded(used: more, limit: less), [.memory], "memory"), (.timedOut, [.wall], "wall"),
            (.signalled(signal: 9), [.cpu], "cpu"), (.signalled(signal: 9), [], "signal"),
            (.signalled(signal: 9), [.tasks], "pids"), (.timedOut, [.tasks, .wall], "wall"),
            (.signalled(signal: 9), [.tasks, .cpu], "cpu"),
        ]
        for (outcome, limits, reason) in ends {
            let end = JobEnd.ofLaunch(outcome, verdict: nil, limits: limits)
            #expect(end?.reason == reason, "\(outcome)")
            #expect(end?.summary.contains("processes and threads") == limits.contains(.tasks), "\(outcome)")
        }
    }

    /// Refused processes are the reason of what a worker has not explained itself.
    @Test func refusedProcessesExplainWhatTheWorkerDoesNot() {
        let failed = JobEnd(status: .error, reason: "exit", summary: "the worker ended with status 1")
        #expect(failed.naming([.tasks]).reason == "pids" && failed.naming([]) == failed)
        #expect(failed.naming([.memory]) == failed)
        var own = failed
        (own.reason, own.isWorkersWord) = ("forced_error", true)
        #expect(own.naming([.tasks]).reason == "forced_error")
        let done = JobEnd(status: .completed, summary: "done", exitStatus: 0)
        #expect(done.naming([.tasks]) == done)
    }

    @Test func onlyAWorkerThatEndedByItselfHasAResult() {
        #expect(JobEnd.ofLaunch(.exited(code: 0), verdict: nil) == nil)
        #expect(JobEnd.ofLaunch(.exited(code: 3), verdict: nil) == nil)
        let refusal = Refusal(stage: "place", step: "landlock", errno: 1, message: "no", remedy: "yes")
        let ends: [(Outcome, String, Int32?)] = [
            (.timedOut, "wall", 124), (.signalled(signal: 11), "signal", 139),
            (.interrupted(signal: 15), "interrupted", 143),
            (.interrupted(signal: 15, wasKilled: true), "interrupted", 137),
            (.refused(refusal), "refused", nil), (.notExecuted(errno: 2, message: "x"), "not-executed", 127),
            (.notExecuted(errno: 13, message: "x"), "not-executed", 126),
        ]
        for (outcome, reason, status) in ends {
            let end = JobEnd.ofLaunch(outcome, verdict: nil)
            #expect(end?.status == .error && end?.reason == reason && end?.exitStatus == status, "\(outcome)")
        }
    }
}
