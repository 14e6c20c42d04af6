import Foundation
import ProjectTree
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// Records and results against the published JSON Schemas, as another program reads both.
@Suite struct SchemaTests {
    private let root = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func check(_ schema: String, _ lines: [CanonicalJSON]) throws -> Program {
        let scratch = try ScratchFolder()
        let text = lines.map { $0.text + "\n" }.joined()
        try Data(text.utf8).write(to: scratch.url("lines"))
        return try Program.run(
            root.appending(path: "Tests/Support/check-schema").path(percentEncoded: false),
            [root.appending(path: "docs/schema/\(schema)").path(percentEncoded: false), scratch.path("lines")]
        )
    }

    private static let results = SampleLaunch.ends.map {
        LaunchResult.json(SampleLaunch.id, $0, records: SampleLaunch.hostileName)
    }

    @Test func everyRecordIsValid() throws {
        let checked = try check("launch-record.schema.json", SampleLaunch.records)
        #expect(checked.status == 0, "\(checked.output)\(checked.error)")
        #expect(checked.output == "\(SampleLaunch.records.count) valid\n")
    }

    @Test func everyResultIsValid() throws {
        let checked = try check("result.schema.json", SchemaTests.results)
        #expect(checked.status == 0, "\(checked.output)\(checked.error)")
        #expect(checked.output == "\(SchemaTests.results.count) valid\n")
    }

    /// What only some policies have: further texts, patterns, exceptions.
    @Test func aPolicyOfSeveralTextsIsValid() throws {
        var context = SampleLaunch.context
        context.policy?.policy.filesystem.denyGlobs = ["*.pem"]
        context.policy?.policy.filesystem.except = [".codex/result.json"]
        let kinds: [PolicyFile.Kind] = [.file, .own, .builtIn, .project, .ceiling]
        context.policy?.files = kinds.map { kind in
            let path = kind == .builtIn ? "" : SampleLaunch.hostileName
            return PolicyFile(kind: kind, name: "n", path: path, digest: SampleLaunch.digest)
        }
        context.policy?.files[3].isTrusted = true
        let record = SampleLaunch.linked(
            LaunchStatement.start(
                PreparedContext(context),
                layers: SampleLaunch.layers,
                childReport: SampleLaunch.childReport,
                at: SampleLaunch.time
            )
        )
        #expect(record.text.contains("\"trusted\":true") && record.text.contains("\"kind\":\"ceiling\""))
        let checked = try check("launch-record.schema.json", [record])
        #expect(checked.output == "1 valid\n", "\(checked.output)\(checked.error)")
        // The one text alone has its digest already.
        #expect(!SampleLaunch.start.text.contains("\"sources\""))
    }

    /// What only a weaker profile has, and a limit that few have.
    @Test func aWeakerProfileIsValid() throws {
        var context = SampleLaunch.context
        context.policy?.policy.confinement = .container
        context.plan?.confinement = .container
        context.plan?.limits.output = .mebibytes(1)
        context.plan?.weaker = WeakerProfile(
            name: "container",
            notHeld: WeakerPromise.allCases.map { NotHeld($0, "what it means") }
        )
        context.plan?.steps.append(
            .bind(
                BindMount(
                    source: "/proc",
                    target: "/proc",
                    identity: FileIdentity(device: 1, inode: 1, uid: 0, gid: 0),
                    isDirectory: true,
                    recursive: true,
                    options: [.readOnly, .noSetuid, .noDevices, .noExecute],
                    purpose: .containerProc
                )
            )
        )
        let record = SampleLaunch.linked(
            LaunchStatement.start(
                PreparedContext(context),
                layers: SampleLaunch.layers,
                childReport: SampleLaunch.childReport,
                at: SampleLaunch.time
            )
        )
        #expect(record.text.contains("\"confinement\":\"container\"") && record.text.contains("\"outputBytes\""))
        let checked = try check("launch-record.schema.json", [record])
        #expect(checked.output == "1 valid\n", "\(checked.output)\(checked.error)")
        var end = SampleLaunch.ends[0]
        end.notHeld = WeakerPromise.allCases.map { NotHeld($0, "what it means") }
        let result = try check("result.schema.json", [LaunchResult.json(SampleLaunch.id, end, records: nil)])
        #expect(result.output == "1 valid\n", "\(result.output)\(result.error)")
    }

    /// What became of a scope of the user's manager.
    @Test(arguments: [.wanted, .kept("a"), .entered(unit: "a.scope"), .failed("\u{1B}a")] as [ScopeRequest])
    func aScopeIsValid(_ scope: ScopeRequest) throws {
        var context = SampleLaunch.context
        context.plan?.limits.scope = scope
        let record = SampleLaunch.linked(
            LaunchStatement.start(
                PreparedContext(context),
                layers: SampleLaunch.layers,
                childReport: SampleLaunch.childReport,
                at: SampleLaunch.time
            )
        )
        #expect(record.text.contains("\"state\":\"\(scope.word)\""))
        let checked = try check("launch-record.schema.json", [record])
        #expect(checked.output == "1 valid\n", "\(checked.output)\(checked.error)")
        #expect(!SampleLaunch.start.text.contains("\"scope\""))
    }

    /// What only a job has that planted something.
    @Test func whatWasRemovedIsValid() throws {
        var end = SampleLaunch.ends[0]
        #expect(!SampleLaunch.outcome(end).text.contains("\"removed\""))
        end.removed = [SampleLaunch.hostileName]
        let outcome = try check("launch-record.schema.json", [SampleLaunch.outcome(end)])
        #expect(outcome.output == "1 valid\n", "\(outcome.output)\(outcome.error)")
        let result = LaunchResult.json(SampleLaunch.id, end, records: nil)
        #expect(result.text.contains("\"removed\""))
        let checked = try check("result.schema.json", [result])
        #expect(checked.output == "1 valid\n", "\(checked.output)\(checked.error)")
    }

    /// A schema that takes anything would pass the tests above.
    @Test(arguments: [
        ("\"environmentNames\":[\"PATH\"", "\"environmentNames\":[{\"name\":\"PATH\",\"value\":\"x\"}"),
        ("\"launchId\":\"019c", "\"launchId\":\"019C"),
        ("\"observer\":\"outside\"", "\"observer\":\"somebody\""),
        ("\"agrees\":true", "\"agrees\":false"),
        ("\"enforcement\":\"watched\"", "\"enforcement\":\"watching\""),
        ("\"schemaVersion\":1", "\"schemaVersion\":2"),
        ("\"supervisor\":", "\"superviser\":"),
        ("\"inode\":\"77\"", "\"inode\":77"),
        ("T09:05:00.000250Z", "T09:05:00Z"),
        ("\"operation\":\"enter-root\"", "\"operation\":\"leave-root\""),
        ("\"role\":\"workspace\"", "\"role\":\"worker\""),
        ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v2"),
        ("launch-start:v1", "launch-started:v1"),
    ]) func wrongRecordIsFound(right: String, wrong: String) throws {
        let text = SampleLaunch.start.text
        #expect(text.contains(right), "the sample has no \(right)")
        let value = try JSONReader.value(in: Array(text.replacing(right, with: wrong).utf8))
        let checked = try check("launch-record.schema.json", [value.canonical])
        #expect(checked.status == 1 && checked.output.hasSuffix("0 valid\n"), "\(checked)")
    }

    @Test func resultWithoutItsExitCodeIsFound() throws {
        let text = SchemaTests.results[0].text.replacing("\"exitCode\":0,", with: "")
        let value = try JSONReader.value(in: Array(text.utf8))
        #expect(try check("result.schema.json", [value.canonical]).status == 1)
    }

    @Test func nothingToCheckIsNoPass() throws {
        #expect(try check("result.schema.json", []).status == 1)
    }

    @Test func missingToolIsNoPass() throws {
        let run = try Program.run(
            root.appending(path: "Tests/Support/check-schema").path(percentEncoded: false),
            ["a", "b"],
            environment: ["SANDBOX_TESTS_PYTHON": "/bin/false", "PATH": "/usr/bin:/bin"]
        )
        #expect(run.status == 3)
    }
}
