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
        if let asked = report.askedLaunches, report.keptLaunches > asked {
            line += " (more than \(asked): records are cut only where no launch was under way)"
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
