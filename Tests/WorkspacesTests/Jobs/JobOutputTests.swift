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
