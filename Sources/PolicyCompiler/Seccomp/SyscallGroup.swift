/// System calls that are treated alike for one reason.
///
/// The groups together name every call of x86_64 that Linux 6.18 has; a number in none of them is answered ENOSYS
/// (`docs/policy.md` shows the table, made from this one).
public struct SyscallGroup: Hashable, Sendable {
    public var name: String
    /// Why the calls are treated as they are, in one sentence.
    public var reason: String
    public var verdict: Verdict
    /// Whether pid 1 of the place is held to it too, from the moment the place stands.
    public var inPlaceFilter: Bool
    public var calls: [SyscallRule]

    public enum Verdict: Hashable, Sendable {
        case allowed
        /// Allowed unless the policy names the group in `seccomp.without`.
        case removable
        case denied(SyscallAnswer)
    }

    init(
        _ name: String,
        _ verdict: Verdict,
        inPlaceFilter: Bool = false,
        reason: String,
        calls: [SyscallRule]
    ) {
        self.name = name
        self.reason = reason
        self.verdict = verdict
        self.inPlaceFilter = inPlaceFilter
        self.calls = calls
    }

    /// Names that `seccomp.without` can hold.
    public static var removableNames: [String] {
        all.filter { $0.verdict == .removable }.map(\.name)
    }

    /// What the process filter answers to a call of this group.
    func decision(for rule: SyscallRule, without: Set<String>) -> SyscallDecision {
        switch verdict {
        case .denied(let answer): .answer(answer)
        case .removable where without.contains(name): .answer(.denied)
        case .allowed, .removable: rule.decision?.without(without) ?? .answer(.allow)
        }
    }
}

/// One system call in a group.
public struct SyscallRule: Hashable, Sendable, ExpressibleByStringLiteral {
    public var name: String
    /// Number on x86_64, for calls that libseccomp 2.5.4 does not know by name.
    public var number: Int32?
    /// What is looked at before the call is allowed; nil if nothing is.
    public var decision: SyscallDecision?
    /// The decision in words, for the table in `docs/policy.md`; empty without one.
    public var condition: String

    public init(stringLiteral name: String) {
        self.init(name)
    }

    init(_ name: String, number: Int32? = nil, if condition: String = "", _ decision: SyscallDecision? = nil) {
        self.name = name
        self.number = number
        self.decision = decision
        self.condition = condition
    }
}

/// What the kernel does with a call.
public enum SyscallAnswer: Hashable, Sendable {
    case allow
    case errno(UInt16)
    /// SECCOMP_RET_KILL_PROCESS: nothing that needs this call has any business in a job.
    case kill

    /// What a known call that is not allowed gets.
    static let denied = SyscallAnswer.errno(1)
    /// What an unknown call gets: callers fall back as on an older kernel.
    static let unknown = SyscallAnswer.errno(38)
}

/// A tree of questions about a call's arguments.
///
/// Arguments along a path stand in ascending order: libseccomp sorts them so.
public indirect enum SyscallDecision: Hashable, Sendable {
    case answer(SyscallAnswer)
    /// Looks at `argument & mask`. The kernel takes 32 bits of every argument asked about here, so masks have no more:
    /// a comparison of 64 bits would let a caller pass by setting the upper half.
    case field(argument: UInt32, mask: UInt32, cases: [Case], otherwise: SyscallDecision)

    public struct Case: Hashable, Sendable {
        public var values: [UInt32]
        public var decision: SyscallDecision
        /// The group that this case belongs to, if it goes when that group is left out.
        public var group: String?

        init(_ values: [UInt32], group: String? = nil, _ decision: SyscallDecision) {
            self.values = values
            self.decision = decision
            self.group = group
        }
    }

    /// The answer for the given arguments: what the compiled filter must agree with.
    public func answer(_ arguments: [UInt64]) -> SyscallAnswer {
        switch self {
        case .answer(let answer):
            return answer
        case .field(let argument, let mask, let cases, let otherwise):
            let value = UInt32(truncatingIfNeeded: arguments[Int(argument)]) & mask
            return (cases.first { $0.values.contains(value) }?.decision ?? otherwise).answer(arguments)
        }
    }

    /// The tree without the cases of groups that are left out.
    func without(_ groups: Set<String>) -> SyscallDecision {
        guard case .field(let argument, let mask, let cases, let otherwise) = self else { return self }
        let kept = cases.filter { group in !(group.group.map(groups.contains) ?? false) }
        return .field(argument: argument, mask: mask, cases: kept, otherwise: otherwise)
    }
}
