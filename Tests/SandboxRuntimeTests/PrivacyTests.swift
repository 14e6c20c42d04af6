import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What must not be in a record, and what a record must not do to who reads it.
@Suite struct PrivacyTests {
    private static let launch = RecordedLaunch(
        id: SampleLaunch.id,
        state: .closed,
        opening: value(SampleLaunch.start),
        outcome: value(SampleLaunch.outcome(SampleLaunch.ends[6]))
    )

    private static func value(_ json: CanonicalJSON) -> JSONValue {
        do {
            return try JSONReader.value(in: json.bytes)
        } catch { preconditionFailure("not our JSON: \(error)") }
    }

    /// Every text that comes of the sample launch.
    private static let texts: [(name: String, text: String)] =
        SampleLaunch.records.map { ("record", $0.text) }
        + SampleLaunch.ends.map { ("result", LaunchResult.json(SampleLaunch.id, $0, records: nil).text) }
        + [
            ("plan", SampleLaunch.plan.json(.full).text), ("plan", SampleLaunch.plan.json(.digest).text),
            ("details", LaunchText.details(launch)), ("list", LaunchText.list([launch])),
            ("show --json", launch.json.canonical.text),
        ]

    @Test func environmentValuesAreNowhere() {
        // The positive control: the value is in what the texts were made from, and their names are in the texts.
        #expect(SampleLaunch.plan.process.environment.contains { $0.value == OSString(SampleLaunch.canary) })
        #expect(SampleLaunch.start.text.contains("API_KEY"))
        let half = SampleLaunch.canary.suffix(8)
        for (name, text) in PrivacyTests.texts { #expect(!text.contains(half), "\(name)") }
    }

    @Test func gitUserIsNotInTheRecord() {
        for record in SampleLaunch.records { #expect(!record.text.contains("ada@example.org")) }
    }

    @Test func noTextDrivesATerminal() {
        // The positive control: the name that is in them would.
        #expect(SampleLaunch.hostileName.bytes.contains(0x1B))
        for (name, text) in PrivacyTests.texts {
            for scalar in text.unicodeScalars where scalar != "\n" {
                let alone = OSString(String(Character(scalar)))
                #expect(scalar == "\\" || alone.description.utf8.elementsEqual(alone.bytes), "\(name): \(scalar.value)")
            }
        }
    }

    @Test func hostileNameForgesNoLine() {
        let text = LaunchText.details(PrivacyTests.launch)
        #expect(text.split(separator: "\n").count { $0.hasPrefix("launch ") } == 1)
        #expect(text.contains("\\x1b[2J\\r\\nlaunch 00"))
    }

    @Test func exactBytesOfAHostileNameAreKept() {
        let read = PrivacyTests.launch.opening["predicate"]?["policy"]?["filesystem"]?["read"]?.array?.first
        #expect(read?["bytes"]?.string == Base64.text(SampleLaunch.hostileName.bytes))
    }
}
