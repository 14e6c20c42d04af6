import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct LaunchTextTests {
    private func launch(_ opening: CanonicalJSON, _ outcome: CanonicalJSON?) throws -> RecordedLaunch {
        let opening = try JSONReader.value(in: opening.bytes)
        let refused = opening["predicateType"]?.string == LaunchStatement.refusedType
        return RecordedLaunch(
            id: SampleLaunch.id,
            state: refused ? .refused : outcome == nil ? .interrupted : .closed,
            opening: opening,
            outcome: try outcome.map { try JSONReader.value(in: $0.bytes) }
        )
    }

    @Test(arguments: [
        (0, "exited 0"), (1, "signalled SIGSEGV"), (2, "timed-out"), (3, "memory-exceeded"), (4, "protection-lost"),
        (5, "interrupted SIGTERM"), (6, "refused"), (8, "not-executed ENOENT"),
    ]) func firstLineSaysHowItEnded(end: Int, words: String) throws {
        let text = LaunchText.details(try launch(SampleLaunch.start, SampleLaunch.outcome(SampleLaunch.ends[end])))
        #expect(text.hasPrefix("launch \(SampleLaunch.id): \(words)\n"))
    }

    @Test func layersHaveStateObserverAndMechanism() throws {
        let text = LaunchText.details(try launch(SampleLaunch.start, SampleLaunch.outcome(SampleLaunch.ends[0])))
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("user-namespace required enforced outside 2 namespaces in one clone(2)"))
        #expect(lines.contains("landlock best-effort degraded refused-act, self-reported ABI 2, 1 rule"))
        #expect(lines.contains("memory required watched nobody watched every 50 ms"))
        #expect(lines.contains("keyring not requested not requested nobody none"))
        #expect(lines.contains("landlock: truncate: held by read-only mounts"))
        #expect(lines.contains("user-namespace uid_map outside 1000 1000 1 the same"))
        #expect(lines.contains("command python3 -m unittest ''"))
    }

    @Test func namesThatTheJobMadeAreShown() throws {
        let text = LaunchText.details(try launch(SampleLaunch.start, SampleLaunch.outcome(SampleLaunch.ends[0])))
        #expect(text.contains("made by the job, and trusted by tools of the host\n  /home/ada/a project/.claude\n"))
        let unseen = "closed by the job, or too large: what it made there is not known\n  /home/ada/a project/.git\n"
        #expect(text.contains(unseen))
    }

    @Test func digestOfTheWorkerIsShownWhereTheRecordHasNone() throws {
        var context = SampleLaunch.context
        context.worker?.sha256 = nil
        let start = SampleLaunch.linked(
            LaunchStatement.start(
                PreparedContext(context),
                layers: SampleLaunch.layers,
                childReport: [],
                at: SampleLaunch.time
            )
        )
        let words = "sha256:\(String(repeating: "11", count: 32)) now"
        #expect(LaunchText.details(try launch(start, nil), worker: SampleLaunch.digest).contains(words))
        #expect(!LaunchText.details(try launch(start, nil)).contains("now, and"))
        #expect(!LaunchText.details(try launch(SampleLaunch.start, nil), worker: SampleLaunch.digest).contains("now,"))
    }

    @Test func observationThatDiffersStandsOut() throws {
        let report = LayerReport(
            layer: .userNamespace,
            requirement: .required,
            enforcement: .failed,
            observations: [
                Observation(layer: .userNamespace, field: "uid_map", expected: "1", found: "0", observer: .outside),
                Observation(layer: .userNamespace, field: "gid_map", expected: "1", found: "1", observer: .outside),
            ]
        )
        let refused = SampleLaunch.linked(
            LaunchStatement.refused(
                SampleLaunch.prepared,
                SampleLaunch.refusal,
                proof: .killedAtGate,
                exitStatus: 125,
                layers: [report],
                childReport: [],
                at: SampleLaunch.time
            )
        )
        let text = LaunchText.details(try launch(refused, nil))
        #expect(text.contains("<-- DIFFERS"))
        #expect(text.contains("not reached (killed-at-gate)"))
        #expect(text.contains("EACCES"))
        let layer = try JSONReader.value(in: refused.bytes)["predicate"]?["layers"]?.array?.first
        #expect(layer?["verifiedBy"] == [])
        #expect(layer?["installed"] == false)
    }

    /// What a changed record says of one observation is never called the same as it was to be.
    @Test(arguments: [
        "{\"agrees\":true,\"field\":\"uid_map\",\"observer\":\"outside\"}",
        "{\"agrees\":true,\"field\":\"uid_map\",\"found\":5,\"observer\":\"outside\"}",
        "{\"agrees\":true,\"field\":\"uid_map\",\"found\":{\"x\":\"0 0 1\"},\"observer\":\"outside\"}",
        "{\"agrees\":false,\"field\":\"uid_map\",\"found\":\"1\",\"observer\":\"outside\"}",
        "{\"agrees\":false,\"expected\":\"1\",\"field\":\"uid_map\",\"found\":\"1\",\"observer\":\"outside\"}",
        "{\"agrees\":true,\"expected\":\"1\",\"field\":\"uid_map\",\"found\":\"0\",\"observer\":\"outside\"}",
        "{\"agrees\":\"true\",\"field\":\"uid_map\",\"found\":\"1\",\"observer\":\"outside\"}",
        "{\"field\":\"uid_map\",\"found\":\"1\",\"observer\":\"outside\"}",
    ]) func observationThatIsNoneStandsOut(observation: String) throws {
        func text(_ observation: String) throws -> String {
            let layer = "{\"layer\":\"user-namespace\",\"observations\":[\(observation)]}"
            let value = try JSONReader.value(in: Array("{\"predicate\":{\"layers\":[\(layer)]}}".utf8))
            return LaunchText.details(
                RecordedLaunch(id: SampleLaunch.id, state: .closed, opening: value, outcome: value)
            )
        }
        #expect(try text(observation).contains("<-- DIFFERS"))
        let right = "{\"agrees\":true,\"field\":\"uid_map\",\"found\":\"1\",\"observer\":\"outside\"}"
        #expect(try text(right).contains("the same"))
    }

    /// To `String` the two spellings are one.
    @Test func otherBytesDoNotAgree() {
        let (composed, decomposed) = ("/\u{E9}", "/e\u{301}")
        #expect(composed == decomposed)
        func agrees(_ found: String) -> Bool {
            Observation(layer: .mounts, field: "link", expected: composed, found: found, observer: .outside).agrees
        }
        #expect(agrees(composed) && !agrees(decomposed))
    }

    @Test func launchWithoutAnOutcomeSaysWhy() throws {
        let text = LaunchText.details(try launch(SampleLaunch.start, nil))
        #expect(text.hasPrefix("launch \(SampleLaunch.id): interrupted\n"))
        #expect(text.contains("never recorded"))
    }

    /// A record that lies about its own types: question marks, and no trap.
    @Test(arguments: ["{}", "{\"predicate\":[]}", "{\"predicate\":{\"layers\":{},\"arguments\":1}}", "[]", "null"])
    func emptyRecordsAreShown(text: String) throws {
        let value = try JSONReader.value(in: Array(text.utf8))
        let launch = RecordedLaunch(id: SampleLaunch.id, state: .closed, opening: value, outcome: value)
        #expect(LaunchText.details(launch).contains("?"))
        #expect(LaunchText.list([launch]).contains("?"))
    }
}

@Suite struct TimestampTests {
    /// From `date -u -d @SECONDS`.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_709_251_199_000_001, "2024-02-29T23:59:59.000001Z"),
            (1_769_850_300_000_250, "2026-01-31T09:05:00.000250Z"),
            (4_102_444_800_000_000, "2100-01-01T00:00:00.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] as [(UInt64, String)]
    ) func rfc3339(microseconds: UInt64, text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
    }
}

@Suite struct LaunchIDTests {
    @Test func idsSortByTimeAndReadBack() throws {
        let early = try LaunchID.random(at: Timestamp(microseconds: 1_000_000_000_000))
        let late = try LaunchID.random(at: Timestamp(microseconds: 1_000_000_001_000))
        #expect(early.description < late.description)
        #expect(LaunchID(parsing: early.description) == early)
        #expect(try LaunchID.random(at: SampleLaunch.time) != LaunchID.random(at: SampleLaunch.time))
    }

    @Test(arguments: ["", "0", String(repeating: "g", count: 32), String(repeating: "A", count: 32)])
    func otherTextIsNoID(text: String) {
        #expect(LaunchID(parsing: text) == nil)
    }
}
