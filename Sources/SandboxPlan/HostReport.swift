/// What `doctor` found: what a real launch came to, and what each layer would stand on.
public struct HostReport: Hashable, Sendable {
    /// What makes one, as remedies name it.
    public static let command = "`codex-sandbox doctor`"

    /// The outcome of `/bin/true` under the default policy, launched as any other job.
    public var trial: Outcome
    public var checks: [HostCheck]

    public init(trial: Outcome, checks: [HostCheck]) {
        self.trial = trial
        self.checks = checks
    }

    /// Only the launch says so: it verified every layer; the checks explain why it could not.
    public var works: Bool { trial == .exited(code: 0) }
}

/// One thing that a launch stands on, as this host has it.
public struct HostCheck: Hashable, Sendable {
    /// The layer's name, or that of the kernel feature: `user-namespace`, `move-mount`.
    public var name: String
    public var state: State
    /// What was tried and what came of it.
    public var detail: String
    /// The command or act that mends it; empty when nothing is to be mended.
    public var remedy: String

    public enum State: String, Hashable, Sendable, CaseIterable {
        /// Tried, and there.
        case available
        /// There, with parts missing that other layers hold.
        case partial
        /// Tried, and refused or without effect.
        case missing
        /// It may work, but nobody has tried it on this kind of host.
        case untested
        /// A fact that decides nothing.
        case information
    }

    public init(name: String, state: State, detail: String, remedy: String = "") {
        self.name = name
        self.state = state
        self.detail = detail
        self.remedy = remedy
    }
}
