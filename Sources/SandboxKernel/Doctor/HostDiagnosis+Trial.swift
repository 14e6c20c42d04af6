internal import Glibc
internal import SandboxPlan

extension HostDiagnosis {
    /// The outcome of doctor's own launch, with a remedy that does not send to doctor: whoever reads it is there.
    ///
    /// - Parameters:
    ///   - outcome: of the launch.
    ///   - checks: ours.
    /// - Returns: the same, but for a refusal's remedy that only says to run this.
    func explained(_ outcome: Outcome, _ checks: [HostCheck]) -> Outcome {
        guard case .refused(var refusal) = outcome else { return outcome }
        // Cut out of it, the command leaves less.
        let pieces = refusal.remedy.pieces(between: HostReport.command)
        guard pieces.joined() != refusal.remedy else { return outcome }
        refusal.remedy = remedy(of: refusal, checks)
        return .refused(refusal)
    }

    /// What the checks found in the layer that failed, else anywhere; where all of them found everything, what the errno tells.
    private func remedy(of refusal: Refusal, _ checks: [HostCheck]) -> String {
        let missing = checks.filter { $0.state == .missing && !$0.remedy.isEmpty }
        let ofLayer = missing.filter { $0.name == refusal.layer?.rawValue }
        var remedies: [String] = []
        for check in ofLayer.isEmpty ? missing : ofLayer where !remedies.contains(check.remedy) {
            remedies.append(check.remedy)
        }
        if !remedies.isEmpty { return remedies.joined(separator: " ") }
        let filter = UserNamespaceCause.filtered(facts)?.remedy
        switch refusal.errno {
        case ENOSYS: return filter ?? "Boot Linux 6.1 or newer."
        case EPERM, EACCES, EINVAL: return filter ?? FeatureCause.report
        default: return FeatureCause.report
        }
    }
}
