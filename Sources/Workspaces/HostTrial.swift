internal import SandboxPlan

/// What a trial of the host has come to.
enum HostTrial {
    case passed
    /// As every job's launch would be.
    case refused(Refusal)
    /// There was no room to try it in: nothing is known that was not known before.
    case untried

    /// Brings what stands up to date.
    ///
    /// - Parameters:
    ///   - problem: why every job would be refused, for clients; nil where none would be.
    ///   - root: the folder of the projects, whose path is not for clients.
    /// - Returns: whether it has changed, and why every job would be refused, for the log.
    func settle(_ problem: inout String?, root: OSString) -> (hasChanged: Bool, problem: String?) {
        switch self {
        case .untried: return (false, problem)
        case .passed:
            defer { problem = nil }
            return (problem != nil, nil)
        case .refused(let refusal):
            let words = "every job would be refused: \(WorkspaceText.relative(refusal.message, to: root))"
            defer { problem = words }
            return (problem != words, "every job would be refused: \(refusal.message); \(refusal.remedy)")
        }
    }
}
