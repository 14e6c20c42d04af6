public import SandboxPlan

/// Tries on this host what a launch needs.
public enum Doctor {
    /// Examines every layer, then launches for real.
    ///
    /// `trial` launches `/bin/true` under the default policy exactly as `run` would, verification included, and
    /// returns its outcome; it alone decides whether the host will do.
    public static func examine(folders: [DoctorFolder], trial: () -> Outcome) -> HostReport {
        let checks = HostDiagnosis(facts: .gathered(folders: folders)).checks
        return HostReport(trial: trial(), checks: checks)
    }
}
