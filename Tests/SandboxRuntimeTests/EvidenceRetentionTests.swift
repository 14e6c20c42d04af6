import SandboxPlan
import Testing

@testable import SandboxRuntime

/// How many launches of each workspace may stay within a size.
@Suite struct EvidenceRetentionTests {
    private func launch(_ workspace: Int, _ time: String, _ bytes: UInt64) -> EvidenceRetention.Launch {
        EvidenceRetention.Launch(workspace: workspace, time: time, bytes: bytes)
    }

    @Test func theOldestOfAllGoFirst() {
        let launches = [
            launch(0, "1", 10), launch(0, "4", 10), launch(1, "2", 10), launch(1, "3", 10), launch(2, "5", 10),
        ]
        func kept(_ bytes: UInt64) -> [[Int64]] {
            EvidenceRetention.kept(within: ByteCount(bytes: bytes), launches).map { [Int64($0.workspace), $0.keep] }
        }
        #expect(kept(50) == [])
        #expect(kept(49) == [[0, 1]])
        #expect(kept(25) == [[0, 1], [1, 0]])
        #expect(kept(1) == [[0, 0], [1, 0], [2, 0]])
    }

    @Test func aSizeIsKeptAndTheChainHolds() throws {
        let place = try SignedWorkspace()
        for number in 1...6 as ClosedRange<UInt8> { try place.keepLaunch(number) }
        #expect(try EvidenceRetention.workspace(of: place.location) == SampleLaunch.workspace)
        let size = try place.bytes(place.location.records).count
        let within = { (bytes: Int) in
            try EvidenceRetention.kept(within: ByteCount(bytes: UInt64(bytes)), of: [place.location])
        }
        #expect(try within(size).isEmpty)
        let kept = try #require(try within(size - 1).first)
        #expect(kept.location == place.location && kept.keep == 5)
        _ = try place.collect(keep: kept.keep)
        #expect(try place.verify(required: true).isVerified)
        // The checkpoint counts for nothing: what was kept is within the size still.
        #expect(try within(size - 1).isEmpty)
        #expect(try EvidenceRetention.workspace(of: place.location) == SampleLaunch.workspace)
        _ = try place.collect(keep: 0)
        #expect(try EvidenceRetention.workspace(of: place.location) == nil && within(1).isEmpty)
    }
}
