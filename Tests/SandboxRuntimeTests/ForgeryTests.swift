import Foundation
import SandboxCrypto
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What somebody can do who writes the files and has no key: each act with its control.
@Suite struct ForgeryTests {
    private let place: SignedWorkspace

    init() throws {
        place = try SignedWorkspace()
    }

    private func removeSignatures() throws {
        try FileManager.default.removeItem(atPath: place.location.signatures.description)
    }

    // MARK: - Nothing that a signature vouches for

    @Test func recordsWithoutALinkAreHeldToTheKey() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        #expect(try place.verify(required: true).isVerified)
        let text = String(decoding: try place.bytes(place.location.records), as: UTF8.self)
        let unlinked = text.replacing(#/"chain":\{[^}]*\},/#, with: "")
        #expect(unlinked != text)
        try place.write(Array(unlinked.utf8), to: place.location.records)
        try removeSignatures()
        let report = try place.verify(required: true)
        #expect(report.problems.compactMap(\.line) == [1, 2, 3], "\(report.problems)")
        #expect(report.problems.contains { $0.what.contains("nothing in it is signed") && $0.line == nil })
        // Without a key it is told, and no problem: an earlier version wrote such records.
        let without = try place.verify()
        #expect(without.isVerified && without.unchained == 3)
    }

    @Test(arguments: [false, true]) func emptiedFileIsNotVerified(required: Bool) throws {
        try place.keepRefused(1)
        try place.sign()
        #expect(try place.verify(required: required).isVerified)
        let copy = OSString(place.scratch.path("copy.jsonl"))
        for file in [place.location.records, copy] { try place.write([], to: file) }
        try removeSignatures()
        let keys = SignedWorkspace.keys(place.key, required: required)
        for report in [
            try place.verify(required: required),
            try ChainVerifier.verify(copy: copy, of: place.location, keys: keys),
        ] {
            #expect(report.lines == 0 && report.problemCount == 1, "\(report.problems)")
            #expect(report.problems.first?.what.contains("there is nothing to verify") == true)
        }
        // It is no reason for `gc` to stop: a launch that was killed before its start leaves such a file.
        #expect(try place.collect(keep: 0)?.removed.records == 0)
    }

    // MARK: - Records of another workspace

    @Test func recordsOfAnotherWorkspaceAreFound() throws {
        try place.keepRefused(1)
        try place.keepLaunch(2)
        try place.sign()
        #expect(try place.verify(required: true).isVerified)
        let state = place.location.stateFolder
        let other = EvidenceLocation(stateFolder: state, workspace: "/home/ada/another project")
        try FileManager.default.copyItem(
            atPath: place.location.folder.description,
            toPath: other.folder.description
        )
        let keys = SignedWorkspace.keys(place.key, required: true)
        let named = EvidenceLocation(stateFolder: state, workspaceID: OSString(other.workspaceID))
        for location in [other, try #require(named)] {
            let report = try #require(try ChainVerifier.verify(location, keys: keys))
            // The outcome goes with its start.
            #expect(report.problems.map(\.line) == [1, 2], "\(report.problems)")
            #expect(report.problems.allSatisfy { $0.what.contains("of another workspace") })
        }
        let own = EvidenceLocation(stateFolder: state, workspaceID: OSString(place.location.workspaceID))
        #expect(try ChainVerifier.verify(#require(own), keys: keys)?.isVerified == true)
    }

    @Test(arguments: [
        ("\"role\":\"workspace\"", "\"role\":\"workplace\""), ("\"path\":\"b6e1", "\"path\":\"B6E1"),
        ("\"subject\":[", "\"subject\":[{\"annotations\":{\"role\":\"workspace\"}},"),
    ]) func recordThatNamesNoWorkspaceIsFound(right: String, wrong: String) throws {
        try place.keepRefused(1)
        let text = String(decoding: try place.bytes(place.location.records), as: UTF8.self)
        #expect(text.contains(right))
        #expect(try place.verify().isVerified)
        try place.write(Array(text.replacing(right, with: wrong).utf8), to: place.location.records)
        let report = try place.verify()
        #expect(
            report.problems.map(\.what).contains { $0.contains("does not name one workspace") },
            "\(report.problems)"
        )
    }

    // MARK: - Invented checkpoints

    @Test func inventedCheckpointDoesNotStandForAHead() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        let head = try #require(try place.verify(required: true).head)
        var checkpoint = Checkpoint(removedSequence: head.sequence, removedDigest: head.digest)
        checkpoint.total = Checkpoint.Counts(launches: 3, records: 3)
        let record = checkpoint.record(at: SampleLaunch.time, toolVersion: "0.1.0")
        let line = LinkedRecord(record, ChainLink(previous: head.digest, sequence: head.sequence + 1)).line.bytes
        try place.write(line + [0x0A], to: place.location.records)
        try removeSignatures()
        let report = try place.verify(since: head)
        #expect(!report.isVerified && !report.isSinceFound)
        #expect(report.problems.contains { $0.what.contains("has no valid signature") }, "\(report.problems)")
        #expect(ChainText.details(report, of: place.location).contains("NOT found"))
        // A signature that is there, and by another key.
        try place.sign(try SigningKey.generated())
        let strange = try place.verify(since: head)
        #expect(!strange.isVerified && !strange.isSinceFound)
    }

    @Test func headThatGCRemovedIsToldToBeRemoved() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let head = try #require(try place.verify().head)
        let there = try place.verify(since: head)
        #expect(there.isVerified && ChainText.details(there, of: place.location).contains("\(head), found"))
        #expect(try place.collect(keep: 0)?.removed.launches == 3)
        let report = try place.verify(since: head)
        #expect(report.isVerified && report.isSinceFound, "\(report.problems)")
        let words = "\(head), removed by `codex-sandbox gc`, says its signed checkpoint"
        #expect(ChainText.details(report, of: place.location).contains(words))
        let json = try JSONReader.value(in: ChainText.json(report, of: place.location).bytes)
        #expect(json["completeSince"]?["found"] == true && json["completeSince"]?["removed"] == true)
        // The same file without the signatures.
        try removeSignatures()
        #expect(try !place.verify(since: head).isVerified)
        #expect(try place.verify().isVerified)
    }

    // MARK: - Copies

    private func verify(copy: OSString) throws -> ChainReport {
        try ChainVerifier.verify(copy: copy, of: place.location, keys: SignedWorkspace.keys(place.key))
    }

    /// Alone in its copy, so that no line behind it is linked to it.
    @Test func changedLineOfASignedRecordInACopyIsFound() throws {
        let copy = OSString(place.scratch.path("copy.jsonl"))
        try place.keepRefused(1)
        try place.keepRefused(2, copy: copy)
        let unsigned = try verify(copy: copy)
        #expect(unsigned.isVerified && unsigned.unsigned == 1, "\(unsigned.problems)")
        try place.sign()
        let signed = try verify(copy: copy)
        #expect(signed.isVerified && signed.signed == 1, "\(signed.problems)")
        let text = String(decoding: try place.bytes(copy), as: UTF8.self)
        // The second as if it were of another workspace: its link says of which it is.
        for (right, wrong) in [("0.1.0", "0.1.1"), ("\"path\":\"b6e1", "\"path\":\"b6e2")] {
            #expect(text.contains(right))
            try place.write(Array(text.replacing(right, with: wrong).utf8), to: copy)
            let report = try verify(copy: copy)
            #expect(report.problems.map(\.line) == [1], "\(report.problems)")
            #expect(report.problems.first?.what.contains("signature is of another record") == true)
        }
    }

    /// Their numbers are those of another chain, and their signatures are kept elsewhere.
    @Test func recordsOfAnotherWorkspaceInACopyAreNotSigned() throws {
        let copy = OSString(place.scratch.path("copy.jsonl"))
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number, copy: copy) }
        try place.keepRefused(3, workspace: "/home/ada/another project", copy: copy)
        try place.sign()
        let report = try verify(copy: copy)
        #expect(report.isVerified && report.signed == 2 && report.unsigned == 1, "\(report.problems)")
        #expect(report.notKnown.contains { $0.contains("records of other workspaces (1)") }, "\(report.notKnown)")
    }

    // MARK: - Damage without end

    @Test func problemsOfSignaturesAreCountedNotKept() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        let whole = try place.bytes(place.location.signatures)
        try place.write(whole + [UInt8](repeating: 0x0A, count: 5000), to: place.location.signatures)
        var trail = SignatureTrail(try SettledRecords.openSignatures(place.location), SignedWorkspace.keys(place.key))
        try trail.end()
        let kept = trail.problems.count
        #expect(kept == ChainReport.listLimit)
        let report = try place.verify()
        #expect(report.signed == 2 && report.problems.count == ChainReport.listLimit)
        #expect(report.problemCount == 5000)
    }
}
