internal import SandboxPlan

/// What `evidence sign` says of one workspace: a line, and one for each line of the file that is no whole record.
public enum SignText {
    /// For people, or for programs; ends with a newline.
    public static func line(_ report: RecordSigner.Report, of location: EvidenceLocation, json: Bool) -> [UInt8] {
        if json { return object(report, location).bytes + [UInt8(ascii: "\n")] }
        let torn = report.tornSigned > 0 ? " (\(report.tornSigned) of them torn)" : ""
        let through = report.through.map { ", through record \($0)" } ?? ""
        var lines = ["\(ShownText.escaped(location.name)): \(report.signed) records signed\(torn)\(through)"]
        for (listed, count) in [(report.torn, report.tornCount), (report.damaged, report.damagedCount)] {
            for half in listed {
                let record = half.sequence.map { "record \($0) " } ?? ""
                lines.append("  \(record)at byte \(half.offset): \(half.what)")
            }
            if count > listed.count { lines.append("  and \(count - listed.count) more") }
        }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    private static func object(_ report: RecordSigner.Report, _ location: EvidenceLocation) -> CanonicalJSON {
        CanonicalJSON { json in
            json.object { json in
                json.member("damaged", array: report.damaged) { $0.half($1) }
                json.member("damagedCount", integer: report.damagedCount)
                json.member("signatures", bytes: location.signatures)
                json.member("signed", integer: report.signed)
                if let through = report.through { json.member("signedThrough", integer: through) }
                json.member("torn", array: report.torn) { $0.half($1) }
                json.member("tornCount", integer: report.tornCount)
                json.member("tornSigned", integer: report.tornSigned)
                if let workspace = location.workspace { json.member("workspace", bytes: workspace) }
                json.member("workspaceId", string: location.workspaceID)
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func half(_ line: RecordSigner.HalfLine) {
        object { json in
            json.member("offset", integer: line.offset)
            if let sequence = line.sequence { json.member("sequence", integer: sequence) }
            json.member("signed", bool: line.isSigned)
            json.member("what", string: line.what)
        }
    }
}
