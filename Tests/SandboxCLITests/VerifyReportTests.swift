import Foundation
import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct VerifyReportTests {
    private static func row(_ name: String, _ verdict: VerifyReport.Verdict, reason: String = "") -> VerifyReport.Row {
        var row = VerifyReport.Row(
            name: name,
            what: "do something",
            judge: .outside,
            control: verdict == .noControl ? "EPERM" : "let through",
            inside: verdict == .held ? "EACCES\u{1B}[2J" : "let through",
            verdict: verdict
        )
        row.reason = reason
        return row
    }

    private func report(_ verdicts: VerifyReport.Verdict...) -> VerifyReport {
        let rows = verdicts.enumerated().map {
            Self.row("act-\($0)", $1, reason: $1 == .notTried ? "no \"place\"" : "")
        }
        return VerifyReport(rows: rows, workspace: "/tmp/a b", style: .plain)
    }

    @Test func onlyWhatIsHeldHolds() {
        #expect(report(.held, .noControl).holds && report(.held).exitStatus == 0)
        #expect(!report(.held, .broken).holds && report(.held, .broken).exitStatus == 1)
        #expect(!report(.held, .notTried).holds)
        // Nothing shown is not everything held.
        #expect(!report(.noControl).holds && !report().holds)
    }

    @Test func theFirstLineAnswers() {
        let text = report(.held, .held, .noControl).text
        #expect(
            text.hasPrefix(
                "the sandbox holds: yes, 2 of 2 acts that this host allows were refused inside\n1 are refused"
            )
        )
        #expect(report(.held, .broken).text.hasPrefix("the sandbox holds: NO, 1 of 2 acts"))
        // What was not tried has not failed.
        #expect(
            report(.held, .notTried).text.hasPrefix("the sandbox holds: NOT SHOWN, 1 of 2 acts were not tried inside")
        )
        #expect(report(.broken, .notTried).text.hasPrefix("the sandbox holds: NO, 0 of 2 acts"))
        #expect(report(.notTried, .notTried).text.contains("NOT TRIED, BECAUSE\n  no \"place\"\n\n"))
        #expect(text.contains("--workspace \"/tmp/a b\"") || text.contains("'/tmp/a b'"), "\(text)")
        #expect(controlCharacters(in: text).isEmpty)
    }

    @Test func theObjectIsJSON() throws {
        let bytes = Data(report(.held, .notTried, .broken).json.utf8)
        let object = try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        #expect(object["holds"] as? Bool == false)
        let acts = try #require(object["acts"] as? [[String: String]])
        #expect(acts.map { $0["verdict"] } == ["held", "not tried", "broken"])
        #expect(acts[1]["reason"] == "no \"place\"")
    }
}
