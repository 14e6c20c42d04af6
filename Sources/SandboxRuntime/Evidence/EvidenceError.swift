public import SandboxPlan

/// Why a record could not be kept or read: what we were doing, to what, why it failed, and what to do.
public struct EvidenceError: Error, Hashable, Sendable {
    /// What was attempted: `open the folder of records`.
    public var action: String
    public var subject: OSString
    /// The name of the call that failed; empty when none did.
    public var call: String
    /// errno(3); 0 when no call failed.
    public var errno: Int32
    /// Why it failed, where errno does not say it.
    public var cause: String
    /// What to do about it; never empty.
    public var remedy: String

    public init(
        action: String,
        subject: OSString,
        call: String = "",
        errno: Int32 = 0,
        cause: String = "",
        remedy: String
    ) {
        self.action = action
        self.subject = subject
        self.call = call
        self.errno = errno
        self.cause = cause
        self.remedy = remedy
    }

    /// The sentence, without the remedy; control characters of the subject escaped.
    public var message: String {
        var reasons: [String] = []
        if !cause.isEmpty { reasons.append(cause) }
        if errno != 0 { reasons.append("\(call) said \(ErrnoName.name(errno))") }
        return "cannot \(action) \(subject): " + reasons.joined(separator: ", ")
    }

    /// The same as a refusal: a launch that cannot be recorded does not happen.
    public var refusal: Refusal {
        Refusal(
            stage: "evidence",
            step: call,
            subject: subject.description,
            errno: errno,
            message: message,
            remedy: remedy
        )
    }
}
