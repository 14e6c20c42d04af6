import Foundation
import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct EvidenceReaderTests {
    private let scratch: ScratchFolder
    private var location: EvidenceLocation {
        EvidenceLocation(stateFolder: OSString(scratch.path("state")), workspace: SampleLaunch.workspace)
    }

    init() throws {
        scratch = try ScratchFolder()
    }

    /// Puts lines where the records of the workspace are.
    private func write(_ lines: [[UInt8]]) throws {
        _ = try EvidenceStore(opening: location)
        try Data(lines.joined(separator: [0x0A]) + [0x0A])
            .write(to: URL(filePath: location.records.description), options: [])
    }

    /// A launch numbered `number`, with other bytes than its neighbours.
    private func start(_ number: UInt8, supervisor: SupervisorFacts = SampleLaunch.context.supervisor) -> [UInt8] {
        var context = SampleLaunch.context
        context.id = id(number)
        context.supervisor = supervisor
        let prepared = PreparedContext(context)
        return SampleLaunch.linked(
            LaunchStatement.start(prepared, layers: [], childReport: [], at: SampleLaunch.time)
        ).bytes
    }

    private func outcome(_ number: UInt8, of start: [UInt8]? = nil, code: Int32 = 0) -> [UInt8] {
        SampleLaunch.linked(
            LaunchStatement.outcome(
                id(number),
                SampleLaunch.end(.exited(code: code)),
                toolVersion: "0.1.0",
                startDigest: SHA256.digest(start ?? self.start(number))
            )
        ).bytes
    }

    private func id(_ number: UInt8) -> LaunchID { LaunchID([UInt8](repeating: number, count: 16)) }

    private func find(_ selection: EvidenceReader.Selection) throws -> EvidenceReader.Found {
        try EvidenceReader(location).find(selection)
    }

    @Test func workspaceWithoutRecordsHasNoLaunches() throws {
        let found = try find(.last)
        #expect(found.launches.isEmpty && found.problems.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: scratch.path("state")))
    }

    @Test func launchesArePairedAndNewestFirst() throws {
        let refused = SampleLaunch.refusals[0].bytes
        try write([start(1), start(2), outcome(2), refused, start(3), outcome(1, code: 7)])
        let found = try find(.newest(10))
        #expect(found.launches.map(\.id) == [id(3), SampleLaunch.id, id(2), id(1)])
        #expect(found.launches.map(\.word) == ["interrupted", "refused", "exited", "exited"])
        #expect(found.problems.isEmpty && !found.thereIsMore)
    }

    @Test func newestStopsAtItsNumber() throws {
        try write([start(1), outcome(1), start(2), outcome(2), start(3), outcome(3)])
        let found = try find(.newest(2))
        #expect(found.launches.map(\.id) == [id(3), id(2)])
        #expect(found.thereIsMore)
    }

    @Test func lastIsTheOneThatBeganLast() throws {
        try write([start(1), start(2), outcome(1)])
        let found = try find(.last)
        #expect(found.launches.map(\.id) == [id(2)])
        #expect(found.launches.first?.state == .interrupted)
    }

    @Test(arguments: [("02", 1), ("0", 2), ("01010101010101010101010101010101", 1), ("ff", 0)])
    func idMayBeShortened(beginning: String, count: Int) throws {
        try write([start(1), outcome(1), start(2), outcome(2)])
        #expect(try find(.id(beginning: beginning)).launches.count == count)
    }

    @Test func damagedLineCostsThatLineOnly() throws {
        let half = Array(start(9).prefix(1000))
        try write([start(1), half, [], Array("{}".utf8), [0xFF, 0x00], outcome(1)])
        let found = try find(.newest(10))
        #expect(found.launches.map(\.word) == ["exited"])
        #expect(found.problems.count == 4)
        #expect(found.problems.filter { $0.what.hasPrefix("damaged line") }.count == 3)
        let torn = found.problems.filter { $0.what.hasPrefix("torn line: not written whole, because a launcher") }
        #expect(torn.map(\.offset) == [Int64(start(1).count) + 1])
        #expect(found.problems.map(\.offset).contains(Int64(start(1).count) + 1))
    }

    @Test func halfLastLineIsReported() throws {
        try write([start(1), outcome(1)])
        let file = try FileHandle(forWritingTo: URL(filePath: location.records.description))
        try file.seekToEnd()
        try file.write(contentsOf: Data(start(2)))
        let found = try find(.newest(10))
        #expect(found.launches.map(\.id) == [id(1)])
        #expect(
            found.problems.map(\.what) == [
                "torn line: not written whole, because a launcher was killed while it wrote it, or because the file was cut here; "
                    + "`codex-sandbox evidence verify` judges it"
            ]
        )
    }

    @Test func outcomeOfAnotherStartIsReported() throws {
        try write([start(1), outcome(1, of: start(2))])
        #expect(try find(.last).problems.map(\.what).contains { $0.contains("names another start record") })
    }

    @Test func outcomeWithoutAStartIsReported() throws {
        try write([outcome(1)])
        #expect(try find(.newest(10)).problems.map(\.what).contains { $0.contains("has no start record") })
    }

    @Test func secondStartAndSecondOutcomeAreReported() throws {
        try write([start(1), start(1), outcome(1), outcome(1, code: 3)])
        let problems = try find(.newest(10)).problems.map(\.what)
        #expect(problems.contains { $0.contains("begins twice") })
        #expect(problems.contains { $0.contains("second outcome") })
    }

    /// The first outcome stands: a later line cannot change what a launch ended as.
    @Test func firstOutcomeStands() throws {
        try write([start(1), outcome(1, code: 3), outcome(1, code: 0)])
        let outcome = try find(.last).launches.first?.outcome?["predicate"]?["outcome"]
        #expect(outcome?["exitCode"] == 3)
    }

    @Test func recordOfAKindFromTheFutureIsNamed() throws {
        let text = String(decoding: start(1), as: UTF8.self).replacing("launch-start:v1", with: "launch-start:v2")
        try write([Array(text.utf8)])
        let found = try find(.newest(10))
        #expect(found.launches.isEmpty)
        #expect(found.problems.first?.what.contains("launch-start:v2") == true)
    }

    // MARK: - Running or interrupted

    @Test func launchOfALivingSupervisorIsRunning() throws {
        try write([start(1, supervisor: .current)])
        #expect(try find(.last).launches.map(\.word) == ["running"])
    }

    @Test func launchOfAnEarlierBootIsInterrupted() throws {
        var supervisor = SupervisorFacts.current
        supervisor.bootedAt.microseconds -= 3_600_000_000
        try write([start(1, supervisor: supervisor)])
        #expect(try find(.last).launches.map(\.word) == ["interrupted"])
    }

    /// The number was given to a process that is younger than the record.
    @Test func launchWhoseProcessNumberWasGivenOutAgainIsInterrupted() throws {
        var supervisor = SupervisorFacts.current
        supervisor.bootMilliseconds = 0
        try write([start(1, supervisor: supervisor)])
        #expect(try find(.last).launches.map(\.word) == ["interrupted"])
    }

    @Test(arguments: [("R", "running"), ("Z", "interrupted"), ("X", "interrupted")])
    func processThatHasEndedDoesNotRun(state: String, word: String) throws {
        var supervisor = SupervisorFacts.current
        supervisor.pid = 42
        let proc = scratch.path("proc")
        try FileManager.default.createDirectory(atPath: proc + "/42", withIntermediateDirectories: true)
        let fields = "42 (a) b)) \(state)" + String(repeating: " 0", count: 18) + " 100 0 0"
        try Data(fields.utf8).write(to: URL(filePath: proc + "/42/stat"))
        try write([start(1, supervisor: supervisor)])
        let reader = EvidenceReader(location, host: RunningHost(proc: OSString(proc)))
        #expect(try reader.find(.last).launches.map(\.word) == [word])
    }

    @Test func launchWhoseProcessIsGoneIsInterrupted() throws {
        var supervisor = SupervisorFacts.current
        supervisor.pid = 4_194_305  // above every pid_max (proc(5))
        try write([start(1, supervisor: supervisor)])
        #expect(try find(.last).launches.map(\.word) == ["interrupted"])
    }

    // MARK: - Lines from the end

    @Test(arguments: [1, 2, 3, 7, 4096]) func linesBackwardsAreTheLinesForwards(chunk: Int) throws {
        let file = scratch.path("lines")
        for text in ["", "a\n", "a", "\n", "\n\n", "abc\n\ndefghij\nk\n", "abcdefgh\nxyz", "0123456\n"] {
            try Data(text.utf8).write(to: URL(filePath: file))
            let descriptor = open(file, O_RDONLY | O_CLOEXEC)
            var lines = LinesBackwards(
                OwnedFileDescriptor(owning: descriptor),
                path: OSString(file),
                length: Int64(text.utf8.count),
                lineLimit: 5,
                chunkSize: chunk
            )
            var forwards: [String] = []
            var cutOff: [Bool] = []
            while let line = try lines.next() {
                forwards.insert(line.isTooLong ? "too long" : String(decoding: line.bytes, as: UTF8.self), at: 0)
                cutOff.insert(line.isCutOff, at: 0)
                let start = text.utf8.index(text.utf8.startIndex, offsetBy: Int(line.offset))
                #expect(line.isTooLong || text[start...].hasPrefix(String(decoding: line.bytes, as: UTF8.self)))
            }
            var expected = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            if text.hasSuffix("\n") || text.isEmpty { expected.removeLast() }
            #expect(forwards == expected.map { $0.utf8.count > 5 ? "too long" : $0 }, "\(text.debugDescription)")
            #expect(cutOff.last ?? false == (!text.isEmpty && !text.hasSuffix("\n")))
            #expect(!cutOff.dropLast().contains(true))
        }
    }
}
