internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Removes old launches from the beginning of a workspace's records, and leaves a checkpoint: `gc`.
///
/// What is kept and the checkpoint are written to a file of their own, which then takes the place of the old one in one
/// rename(2), under the lock under which launches append. So at any moment there is one whole file, before or after; a launch
/// that waited for the lock finds its file without a name, and opens the new one.
public enum EvidenceCollector {
    /// What may be removed: a launch for which one of these holds.
    public struct Criteria: Hashable, Sendable {
        /// It ended longer ago than so many days.
        public var olderThanDays: Int64?
        /// So many newer ones are in the file.
        public var keep: Int64?

        public init(olderThanDays: Int64?, keep: Int64?) {
            self.olderThanDays = olderThanDays
            self.keep = keep
        }
    }

    public struct Report: Hashable, Sendable {
        public var removed = Checkpoint.Counts()
        public var removedBytes: Int64 = 0
        /// Launches that stay.
        public var keptLaunches: Int64 = 0
        /// As many as were to stay by their number; nil where that was not asked for.
        public var askedLaunches: Int64?
        /// The checkpoint as `SEQUENCE:DIGEST`; nil when nothing was removed.
        public var checkpoint: ChainCheckpoint?
        /// The line that was, or would be, removed last.
        public var removedThrough: String?
    }

    /// The ids of all workspaces that have records, in order.
    public static func workspaces(stateFolder: OSString) throws(EvidenceError) -> [EvidenceLocation] {
        guard let state = try EvidenceFolder.state(stateFolder, make: false),
            let evidence = try state.folder(EvidenceLocation.folderName, make: false)
        else { return [] }
        var names: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: evidence.descriptor.number, named: evidence.path) { entry in
                names.append(entry.copy)
                return true
            }
        } catch {
            throw EvidenceError(
                action: "list",
                subject: evidence.path,
                call: error.call,
                errno: error.errno,
                remedy: "see the folder's owner and mode"
            )
        }
        var found: [EvidenceLocation] = []
        for name in names {
            // Whatever else lies there is not ours to touch.
            guard let location = EvidenceLocation(stateFolder: stateFolder, workspaceID: name) else { continue }
            found.append(location)
        }
        return found.sorted { $0.workspaceID < $1.workspaceID }
    }

    /// Removes what the criteria name.
    ///
    /// - Parameters:
    ///   - location: the workspace.
    ///   - criteria: what goes.
    ///   - dryRun: only says what would go.
    ///   - toolVersion: for the checkpoint.
    ///   - keys: what signatures are checked with: what does not verify is not removed.
    ///   - key: signs what is not signed yet, and the checkpoint; asked for only when something is removed.
    /// - Returns: nil when the workspace has no records.
    /// - Throws: `EvidenceError`; the records are whole then, with or without what was to go.
    public static func collect(
        _ location: EvidenceLocation,
        _ criteria: Criteria,
        dryRun: Bool,
        toolVersion: String,
        keys: SignatureKeys,
        key: () throws(EvidenceError) -> RecordSigningKey
    ) throws(EvidenceError) -> Report? {
        guard let folder = try EvidenceFolder.workspace(location, make: false),
            let walked = try ChainVerifier.walk(location, since: nil, keys: keys, host: RunningHost())
        else { return nil }
        guard walked.report.isOnlyDamaged else {
            throw EvidenceError(
                action: "remove anything from",
                subject: location.records,
                cause: "it does not verify",
                remedy:
                    "see what `codex-sandbox evidence verify` says; what was changed is no evidence, and is kept as it is, "
                    + "and so is what has to be compared with a backup"
            )
        }
        guard !dryRun else {
            guard let records = try SettledRecords.open(location) else { return nil }
            return try CollectionPlan.find(in: records, walked, criteria).report
        }
        var signatures = try SignatureFile(location, in: folder)
        // Only now: whoever replaces the records holds the lock of the signatures.
        guard let records = try SettledRecords.open(location) else { return nil }
        let plan = try CollectionPlan.find(in: records, walked, criteria)
        var report = plan.report
        if let cut = plan.cut {
            guard let all = try SettledRecords.open(location) else { return nil }
            _ = try RecordSigner.sign(all, into: &signatures, with: key)
            report.checkpoint = try RecordReplacement.replace(
                from: cut,
                in: folder,
                location,
                toolVersion: toolVersion
            )
            guard let now = try SettledRecords.open(location) else { return nil }
            _ = try RecordSigner.sign(now, into: &signatures, with: key)
        }
        // Also those that a gc which was killed left behind.
        try SignatureReplacement.trim(signatures, in: folder, location)
        return report
    }
}
