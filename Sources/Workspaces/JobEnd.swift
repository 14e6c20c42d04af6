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

    /// Nothing ran.
    static func refused(_ refusal: Refusal) -> JobEnd {
        JobEnd(status: .error, reason: "refused", summary: "\(refusal.message); \(refusal.remedy)")
    }

    static func stopped(_ reason: String) -> JobEnd {
        JobEnd(status: .error, reason: reason, summary: "the job was \(reason)")
    }

    /// What the launch says; nil where the result decides: the worker has ended by itself.
    ///
    /// `verdict` is of the place, where something was amiss.
    static func ofLaunch(_ outcome: Outcome, verdict: Outcome?) -> JobEnd? {
        // What ended the whole place is the cause of how the worker ended.
        if let verdict, let end = ofLaunch(verdict, verdict: nil) { return end }
        switch outcome {
        case .exited: return nil
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
        case .protectionLost(let what):
            return JobEnd(
                status: .error,
                reason: "protection-lost",
                summary: "\(what) was no longer kept from the worker, which was ended for it"
            )
        case .interrupted(let signal):
            return JobEnd(
                status: .error,
                reason: "interrupted",
                summary: "signal \(signal) ended the job",
                exitStatus: 128 + signal
            )
        case .refused(let refusal): return refused(refusal)
        case .notExecuted(let errno, let message):
            return JobEnd(
                status: .error,
                reason: "not-executed",
                summary: message,
                exitStatus: errno == 2 ? 127 : 126
            )
        }
    }
}
