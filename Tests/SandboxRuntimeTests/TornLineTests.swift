import Foundation
import SandboxCrypto
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// Half a line that a killed launcher left is told from one that somebody cut.
@Suite struct TornLineTests {
    private let place: SignedWorkspace

    init() throws {
        place = try SignedWorkspace()
    }

    private func bytes() throws -> [UInt8] { try place.bytes(place.location.records) }
    private func write(_ bytes: [UInt8]) throws { try place.write(bytes, to: place.location.records) }
    private func lines() throws -> [[UInt8]] { try place.lines(place.location.records) }

    /// Cuts the last line to so many bytes, as a killed writer leaves it.
    private func tear(to count: Int) throws {
        let whole = try lines()
        try write(Array(whole.dropLast().joined() + whole[whole.count - 1].prefix(count)))
    }

    private func check(_ report: ChainReport, torn line: Int, _ words: String? = nil) {
        #expect(report.isVerified && report.problems.isEmpty, "\(report.problems)")
        #expect(report.torn.map(\.line) == [line] && report.tornCount == 1)
        if let words { #expect(report.torn.first?.what.contains(words) == true, "\(report.torn)") }
    }

    private func isDamage(_ report: ChainReport, at line: Int) -> Bool {
        report.tornCount == 0 && report.problems.contains { $0.line == line && $0.what.hasPrefix("damaged line") }
    }

    // MARK: - Torn

    /// At every length: as the last line, and with a record behind it.
    @Test func everyBeginningOfARecordIsToldAndNoProblem() throws {
        try place.keepRefused(1)
        try place.keepRefused(2)
        let whole = try bytes()
        let count = try lines()[1].count
        for cut in 1..<count - 1 {
            if cut > 300 && cut % 23 != 0 { continue }
            try write(whole)
            try tear(to: cut)
            check(try place.verify(), torn: 2)
            try place.keepRefused(3)
            check(try place.verify(), torn: 2)
        }
        #expect(try place.verify().head?.sequence == 3)
        #expect(try place.collect(keep: 1)?.removed.launches == 1)
    }

    @Test(arguments: [
        ("start", 2000, "its command did not run"), ("outcome", 300, "the end of its command was not recorded"),
        ("outcome", 20, "its command did not run, or the end of it was not recorded"),
    ]) func noteSaysWhichHalfOfALaunchIsMissing(record: String, length: Int, words: String) throws {
        try place.keepRefused(1)
        try place.keepLaunch(2, isClosed: record == "outcome")
        let line = try lines().count
        try tear(to: length)
        let last = try place.verify()
        check(last, torn: line, "was killed while it wrote this line, or the file was cut here")
        // Nothing links to it yet, so nothing says whether the command ran.
        #expect(last.torn.first?.what.contains("command") == false, "\(last.torn)")
        try place.keepRefused(3)
        let report = try place.verify()
        check(report, torn: line, words)
        #expect(report.open == (record == "outcome" ? 1 : 0))
        let offset = try #require(report.torn.first?.offset)
        let told = ChainText.details(report, of: place.location)
        #expect(told.hasPrefix("verified\n") && told.contains("line \(line) at byte \(offset): a launcher was killed"))
        let json = try JSONReader.value(in: ChainText.json(report, of: place.location).bytes)
        #expect(json["verified"] == true && json["problems"] == [] && json["tornCount"] == 1)
        #expect(json["torn"]?.array?.first?["line"]?.integer == Int64(line))
        #expect(json["torn"]?.array?.first?["what"]?.string == report.torn.first?.what)
    }

    /// Only the newline is missing: the record counts, and the next one ends its line.
    @Test func recordWithoutItsNewlineIsWhole() throws {
        try place.keepRefused(1)
        let whole = try bytes()
        try write(whole.dropLast())
        let report = try place.verify()
        check(report, torn: 1, "only the newline is missing")
        #expect(report.refused == 1)
        try place.keepRefused(2)
        let after = try place.verify()
        #expect(after.isVerified && after.tornCount == 0 && after.refused == 2, "\(after.problems)")
    }

    /// What is left of a whole file may be the beginning of its first line.
    @Test(arguments: [1, 70, 400]) func halfLineAloneIsNothingToVerify(length: Int) throws {
        for number in 1...4 as ClosedRange<UInt8> { try place.keepLaunch(number) }
        let whole = try bytes()
        try write(Array(whole.prefix(length)))
        let report = try place.verify()
        #expect(report.tornCount == 1 && report.problems.map(\.line) == [nil], "\(report.problems)")
        #expect(report.problems.first?.what.hasPrefix("there is nothing to verify") == true)
        // A record behind it is something.
        try place.keepRefused(5)
        check(try place.verify(), torn: 1)
        // So is the first line, whole.
        try write(Array(whole.prefix(try #require(whole.firstIndex(of: 0x0A)) + 1)))
        #expect(try place.verify().isVerified)
    }

    @Test func characterMayBeCutThrough() throws {
        let name = "/home/ada/\u{1F600}"
        try place.keepRefused(1, workspace: OSString(name))
        let location = EvidenceLocation(stateFolder: place.location.stateFolder, workspace: OSString(name))
        let whole = try place.bytes(location.records)
        let character = Array("\u{1F600}".utf8)
        let at = try #require(whole.indices.first { whole[$0...].starts(with: character) })
        for length in at...(at + 4) {
            try place.write(Array(whole[..<length]), to: location.records)
            let report = try #require(try ChainVerifier.verify(location, keys: .none))
            #expect(report.torn.map(\.line) == [1] && report.tornCount == 1, "\(report.problems)")
        }
    }

    /// Two launchers, one after the other; the second got as far as its link.
    @Test func halfLineBehindAHalfLineIsTold() throws {
        try place.keepRefused(1)
        try place.keepRefused(2)
        try tear(to: 400)
        try place.keepRefused(3)
        try tear(to: 400)
        try place.keepRefused(4)
        let report = try place.verify()
        #expect(report.isVerified && report.torn.map(\.line) == [2, 3], "\(report.problems)")
        #expect(report.head?.sequence == 4)
    }

    /// What was left cannot be removed or mended unseen.
    @Test func halfLineIsInTheChain() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try tear(to: 20)
        try place.keepRefused(3)
        let kept = try lines()
        try write(kept[0] + kept[2])
        #expect(try place.verify().problems.map(\.line) == [1])
        for offset in kept[1].indices.dropLast() {
            var changed = kept[1]
            changed[offset] ^= 1
            try write(kept[0] + changed + kept[2])
            #expect(try !place.verify().isVerified, "\(offset)")
        }
    }

    @Test func signaturesGoOnBehindAHalfLine() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try tear(to: 400)
        try place.sign()
        check(try place.verify(required: true), torn: 2)
        try place.keepRefused(3)
        try place.sign()
        check(try place.verify(required: true), torn: 2)
    }

    // MARK: - Damage that looks like it

    @Test func signedLastRecordThatWasCutIsDamage() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        #expect(try place.verify().isVerified)
        let whole = try bytes()
        for length in [1, 20, 400, try lines()[2].count - 2] {
            try write(whole)
            try tear(to: length)
            #expect(isDamage(try place.verify(), at: 3), "\(length)")
        }
        // Its newline alone: the signer signs none that has none.
        try write(whole.dropLast())
        let report = try place.verify()
        #expect(report.tornCount == 0 && report.problems.map(\.line) == [3], "\(report.problems)")
        #expect(report.problems.first?.what.hasPrefix("cut off") == true)
    }

    /// The number of the half line is lower than that of a record that was signed.
    @Test func cutBeforeASignedRecordIsDamage() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try place.sign()
        try write(Array(try lines().dropLast().joined()))
        try tear(to: 400)
        #expect(isDamage(try place.verify(), at: 2))
    }

    @Test func rememberedLastRecordThatWasCutIsDamage() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let head = try #require(try place.verify().head)
        try tear(to: 400)
        check(try place.verify(), torn: 3)
        #expect(isDamage(try place.verify(since: head), at: 3))
    }

    @Test func middleRecordThatWasCutIsDamage() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let kept = try lines()
        for length in 1..<kept[1].count - 1 where length < 300 || length % 23 == 0 {
            try write(kept[0] + kept[1].prefix(length) + [0x0A] + kept[2])
            #expect(isDamage(try place.verify(), at: 2), "\(length)")
        }
    }

    /// Cut, and the next record linked to what is left: the one behind it, a signature or a kept head shows it.
    @Test func recordThatWasCutAndLinkedToAnewIsFound() throws {
        for number in 1...4 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let head = try #require(try place.verify().head)
        let kept = try lines()
        func relinked(_ line: [UInt8], to previous: [UInt8], _ sequence: Int64) throws -> [UInt8] {
            let value = try JSONReader.value(in: line)
            let old = try #require(value["predicate"]?["chain"]).canonical.text
            let link = ChainLink(previous: SHA256.digest(previous), sequence: sequence)
            return Array(String(decoding: line, as: UTF8.self).replacing(old, with: link.json.text).utf8)
        }
        for length in [20, 400] {
            let half = Array(kept[1].prefix(length))
            // The number of a half line that does not say one goes to the next record.
            let sequence: Int64 = length == 20 ? 2 : 3
            let third = try relinked(kept[2], to: half, sequence)
            try write(kept[0] + half + [0x0A] + third + kept[3])
            #expect(try place.verify().problems.contains { $0.line == 3 || $0.line == 4 }, "\(length)")
            let fourth = try relinked(kept[3], to: third.dropLast(), sequence + 1)
            try write(kept[0] + half + [0x0A] + third + fourth)
            #expect(try !place.verify(since: head).isVerified, "\(length)")
            try write(Array(kept.joined()))
            try place.sign()
            #expect(try place.verify().isVerified)
            try write(kept[0] + half + [0x0A] + third + fourth)
            #expect(try !place.verify().isVerified, "\(length)")
            try FileManager.default.removeItem(atPath: place.location.signatures.description)
        }
    }

    /// No write of ours can have ended so.
    @Test(arguments: ["{\"_type\":\"cut", "{\"half", "x", "{\"_type\":\"https://in-toto.io/Statement/v1\",,", "{}"])
    func anythingElseIsDamage(text: String) throws {
        try place.keepRefused(1)
        try write(try bytes() + Array(text.utf8))
        let last = try place.verify()
        #expect(!last.isVerified && last.tornCount == 0)
        try place.keepRefused(2)
        let report = try place.verify()
        #expect(report.problems.map(\.line) == [2] && report.tornCount == 0, "\(report.problems)")
        #expect(report.head?.sequence == 2)
    }

    /// A newline behind it, and no record: a write has brought more, and something is gone.
    @Test func halfLineWithANewlineAtTheEndIsDamage() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try tear(to: 400)
        try write(try bytes() + [0x0A])
        #expect(isDamage(try place.verify(), at: 2))
    }

    /// The copy's next line is linked to the chain's whole line, so nothing vouches for half of it.
    @Test func halfLineOfACopyIsDamage() throws {
        let copy = OSString(place.scratch.path("copy.jsonl"))
        try place.keepRefused(1, copy: copy)
        try place.write(try place.bytes(copy).dropLast(200), to: copy)
        let report = try ChainVerifier.verify(copy: copy, of: place.location, keys: .none)
        #expect(isDamage(report, at: 1))
    }
}
