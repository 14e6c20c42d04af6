/// Whether the worker's program was reached, and how that is known.
public enum ExecveFact: Hashable, Sendable {
    /// execve(2) succeeded: the close-on-exec end of the report pipe closed without an error on it.
    case succeeded
    /// The same of the command's own pipe under full access, where there is no gate.
    case started
    /// execve(2) was called and returned an error, which the process reported.
    case failed
    /// It was never called.
    case notReached(Proof)
    /// The process was let go and ended without a report: nobody can say.
    case notKnown

    public enum Proof: String, Hashable, Sendable {
        /// No process had been made.
        case noProcess = "no-process"
        /// The process reported a failed step, after which its code ends, and was reaped.
        case failedStep = "failed-step"
        /// The process waited at the gate, which only the supervisor opens; it was killed there and reaped.
        case killedAtGate = "killed-at-gate"
        /// The process ended by itself before the gate was opened, and was reaped.
        case endedBeforeGate = "ended-before-gate"
    }

    /// Nil where nobody can say.
    public var reached: Bool? {
        switch self {
        case .succeeded, .started, .failed: true
        case .notReached: false
        case .notKnown: nil
        }
    }

    /// The record's word for how it is known.
    public var knownBy: String {
        switch self {
        case .succeeded: "report-pipe-closed"
        case .started: "started-without-gate"
        case .failed: "reported-errno"
        case .notReached(let proof): proof.rawValue
        case .notKnown: "released-without-report"
        }
    }
}
