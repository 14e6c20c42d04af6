import Foundation
import SandboxCrypto
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What `gc` removes, what it leaves, and what happens when it does not come to its end.
@Suite struct CollectionTests {
    private let place: SignedWorkspace

    init() throws {
        place = try SignedWorkspace()
    }

    private func first() throws -> ChainCheckpoint? {
        let lines = try place.lines(place.location.records)
        guard let line = lines.first, case .linked(let link) = LinePlace(Array(line.dropLast())) else { return nil }
        return ChainCheckpoint(sequence: link.sequence, digest: SHA256.digest(Array(line.dropLast())))
    }

    @Test func checkpointIsALinkThatSaysWhatIsGone() throws {
        for number in 1...6 as ClosedRange<UInt8> { try place.keepLaunch(number) }
        let before = try place.lines(place.location.records)
        let remembered = try #require(try place.verify().head)
        let dry = try #require(try place.collect(keep: 2, dryRun: true))
        #expect(try place.lines(place.location.records) == before)
        #expect(dry.removed == Checkpoint.Counts(launches: 4, records: 8) && dry.keptLaunches == 2)
        let report = try #require(try place.collect(keep: 2))
        #expect(report.removed == dry.removed && report.removedThrough == dry.removedThrough)
        let after = try place.lines(place.location.records)
        #expect(Array(after.dropLast()) == Array(before[8...]))
        let last = Array(try #require(after.last).dropLast())
        let checkpoint = try #require(Checkpoint(reading: last))
        #expect(
            checkpoint.removedSequence == 8 && checkpoint.removedDigest == SHA256.digest(Array(before[7].dropLast()))
        )
        let verified = try place.verify(required: true, since: remembered)
        #expect(
            verified.isVerified && verified.head == report.checkpoint && verified.signed == 5,
            "\(verified.problems)"
        )
        #expect(verified.checkpoint == checkpoint && verified.closed == 2 && verified.checkpoints == 1)
        #expect(verified.notKnown.contains { $0.contains("complete since 8:") })
        #expect(try place.lines(place.location.signatures).count == 5)
        #expect(try EvidenceReader(place.location).find(.newest(10)).launches.count == 2)
        #expect(try EvidenceReader(place.location).find(.newest(10)).problems.isEmpty)
        // The removed head, which somebody may have kept, is known; one before it is not.
        #expect(try place.verify(since: ChainCheckpoint(parsing: checkpoint.removedThrough)).isVerified)
        let old = ChainCheckpoint(sequence: 2, digest: SHA256.digest(Array(before[1].dropLast())))
        #expect(
            try place.verify(since: old).problems.map(\.what).contains { $0.contains("removed all up to record 8") }
        )
        // It goes on, and is cut again; numbers add up.
        for number in 7...9 as ClosedRange<UInt8> { try place.keepLaunch(number) }
        #expect(try place.collect(keep: 1)?.removed.launches == 4)
        let again = try place.verify(required: true)
        #expect(again.isVerified && again.checkpoint?.total.launches == 8 && again.closed == 1, "\(again.problems)")
    }

    @Test func allMayGo() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        #expect(try place.collect(keep: 0)?.removed.launches == 3)
        let alone = try place.verify(required: true)
        #expect(alone.isVerified && alone.lines == 1 && alone.checkpoint?.total.launches == 3, "\(alone.problems)")
        // Nothing but a checkpoint is nothing to remove.
        #expect(try place.collect(keep: 0)?.removed.records == 0)
        try place.keepLaunch(4)
        #expect(try place.verify().isVerified)
        #expect(try place.collect(keep: 0)?.removed.launches == 1)
        #expect(try place.verify(required: true).checkpoint?.total.launches == 4)
    }

    @Test func onlyWhatIsOldGoesByAge() throws {
        let now = Timestamp.now
        try place.keepRefused(1, at: now.earlier(byDays: 10))
        try place.keepRefused(2, at: now.earlier(byDays: 5))
        try place.keepRefused(3, at: now)
        // An older one behind a newer one stays: only the beginning goes.
        try place.keepRefused(4, at: now.earlier(byDays: 10))
        #expect(try place.collect(days: 20)?.removed.launches == 0)
        #expect(try place.collect(days: 7, dryRun: true)?.removed.launches == 1)
        #expect(try place.collect(days: 4)?.removed.launches == 2)
        #expect(try place.collect(days: 4)?.removed.launches == 0)
        #expect(try place.verify().refused == 2)
        // What either says goes.
        #expect(try place.collect(keep: 1, days: 4)?.removed.launches == 1)
    }

    @Test func runningLaunchAndWhatIsBehindItStay() throws {
        try place.keepLaunch(1)
        try place.keepLaunch(2, isClosed: false, isRunning: true)
        try place.keepLaunch(3)
        #expect(try place.collect(keep: 0)?.removed.launches == 1)
        let report = try place.verify(required: true)
        #expect(report.isVerified && report.open == 1 && report.closed == 1, "\(report.problems)")
    }

    /// One whose supervisor cannot be seen may still end: its outcome has a start that is gone.
    @Test func outcomeOfARemovedStartIsExplained() throws {
        let prepared = SampleLaunch.prepared
        var store = try EvidenceStore(opening: place.location)
        try store.appendStart(prepared, layers: SampleLaunch.layers, at: SampleLaunch.time)
        try place.keepRefused(2)
        #expect(try place.collect(keep: 1)?.removed.launches == 1)
        // Also: a store that was open before goes on in the new file.
        try store.appendOutcome(prepared, SampleLaunch.ends[0])
        let report = try place.verify()
        #expect(report.isVerified && report.closed == 1 && report.head?.sequence == 4, "\(report.problems)")
        #expect(try EvidenceReader(place.location).find(.newest(10)).problems.isEmpty)
    }

    @Test func storeThatWasOpenBeforeLosesNothing() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let prepared = SampleLaunch.prepared
        var store = try EvidenceStore(opening: place.location)
        #expect(try place.collect(keep: 1)?.removed.launches == 2)
        try store.appendStart(prepared, layers: SampleLaunch.layers, at: SampleLaunch.time)
        store.settle()
        #expect(try place.collect(keep: 1)?.removed.launches == 1)
        try store.appendOutcome(prepared, SampleLaunch.ends[0])
        let report = try place.verify()
        #expect(report.isVerified && report.closed == 1, "\(report.problems)")
    }

    @Test func whatDoesNotVerifyIsKept() throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let lines = try place.lines(place.location.records)
        let changed = String(decoding: lines[0], as: UTF8.self).replacing("0.1.0", with: "0.1.1")
        try place.write(Array(changed.utf8) + lines[1] + lines[2], to: place.location.records)
        let before = try place.bytes(place.location.records)
        let error = #expect(throws: EvidenceError.self) { try place.collect(keep: 0) }
        #expect(error?.cause == "it does not verify")
        #expect(try place.bytes(place.location.records) == before)
    }

    /// Half a line is damage, not a change: else one killed launch would keep all records for ever.
    @Test func halfLinesGoWithTheirNeighbours() throws {
        try place.keepRefused(1)
        try place.write(try place.bytes(place.location.records) + Array("{\"half".utf8), to: place.location.records)
        for number in 2...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        #expect(try !place.verify().isVerified)
        #expect(try place.collect(keep: 1)?.removed == Checkpoint.Counts(launches: 2, records: 3))
        #expect(try place.verify(required: true).isVerified)
    }

    /// A launcher was killed behind its link, or all but the newline is there: that line is not removed before it is whole.
    @Test(arguments: [400, nil] as [Int?]) func halfALastLineWithALinkStays(length: Int?) throws {
        for number in 1...3 as ClosedRange<UInt8> { try place.keepRefused(number) }
        let lines = try place.lines(place.location.records)
        let half = lines[2].prefix(length ?? lines[2].count - 1)
        guard case .linked = LinePlace(Array(half)) else { throw Program.NotBuilt(name: "a line with a link") }
        try place.write(lines[0] + lines[1] + half, to: place.location.records)
        #expect(try place.collect(keep: 0)?.removed == Checkpoint.Counts(launches: 2, records: 2))
        let kept = try place.lines(place.location.records)
        #expect(kept.count == 2 && kept[0] == half + [0x0A])
        #expect(try place.bytes(place.location.records) == Array(kept.joined()))
        let report = try place.verify(required: true)
        #expect(report.isVerified && report.tornCount == (length == nil ? 0 : 1), "\(report.problems)")
        // It goes on, and with a line behind it the half one goes as well.
        try place.keepRefused(4)
        #expect(try place.verify().isVerified)
        #expect(try place.collect(keep: 0)?.removed.records == 3)
        let alone = try place.verify(required: true)
        #expect(alone.isVerified && alone.lines == 1, "\(alone.problems)")
    }

    /// Where there is no other line, nothing is removed, and nothing written.
    @Test func halfALastLineAloneStays() throws {
        try place.keepRefused(1)
        let half = Array(try place.bytes(place.location.records).dropLast())
        try place.write(half, to: place.location.records)
        #expect(try place.collect(keep: 0)?.removed.records == 0)
        #expect(try place.bytes(place.location.records) == half)
    }

    @Test func cutFileWithoutACheckpointIsFound() throws {
        for number in 1...4 as ClosedRange<UInt8> { try place.keepRefused(number) }
        _ = try place.collect(keep: 2)
        #expect(try place.verify().isVerified)
        let lines = try place.lines(place.location.records)
        // Without its checkpoint; with one line less than it says; with another number in it.
        try place.write(Array(lines.dropLast().joined()), to: place.location.records)
        #expect(try place.verify().problems.contains { $0.what.contains("records 1 to 2 are missing") })
        try place.write(Array(lines.dropFirst().joined()), to: place.location.records)
        #expect(try place.verify().problems.contains { $0.what.contains("missing") })
        let last = String(decoding: try #require(lines.last), as: UTF8.self)
        let other = last.replacing("\"removed\":{\"launches\":2", with: "\"removed\":{\"launches\":1")
        #expect(other != last)
        try place.write(Array(lines.dropLast().joined()) + Array(other.utf8), to: place.location.records)
        #expect(try place.verify().problems.contains { $0.what.contains("of another record") })
    }

    @Test func secondNameIsRefused() throws {
        for number in 1...2 as ClosedRange<UInt8> { try place.keepRefused(number) }
        link(place.location.records.description, place.scratch.path("other"))
        let error = #expect(throws: EvidenceError.self) { try place.collect(keep: 0) }
        #expect(error?.cause.contains("2 names") == true)
        unlink(place.scratch.path("other"))
        #expect(try place.collect(keep: 0)?.removed.launches == 2)
    }

    /// Sixteen writers, and `gc` again and again, killed at any moment: every launch is there, or counted as removed.
    @Test(.timeLimit(.minutes(120))) func nothingIsLostWhenGcIsKilled() throws {
        let script = """
            i=0
            while [ $i -lt 16 ]; do "$WRITER" "$STATE" "$WORKSPACE" 60 300 & i=$((i + 1)); done
            killed=0 done=0 i=0
            while [ $i -lt 50 ]; do
                "$GC" gc --keep 20 --state-dir "$STATE" >/dev/null &
                pid=$!
                sleep "0.$(awk -v s=$i 'BEGIN { srand(s); printf "%03d", rand() * 60 }')"
                if kill -9 $pid 2>/dev/null; then killed=$((killed + 1)); else done=$((done + 1)); fi
                wait $pid 2>/dev/null
                i=$((i + 1))
            done
            wait
            "$GC" gc --keep 20 --state-dir "$STATE" --json
            echo "killed $killed" >&2
            """
        let run = try Program.run(
            "/bin/sh",
            ["-c", script],
            environment: [
                "WRITER": try Program.product("evidence-writer"), "GC": try Program.product("codex-sandboxd"),
                "STATE": place.location.stateFolder.description, "WORKSPACE": SampleLaunch.workspace.description,
                "HOME": place.scratch.path, "PATH": "/usr/bin:/bin",
            ]
        )
        #expect(run.status == 0, "\(run)")
        #expect(run.output.components(separatedBy: "kept 60\n").count == 17, "\(run)")
        let keys = KeyFolder(settings: OSString(place.scratch.path(".config/codex-sandbox")))
        let report = try place.verify(required: true, try keys.signingKey())
        #expect(report.isVerified, "\(report.problems)")
        #expect(Int(report.checkpoint?.total.launches ?? 0) + report.refused == 960, "\(run.error)")
        #expect(report.refused == 20)
        let names = try FileManager.default.contentsOfDirectory(atPath: place.location.records.parent.description)
        #expect(names.sorted() == ["records.jsonl", "signatures.jsonl"])
    }
}
