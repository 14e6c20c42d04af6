import Testing
import WorkspaceStore

@testable import Workspaces

@Suite struct JobOutputTests {
    @Test func smallPiecesBecomeOneEventAndLargeOnesMany() {
        var output = JobOutput(limit: 1 << 20, first: 2)
        output.take(Array("a".utf8)[...], .stdout)
        output.take(Array("b".utf8)[...], .stdout)
        output.take(Array("c".utf8)[...], .stderr)
        let events = output.flush()
        #expect(events.map(\.number) == [2, 3] && events.map(\.data) == [Array("ab".utf8), Array("c".utf8)])
        output.take([UInt8](repeating: 7, count: JobOutput.pieceSize * 2 + 1)[...], .stdout)
        #expect(output.flush().map(\.data.count) == [JobOutput.pieceSize, JobOutput.pieceSize, 1])
        #expect(output.flush().isEmpty)
    }

    @Test(arguments: [9, 10, 11]) func whatIsBeyondTheLimitIsCounted(count: Int) {
        var output = JobOutput(limit: 10, first: 1)
        output.take([UInt8](repeating: 1, count: count)[...], .stdout)
        output.take([2], .stderr)
        output.finish()
        let events = output.flush()
        let kept = events.filter { $0.kind != .dropped }.reduce(0) { $0 + $1.data.count }
        #expect(kept == min(count + 1, 10))
        let dropped = events.filter { $0.kind == .dropped }.map { String(decoding: $0.data, as: UTF8.self) }
        #expect(dropped == (count + 1 > 10 ? [String(count + 1 - 10)] : []))
    }

    /// As many events as are stored, each with its own bytes alone: while the store is locked all of them are in memory.
    @Test func noMoreEventsAreMadeThanAreKept() {
        let limits = StoreLimits()
        var output = JobOutput(limit: 4 << 20, first: 1)
        for index in 0..<40_000 {
            let bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
                buffer[0] = 1
                count = 1
            }
            output.take(bytes[...], index % 2 == 0 ? .stdout : .stderr)
            output.takeWhole(bytes, .worker)
        }
        output.finish()
        let events = output.flush()
        #expect(events.count { $0.kind == .stdout || $0.kind == .stderr } == limits.keptOutputEvents)
        #expect(events.count { $0.kind == .worker } == limits.keptWorkerEvents)
        #expect(events.allSatisfy { $0.data.capacity < 256 })
        let dropped = 80_000 - limits.keptOutputEvents - limits.keptWorkerEvents
        #expect(events.last?.kind == .dropped && events.last?.data == Array(String(dropped).utf8))
    }

    /// However small its pieces: a flood displaces nothing of what the worker, or the server, says in events of its own.
    @Test func aFloodLeavesRoomForEvents() {
        var output = JobOutput(limit: 4 << 20, first: 1)
        let count = StoreLimits().keptOutputEvents + 1000
        for index in 0..<count { output.take([1], index % 2 == 0 ? .stdout : .stderr) }
        output.takeWhole([7], .worker)
        output.finish()
        #expect(output.flush().suffix(2).map(\.data) == [[7], Array("1000".utf8)])
    }

    @Test func oneThingIsKeptWholeOrNotAtAll() {
        var output = JobOutput(limit: 10, first: 1)
        output.takeWhole([1, 2, 3, 4, 5, 6], .worker)
        output.takeWhole([1, 2, 3, 4, 5, 6], .worker)
        output.takeWhole([1, 2, 3, 4], .worker)
        output.finish()
        let events = output.flush()
        #expect(events.map(\.kind) == [.worker, .worker, .dropped] && events.last?.data == Array("6".utf8))
    }
}
