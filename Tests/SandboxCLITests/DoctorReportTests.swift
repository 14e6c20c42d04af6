import Foundation
import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct DoctorReportTests {
    private let checks = [
        HostCheck(name: "kernel", state: .available, detail: "6.1.0"),
        HostCheck(
            name: "user-namespace",
            state: .missing,
            detail: "unshare(CLONE_NEWUSER): EPERM (Operation not permitted). kernel.x is 0.",
            remedy: "sudo sysctl -w kernel.x=1"
        ),
        HostCheck(name: "proc", state: .untested, detail: "not tried: it needs user-namespace"),
        HostCheck(name: "landlock", state: .partial, detail: "ABI 2", remedy: ""),
        HostCheck(
            name: "cache-folder",
            state: .missing,
            detail: "\(SamplePlan.hostile) is \"odd\"",
            remedy: "a\u{1B}b"
        ),
        HostCheck(name: "mount-namespace", state: .missing, detail: "the same", remedy: "sudo sysctl -w kernel.x=1"),
        HostCheck(name: "memory", state: .information, detail: "watched"),
    ]
    private var refusing: HostReport {
        let refusal = Refusal(
            stage: "place",
            step: "clone",
            errno: 1,
            message: "No \"user\" namespace\ncan be made.",
            remedy: "See below.",
            layer: .userNamespace
        )
        return HostReport(trial: .refused(refusal), checks: checks)
    }

    private func report(_ host: HostReport) -> DoctorReport { DoctorReport(report: host, style: .plain) }

    @Test func aRefusingHostIsShownWithRemedies() throws {
        let report = report(refusing)
        try expectGolden(report.text, "doctor-no.txt")
        #expect(report.exitStatus == 1)
        #expect(controlCharacters(in: report.text).isEmpty)
    }

    @Test func theFirstLineAnswers() {
        #expect(report(HostReport(trial: .exited(code: 0), checks: [])).text.hasPrefix("run works here: yes\n"))
        #expect(report(HostReport(trial: .exited(code: 0), checks: [])).exitStatus == 0)
        for trial in [
            Outcome.exited(code: 1), .timedOut, .signalled(signal: 31), .notExecuted(errno: 2, message: "m"),
            .protectionLost(what: "w"),
        ] {
            let report = report(HostReport(trial: trial, checks: []))
            #expect(report.text.hasPrefix("run works here: no\n  "))
            #expect(report.exitStatus == 1)
        }
    }

    /// Checks do not outvote the launch: it is what was verified.
    @Test func onlyTheLaunchDecides() {
        #expect(HostReport(trial: .exited(code: 0), checks: checks).works)
        #expect(!HostReport(trial: .exited(code: 3), checks: []).works)
    }

    @Test func theJSONCanBeReadAndHasEverything() throws {
        let text = report(refusing).json
        #expect(text.hasSuffix("}\n") && text.filter { $0 == "\n" }.count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["works"] as? Bool == false)
        let trial = try #require(object["trial"] as? [String: Any])
        #expect(trial["outcome"] as? String == "refused")
        #expect(trial["errno"] as? String == "EPERM")
        #expect(trial["message"] as? String == "No \"user\" namespace\\ncan be made.")
        #expect(trial["layer"] as? String == "user-namespace")
        let rows = try #require(object["checks"] as? [[String: String]])
        #expect(rows.count == checks.count)
        #expect(rows[1]["remedy"] == "sudo sysctl -w kernel.x=1")
        #expect(rows[4]["detail"] == "\(SamplePlan.hostile) is \"odd\"")
        #expect(rows.map { $0["state"] } == checks.map(\.state.rawValue))
    }

    @Test(arguments: [
        Outcome.exited(code: 7), .signalled(signal: 9), .interrupted(signal: 2), .timedOut,
        .memoryExceeded(used: .gibibytes(1), limit: .mebibytes(1)), .protectionLost(what: "\"w\\"),
        .notExecuted(errno: 0, message: "m"),
    ])
    func everyOutcomeIsJSON(_ trial: Outcome) throws {
        let text = report(HostReport(trial: trial, checks: [])).json
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect((object["trial"] as? [String: Any])?["outcome"] as? String == trial.word)
    }
}

@Suite struct OwnFolderTests {
    @Test(
        arguments: [
            (nil, [], nil),
            (nil, ["HOME=/h"], "/h/.local/state/codex-sandbox"),
            (nil, ["HOME=h", "HOME=/later"], nil),
            (nil, ["XDG_STATE_HOME=/x", "HOME=/h"], "/x/codex-sandbox"),
            (nil, ["XDG_STATE_HOME=", "HOME=/h"], "/h/.local/state/codex-sandbox"),
            (nil, ["XDG_STATE_HOME=x", "HOME=/h"], "/h/.local/state/codex-sandbox"),
            (nil, ["CODEX_SANDBOX_STATE_DIR=/o", "XDG_STATE_HOME=/x"], "/o"),
            ("/f", ["CODEX_SANDBOX_STATE_DIR=/o"], "/f"),
        ] as [(OSString?, [OSString], OSString?)]
    )
    func theNearestSettingNamesTheFolder(_ flag: OSString?, _ environment: [OSString], _ path: OSString?) {
        #expect(OwnFolder.state.path(flag: flag, environment: environment) { nil } == path)
    }

    @Test func theAccountsHomeIsTheLastResort() {
        #expect(OwnFolder.cache.path(flag: nil, environment: []) { "/a" } == "/a/.cache/codex-sandbox")
        #expect(OwnFolder.cache.path(flag: nil, environment: []) { "" } == nil)
        var asked = false
        let path = OwnFolder.cache.path(flag: nil, environment: ["HOME=/h"]) {
            asked = true
            return "/a"
        }
        #expect(path == "/h/.cache/codex-sandbox")
        #expect(!asked)
    }
}
