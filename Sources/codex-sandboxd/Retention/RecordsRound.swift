import SandboxPlan
import SandboxRuntime
import Workspaces

/// The removal of records from several workspaces: by age and number first, then by size.
struct RecordsRound {
    enum Result {
        case collected(EvidenceCollector.Report, EvidenceLocation, Removal.Reason)
        case failed(EvidenceError)
    }

    let keys: Keys
    let dryRun: Bool

    /// - Parameters:
    ///   - locations: the workspaces.
    ///   - days: launches that ended longer ago go.
    ///   - keep: and all but so many of each workspace.
    ///   - size: and the oldest of all, until their records are no larger.
    ///   - told: of each workspace; what is wrong with one keeps no other from being cleaned.
    /// - Throws: `EvidenceError` where sizes cannot be known.
    func collect(
        _ locations: [EvidenceLocation],
        days: Int64?,
        keep: Int64?,
        size: ByteCount?,
        _ told: (Result) -> Void
    ) throws(EvidenceError) {
        if days != nil || keep != nil {
            let criteria = EvidenceCollector.Criteria(olderThanDays: days, keep: keep)
            let reason: Removal.Reason = keep == nil ? .age : days == nil ? .number : .ageOrNumber
            for location in locations { collect(location, criteria, reason, told) }
        }
        guard let size else { return }
        for (location, keep) in try EvidenceRetention.kept(within: size, of: locations) {
            collect(location, EvidenceCollector.Criteria(olderThanDays: nil, keep: keep), .size, told)
        }
    }

    private func collect(
        _ location: EvidenceLocation,
        _ criteria: EvidenceCollector.Criteria,
        _ reason: Removal.Reason,
        _ told: (Result) -> Void
    ) {
        do throws(EvidenceError) {
            let report = try EvidenceCollector.collect(
                location,
                criteria,
                dryRun: dryRun,
                toolVersion: ToolVersion.current,
                keys: try keys.verification([]),
                key: { () throws(EvidenceError) in try keys.signing() }
            )
            if let report { told(.collected(report, location, reason)) }
        } catch { told(.failed(error)) }
    }
}
