import Foundation
import SandboxCrypto
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What signatures show beyond the chain.
@Suite struct SignatureTests {
    private let place: SignedWorkspace

    init() throws {
        place = try SignedWorkspace()
    }

    @Test func everyRecordIsSignedOnce() throws {
        try place.keepLaunch(1)
        try place.keepRefused(2)
        #expect(try place.sign() == RecordSigner.Report(signed: 3, through: 3))
        #expect(try place.sign() == RecordSigner.Report(signed: 0, through: 3))
        try place.keepLaunch(3)
        let partly = try place.verify()
        #expect(partly.isVerified && partly.signed == 3 && partly.unsigned == 2, "\(partly.problems)")
        #expect(partly.unsignedStretches.map(\.firstSequence) == [4] && partly.unsignedStretches[0].lastSequence == 5)
        #expect(try !place.verify(required: true).isVerified)
        #expect(try place.sign() == RecordSigner.Report(signed: 2, through: 5))
        let whole = try place.verify(required: true)
        #expect(whole.isVerified && whole.signed == 5 && whole.unsigned == 0, "\(whole.problems)")
        #expect(whole.notKnown.contains { $0.contains("who held the private key") })
    }

    /// Whoever verifies reads signatures and records one after the other; neither grows at the reader's pace.
    @Test func verifyingBesideSigningFindsNothingWrong() throws {
        // Without an end, so that the reader looks again at what came meanwhile.
        try place.keepLaunch(1, isClosed: false)
        let done = Flag()
        let looked = Flag()
        nonisolated(unsafe) let place = place
        let writer = Thread {
            for number in UInt8(2)...200 {
                // However slow the reader is, it begins a second time while there is still something to come.
                while number == 100, !looked.isSet { usleep(1000) }
                do {
                    try place.keepRefused(number)
                    try place.sign()
                } catch { Issue.record(error) }
            }
            done.set()
        }
        writer.start()
        defer { looked.set() }
        while !done.isSet {
            let report = try place.verify()
            #expect(report.isVerified, "\(report.problems)")
            looked.set()
        }
        #expect(try place.verify(required: true).isVerified)
    }

    /// A stopped process may hold the lock for ever.
    @Test func aHeldLockEndsTheWait() throws {
        try place.keepRefused(1)
        let held = open(place.location.records.description, O_RDWR)
        defer { close(held) }
        #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
        let error = #expect(throws: EvidenceError.self) { try place.verify() }
        #expect(error?.message.contains("another process has held it for 5 s") == true, "\(error?.message ?? "")")
        #expect(flock(held, LOCK_UN) == 0)
        #expect(try place.verify().isVerified)
    }

    @Test func nothingToSignAsksForNoKey() throws {
        let asked = try RecordSigner.sign(place.location) { () throws(EvidenceError) in
            throw EvidenceError(action: "ask", subject: "", remedy: "")
        }
        #expect(asked == nil)
    }

    /// Every byte of both files, the last line too, which the chain alone does not hold.
    @Test func everyChangedByteIsFound() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        for file in [place.location.records, place.location.signatures] {
            let whole = try place.bytes(file)
            for offset in whole.indices {
                // Of the long one a part; the chain's own test has the rest.
                if file == place.location.records, offset % 3 != 0 { continue }
                var changed = whole
                changed[offset] ^= 1 << (offset % 8)
                try place.write(changed, to: file)
                let report = try place.verify()
                #expect(!report.isVerified, "\(file), byte \(offset)")
            }
            try place.write(whole, to: file)
        }
        #expect(try place.verify(required: true).isVerified)
    }

    @Test(arguments: [1, 2, 3]) func removedTailOfSignedRecordsIsFound(removed: Int) throws {
        for number in 1...4 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        let lines = try place.lines(place.location.records)
        try place.write(Array(lines.dropLast(removed).joined()), to: place.location.records)
        let report = try place.verify()
        #expect(report.problemCount == removed, "\(report.problems)")
        #expect(report.problems.allSatisfy { $0.what.contains("signatures.jsonl: line") && $0.line == nil })
    }

    @Test func removedDoubledAndMovedSignaturesAreFound() throws {
        for number in 1...4 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        let lines = try place.lines(place.location.signatures)
        func report(_ order: [Int], required: Bool = false) throws -> ChainReport {
            try place.write(Array(order.map { lines[$0] }.joined()), to: place.location.signatures)
            return try place.verify(required: required)
        }
        #expect(try report([0, 1, 2, 3], required: true).isVerified)
        let removed = try report([0, 2, 3])
        #expect(removed.isVerified && removed.unsignedStretches.map(\.firstLine) == [2])
        #expect(try report([0, 2, 3], required: true).problems.map(\.what) == ["record 2 is not signed"])
        #expect(try !report([], required: true).isVerified)
        #expect(try report([0, 1, 1, 2, 3]).problems.map(\.what).allSatisfy { $0.contains("there twice") })
        #expect(try !report([0, 1, 1, 2, 3]).isVerified)
        #expect(try !report([0, 2, 1, 3]).isVerified)
    }

    /// Somebody who can write both files and has another key, or another record's signature.
    @Test func signatureOfAnotherKeyOrAnotherLaunchIsFound() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let other = try SigningKey.generated()
        try place.sign(other)
        let strange = try place.verify()
        #expect(strange.problems.map(\.line) == [1, 2])
        #expect(strange.problems.allSatisfy { $0.what.contains("signed with the key \(other.publicKey.id)") })
        #expect(try place.verify(required: true, other).isVerified)
        // The other key's signatures under the name of the right one.
        let signatures = try place.lines(place.location.signatures)
        let renamed = signatures.map {
            String(decoding: $0, as: UTF8.self).replacing(other.publicKey.id, with: place.key.publicKey.id)
        }
        try place.write(Array(renamed.joined().utf8), to: place.location.signatures)
        #expect(try place.verify().problems.allSatisfy { $0.what.contains("signature is wrong") })
        // The signature of one record, as if it were the other's.
        try place.write([], to: place.location.signatures)
        try place.sign()
        let right = try place.lines(place.location.signatures).map {
            try #require(RecordSignature(reading: Array($0.dropLast())))
        }
        var moved = right[1]
        moved.signature = right[0].signature
        try place.write(right[0].line.bytes + [0x0A] + moved.line.bytes + [0x0A], to: place.location.signatures)
        let report = try place.verify()
        #expect(report.problems.map(\.line) == [2] && report.problems[0].what.contains("signature is wrong"))
        var named = right[1]
        named.record = right[0].record
        try place.write(right[0].line.bytes + [0x0A] + named.line.bytes + [0x0A], to: place.location.signatures)
        #expect(try place.verify().problems.map(\.what).contains { $0.contains("of another record") })
    }

    /// Written anew from its beginning, links and all: only signatures show it.
    @Test func chainThatWasWrittenAnewIsFound() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        try FileManager.default.removeItem(atPath: place.location.records.description)
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number + 10) }
        let report = try place.verify()
        #expect(report.problems.map(\.line) == [1, 2, 3])
        #expect(report.problems.allSatisfy { $0.what.contains("of another record") })
    }

    @Test func tornLastLineIsSaidAndMended() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        let whole = try place.bytes(place.location.signatures)
        let first = try place.lines(place.location.signatures)[0].count
        for cut in [first + 1, first + 100, whole.count - 1] {
            try place.write(Array(whole[..<cut]), to: place.location.signatures)
            #expect(try place.verify().problems.map(\.what).contains { $0.contains("is cut off") }, "\(cut)")
            #expect(try place.sign() == RecordSigner.Report(signed: 1, through: 2))
            #expect(try place.bytes(place.location.signatures) == whole)
        }
    }

    @Test func damagedRecordsAndWhatIsNotLinkedAreNotSigned() throws {
        try place.keepRefused(1)
        try place.write(try place.bytes(place.location.records) + Array("{\"half".utf8), to: place.location.records)
        try place.keepRefused(2)
        #expect(try place.sign()?.signed == 2)
        try place.keepRefused(3)
        try place.keepRefused(4)
        let lines = try place.lines(place.location.records)
        let changed = String(decoding: lines[3], as: UTF8.self).replacing("0.1.0", with: "0.1.1")
        try place.write(Array((lines[..<3] + [Array(changed.utf8)] + lines[4...]).joined()), to: place.location.records)
        let error = #expect(throws: EvidenceError.self) { try place.sign() }
        #expect(error?.cause.contains("is not linked") == true)
        #expect(try place.verify().signedThrough == 3)
        // What was signed last has to be there.
        try place.write(Array(lines[..<1].joined()), to: place.location.records)
        #expect(throws: EvidenceError.self) { try place.sign() }
    }

    @Test func copyIsVerifiedByItselfAndByTheWorkspacesSignatures() throws {
        let copy = OSString(place.scratch.path("copy.jsonl"))
        for number in 1...4 as ClosedRange<UInt8> { try place.keepLaunch(number, copy: number % 2 == 0 ? copy : nil) }
        try place.sign()
        func verify(required: Bool = true) throws -> ChainReport {
            try ChainVerifier.verify(
                copy: copy,
                of: place.location,
                keys: SignedWorkspace.keys(place.key, required: required)
            )
        }
        let report = try verify()
        #expect(report.isVerified && report.signed == 4 && report.closed == 2 && report.gaps == 1, "\(report.problems)")
        let whole = try place.bytes(copy)
        let lines = try place.lines(copy)
        // Chained to the next line: seen without signatures. The last: by them.
        var changed = whole
        changed[lines[0].count / 2] ^= 1
        try place.write(changed, to: copy)
        #expect(try !verify(required: false).isVerified)
        changed = whole
        let version = String(decoding: lines[3], as: UTF8.self).replacing("0.1.0", with: "0.1.1")
        try place.write(Array(lines[..<3].joined()) + Array(version.utf8), to: copy)
        #expect(try !verify().isVerified)
        try place.write(whole, to: copy)
        #expect(try verify().isVerified)
    }

    @Test func envelopeIsWhatIsSigned() throws {
        let payload = Array("{\"a\":1}".utf8)
        let bytes = DSSE.preAuthenticationEncoding(payload)
        #expect(String(decoding: bytes, as: UTF8.self) == "DSSEv1 28 application/vnd.in-toto+json 7 {\"a\":1}")
        let signature = RecordSignature(
            record: SHA256.digest(payload),
            sequence: 1,
            keyID: place.key.publicKey.id,
            signature: try place.key.signature(of: bytes)
        )
        let envelope = try JSONReader.value(in: DSSE.envelope(payload, [signature]).bytes)
        #expect(envelope["payload"]?.string == Data(payload).base64EncodedString())
        #expect(RecordSignature(reading: signature.line.bytes) == signature)
    }

    @Test func launchesThatEndedAreForgottenOldestFirst() {
        var known = RecentLaunches(room: 4)
        let ids = (0..<20).map { LaunchID([UInt8](repeating: 0, count: 15) + [UInt8($0)]) }
        for id in ids { known.insert(id) }
        #expect(known.forgotten == 12)
        #expect(ids.suffix(4).allSatisfy(known.contains) && !known.contains(ids[0]))
    }

    @Test(arguments: 0..<50) func base64IsReadBackOrRefused(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        #expect(Base64.bytes(Data(bytes).base64EncodedString()) == bytes)
        for wrong in ["A", "AB", "ABC", "AB=A", "AB-_", "AB==\n", "AA=B", "AB=="] where wrong != "AB==" || count == 0 {
            if wrong == "AB==" {
                // Bits that are not zero where none are: RFC 4648, 3.5.
                #expect(Base64.bytes("AB==") == nil)
            } else {
                #expect(Base64.bytes(wrong) == nil, "\(wrong)")
            }
        }
    }
}

/// Set once, by another thread.
private final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    var isSet: Bool { lock.withLock { value } }
    func set() { lock.withLock { value = true } }
}
