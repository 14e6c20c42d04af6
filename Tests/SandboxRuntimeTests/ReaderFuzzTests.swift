import Foundation
import Fuzzing
import Glibc
import SandboxKernel
import SandboxPlan
import SandboxPolicy
import Testing

@testable import SandboxRuntime

/// Readers of bytes that somebody else may have written: nothing traps, and what is taken is what this program writes.
@Suite struct ReaderFuzzTests {
    private static let words = [
        "\"", "{", "}", "[", "]", ",", ":", "\\u0000", "\\ud800", "null", "true", "\"_type\"", "\"predicate\"",
        "\"chain\"",
        "\"previous\"", "\"sequence\":", "\n", "\"sha256\":",
    ]

    // MARK: - Records

    @Test func jsonThatIsTakenIsWrittenTheSame() throws {
        let seeds = [SampleLaunch.outcome(SampleLaunch.ends[6]).bytes, SampleLaunch.refusals[1].bytes]
        var fuzzing = Fuzzing(seeds, words: Self.words)
        let tally = try fuzzing.run { bytes in
            let value: JSONValue
            do throws(JSONError) {
                value = try JSONReader.value(in: bytes)
            } catch {
                #expect(error.offset <= bytes.count)
                return false
            }
            let again = try JSONReader.value(in: value.canonical.bytes)
            #expect(again.canonical == value.canonical)
            return true
        }
        #expect(tally.taken > 20 && tally.refused > 20, "\(tally)")
    }

    /// A changed file never verifies with its head; and every reader of it comes to an end.
    @Test func aChangedFileOfRecordsDoesNotVerify() throws {
        let place = try chain()
        let records = place.location.records
        let whole = try place.bytes(records)
        let head = try #require(try place.verify(required: true).head)
        #expect(try place.verify(required: true, since: head).isVerified)
        var fuzzing = Fuzzing([whole], words: Self.words, lengthLimit: 1 << 20)
        let tally = try fuzzing.run(atLeast: 40) { bytes in
            try place.write(bytes, to: records)
            let report = try place.verify(required: true, since: head)
            #expect(report.isVerified == (bytes == whole), "\(report)")
            _ = ChainText.json(report, of: place.location).bytes
            _ = try EvidenceReader(place.location).find(.newest(10))
            return bytes == whole
        }
        #expect(tally.refused > 20, "\(tally)")
    }

    @Test func aChangedFileOfSignaturesDoesNotVerify() throws {
        let place = try chain()
        let signatures = place.location.signatures
        let whole = try place.bytes(signatures)
        var fuzzing = Fuzzing([whole], words: Self.words)
        let tally = try fuzzing.run(atLeast: 40) { bytes in
            try place.write(bytes, to: signatures)
            let report = try place.verify(required: true)
            #expect(report.isVerified == (bytes == whole), "\(report)")
            return bytes == whole
        }
        #expect(tally.refused > 20, "\(tally)")
    }

    /// Whatever a signer or `gc` finds, it makes nothing valid that was not.
    @Test func changedRecordsAreNotSigned() throws {
        let place = try chain()
        let (records, signatures) = (place.location.records, place.location.signatures)
        let (whole, signed) = (try place.bytes(records), try place.bytes(signatures))
        let head = try #require(try place.verify().head)
        var fuzzing = Fuzzing([whole], words: Self.words, lengthLimit: 1 << 20)
        let tally = try fuzzing.run(atLeast: 40) { bytes in
            try place.write(bytes, to: records)
            try place.write(signed, to: signatures)
            do {
                _ = try place.sign()
                _ = try place.collect(keep: 1)
            } catch is EvidenceError {}
            let report = try place.verify(required: true, since: head)
            if bytes != whole { #expect(!report.isVerified, "\(report)") }
            return report.isVerified
        }
        #expect(tally.refused > 20, "\(tally)")
    }

    @Test func aSignatureThatIsTakenIsWrittenTheSame() throws {
        let place = try chain()
        let seeds = try place.lines(place.location.signatures).map { Array($0.dropLast()) }
        var fuzzing = Fuzzing(seeds, words: Self.words + ["=", "A", "==", "\"keyid\":", "\"sig\":"])
        let tally = fuzzing.run { bytes in
            guard let signature = RecordSignature(reading: bytes) else { return false }
            #expect(signature.line.bytes == bytes && signature.signature.count == 64)
            return true
        }
        #expect(tally.refused > 20, "\(tally)")
    }

    @Test func checkpointsAreReadOrNone() throws {
        let place = try chain()
        _ = try place.collect(keep: 1)
        let lines = try place.lines(place.location.records).map { Array($0.dropLast()) }
        let seed = try #require(lines.first { Checkpoint(reading: $0) != nil })
        var fuzzing = Fuzzing(
            [seed],
            words: Self.words + ["\"removedThrough\":", "\"withoutOutcome\":", "\"launchId\":"]
        )
        let tally = fuzzing.run { bytes in
            guard let checkpoint = Checkpoint(reading: bytes) else { return false }
            #expect(checkpoint.removedSequence >= 0 && checkpoint.removedDigest.count == 32)
            #expect(checkpoint.removed.launches >= 0 && checkpoint.total.records >= 0)
            return true
        }
        #expect(tally.taken > 5 && tally.refused > 20, "\(tally)")
    }

    /// A workspace with launches of every kind, signed.
    private func chain() throws -> SignedWorkspace {
        let place = try SignedWorkspace()
        try place.keepLaunch(1)
        try place.keepRefused(2)
        try place.keepLaunch(3, isClosed: false)
        try place.keepLaunch(4)
        try place.sign()
        return place
    }

    // MARK: - Files of ours that others may have had their hands on

    @Test func theLedgerNamesAbsolutePathsOnly() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path("placeholders")
        let seed = "2f77\nE2f772f0a\nC2f772fff\n!\n2f612f62"
        var fuzzing = Fuzzing([Array(seed.utf8)], words: ["\n", "E", "C", "2f", "00", "!", "2f2e2e2f"])
        let tally = try fuzzing.run { bytes in
            let number = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0o600)
            try #require(number >= 0)
            let ledger = PlaceholderLedger(file: OwnedFileDescriptor(owning: number))
            try #require(bytes.withUnsafeBytes { write(number, $0.baseAddress, $0.count) } == bytes.count)
            let entries = ledger.entries() ?? []
            #expect(entries.allSatisfy { $0.path.isAbsolute })
            // What is added to it is found in it, whatever stood there.
            let added = Placeholder(path: "/added", kind: .emptyFile)
            try ledger.add([added])
            let isThere = ledger.entries()?.contains(added)
            #expect(isThere == true)
            return !entries.isEmpty
        }
        #expect(tally.taken > 20 && tally.refused > 5, "\(tally)")
    }

    @Test func anApprovalThatIsTakenIsWrittenTheSame() {
        let digest = [UInt8](repeating: 0xA7, count: 32)
        let approval = TrustStore.Approval(
            digest: digest,
            path: "/w/.codex-sandbox.toml",
            inode: 42,
            born: 1_700_000_000_000_000_000,
            policies: [digest]
        )
        let seed = TrustStore.bytes(approval)
        var fuzzing = Fuzzing([seed], words: ["\n", "path ", "inode ", "born ", "sha256 ", "/../", "//", "+1", " 1"])
        let tally = fuzzing.run(atLeast: 1000) { bytes in
            guard let approval = TrustStore.parsed(bytes) else { return false }
            #expect(TrustStore.bytes(approval) == bytes && approval.digest.count == 32)
            return true
        }
        #expect(tally.taken > 20 && tally.refused > 20, "\(tally)")
    }

    // MARK: - What a job writes

    /// Git's settings in the workspace: read at each launch, to say where they lead.
    @Test func settingsOfARepositoryLeadToAbsolutePlaces() {
        let seed = """
            [core]
            \thooksPath = .husky
            \tfsmonitor = "./x y" ; z
            [includeIf "gitdir:~/x"]
            \tpath = ~/more\\
            [include] path = ../a/../b
            """
        var fuzzing = Fuzzing(
            [Array(seed.utf8)],
            words: ["[core]", "\n", "\"", "\\", "~", "/..", "[include]path=", "="]
        )
        let tally = fuzzing.run { bytes in
            let leads = GitLead.all(bytes, in: "/work", home: "/home/ann")
            #expect(leads.allSatisfy { $0.path.isAbsolute && $0.path.normalised == $0.path })
            return !leads.isEmpty
        }
        #expect(tally.taken > 20 && tally.refused > 5, "\(tally)")
    }

    /// Of the output on a terminal only its states are remembered, and what undoes them is bounded.
    @Test func whatUndoesATerminalsStatesIsBounded() {
        let seeds = [
            "\u{1B}[?1049h\u{1B}[31;1mx\u{1B}]0;t\u{7}\u{1B}(0\u{1B}[5;9r", "\u{1B}P+q\u{1B}\\\u{1B}[>1u\u{1B}[!p",
        ]
        var fuzzing = Fuzzing(
            seeds.map { Array($0.utf8) },
            words: ["\u{1B}[", "\u{1B}]", "\u{1B}P", "?", ";", "h", "l", "m"]
        )
        let tally = fuzzing.run { bytes in
            var state = TerminalState()
            bytes.withUnsafeBytes { state.read($0) }
            #expect(state.undoing.count <= 400)
            return !state.undoing.isEmpty
        }
        #expect(tally.taken > 20, "\(tally)")
    }

    // MARK: - What the kernel says, with names in it that a job chose

    @Test func kernelTextsAreReadOrNone() throws {
        let table = try Data(contentsOf: URL(fileURLWithPath: "/proc/self/mountinfo"))
        let status = try Data(contentsOf: URL(fileURLWithPath: "/proc/self/status"))
        var fuzzing = Fuzzing(
            [Array(table.prefix(2000)), Array(status)],
            words: [" - ", "\\040", "\\", "\n", "NSpid:\t", ":"]
        )
        let tally = fuzzing.run { bytes in
            let status = ProcessStatus(parsing: bytes)
            _ = [status.lastWord("NSpid"), status.words("Groups"), status.text("SigBlk")]
            _ = [status.number("PPid"), status.mask("CapBnd")]
            return MountTable(parsing: bytes) != nil
        }
        #expect(tally.taken > 20 && tally.refused > 20, "\(tally)")
    }
}
