internal import SandboxPlan

/// What `gc` says of one workspace: a line.
public enum CollectionText {
    /// For people, or for programs; ends with a newline.
    public static func line(
        _ report: EvidenceCollector.Report,
        of location: EvidenceLocation,
        dryRun: Bool,
        json: Bool
    ) -> [UInt8] {
        if json { return object(report, location, dryRun).bytes + [UInt8(ascii: "\n")] }
        var line = "\(ShownText.escaped(location.name)): "
        if report.removed.records == 0 {
            line += "nothing to remove, \(report.keptLaunches) launches kept"
        } else {
            line +=
                "\(report.removed.launches) launches (\(report.removed.records) records, \(report.removedBytes) bytes) "
            line += dryRun ? "would be removed" : "removed"
            line += ", \(report.keptLaunches) kept"
        }
        if let checkpoint = report.checkpoint { line += "; checkpoint \(checkpoint)" }
        return Array((line + "\n").utf8)
    }

    private static func object(
        _ report: EvidenceCollector.Report,
        _ location: EvidenceLocation,
        _ dryRun: Bool
    ) -> CanonicalJSON {
        CanonicalJSON { json in
            json.object { json in
                if let checkpoint = report.checkpoint { json.member("checkpoint", string: checkpoint.description) }
                json.member("dryRun", bool: dryRun)
                json.member("keptLaunches", integer: report.keptLaunches)
                json.member("records", bytes: location.records)
                json.member("removedBytes", integer: report.removedBytes)
                json.member("removedLaunches", integer: report.removed.launches)
                json.member("removedRecords", integer: report.removed.records)
                if let through = report.removedThrough { json.member("removedThrough", string: through) }
                if let workspace = location.workspace { json.member("workspace", bytes: workspace) }
                json.member("workspaceId", string: location.workspaceID)
            }
        }
    }
}

/// What `evidence sign` says of one workspace: a line.
public enum SignText {
    /// For people, or for programs; ends with a newline.
    public static func line(_ report: RecordSigner.Report, of location: EvidenceLocation, json: Bool) -> [UInt8] {
        guard json else {
            let through = report.through.map { ", through record \($0)" } ?? ""
            let line = "\(ShownText.escaped(location.name)): \(report.signed) records signed\(through)\n"
            return Array(line.utf8)
        }
        let object = CanonicalJSON { json in
            json.object { json in
                json.member("signatures", bytes: location.signatures)
                json.member("signed", integer: report.signed)
                if let through = report.through { json.member("signedThrough", integer: through) }
                if let workspace = location.workspace { json.member("workspace", bytes: workspace) }
                json.member("workspaceId", string: location.workspaceID)
            }
        }
        return object.bytes + [UInt8(ascii: "\n")]
    }
}
