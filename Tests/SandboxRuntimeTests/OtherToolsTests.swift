import Foundation
import ProjectTree
import SandboxCrypto
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// Other people's tools judge records and signatures; each test has one that they refuse.
///
/// securesystemslib, in-toto-attestation, rfc8785 and check-jsonschema, from PyPI; `scripts/test` installs them. A tool that is
/// missing is a failed test.
@Suite struct OtherToolsTests {
    private let place: SignedWorkspace
    private static let root = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init() throws {
        place = try SignedWorkspace()
    }

    private func python(_ arguments: [String]) throws -> Program {
        let named = ProcessInfo.processInfo.environment["SANDBOX_TESTS_EVIDENCE_TOOLS"]
        let folder = named ?? Self.root.appending(path: ".build/evidence-tools").path(percentEncoded: false)
        let python = folder + "/bin/python"
        try #require(
            FileManager.default.isExecutableFile(atPath: python),
            "no \(python): Tests/Support/evidence-tools/install \(folder)"
        )
        return try Program.run(python, arguments, environment: ["PATH": "/usr/bin:/bin"])
    }

    private func judge(_ what: String, _ lines: [[UInt8]], key: SigningKey? = nil) throws -> Program {
        let file = place.scratch.path("lines")
        try Data(lines.flatMap { $0 + [0x0A] }).write(to: URL(filePath: file))
        var words = [
            Self.root.appending(path: "Tests/Support/evidence-tools/judge.py").path(percentEncoded: false), what,
        ]
        if let key {
            let pem = place.scratch.path("key.pub")
            try Data(key.publicKey.pem()).write(to: URL(filePath: pem))
            words.append(pem)
        }
        return try python(words + [file])
    }

    /// One of each kind, and a checkpoint, as they stand in a file.
    private func records() throws -> [[UInt8]] {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepLaunch(number) }
        try place.keepRefused(4)
        _ = try place.collect(keep: 2)
        let lines = try place.lines(place.location.records).map { Array($0.dropLast()) }
        #expect(lines.count == 4 && Checkpoint(reading: lines[3]) != nil)
        return lines
    }

    private func envelope(_ payload: [UInt8], _ signed: [UInt8]? = nil) throws -> [UInt8] {
        let signature = RecordSignature(
            record: SHA256.digest(payload),
            sequence: 1,
            keyID: place.key.publicKey.id,
            signature: try place.key.signature(of: DSSE.preAuthenticationEncoding(signed ?? payload))
        )
        return DSSE.envelope(payload, [signature]).bytes
    }

    @Test func envelopesAreVerified() throws {
        let envelopes = try records().map { try envelope($0) } + SampleLaunch.records.map { try envelope($0.bytes) }
        let good = try judge("envelopes", envelopes, key: place.key)
        #expect(good.status == 0 && good.output == "\(envelopes.count) good\n", "\(good)")
        let strange = try judge("envelopes", envelopes, key: try SigningKey.generated())
        #expect(
            strange.status == 1 && strange.output.hasSuffix("\n0 good\n")
                && strange.output.contains("VerificationError")
        )
        let payload = SampleLaunch.start.bytes
        let other = try judge("envelopes", [try envelope(payload, payload + [0x20])], key: place.key)
        #expect(other.status == 1 && other.output.contains("VerificationError"), "\(other)")
    }

    /// What the command prints, from a workspace with the installation's own key.
    @Test func exportedEnvelopesAreVerified() throws {
        try place.keepLaunch(1)
        let program = try Program.product("codex-sandboxd")
        func run(_ words: String...) throws -> Program {
            try Program.run(
                program,
                ["evidence"] + words + [
                    "--workspace", SampleLaunch.workspace.description, "--state-dir",
                    place.location.stateFolder.description,
                ],
                environment: ["HOME": place.scratch.path]
            )
        }
        let early = try run("export", "--dsse")
        #expect(early.status == 1 && early.output.isEmpty && early.error.contains("is not signed"))
        #expect(try run("sign").status == 0)
        let exported = try run("export", "--dsse")
        #expect(exported.status == 0 && exported.error.isEmpty)
        let key = try KeyFolder(settings: OSString(place.scratch.path(".config/codex-sandbox"))).signingKey()
        let lines = exported.output.split(separator: "\n").map { Array($0.utf8) }
        let good = try judge("envelopes", lines, key: key)
        #expect(good.status == 0 && good.output == "2 good\n", "\(good)")
        let statements = try run("export").output.split(separator: "\n").map { Array($0.utf8) }
        #expect(statements == (try place.lines(place.location.records).map { Array($0.dropLast()) }))
    }

    @Test func statementsAreValid() throws {
        let lines = try records() + SampleLaunch.records.map(\.bytes)
        let good = try judge("statements", lines)
        #expect(good.status == 0 && good.output == "\(lines.count) good\n", "\(good)")
        for (right, wrong) in [
            ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v2"), ("\"subject\":", "\"subjects\":"),
            ("\"digest\":{\"fileIdentity\"", "\"digests\":{\"fileIdentity\""),
        ] {
            let text = String(decoding: lines[0], as: UTF8.self)
            #expect(text.contains(right), "\(right)")
            #expect(try judge("statements", [Array(text.replacing(right, with: wrong).utf8)]).status == 1, "\(wrong)")
        }
    }

    @Test func canonicalFormIsThatOfRFC8785() throws {
        // Keys beyond ASCII, where UTF-16 sorts otherwise than UTF-8; every escape; the largest whole numbers.
        let hard = JSONValue.object(
            JSONObject([
                ("\u{FB33}", .integer(JSONValue.exactIntegers.upperBound)), ("\u{1F600}", .integer(-1)),
                ("ö", .bool(true)),
                ("\r", .string("\u{0}\u{8}\u{9}\u{A}\u{C}\u{D}\u{1F}\u{7F}\"\\/\u{2028}é😀")), ("1", .null),
                ("", .array([])),
            ])
        )
        let lines = try records() + SampleLaunch.records.map(\.bytes) + [hard.canonical.bytes]
        let good = try judge("canonical", lines)
        #expect(good.status == 0 && good.output == "\(lines.count) good\n", "\(good)")
        #expect(try judge("canonical", [Array(#"{"b":1,"a":2}"#.utf8)]).status == 1)
        #expect(try judge("canonical", [Array(#"{"a": 1}"#.utf8)]).status == 1)
    }

    /// check-jsonschema takes files, so each record becomes one.
    @Test func recordsAreValidForCheckJSONSchema() throws {
        let schema = Self.root.appending(path: "docs/schema/launch-record.schema.json").path(percentEncoded: false)
        func check(_ records: [[UInt8]]) throws -> Program {
            var files: [String] = []
            for (number, record) in records.enumerated() {
                files.append(place.scratch.path("record-\(number).json"))
                try Data(record).write(to: URL(filePath: files[number]))
            }
            return try python(["-m", "check_jsonschema", "--schemafile", schema] + files)
        }
        let lines = try records()
        let good = try check(lines + SampleLaunch.records.map(\.bytes))
        #expect(good.status == 0, "\(good)")
        for (index, right, wrong) in [
            (0, "\"schemaVersion\":1", "\"schemaVersion\":2"), (3, "\"removedThrough\"", "\"removedUntil\""),
            (3, "checkpoint:v1", "checkpoint:v9"), (3, "\"withoutOutcome\":[]", "\"withoutOutcome\":[{}]"),
        ] {
            let text = String(decoding: lines[index], as: UTF8.self)
            #expect(text.contains(right), "\(right)")
            let bad = try check([Array(text.replacing(right, with: wrong).utf8)])
            #expect(bad.status == 1 && bad.output.contains("validation errors"), "\(wrong): \(bad)")
        }
    }

    /// Files as version 0.1.0 wrote them: whatever is changed here, they stay verifiable.
    @Test func recordsOfTheFirstVersionStayVerifiable() throws {
        let fixtures = ProjectTree.url(#filePath).deletingLastPathComponent().appending(path: "Fixtures/records-0.1.0")
        let folder = place.location.records.parent.description
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        for name in ["records.jsonl", "signatures.jsonl"] {
            try Data(contentsOf: fixtures.appending(path: name)).write(to: URL(filePath: folder + "/" + name))
            chmod(folder + "/" + name, 0o600)
        }
        let pem = Array(try Data(contentsOf: fixtures.appending(path: "evidence.pub")))
        let key = try VerificationKey(pem: pem, name: "fixture")
        let verification = RecordVerificationKey(id: key.id) { (signature, bytes) throws(EvidenceError) in
            do throws(CryptoError) {
                return try key.verifies(signature, of: bytes)
            } catch {
                throw EvidenceError(action: "check", subject: "", remedy: "")
            }
        }
        let keys = SignatureKeys(keys: [verification], areRequired: true, origin: "the fixture's key")
        let head = try String(contentsOf: fixtures.appending(path: "head"), encoding: .utf8)
        let since = try #require(ChainCheckpoint(parsing: head))
        let report = try #require(try ChainVerifier.verify(place.location, since: since, keys: keys))
        #expect(report.isVerified && report.signed == 5, "\(report.problems)")
        #expect(report.closed == 1 && report.refused == 1 && report.open == 1 && report.checkpoints == 1)
        #expect(report.checkpoint?.total.launches == 1)
        let found = try EvidenceReader(place.location).find(.newest(10))
        #expect(found.launches.map(\.word) == ["interrupted", "refused", "exited"] && found.problems.isEmpty)
        #expect(LaunchText.details(found.launches[2], worker: nil).contains("exited 0"))
    }
}
