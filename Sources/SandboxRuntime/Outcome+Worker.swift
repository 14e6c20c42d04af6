internal import Glibc
internal import SandboxPlan

extension Outcome {
    /// What the end of a job is called.
    ///
    /// - Parameters:
    ///   - verdict: why the supervisor has ended it; before all else.
    ///   - failure: of execve(2): its errno, and which of the candidates it happened to.
    ///   - status: of the worker, as wait(2) has it; nil where it was not seen to end.
    ///   - process: what was to run.
    init(_ verdict: Outcome?, _ failure: (errno: Int32, candidate: Int)?, _ status: Int32?, of process: ProcessPlan) {
        if let verdict {
            self = verdict
        } else if let failure {
            // Not found anywhere is said of the command; anything else of the file it happened to.
            let candidates = process.candidates
            let path =
                failure.errno == ENOENT
                ? process.arguments[0] : candidates[min(max(failure.candidate, 0), candidates.count - 1)]
            self = .notExecuted(errno: failure.errno, message: path.description)
        } else if let status {
            let signal = status & 0x7F
            self = signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(signal: signal)
        } else {
            self = .signalled(signal: SIGKILL)
        }
    }
}
