import SandboxPlan
import Testing

@testable import SandboxRuntime

/// Text written before the gate makes the very record that is written at once.
@Suite struct WrittenObservationsTests {
    private let all = SampleLaunch.layers.flatMap(\.observations)

    private func start(_ written: WrittenObservations) -> CanonicalJSON {
        SampleLaunch.linked(
            LaunchStatement.start(
                SampleLaunch.prepared,
                layers: SampleLaunch.layers,
                written: written,
                childReport: SampleLaunch.childReport,
                at: SampleLaunch.time
            )
        )
    }

    @Test func recordIsTheSameHoweverMuchWasWrittenBefore() {
        #expect(all.count > 2)
        for count in 0...all.count {
            #expect(start(WrittenObservations(Array(all.prefix(count)))).text == SampleLaunch.start.text)
        }
    }

    /// A control: what was written earlier is what stands there.
    @Test func anotherTextMakesAnotherRecord() {
        var changed = all
        let first = changed[0]
        changed[0] = Observation(
            layer: first.layer,
            field: first.field,
            expected: first.expected,
            found: "2000 2000 1",
            observer: first.observer
        )
        let record = start(WrittenObservations(changed)).text
        #expect(record != SampleLaunch.start.text && record.contains("2000 2000 1"))
    }
}
