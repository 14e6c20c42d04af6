import Foundation
import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What the chain of records shows, and what it cannot.
@Suite struct ChainTests {
    private let scratch: ScratchFolder
    private var location: EvidenceLocation {
        EvidenceLocation(stateFolder: OSString(scratch.path("state")), workspace: SampleLaunch.workspace)
    }

    init() throws {
        scratch = try ScratchFolder()
    }

    // MARK: - Files

    private func context(_ number: UInt8, arguments: [OSString] = ["true"]) -> LaunchContext {
        LaunchContext(
            id: LaunchID([UInt8](repeating: number, count: 16)),
            toolVersion: "0.1.0",
            startedAt: SampleLaunch.time,
            supervisor: SampleLaunch.context.supervisor,
            workspace: RecordedWorkspace(path: SampleLaunch.workspace),
            arguments: arguments
        )
    }

    private func keepRefused(_ number: UInt8, arguments: [OSString] = ["true"], copy: OSString? = nil) throws {
        var store = try EvidenceStore(opening: location, copy: copy)
        try store.appendRefused(
            PreparedContext(context(number, arguments: arguments)),
            SampleLaunch.refusal,
            proof: .noProcess,
            exitStatus: 125,
            at: SampleLaunch.time
        )
    }

    private func keepLaunch(_ number: UInt8, copy: OSString? = nil, isClosed: Bool = true) throws {
        try ChainTests.keepLaunch(number, at: location, copy: copy, isClosed: isClosed)
    }

    private static func keepLaunch(
        _ number: UInt8,
        at location: EvidenceLocation,
        copy: OSString? = nil,
        isClosed: Bool = true
    ) throws {
        var context = SampleLaunch.context
        context.id = LaunchID([UInt8](repeating: number, count: 16))
        let prepared = PreparedContext(context)
        var store = try EvidenceStore(opening: location, copy: copy)
        try store.appendStart(prepared, layers: SampleLaunch.layers, at: SampleLaunch.time)
        if isClosed { try store.appendOutcome(prepared, SampleLaunch.ends[0]) }
    }

    private func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: location.records.description))) }

    private func write(_ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: location.records.description), options: [])
    }

    /// Each with its newline.
    private func lines(_ file: OSString? = nil) throws -> [[UInt8]] {
        let bytes = Array(try Data(contentsOf: URL(filePath: (file ?? location.records).description)))
        #expect(bytes.last == 0x0A)
        return bytes.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) + [0x0A] }
    }

    private func append(_ text: String) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: location.records.description))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
    }

    /// The file's records as they were written before there was a chain.
    private func unchain() throws {
        let text = String(decoding: try bytes(), as: UTF8.self)
        try write(Array(text.replacing(#/"chain":\{[^}]*\},/#, with: "").utf8))
    }

    private func verify(since: ChainCheckpoint? = nil) throws -> ChainReport {
        try #require(try ChainVerifier.verify(location, since: since, keys: .none))
    }

    private func head() throws -> ChainCheckpoint { try #require(try verify().head) }

    // MARK: - A chain

    @Test func eachRecordHasTheDigestOfTheLineBefore() throws {
        try keepLaunch(1)
        try keepRefused(2)
        try keepLaunch(3, isClosed: false)
        var previous = ChainLink.noLine
        for (index, line) in try lines().enumerated() {
            let text = Array(line.dropLast())
            let chain = try JSONReader.value(in: text)["predicate"]?["chain"]
            #expect(chain?["previous"]?.string == Hexadecimal.text(previous))
            #expect(chain?["sequence"]?.integer == Int64(index + 1))
            #expect(try JSONReader.value(in: text).canonical.bytes == text)
            previous = SHA256.digest(text)
        }
        let report = try verify()
        #expect(report.isVerified, "\(report.problems)")
        #expect(report.lines == 4 && report.chained == 4 && report.unchained == 0)
        #expect(report.closed == 1 && report.refused == 1 && report.open == 1)
        #expect(report.openLaunches.map(\.line) == [4])
        #expect(report.openLaunches.map(\.isRunning) == [false])
        #expect(report.head == ChainCheckpoint(sequence: 4, digest: previous))
        #expect(try verify(since: head()).isVerified)
    }

    @Test func startOfALivingSupervisorIsRunning() throws {
        var context = SampleLaunch.context
        context.supervisor = .current
        var store = try EvidenceStore(opening: location)
        try store.appendStart(PreparedContext(context), layers: [])
        #expect(try verify().openLaunches.map(\.isRunning) == [true])
    }

    /// The outcome's own shortcut must see that its start is no longer last.
    @Test func recordBetweenStartAndOutcomeIsLinkedTo() throws {
        let prepared = SampleLaunch.prepared
        var store = try EvidenceStore(opening: location)
        try store.appendStart(prepared, layers: SampleLaunch.layers)
        store.settle()
        try keepRefused(9)
        try store.appendOutcome(prepared, SampleLaunch.ends[0])
        let report = try verify()
        #expect(report.isVerified && report.head?.sequence == 3, "\(report.problems)")
    }

    @Test func removedFileBeginsANewChain() throws {
        var store = try EvidenceStore(opening: location)
        try store.appendStart(SampleLaunch.prepared, layers: SampleLaunch.layers)
        store.settle()
        try FileManager.default.removeItem(atPath: scratch.path("state"))
        try store.appendOutcome(SampleLaunch.prepared, SampleLaunch.ends[0])
        let report = try verify()
        #expect(report.head?.sequence == 1)
        #expect(report.problems.map(\.what).count { $0.contains("has no start record before it") } == 1)
    }

    @Test func copyHasTheVeryLinesOfTheChain() throws {
        let copy = OSString(scratch.path("copy.jsonl"))
        try keepLaunch(1)
        try keepLaunch(2, copy: copy)
        try keepRefused(3, copy: copy)
        try keepLaunch(4)
        #expect(try lines(copy) == Array(try lines()[2..<5]))
    }

    @Test(arguments: [1, 16]) func sixteenWritersGiveOneChain(size: Int) throws {
        let script = """
            for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "$0" "$@" & done
            wait
            """
        let writer = try Program.product("evidence-writer")
        let arguments = [location.stateFolder.description, SampleLaunch.workspace.description, "25", "\(size * 1024)"]
        let run = try Program.run("/bin/sh", ["-c", script, writer] + arguments)
        #expect(run.output == String(repeating: "kept 25\n", count: 16), "\(run)")
        let report = try verify()
        #expect(report.isVerified && report.refused == 400 && report.head?.sequence == 400, "\(report.problems)")
    }

    @Test func sixteenThreadsGiveOneChain() async throws {
        let location = location
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 as Range<UInt8> {
                group.addTask {
                    for part in 0..<4 as Range<UInt8> { try ChainTests.keepLaunch(number * 4 + part, at: location) }
                }
            }
            try await group.waitForAll()
        }
        let report = try verify()
        #expect(report.isVerified && report.closed == 64 && report.head?.sequence == 128, "\(report.problems)")
    }

    // MARK: - What is found

    /// Every bit that could be another, at every byte: what another record is linked to cannot change.
    @Test func everyChangedByteIsFound() throws {
        for number in 1...3 as ClosedRange<UInt8> { try keepRefused(number) }
        let whole = try bytes()
        let remembered = try head()
        let last = try lines().dropLast().joined().count
        for offset in whole.indices {
            // All of what is linked to; of the last line, which only a remembered head knows, a part.
            if offset >= last && offset % 5 != 0 { continue }
            var changed = whole
            changed[offset] ^= 1 << (offset % 8)
            try write(changed)
            let report = try verify(since: remembered)
            #expect(!report.isVerified, "byte \(offset)")
            if offset >= last { continue }
            let alone = try verify()
            #expect(!alone.isVerified, "byte \(offset)")
            // Named at the line, or at the next one.
            let line = whole[..<offset].count { $0 == 0x0A } + 1
            #expect(alone.problems.contains { $0.line == line || $0.line == line + 1 }, "\(offset): \(alone.problems)")
        }
        try write(whole)
        #expect(try verify(since: remembered).isVerified)
    }

    /// A byte of each member of start and outcome, with a launch behind them.
    @Test func changeInAnyMemberIsFound() throws {
        try keepLaunch(1)
        try keepRefused(2)
        let text = String(decoding: try bytes(), as: UTF8.self)
        let first = try lines()
        let members = try first.prefix(2).flatMap { line in
            let statement = try #require(JSONReader.value(in: line).object)
            let predicate = try #require(statement["predicate"]?.object)
            return (statement.members + predicate.members).map(\.key)
        }
        #expect(members.count > 30)
        for member in Set(members) {
            var from = text.startIndex
            while let range = text[from...].firstRange(of: "\"\(member)\":") {
                from = range.upperBound
                let offset = text.utf8.distance(from: text.startIndex, to: range.upperBound) + 1
                guard offset < first[0].count + first[1].count else { break }
                var changed = Array(text.utf8)
                changed[offset] ^= 1
                try write(changed)
                #expect(try !verify().isVerified, "\(member) at \(offset)")
            }
        }
    }

    @Test func changedLineIsNamedWithItsNumberAndOffset() throws {
        for number in 1...4 as ClosedRange<UInt8> { try keepRefused(number) }
        let kept = try lines()
        let text = String(decoding: kept[1], as: UTF8.self).replacing("0.1.0", with: "0.1.1")
        try write(kept[0] + Array(text.utf8) + kept[2] + kept[3])
        let report = try verify()
        #expect(report.problems.map(\.line) == [2])
        #expect(report.problems.map(\.offset) == [Int64(kept[0].count)])
        #expect(report.problems.first?.what.contains("not the line that line 3") == true)
    }

    @Test(arguments: [
        ([1, 2, 3], [1], "the file's beginning"), ([0, 2, 3], [2], "record 2 is missing"),
        ([0, 3], [2], "records 2 to 3 are missing"), ([0, 1, 1, 2, 3], [3, 3], "twice"),
        ([0, 2, 1, 3], [2, 3, 4], "out of order"), ([1, 0, 2, 3], [1, 2, 3], "out of order"),
        ([3], [1], "records 1 to 3 are missing"), ([0, 1, 2, 3, 0], [5, 5], "begins twice"),
    ]) func missingDoubledAndMovedLinesAreFound(order: [Int], at: [Int], words: String) throws {
        for number in 1...4 as ClosedRange<UInt8> { try keepRefused(number) }
        let kept = try lines()
        try write(Array(order.map { kept[$0] }.joined()))
        let report = try verify()
        #expect(report.problems.map(\.line) == at, "\(report.problems)")
        let expected = words == "the file's beginning" ? "record 1 is missing" : words
        #expect(report.problems.map(\.what).contains { $0.contains(expected) }, "\(report.problems)")
    }

    @Test(arguments: [1, 2, 3]) func removedTailIsFoundByARememberedHeadOnly(removed: Int) throws {
        for number in 1...4 as ClosedRange<UInt8> { try keepRefused(number) }
        let remembered = try head()
        let kept = try lines()
        try write(Array(kept.dropLast(removed).joined()))
        let alone = try verify()
        #expect(alone.isVerified && alone.head?.sequence == Int64(4 - removed))
        #expect(alone.notKnown.contains { $0.contains("--complete-since \(4 - removed):") })
        let report = try verify(since: remembered)
        #expect(!report.isVerified && report.problems.map(\.line) == [nil])
        #expect(report.problems.first?.what.contains("record \(remembered) is not in the chain") == true)
        // What came later does not hide it: the number is there again, with another digest.
        for number in 10...13 as ClosedRange<UInt8> { try keepRefused(number) }
        #expect(try verify().isVerified)
        #expect(try !verify(since: remembered).isVerified)
    }

    @Test func headStaysInTheChainThatGoesOn() throws {
        try keepRefused(1)
        let remembered = try head()
        try keepLaunch(2)
        let report = try verify(since: remembered)
        #expect(report.isVerified && report.isSinceFound && report.head?.sequence == 3)
    }

    /// Linked anew throughout, as somebody who knows the form could do it: found by what it says of launches.
    @Test func launchesThatContradictEachOtherAreFound() throws {
        try keepLaunch(1)
        try keepLaunch(2)
        let texts = try lines().map { try JSONReader.value(in: $0) }
        func chain(_ order: [Int]) throws -> [String] {
            var previous = ChainLink.noLine
            var file: [UInt8] = []
            for (index, number) in order.enumerated() {
                let old = try #require(texts[number]["predicate"]?["chain"]).canonical.text
                let new = ChainLink(previous: previous, sequence: Int64(index + 1)).json.text
                let line = Array(texts[number].canonical.text.replacing(old, with: new).utf8)
                previous = SHA256.digest(line)
                file += line + [0x0A]
            }
            try write(file)
            return try verify().problems.map(\.what)
        }
        // The control: as they are.
        #expect(try chain([0, 1, 2, 3]).isEmpty)
        #expect(try chain([0, 1, 3]).contains { $0.contains("no start record before it") })
        #expect(try chain([0, 1, 1]).contains { $0.contains("a second outcome") })
        #expect(try chain([0, 0]).contains { $0.contains("begins twice") })
        // A start that was written after another line has another digest.
        #expect(try chain([2, 3, 0, 1]).contains { $0.contains("names another start record") })
    }

    @Test(arguments: [
        (#""schemaVersion":1"#, #""schemaVersion":2"#, "schema version 2"),
        ("launch-refused:v1", "launch-refused:v2", "does not know"),
        (#"{"_type""#, #"{ "_type""#, "canonical"), (#""chain":{"#, #""chain":{"a":1,"#, "no link"),
        (#""sequence":"#, #""sequence":0"#, "damaged line"),
        ("Statement/v1", "Statement/v2", "not an in-toto Statement"),
    ]) func lastLineOfAnotherFormIsFound(right: String, wrong: String, words: String) throws {
        try keepRefused(1)
        let text = String(decoding: try bytes(), as: UTF8.self)
        #expect(text.contains(right))
        try write(Array(text.replacing(right, with: wrong).utf8))
        let problems = try verify().problems
        #expect(problems.contains { $0.what.contains(words) && $0.line == 1 }, "\(problems)")
    }

    // MARK: - Ends that are no record

    @Test func recordsOfTheTimeBeforeTheChainAreLinkedTo() throws {
        try keepLaunch(1)
        try keepRefused(2)
        try unchain()
        let old = try verify()
        // The digest that the outcome names was that of the chained start; nothing else is wrong.
        #expect(old.problems.allSatisfy { $0.what.contains("another start") } && old.unchained == 3 && old.head == nil)
        try write(Array(try lines()[2]))
        try keepRefused(3)
        try keepRefused(4)
        let report = try verify()
        #expect(report.isVerified && report.unchained == 1 && report.chained == 2, "\(report.problems)")
        #expect(report.head?.sequence == 2)
        #expect(report.notKnown.contains { $0.contains("(1 in the file)") })
        #expect(try EvidenceReader(location).find(.newest(10)).launches.count == 3)
        // The last of them is linked to.
        let text = String(decoding: try bytes(), as: UTF8.self)
        try write(Array(text.replacing("0202", with: "0222", maxReplacements: 1).utf8))
        #expect(try verify().problems.map(\.line) == [1])
    }

    @Test func unchainedRecordBehindAChainedOneIsFound() throws {
        try keepRefused(1)
        try unchain()
        let old = try bytes()
        try FileManager.default.removeItem(atPath: scratch.path("state"))
        try keepRefused(2)
        try write(try bytes() + old)
        #expect(try verify().problems.map(\.what) == ["not chained, though a record before it is"])
    }

    @Test func endThatCannotBeGoneBackOverIsARefusal() throws {
        try keepRefused(1)
        try append(String(repeating: "\n", count: ChainEnd.lineLimit))
        let before = try bytes()
        let error = #expect(throws: EvidenceError.self) { try keepRefused(2) }
        #expect(error?.remedy.contains("evidence verify") == true)
        #expect(try bytes() == before)
        try write(Array(before.dropLast()))
        try keepRefused(2)
        #expect(try verify().head?.sequence == 2)
    }

    @Test func lastLineThatNoReaderTakesIsARefusal() throws {
        try keepRefused(1)
        try append(String(repeating: "x", count: ChainEnd.sizeLimit + 1))
        for ending in ["", "\n"] {
            try append(ending)
            let error = #expect(throws: EvidenceError.self) { try keepRefused(2) }
            #expect(error?.cause.contains("longer than") == true, "\(String(describing: error))")
        }
        #expect(try verify().problems.map(\.what).contains { $0.contains("longer than") })
    }

    @Test func recordThatNoReaderTakesIsNotKept() throws {
        let long = OSString([UInt8](repeating: UInt8(ascii: "a"), count: ChainEnd.sizeLimit))
        try keepRefused(1)
        let error = #expect(throws: EvidenceError.self) { try keepRefused(2, arguments: [long]) }
        #expect(error?.cause.contains("readers take") == true)
        // One that just fits can be linked to.
        let short = OSString([UInt8](repeating: UInt8(ascii: "a"), count: ChainEnd.sizeLimit - 8192))
        try keepRefused(2, arguments: [short])
        try keepRefused(3)
        #expect(try verify().isVerified)
    }

    // MARK: - Reading

    @Test(arguments: [
        ["\"chain\":{\"previous\":\""], ["]", "}", "],\"chain\":{"], ["\\", "\\\""], [""], [],
    ]) func textOfTheCallerIsNoLink(arguments: [String]) throws {
        let hostile = arguments.map { OSString($0) } + [SampleLaunch.hostileName]
        try keepRefused(1, arguments: hostile)
        try keepRefused(2, arguments: hostile)
        let report = try verify()
        #expect(report.isVerified && report.head?.sequence == 2, "\(report.problems)")
    }

    @Test func placeIsReadFromTheBeginning() throws {
        let whole = SampleLaunch.start.bytes
        #expect(LinePlace(whole) == .linked(SampleLaunch.link))
        #expect(LinePlace(SampleLaunch.outcome(SampleLaunch.ends[0]).bytes) == .linked(SampleLaunch.link))
        #expect(LinePlace(SampleLaunch.refusals[1].bytes) == .linked(SampleLaunch.link))
        #expect(LinePlace([]) == .unknown && LinePlace(Array("{}".utf8)) == .unknown)
        let end = try #require(SampleLaunch.start.text.firstRange(of: "\"sequence\":7}"))
        let length = SampleLaunch.start.text.utf8.distance(from: SampleLaunch.start.text.startIndex, to: end.upperBound)
        for count in 0..<length { #expect(LinePlace(Array(whole[..<count])) == .unknown, "\(count)") }
        #expect(LinePlace(Array(whole[..<length])) == .linked(SampleLaunch.link))
        for wrong in ["\"sequence\":07}", "\"sequence\":0}", "\"sequence\":-7}", "\"sequence\":1234567890123456}"] {
            let text = SampleLaunch.start.text.replacing("\"sequence\":7}", with: wrong)
            #expect(LinePlace(Array(text.utf8)) == .unknown, "\(wrong)")
        }
    }

    @Test(arguments: [
        "", "1", "1:", ":", "0:HEX", "01:HEX", "+1:HEX", "-1:HEX", "1:HEXa", "1:HEX:", "1: HEX", "1:BIG",
        "99999999999999999999:HEX",
    ]) func checkpointOfAnotherFormIsNone(text: String) {
        let digits = String(repeating: "ab", count: 32)
        #expect(ChainCheckpoint(parsing: "12:\(digits)")?.description == "12:\(digits)")
        let wrong = text.replacing("HEX", with: digits).replacing("BIG", with: digits.uppercased())
        #expect(ChainCheckpoint(parsing: wrong) == nil, "\(wrong)")
    }

    @Test(arguments: [1, 2, 3, 7, 4096]) func linesForwardsAreTheLines(chunk: Int) throws {
        let file = scratch.path("lines")
        for text in ["", "a\n", "a", "\n", "\n\n", "abc\n\ndefghij\nk\n", "abcdefgh\nxyz", "0123456\n"] {
            try Data(text.utf8).write(to: URL(filePath: file))
            var lines = LinesForwards(
                OwnedFileDescriptor(owning: open(file, O_RDONLY | O_CLOEXEC)),
                path: OSString(file),
                length: Int64(text.utf8.count),
                lineLimit: 5,
                chunkSize: chunk
            )
            var expected = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.utf8) }
            let isCutOff = !text.isEmpty && !text.hasSuffix("\n")
            if !isCutOff { expected.removeLast() }
            var offset: Int64 = 0
            for (index, bytes) in expected.enumerated() {
                let line = try #require(try lines.next())
                #expect(line.number == index + 1 && line.offset == offset)
                #expect(line.bytes == (bytes.count > 5 ? [] : bytes) && line.isTooLong == (bytes.count > 5))
                #expect(line.digest == SHA256.digest(bytes))
                #expect(line.isCutOff == (isCutOff && index == expected.count - 1))
                offset += Int64(bytes.count) + 1
            }
            #expect(try lines.next() == nil)
        }
    }
}
