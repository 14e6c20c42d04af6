internal import Glibc

/// How a launch ended.
///
/// Exactly one per launch, and the first one stands.
public enum Outcome: Hashable, Sendable {
    /// The worker ended by itself: 0…255.
    case exited(code: Int32)
    /// The worker was ended by a signal nobody here sent for a limit.
    case signalled(signal: Int32)
    /// The wall limit passed.
    case timedOut
    /// The memory limit was passed, as the supervisor's watch or the kernel found it.
    case memoryExceeded(used: ByteCount, limit: ByteCount)
    /// The workspace held more than it may, as the supervisor's watch found it.
    case diskExceeded(used: ByteCount, limit: ByteCount)
    /// The job has written more to its standard streams than it may.
    case outputExceeded(used: ByteCount, limit: ByteCount)
    /// A mount that protects something changed while the worker ran, or the job made what the policy does not allow.
    ///
    /// `afterEnd`: the worker had ended by itself when that was seen; else it was killed for it.
    case protectionLost(what: String, afterEnd: Bool = false)
    /// The caller's signal ended the job before or after the release.
    ///
    /// `wasKilled`: the worker was still there after the grace, and SIGKILL ended it, which is then what the exit status tells.
    case interrupted(signal: Int32, wasKilled: Bool = false)
    /// Nothing ran: the worker's program was never executed.
    case refused(Refusal)
    /// The place stood, execve(2) itself failed: 126 or 127.
    case notExecuted(errno: Int32, message: String)

    public var word: String {
        switch self {
        case .exited: "exited"
        case .signalled: "signalled"
        case .timedOut: "timed-out"
        case .memoryExceeded: "memory-exceeded"
        case .diskExceeded: "disk-exceeded"
        case .outputExceeded: "output-exceeded"
        case .protectionLost: "protection-lost"
        case .interrupted: "interrupted"
        case .refused: "refused"
        case .notExecuted: "not-executed"
        }
    }
}

/// Why nothing ran: which step, on what, which errno, and what to do about it.
public struct Refusal: Error, Hashable, Sendable {
    /// The stage: `policy`, `plan`, `evidence`, `place`, `verify`, `process`.
    public var stage: String
    /// The step's name and number when a step of the plan failed: `bind (step 7)`.
    public var step: String
    /// What it acted on: a path, a process, a key.
    public var subject: String
    /// 0 when no system call failed.
    public var errno: Int32
    /// The sentence: what we were doing, to what, why it failed.
    public var message: String
    /// What to do about it; never empty.
    public var remedy: String
    /// Layer concerned, if one is.
    public var layer: Layer?

    public init(
        stage: String,
        step: String = "",
        subject: String = "",
        errno: Int32 = 0,
        message: String,
        remedy: String,
        layer: Layer? = nil
    ) {
        self.stage = stage
        self.step = step
        self.subject = subject
        self.errno = errno
        self.message = message
        self.remedy = Refusal.remedy(ofAnyCall: errno, step) ?? remedy
        self.layer = layer
    }

    /// The remedy for an errno that has the same cause whatever was called; nil for all others.
    ///
    /// What a caller of a call would say for it is about the call's subject, which is not at fault here.
    private static func remedy(ofAnyCall errno: Int32, _ step: String) -> String? {
        switch errno {
        case ENOSYS: MissingCall(step: step)?.remedy
        case EMFILE: "raise the limit of open files (ulimit -n)"
        case ENFILE: "close files: the whole host has too many open (sysctl fs.file-max)"
        default: nil
        }
    }
}

/// What the job used, as the kernel counted it for the worker and its children, plus what was watched.
public struct Usage: Hashable, Sendable {
    public var userMicroseconds: UInt64
    public var systemMicroseconds: UInt64
    /// Largest resident set of one process, in bytes (getrusage(2) ru_maxrss).
    public var maximumResident: ByteCount
    /// Largest sum that the memory watch saw; 0 if the job ended before its first look.
    public var memoryPeakWatched: ByteCount
    /// What the place's cgroup counted, where it had one.
    public var cgroup: CgroupUsage?

    public init(
        userMicroseconds: UInt64,
        systemMicroseconds: UInt64,
        maximumResident: ByteCount,
        memoryPeakWatched: ByteCount,
        cgroup: CgroupUsage? = nil
    ) {
        self.userMicroseconds = userMicroseconds
        self.systemMicroseconds = systemMicroseconds
        self.maximumResident = maximumResident
        self.memoryPeakWatched = memoryPeakWatched
        self.cgroup = cgroup
    }
}
