import Foundation
import ProjectTree
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// The records of a made-up launch, byte for byte.
///
/// A difference is a change of what we promise: look at it as such. `SANDBOX_UPDATE_GOLDENS=1` writes the files anew.
@Suite struct GoldenRecordTests {
    @Test(arguments: [
        ("launch-start.json", SampleLaunch.start),
        ("launch-outcome.json", SampleLaunch.outcome(SampleLaunch.ends[0])),
        ("launch-refused.json", SampleLaunch.refusals[1]),
        (
            "result.json",
            LaunchResult.json(SampleLaunch.id, SampleLaunch.ends[3], records: "/s/records.jsonl")
        ),
        ("plan.json", SampleLaunch.plan.json(.full)),
    ]) func recordIsTheGoldenOne(name: String, record: CanonicalJSON) throws {
        let file = ProjectTree.url(#filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
        if ProcessInfo.processInfo.environment["SANDBOX_UPDATE_GOLDENS"] == "1" {
            try Data(record.bytes + [0x0A]).write(to: file)
        }
        #expect(Array(try Data(contentsOf: file)) == record.bytes + [0x0A])
    }

    /// RFC 8785 by another hand: what Python writes, sorted and compact, for keys that are all ASCII.
    @Test func recordsAreCanonicalForPythonToo() throws {
        let script = """
            import json, sys
            for line in sys.stdin.buffer.read().decode().splitlines():
                again = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                assert again == line, line
                print("same")
            """
        let input = Array(SampleLaunch.records.map { $0.bytes + [0x0A] }.joined())
        let run = try Program.run("/usr/bin/env", ["python3", "-c", script], input: input)
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.split(separator: "\n").count == SampleLaunch.records.count)
    }

    @Test func readingBackGivesTheSameBytes() throws {
        for record in SampleLaunch.records {
            #expect(try JSONReader.value(in: record.bytes).canonical == record)
        }
    }

    @Test func recordIsOneLine() {
        for record in SampleLaunch.records { #expect(!record.bytes.contains(0x0A)) }
    }
}
