internal import SandboxPlan
internal import SandboxRuntime
internal import WorkspaceStore

/// What a job has come to, from the worker's end, the place's end and the result that was read back.
struct JobEnd: Equatable {
    var status: JobStatus
    /// One word; nil for a job that has done its work.
    var reason: String?
    /// A sentence for people.
    var summary: String
    var exitStatus: Int32?
    /// Whether the reason is what the worker itself has said in a result that is one.
    var isWorkersWord = false

    /// Nothing ran.
    static func refused(_ refusal: Refusal) -> JobEnd {
        JobEnd(
            status: .error,
            reason: "refused",
            summary: WorkspaceText.summary("\(refusal.message); \(refusal.remedy)")
        )
    }

    static func stopped(_ reason: String) -> JobEnd {
        JobEnd(status: .error, reason: reason, summary: "the job was \(reason)")
    }

    /// The same, with the limit as its reason where new processes were refused to a job that came to nothing.
    ///
    /// The kernel refuses them and the job goes on: what it makes of that is its own. So the limit is the reason of what the worker
    /// has not explained itself: it failed, was ended by a signal, or has left no result.
    func naming(_ limits: [HeldLimit.Name], isLimit: Bool = false) -> JobEnd {
        guard status == .error, limits.contains(.tasks) else { return self }
        var end = self
        if !isWorkersWord && !isLimit { end.reason = "pids" }
        end.summary += "; at the limit of processes and threads the kernel has refused it new ones"
        return end
    }

    /// What the launch says; nil where the result decides: the worker has ended by itself.
    ///
    /// `verdict` is of the place, where something was amiss; `limits` are those that the worker has met.
    static func ofLaunch(_ outcome: Outcome, verdict: Outcome?, limits: [HeldLimit.Name] = []) -> JobEnd? {
        // What ended the whole place is the cause of how the worker ended.
        if let verdict, let end = ofLaunch(verdict, verdict: nil, limits: limits) { return end }
        let isLimit: Bool
        switch outcome {
        case .timedOut, .memoryExceeded, .diskExceeded, .outputExceeded, .protectionLost, .interrupted, .refused,
            .notExecuted:
            isLimit = true
        case .exited, .signalled: isLimit = limits.contains(.cpu)
        }
        return plain(outcome, limits)?.naming(limits, isLimit: isLimit)
    }

    private static func plain(_ outcome: Outcome, _ limits: [HeldLimit.Name]) -> JobEnd? {
        switch outcome {
        case .exited: return nil
        case .signalled(let signal) where limits.contains(.cpu):
            return JobEnd(
                status: .error,
                reason: "cpu",
                summary: "the worker used the processor time that one process may use",
                exitStatus: 128 + signal
            )
        case .signalled(let signal):
            return JobEnd(
                status: .error,
                reason: "signal",
                summary: "the worker was ended by signal \(signal)",
                exitStatus: 128 + signal
            )
        case .timedOut:
            return JobEnd(status: .error, reason: "wall", summary: "the worker passed its time limit", exitStatus: 124)
        case .memoryExceeded(let used, let limit):
            return JobEnd(
                status: .error,
                reason: "memory",
                summary: "the worker used \(used) of memory, and its limit is \(limit)",
                exitStatus: 137
            )
        case .diskExceeded(let used, let limit):
            return JobEnd(
                status: .error,
                reason: "disk",
                summary: "the workspace held \(used), and its limit is \(limit)",
                exitStatus: 137
            )
        case .outputExceeded(let used, let limit):
            return JobEnd(
                status: .error,
                reason: "output",
                summary: "the worker wrote \(used) of output, and its limit is \(limit)",
                exitStatus: 137
            )
        case .protectionLost(let what, _):
            return JobEnd(
                status: .error,
                reason: "protection-lost",
                summary: "\(WorkspaceText.summary(what)) was no longer kept from the worker, which was ended for it"
            )
        case .interrupted(let signal, let wasKilled):
            return JobEnd(
                status: .error,
                reason: "interrupted",
                summary: "signal \(signal) ended the job",
                exitStatus: wasKilled ? 137 : 128 + signal
            )
        case .refused(let refusal): return refused(refusal)
        case .notExecuted(let errno, let message):
            return JobEnd(
                status: .error,
                reason: "not-executed",
                summary: WorkspaceText.summary(message),
                exitStatus: errno == 2 ? 127 : 126
            )
        }
    }
}
