import Foundation
import Glibc
import SandboxPlan
import Testing
import WorkspaceStore
import Workspaces

/// A process of the job's changes links while the server reads and writes.
@Suite(.serialized) struct RaceTests {
    /// Exchanges two names again and again until the flag is set: renameat2(2) with RENAME_EXCHANGE, by a small program.
    private func exchanging(
        _ one: String,
        _ other: String,
        again: String? = nil,
        _ body: () throws -> Void
    ) throws {
        let script = """
            import ctypes, os, shutil
            libc = ctypes.CDLL(None)
            one, other = os.environb[b'ONE'], os.environb[b'OTHER']
            parent = os.getppid()
            while os.getppid() == parent:
                for _ in range(50):
                    libc.renameat2(-100, one, -100, other, 2)
                # A link that was replaced by a folder is put there again.
                if b'AGAIN' in os.environb and not os.path.islink(one) and not os.path.islink(other):
                    shutil.rmtree(other, ignore_errors=True)
                    try: os.symlink(os.environb[b'AGAIN'], other)
                    except OSError: pass
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        process.environment = [
            "ONE": one, "OTHER": other, "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin",
        ]
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try body()
    }

    private func naive(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = Glibc.read(descriptor, &bytes, 100)
        return count < 0 ? nil : Array(bytes.prefix(count))
    }

    @Test func aSwappedFileIsNeverReadFromOutside() throws {
        let fixture = try FilesFixture()
        try fixture.put("inside", "file")
        fixture.link("../../secret", "link")
        try exchanging(fixture.path + "/file", fixture.path + "/link") {
            try look(fixture, "file")
        }
    }

    @Test func aSwappedFolderIsNeverReadFromOutside() throws {
        let fixture = try FilesFixture()
        #expect(mkdir(fixture.base + "/outside", 0o755) == 0)
        try FilesFixture.write(FilesFixture.secret, fixture.base + "/outside/file")
        fixture.make("d")
        try fixture.put("inside", "d/file")
        fixture.link("../../outside", "link")
        try exchanging(fixture.path + "/d", fixture.path + "/link") {
            try look(fixture, "d/file")
        }
    }

    /// Whether a race goes on: for so long, and until it has shown itself, for which a busy machine has a minute.
    private func goesOn(since start: ContinuousClock.Instant, for time: Duration, until isShown: Bool) -> Bool {
        let passed = ContinuousClock.now - start
        return passed < time || !isShown && passed < .seconds(60)
    }

    /// Reads for two seconds; what an ordinary open reads shows that the race is one.
    private func look(_ fixture: FilesFixture, _ name: String) throws {
        let path = try RequestedPath(decoded: Array(name.utf8))
        var counts = (inside: 0, refused: 0, leaked: 0, listed: 0)
        let start = ContinuousClock.now
        var isShown: Bool { counts.inside > 10 && counts.refused > 10 && counts.leaked > 10 }
        while goesOn(since: start, for: .seconds(2), until: isShown) {
            do throws(WorkspaceError) {
                let bytes = try fixture.folder.contents(path, limit: 100)
                #expect(bytes == Array("inside".utf8))
                counts.inside += 1
            } catch {
                #expect(error.kind == .invalidPath || error.kind == .noFile || error.kind == .conflict, "\(error)")
                counts.refused += 1
            }
            if naive(fixture.path + "/" + name) == FilesFixture.secret { counts.leaked += 1 }
            if counts.inside % 50 == 0 {
                for file in try fixture.folder.list().files {
                    #expect(file.size == 6, "\(file.text) of \(file.size) bytes: from outside")
                    counts.listed += 1
                }
            }
        }
        #expect(isShown, "\(counts)")
    }

    @Test func nothingIsWrittenOrRemovedOutside() throws {
        let fixture = try FilesFixture()
        #expect(mkdir(fixture.base + "/outside", 0o755) == 0)
        try FilesFixture.write(FilesFixture.secret, fixture.base + "/outside/keep")
        fixture.make("d")
        fixture.link("../../outside", "link")
        var counts = (written: 0, refused: 0)
        try exchanging(fixture.path + "/d", fixture.path + "/link") {
            let start = ContinuousClock.now
            while goesOn(since: start, for: .seconds(2), until: counts.written > 10 && counts.refused > 10) {
                do throws(WorkspaceError) {
                    _ = try fixture.upload("x", "d/new/file")
                    counts.written += 1
                } catch { counts.refused += 1 }
                for name in ["d/keep", "d/new/file"] {
                    let path = try RequestedPath(decoded: Array(name.utf8))
                    do throws(WorkspaceError) { _ = try fixture.folder.remove(path) } catch { counts.refused += 1 }
                }
            }
        }
        #expect(counts.written > 10 && counts.refused > 10, "\(counts)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.base + "/outside") == ["keep"])
        #expect(naive(fixture.base + "/outside/keep") == FilesFixture.secret)
    }

    @Test func requestsAndResultsStayInside() throws {
        let fixture = try FilesFixture()
        #expect(mkdir(fixture.base + "/outside", 0o755) == 0)
        let result =
            #"{"status":"success","summary":"outside","created_files":[],"modified_files":[],"errors":[],"logs":[]}"#
        try FilesFixture.write(Array(result.utf8), fixture.base + "/outside/result.json")
        let request = WorkerRequest(projectID: "p", jobID: "j", type: .edit, instruction: "i")
        var counts = (written: 0, refused: 0, linked: 0, leaked: 0)
        fixture.link("../../outside", "link")
        try exchanging(fixture.path + "/.codex", fixture.path + "/link", again: "../../outside") {
            let start = ContinuousClock.now
            var writing: ContinuousClock.Instant?
            while writing.map({ goesOn(since: $0, for: .seconds(1), until: counts.written > 10) }) ?? true {
                // At first nothing is written: the folder and the link change places undisturbed.
                let isShown = counts.linked > 10 && counts.leaked > 10
                if writing == nil, !goesOn(since: start, for: .seconds(2), until: isShown) { writing = .now }
                if writing != nil {
                    do throws(WorkspaceError) {
                        try request.write(to: fixture.folder)
                        counts.written += 1
                    } catch { counts.refused += 1 }
                } else if naive(fixture.path + "/.codex/result.json") != nil {
                    counts.leaked += 1
                }
                do throws(ResultFault) {
                    _ = try WorkerResult.read(from: fixture.folder, job: "j")
                    Issue.record("a result from outside")
                } catch {
                    #expect([.none, .link].contains(error.reason), "\(error)")
                    if error.reason == .link { counts.linked += 1 }
                }
            }
        }
        #expect(counts.written > 10 && counts.linked > 10 && counts.leaked > 10, "\(counts)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.base + "/outside") == ["result.json"])
        #expect(naive(fixture.base + "/outside/result.json") == Array(result.utf8.prefix(100)))
    }

    @Test func anArchiveHasNothingFromOutside() throws {
        let fixture = try FilesFixture()
        #expect(mkdir(fixture.base + "/outside", 0o755) == 0)
        try FilesFixture.write(FilesFixture.secret, fixture.base + "/outside/file")
        fixture.make("d")
        try fixture.put("inside", "d/file")
        fixture.link("../../outside", "link")
        try exchanging(fixture.path + "/d", fixture.path + "/link") {
            let start = ContinuousClock.now
            var whole = 0
            while goesOn(since: start, for: .seconds(2), until: whole > 0) {
                let archive = try fixture.folder.archive()
                var bytes: [UInt8] = []
                while true {
                    let piece = try archive.next(max: 700)
                    if piece.isEmpty { break }
                    bytes += piece
                }
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(!text.contains("TOP SECRET"))
                if text.contains("inside") { whole += 1 }
            }
            #expect(whole > 0)
        }
    }
}
