import Foundation
import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct EvidenceStoreTests {
    private let scratch: ScratchFolder
    private var location: EvidenceLocation {
        EvidenceLocation(stateFolder: OSString(scratch.path("state")), workspace: SampleLaunch.workspace)
    }

    init() throws {
        scratch = try ScratchFolder()
    }

    private func lines(_ file: OSString) throws -> [String] {
        let bytes = try Data(contentsOf: URL(filePath: file.description))
        #expect(bytes.last == 0x0A)
        let lines = bytes.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    private func keepOne(copy: OSString? = nil) throws(EvidenceError) {
        var store = try EvidenceStore(opening: location, copy: copy, durability: .powerLoss)
        try store.appendStart(SampleLaunch.prepared, layers: SampleLaunch.layers, at: SampleLaunch.time)
        try store.appendOutcome(SampleLaunch.prepared, SampleLaunch.ends[0])
    }

    @Test func workspaceNamesTheFolder() {
        // The first 16 bytes of `printf %s '/home/ada/a project' | sha256sum`.
        #expect(location.workspaceID == "b6e1d4dcdba5c2b4726dd44fa7db2593")
        #expect(
            location.records.description.hasSuffix("/state/evidence/b6e1d4dcdba5c2b4726dd44fa7db2593/records.jsonl")
        )
    }

    @Test func startAndOutcomeAreTwoLinesInBothFiles() throws {
        let copy = scratch.path("copy.jsonl")
        try keepOne(copy: OSString(copy))
        let kept = try lines(location.records)
        #expect(kept.count == 2)
        #expect(try lines(OSString(copy)) == kept)
        #expect(try JSONReader.value(in: Array(kept[0].utf8))["predicateType"]?.string == LaunchStatement.startType)
        let outcome = try JSONReader.value(in: Array(kept[1].utf8))
        #expect(outcome["predicateType"]?.string == LaunchStatement.outcomeType)
        let named = outcome["subject"]?.array?.first?["digest"]?["sha256"]?.string
        #expect(named == Hexadecimal.text(SHA256.digest(Array(kept[0].utf8))))
    }

    @Test func onlyTheOwnerCanReadTheFiles() throws {
        try keepOne(copy: OSString(scratch.path("copy.jsonl")))
        for folder in ["state", "state/evidence", "state/evidence/\(location.workspaceID)"] {
            #expect(try mode(scratch.path(folder)) == 0o700)
        }
        #expect(try mode(location.records.description) == 0o600)
        #expect(try mode(scratch.path("copy.jsonl")) == 0o600)
    }

    @Test func foldersAboveTheStateFolderAreMade() throws {
        let deep = EvidenceLocation(stateFolder: OSString(scratch.path("a/b/c")), workspace: "/w")
        _ = try EvidenceStore(opening: deep)
        #expect(try mode(scratch.path("a/b")) == 0o700)
    }

    @Test(arguments: ["state", "state/evidence", "state/evidence/ID", "state/evidence/ID/records.jsonl"])
    func linkIsRefused(path: String) throws {
        _ = try EvidenceStore(opening: location)
        let real = scratch.path(path.replacing("ID", with: location.workspaceID))
        try FileManager.default.moveItem(atPath: real, toPath: scratch.path("elsewhere"))
        try FileManager.default.createSymbolicLink(atPath: real, withDestinationPath: scratch.path("elsewhere"))
        let error = #expect(throws: EvidenceError.self) { _ = try EvidenceStore(opening: location) }
        #expect(error?.cause.contains("link") == true)
        #expect(error?.refusal.stage == "evidence")
    }

    @Test func folderThatOthersMayWriteToIsRefused() throws {
        _ = try EvidenceStore(opening: location)
        try FileManager.default.setAttributes([.posixPermissions: 0o770], ofItemAtPath: scratch.path("state/evidence"))
        let error = #expect(throws: EvidenceError.self) { _ = try EvidenceStore(opening: location) }
        #expect(error?.message.contains("others may write to it (mode 770)") == true)
        #expect(error?.remedy.contains("chmod go-w") == true)
    }

    @Test func copyThatIsALinkOrNoFileIsRefused() throws {
        let link = scratch.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: scratch.path("target"))
        let error = #expect(throws: EvidenceError.self) { try keepOne(copy: OSString(link)) }
        #expect(error?.message.contains("ELOOP") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch.path("target")))
        #expect(throws: EvidenceError.self) { try keepOne(copy: OSString(scratch.path("state"))) }
        #expect(throws: EvidenceError.self) { try keepOne(copy: "/no/such/folder/file") }
    }

    @Test func halfLineOfAKilledWriterIsClosedOff() throws {
        try keepOne()
        let file = try FileHandle(forWritingTo: URL(filePath: location.records.description))
        try file.seekToEnd()
        try file.write(contentsOf: Data("{\"_type\":\"cut".utf8))
        try keepOne()
        let kept = try lines(location.records)
        #expect(kept.count == 5)
        #expect(kept[2] == "{\"_type\":\"cut")
        let found = try EvidenceReader(location).find(.newest(10))
        #expect(found.problems.map(\.what).contains { $0.hasPrefix("damaged line: ends early") })
    }

    @Test func removedFileIsMadeAgainForTheOutcome() throws {
        var store = try EvidenceStore(opening: location)
        try store.appendStart(SampleLaunch.prepared, layers: SampleLaunch.layers)
        try FileManager.default.removeItem(atPath: scratch.path("state"))
        try store.appendOutcome(SampleLaunch.prepared, SampleLaunch.ends[0])
        #expect(try lines(location.records).count == 1)
        #expect(try EvidenceReader(location).find(.newest(10)).problems.count == 1)
    }

    @Test func stoppedHolderOfTheLockDoesNotHangTheLaunch() throws {
        _ = try EvidenceStore(opening: location)
        let holder = open(location.records.description, O_RDWR | O_CLOEXEC)
        #expect(holder >= 0 && flock(holder, LOCK_EX) == 0)
        defer { close(holder) }
        let error = #expect(throws: EvidenceError.self) { try keepOne() }
        #expect(error?.call == "flock")
    }

    // MARK: - Writers in processes of their own

    /// 16 at a time, with lines far longer than a pipe or a page: each line whole, none lost, each linked to the one before.
    @Test func sixteenWritersGiveWholeLines() throws {
        let script = """
            for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "$0" "$@" & done
            wait
            """
        let writer = try Program.product("evidence-writer")
        let arguments = [location.stateFolder.description, SampleLaunch.workspace.description, "25", "20000"]
        let run = try Program.run("/bin/sh", ["-c", script, writer] + arguments)
        #expect(run.output == String(repeating: "kept 25\n", count: 16), "\(run)")
        let kept = try lines(location.records)
        #expect(kept.count == 400)
        let ids = try kept.map { line in
            try #require(JSONReader.value(in: Array(line.utf8))["predicate"]?["launchId"]?.string)
        }
        #expect(Set(ids).count == 400)
        var previous = ChainLink.noLine
        for (index, line) in kept.enumerated() {
            let chain = try JSONReader.value(in: Array(line.utf8))["predicate"]?["chain"]
            #expect(
                chain?["previous"]?.string == Hexadecimal.text(previous)
                    && chain?["sequence"]?.integer == Int64(index + 1)
            )
            previous = SHA256.digest(Array(line.utf8))
        }
        #expect(try EvidenceReader(location).find(.newest(1000)).launches.count == 400)
    }

    /// A tmpfs of 1 MiB that fills up: every record is whole or not there, and the writer says why it stopped.
    @Test func fullFileSystemLeavesNoHalfLine() throws {
        let writer = try Program.product("evidence-writer")
        let script = """
            mount -t tmpfs -o size=1m,mode=0700 none "$1" || exit 99
            "$2" "$1/state" /w 1000 30000 >"$3/said"
            status=$?
            cat "$1"/state/evidence/*/records.jsonl >"$3/records" || exit 98
            exit "$status"
            """
        let mountPoint = scratch.path("full")
        try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: false)
        let run = try Program.run(
            "/usr/bin/env",
            [
                "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", mountPoint, writer,
                scratch.path,
            ]
        )
        #expect(run.status == 3, "\(run)")
        let said = try String(contentsOf: scratch.url("said"), encoding: .utf8)
        let kept = try lines(OSString(scratch.path("records")))
        #expect(kept.count > 10)
        #expect(said.hasPrefix("kept \(kept.count)\n"))
        #expect(said.contains("ENOSPC") && said.contains("free space"))
        for line in kept { #expect(throws: Never.self) { try JSONReader.value(in: Array(line.utf8)) } }
    }

    /// RLIMIT_FSIZE would end the writer with SIGXFSZ at the first byte too many.
    @Test func fileSizeLimitOfTheCallerLeavesNoHalfLine() throws {
        let writer = try Program.product("evidence-writer")
        let script = "ulimit -f 200; exec \"$0\" \"$@\""
        let run = try Program.run(
            "/bin/sh",
            ["-c", script, writer, location.stateFolder.description, "/w", "100", "30000"]
        )
        #expect(run.status == 3, "\(run)")
        #expect(run.output.contains("EFBIG") && run.output.contains("ulimit -f"))
        let there = EvidenceLocation(stateFolder: location.stateFolder, workspace: "/w")
        let kept = try lines(there.records)
        #expect(kept.count > 2 && run.output.hasPrefix("kept \(kept.count)\n"))
        for line in kept { #expect(throws: Never.self) { try JSONReader.value(in: Array(line.utf8)) } }
    }

    @Test func writerThatIsKilledAnywhereLeavesAtMostHalfALastLine() throws {
        let writer = try Program.product("evidence-writer")
        for round in 0..<10 {
            // Until the first record is there, then a little longer: each round the kill falls elsewhere in a write.
            let script = """
                "$0" "$@" & until [ -s "$1"/evidence/*/records.jsonl ]; do sleep 0.001; done
                sleep 0.00\(round); kill -KILL $!; wait $! 2>/dev/null; exit 0
                """
            let arguments = [location.stateFolder.description, SampleLaunch.workspace.description, "100000", "200000"]
            _ = try Program.run("/bin/sh", ["-c", script, writer] + arguments)
            try keepOne()
            let found = try EvidenceReader(location).find(.newest(100_000))
            #expect(found.problems.count <= 1)
            #expect(found.problems.allSatisfy { $0.what.hasPrefix("torn line: ") }, "\(found.problems)")
            #expect(found.launches.count > 1 || !found.problems.isEmpty)
            #expect(found.launches.first?.word == "exited")
            try FileManager.default.removeItem(atPath: scratch.path("state"))
        }
    }
}
