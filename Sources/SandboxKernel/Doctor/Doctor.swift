public import SandboxPlan

/// Tries on this host what a launch needs.
public enum Doctor {
    /// Examines every layer, then launches for real.
    ///
    /// `trial` launches `/bin/true` under the default policy exactly as `run` would, verification included, and
    /// returns its outcome; it alone decides whether the host will do.
    public static func examine(folders: [DoctorFolder], trial: () -> Outcome) -> HostReport {
        let diagnosis = HostDiagnosis(facts: .gathered(folders: folders))
        let checks = diagnosis.checks
        return HostReport(trial: diagnosis.explained(trial(), checks), checks: checks)
    }
}
