public import SandboxPlan

/// Where an entry of the job's environment comes from.
public enum EnvironmentOrigin: String, Hashable, Sendable {
    case flagSet = "--env NAME=VALUE"
    case flagPass = "--env NAME, the caller's value"
    case policySet = "policy: environment.set"
    case policyPass = "policy: environment.pass, the caller's value"
    case inheritedCore = "policy: environment.inherit = core, the caller's value"
    case inheritedAll = "policy: environment.inherit = all, the caller's value"
    /// Made by the planner: HOME, PATH and the like.
    case own = "codex-sandbox"

    /// Which source an entry of the plan is from, judged by name and value together.
    ///
    /// A name alone does not tell: the planner may set HOME although the policy inherits it. An entry whose value is
    /// that of no source is the planner's.
    ///
    /// `entry` is as the plan has it, `policy` as before the flags, `caller` the caller's environment, `NAME=VALUE` each.
    public static func of(
        _ entry: EnvironmentEntry,
        policy: EnvironmentPolicy,
        overrides: PolicyOverrides,
        caller: [OSString]
    ) -> EnvironmentOrigin {
        let isCallers = caller.contains(OSString(entry.name.bytes + [UInt8(ascii: "=")] + entry.value.bytes))
        if overrides.setEnvironment.contains(entry) { return .flagSet }
        if isCallers && overrides.passEnvironment.contains(entry.name) { return .flagPass }
        if policy.set.contains(entry) { return .policySet }
        guard isCallers else { return .own }
        if policy.pass.contains(entry.name) { return .policyPass }
        switch policy.inherit {
        case .none: return .own
        case .core: return .inheritedCore
        case .all: return .inheritedAll
        }
    }

    /// Only values of our own making are shown: any other may be a secret.
    var showsValue: Bool { self == .own }
}
