import Foundation
import SandboxCrypto
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// Half a line that a killed launcher can have left is told from damage.
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
        check(last, torn: line, "(then \(words)), or because the file was cut here")
        try place.keepRefused(3)
        let report = try place.verify()
        // The link vouches for the bytes, not for why they end: the file may have been cut before the next launch.
        check(report, torn: line, "(then \(words)), or because the file was cut here")
        #expect(report.notKnown.contains { $0.contains("(1) were cut when their commands had run") })
        #expect(report.open == (record == "outcome" ? 1 : 0))
        let offset = try #require(report.torn.first?.offset)
        let told = ChainText.details(report, of: place.location)
        #expect(
            told.hasPrefix("verified\n")
                && told.contains("line \(line) at byte \(offset): not written whole, because a launcher")
        )
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

    /// Two or more launchers, one after the other, of which none got as far as its link: the next record vouches for all.
    @Test(arguments: [[20, 20], [400, 20], [20, 400, 20, 20], [2000, 1, 1]])
    func halfLinesWithoutALinkInARowAreTold(lengths: [Int]) throws {
        try place.keepRefused(1)
        for (index, length) in lengths.enumerated() {
            let number = UInt8(2 + index)
            if length > 1000 { try place.keepLaunch(number, isClosed: false) } else { try place.keepRefused(number) }
            try tear(to: length)
            let report = try place.verify()
            #expect(report.isVerified && report.torn.map(\.line) == Array(2...index + 2), "\(report.problems)")
        }
        let half = Array(2...lengths.count + 1)
        try place.keepRefused(9)
        let report = try place.verify()
        #expect(report.isVerified && report.torn.map(\.line) == half, "\(report.problems)")
        #expect(report.head?.sequence == Int64(2 + lengths.filter { $0 > 200 }.count))
        #expect(!report.notKnown.contains { $0.contains("an earlier version linked it") })
        try place.keepRefused(10)
        let kept = try lines()
        // Nothing of them can be changed, shortened or removed unseen, nor can the whole record before them.
        for line in 0...lengths.count {
            for length in [0, 1, kept[line].count / 2, kept[line].count - 2] where length < kept[line].count - 1 {
                var changed = kept
                changed[line] = length == 0 ? [] : Array(kept[line].prefix(length)) + [0x0A]
                try write(Array(changed.joined()))
                #expect(try !place.verify().isVerified, "line \(line + 1) to \(length)")
            }
        }
        var changed = kept
        changed[0] = Array(String(decoding: kept[0], as: UTF8.self).replacing("0.1.0", with: "0.1.1").utf8)
        #expect(changed[0] != kept[0])
        try write(Array(changed.joined()))
        let found = try place.verify()
        #expect(!found.isVerified)
        if lengths[0] < 200 {
            #expect(found.problems.contains { $0.what.contains("one of them was changed") }, "\(found.problems)")
        }
        // A launch between them that ran, and was removed.
        try write(Array((kept[...1] + kept[0...0] + kept[2...]).joined()))
        #expect(try !place.verify().isVerified)
        try write(Array(kept.joined()))
        try place.sign()
        #expect(try place.verify(required: true).isVerified)
        #expect(try place.collect(keep: 1) != nil)
        #expect(try place.verify(required: true).isVerified)
    }

    private func relinked(_ line: [UInt8], to previous: [UInt8]) throws -> [UInt8] {
        let chain = try #require(try JSONReader.value(in: line)["predicate"]?["chain"])
        let sequence = try #require(chain["sequence"]?.integer)
        let link = ChainLink(previous: SHA256.digest(previous), sequence: sequence)
        return Array(String(decoding: line, as: UTF8.self).replacing(chain.canonical.text, with: link.json.text).utf8)
    }

    /// A record of an earlier version is linked to the last half line alone: that the others were no records, its number says,
    /// but only where they do not say one themselves.
    @Test func halfLinesBeforeARecordOfAnEarlierVersion() throws {
        for length in [20, 400] {
            try place.keepRefused(1)
            try place.keepRefused(2)
            try tear(to: length)
            try place.keepRefused(3)
            try tear(to: 20)
            try place.keepRefused(4)
            let kept = try lines()
            try write(kept[0] + kept[1] + kept[2] + relinked(kept[3], to: Array(kept[2].dropLast())))
            let report = try place.verify()
            if length == 20 {
                #expect(report.isVerified && report.torn.map(\.line) == [2, 3], "\(report.problems)")
            } else {
                #expect(report.torn.map(\.line) == [3] && Set(report.problems.map(\.line)) == [2], "\(report.problems)")
                #expect(report.problems.contains { $0.what.contains("Compare it with a copy") })
                // So it has to be there still.
                let before = try bytes()
                let error = #expect(throws: EvidenceError.self) { try place.collect(keep: 1) }
                #expect(error?.cause == "it does not verify" && error?.remedy.contains("backup") == true)
                #expect(try bytes() == before)
            }
            #expect(report.notKnown.contains { $0.contains("the last record before line 4 was changed") })
            // The signer goes on, and a signature vouches for the record before them.
            try place.sign()
            let signed = try place.verify()
            #expect(signed.isVerified == (length == 20) && signed.unsigned == 0, "\(signed.problems)")
            let whole = try bytes()
            try write(Array(String(decoding: whole, as: UTF8.self).replacing("0.1.0", with: "0.1.1").utf8))
            #expect(try place.verify().problems.contains { $0.line == 1 })
            // A whole record between them has taken a number.
            try write(kept[0] + kept[2] + relinked(kept[3], to: Array(kept[2].dropLast())))
            #expect(try place.verify().problems.contains { $0.what.contains("is missing") } == (length == 400))
            for file in [place.location.records, place.location.signatures] {
                try FileManager.default.removeItem(atPath: file.description)
            }
        }
    }

    /// Nobody links over more than 64 lines.
    @Test func manyHalfLinesAreDamage() throws {
        try place.keepRefused(1)
        let half = Array("{\"_type\":\"https://in-toto".utf8)
        try write(try bytes() + Array([[UInt8]](repeating: half, count: 70).joined(separator: [0x0A])))
        #expect(try place.verify().problemCount > 60)
        #expect(throws: EvidenceError.self) { try place.keepRefused(2) }
    }

    @Test func signerSaysWhatIsNoWholeRecord() throws {
        try place.keepRefused(1)
        try place.keepRefused(2)
        try tear(to: 400)
        try place.keepRefused(3)
        try tear(to: 20)
        try place.keepRefused(4)
        try write(try bytes() + Array("no record\n".utf8))
        try place.keepRefused(5)
        try tear(to: 400)
        let offsets = try lines().reduce(into: [Int64(0)]) { $0.append($0.last! + Int64($1.count)) }
        let report = try #require(try place.sign())
        #expect(report.signed == 3 && report.through == 3 && report.tornSigned == 1 && report.tornCount == 3)
        #expect(report.torn.map(\.offset) == [offsets[1], offsets[2], offsets[5]])
        #expect(report.torn.map(\.sequence) == [2, nil, 4] && report.torn.map(\.isSigned) == [true, false, false])
        #expect(report.damaged.map(\.offset) == [offsets[4]] && report.damagedCount == 1)
        let text = String(decoding: SignText.line(report, of: place.location, json: false), as: UTF8.self)
        #expect(text.contains("3 records signed (1 of them torn), through record 3\n"), "\(text)")
        #expect(
            text.contains("  record 2 at byte \(offsets[1]): torn line: not written whole, because a launcher"),
            "\(text)"
        )
        #expect(text.contains("it is signed as it stands\n") && text.contains("before a record stands behind it\n"))
        let json = try JSONReader.value(in: SignText.line(report, of: place.location, json: true).dropLast())
        #expect(json["signed"] == 3 && json["tornCount"] == 3 && json["tornSigned"] == 1 && json["damagedCount"] == 1)
        #expect(json["torn"]?.array?.first?["sequence"]?.integer == 2)
        #expect(json["torn"]?.array?.first?["signed"] == true)
        // Nothing new, but for the line that is not signed yet.
        let again = try #require(try place.sign())
        #expect(again.signed == 0 && again.torn.map(\.offset) == [offsets[5]])
    }

    /// A backup's problems are compared one by one.
    @Test func otherProblemsOfTheSameNumberAreNotTheSame() throws {
        for number in 1...4 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let kept = try lines()
        func report(changing line: Int) throws -> ChainReport {
            var changed = kept
            changed[line] = Array(String(decoding: kept[line], as: UTF8.self).replacing("0.1.0", with: "0.1.1").utf8)
            try write(Array(changed.joined()))
            return try place.verify()
        }
        let (first, second) = (try report(changing: 0), try report(changing: 1))
        #expect(first.problemCount == second.problemCount && first.problemCount > 0)
        #expect(KnownProblems(first).agree(with: first) && !KnownProblems(first).agree(with: second))
        #expect(KnownProblems(count: 1, listed: nil).agree(with: second))
        try write(Array(kept.joined()))
        let whole = try place.verify()
        #expect(!KnownProblems(first).agree(with: whole) && !KnownProblems(whole).agree(with: first))
        // What an earlier version took for damage.
        try tear(to: 400)
        let torn = try place.verify()
        let line = try #require(torn.torn.first)
        #expect(torn.isVerified && KnownProblems(count: 1, listed: [line]).agree(with: torn))
        let other = ChainReport.Problem(line: 1, offset: 0, what: "damaged line")
        #expect(!KnownProblems(count: 2, listed: [other, line]).agree(with: torn))
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

    /// A newline behind it, and no record: a launcher writes the newline first, and was killed behind it.
    @Test(arguments: [20, 400]) func halfLineWithANewlineAtTheEndIsTold(length: Int) throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let head = try #require(try place.verify().head)
        try tear(to: length)
        try write(try bytes() + [0x0A])
        check(try place.verify(), torn: 2)
        // Whoever was told of a whole one knows better; so does its number where only half lines are left.
        #expect(isDamage(try place.verify(since: head), at: 2))
        // Two newlines no writer leaves.
        let kept = try bytes()
        try write(kept + [0x0A])
        #expect(try !place.verify().isVerified)
        try write(kept)
        try place.sign()
        let signed = try place.verify()
        check(signed, torn: 2)
        #expect(signed.signed == (length == 400 ? 2 : 1) && signed.unsigned == 0)
        // Changed behind its signature; without one, nothing tells.
        if length == 400 {
            try write(kept.dropLast(2) + [0x0A])
            #expect(try !place.verify().isVerified)
            try write(kept)
        }
        try place.keepRefused(3)
        check(try place.verify(), torn: 2)
        try place.sign()
        check(try place.verify(required: true), torn: 2)
        #expect(try place.collect(keep: 1) != nil)
        #expect(try place.verify(required: true).isVerified)
    }

    /// The first of two half lines has its link and newline, so it is signed; the other waits.
    @Test func signedHalfLineBeforeAHalfLineIsTold() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        try tear(to: 400)
        try place.keepRefused(3)
        try tear(to: 20)
        try place.sign()
        let report = try place.verify()
        #expect(report.isVerified && report.torn.map(\.line) == [2, 3], "\(report.problems)")
    }

    /// The copy has the records on both sides of half a line without a link, which the second one's link goes over.
    @Test func copyWithoutTheHalfLineBetweenTwoSignedRecordsHolds() throws {
        let copy = OSString(place.scratch.path("copy.jsonl"))
        try place.keepRefused(1, copy: copy)
        try place.keepRefused(2)
        try tear(to: 20)
        try place.keepRefused(3, copy: copy)
        #expect(try place.verify().isVerified)
        let report = try ChainVerifier.verify(copy: copy, of: place.location, keys: .none)
        #expect(report.problems.map(\.line) == [1] && report.gaps == 0, "\(report.problems)")
        #expect(report.problems.first?.what.contains("half a line without a link between the two") == true)
        // The signatures say that both are as they were.
        try place.sign()
        let keys = SignedWorkspace.keys(place.key)
        let signed = try ChainVerifier.verify(copy: copy, of: place.location, keys: keys)
        #expect(signed.isVerified && signed.signed == 2, "\(signed.problems)")
        for line in 0...1 {
            var lines = try place.lines(copy)
            lines[line] = Array(String(decoding: lines[line], as: UTF8.self).replacing("0.1.0", with: "0.1.1").utf8)
            let changed = OSString(place.scratch.path("changed.jsonl"))
            try place.write(Array(lines.joined()), to: changed)
            #expect(try !ChainVerifier.verify(copy: changed, of: place.location, keys: keys).isVerified)
        }
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
