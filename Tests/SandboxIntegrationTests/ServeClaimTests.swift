import Foundation
import ProjectTree
import SandboxTestSupport
import Testing

/// What is said of the server: its counts, the documents' sessions; and that the suite of its clients can fail.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ServeClaimTests {
    private static let package = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func path(_ name: String) -> String {
        Self.package.appending(path: name).path(percentEncoded: false)
    }

    private func script(_ name: String) -> String { path("Tests/Support/api/" + name) }

    private func play(_ scene: Scene, _ words: [String]) throws -> RunResult {
        try scene.start(
            ["/usr/bin/python3", "-B"] + words,
            keeper: scene.caller.keeperOptions + ["--deadline", "1500000"],
            environment: scene.callerEnvironment
        ).finish()
    }

    /// Each chosen fault of a stub is noticed by the row that it breaks; a run without tests shows nothing.
    @Test func theSuiteOfTheClientsCanFail() throws {
        let scene = try Scene(.user)
        let result = try scene.start(
            ["/usr/bin/env", "-C", script(""), "/usr/bin/python3", "-B", "-m", "unittest", "test_suite"],
            keeper: scene.caller.keeperOptions + ["--deadline", "1500000"],
            environment: scene.callerEnvironment
        ).finish()
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.errorText.contains("\nRan 2 tests in "), "\(result.story)")
    }

    /// Output, changes, ends and beginnings come later, in their order; who cancels, or ends the server, waits for one lock.
    @Test func aLockThatLastsLosesNothing() throws {
        let scene = try Scene(.user)
        let worker = scene.folder + "/carry_out.sh"
        try scene.write(try String(contentsOfFile: script("carry_out.sh"), encoding: .utf8), to: worker, mode: 0o755)
        scene.environment["CODEX_WORKER_COMMAND"] = worker
        let result = try play(scene, [script("lasting_lock.py"), scene.workshop.launcher, scene.workspace])
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count == 14, "\(result.story)")
    }

    /// `/metrics` before, amid and after jobs that run, wait and are refused.
    @Test func whatIsCountedHasHappened() throws {
        let scene = try Scene(.user)
        let worker = scene.folder + "/carry_out.sh"
        try scene.write(try String(contentsOfFile: script("carry_out.sh"), encoding: .utf8), to: worker, mode: 0o755)
        scene.environment["CODEX_WORKER_COMMAND"] = worker
        let result = try play(
            scene,
            [
                script("with_server.py"), scene.workshop.launcher, scene.workspace, "--worker", "command", "--",
                "/usr/bin/python3", "-B", script("metrics.py"), "--base-url", "{BASE}",
            ]
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count == 16, "\(result.story)")
    }

    /// The curl sessions of the README and of the API's page, word for word.
    @Test func theSessionsOfTheDocumentsWork() throws {
        let scene = try Scene(.user)
        let result = try play(
            scene,
            [
                script("with_server.py"), scene.workshop.launcher, scene.workspace, "--", "/usr/bin/python3", "-B",
                script("documented_curl.py"), "--base-url", "{BASE}", path("README.md"), path("docs/api.md"),
            ]
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count == 14, "\(result.story)")
    }

    /// Settings, credentials and data of a server that is tried here never get into a commit (ORC-36).
    @Test func whatAServerLeavesHereIsIgnored() throws {
        let scene = try Scene(.user)
        func git(_ words: [String]) throws -> RunResult {
            try scene.run(["git", "-C", scene.workspace] + words, keeper: scene.caller.keeperOptions)
        }
        let started = try git(["init", "-q"])
        #expect(started.ending == .exited(0), "\(started.story)")
        let rules = try String(contentsOfFile: path(".gitignore"), encoding: .utf8)
        try scene.write(rules, to: scene.workspace + "/.gitignore")
        for name in [
            ".env", ".env.live", "below/.env", "below/.env.live", "codex.db", "codex.db-wal", "codex.db-shm",
            "codex.db.lock", "workspaces/", "workspaces/0123abcd/app.py",
        ] {
            let asked = try git(["check-ignore", name])
            #expect(asked.ending == .exited(0) && asked.lines == [name], "\(name): \(asked.story)")
        }
        for name in [
            ".env.example", "Sources/Workspaces/Held.swift", "Tests/codex.db", "docs/workspaces/x", ".gitignore",
        ] {
            let asked = try git(["check-ignore", name])
            #expect(asked.ending == .exited(1) && asked.output.isEmpty, "\(name): \(asked.story)")
        }
    }
}
