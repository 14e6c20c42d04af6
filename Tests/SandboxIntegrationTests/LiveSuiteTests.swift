import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// `live-suite` against servers of its own: what it passes, what it leaves, and what it refuses.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct LiveSuiteTests {
    /// How the server is told its worker, and the suite where to look.
    enum Arm: String, CaseIterable, CustomTestStringConvertible {
        case mocked
        /// `USE_DUMMY_WORKER=False` alone: the image is the default one.
        case live
        /// The same with the image named, and the suite told all by its environment.
        case image

        var testDescription: String { rawValue }
        var isLive: Bool { self != .mocked }

        var server: [String: String] {
            switch self {
            case .mocked: [:]
            case .live: ["USE_DUMMY_WORKER": "False"]
            case .image: ["USE_DUMMY_WORKER": "False", "CODEX_WORKER_IMAGE": "codex-worker:latest"]
            }
        }

        func suite(_ launcher: String, out: String) -> [String] {
            switch self {
            case .mocked: [launcher, "live-suite", "--mocked", "--base-url", "{BASE}", "--out", out]
            case .live: [launcher, "live-suite", "--base-url", "{BASE}", "--out", out]
            case .image: ["/usr/bin/env", "BASE_URL={BASE}", "OUTROOT=" + out, launcher, "live-suite"]
            }
        }
    }

    private static let job = ["evidence.jsonl", "response.json", "result.json", "result_excerpt.txt"]
    private static let project = job + ["project_id.txt"]

    /// Every file of a run by its scenario (ORC-L01…L08), and those of all beside the summary.
    private static let live: [String: [String]] = [
        "L01": project, "L02": ["files.json", "response.json", "result.json", "result_excerpt.txt"],
        "L03": ["files.json"], "L04": ["app.json", "status.txt"], "L05": job, "L06": job + ["app.json"],
        "L07": project + ["notes.txt"], "L08": project + ["files.json"],
        "L09": ["evidence.json", "notes.txt", "response.json", "result_excerpt.txt"],
    ]
    private static let mocked: [String: [String]] = [
        "M01": project, "M02": ["files.json"], "M03": ["app.json", "status.txt"], "M04": job,
        "M05": ["response.json", "status.txt"], "M06": ["response.json", "status.txt"],
        "M07": ["response.json", "status.txt"], "M08": ["files.json", "response.json", "status.txt"],
        "M09": ["files.json", "request.json", "result.json", "result_excerpt.txt"],
    ]

    /// The one run of a set below a folder of results.
    private func results(_ scene: Scene, _ out: String, _ set: String) throws -> String {
        let runs = try scene.names(in: out)
        #expect(runs.count == 1)
        let run = try #require(runs.first)
        #expect(run.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(run)")
        #expect(try scene.names(in: "\(out)/\(run)") == [set])
        return "\(out)/\(run)/\(set)"
    }

    /// The ladder of the seed with the live worker, the broken layers of L09 among it; and the smoke set with the other one.
    @Test(arguments: Arm.allCases) func theLiveSuitePasses(arm: Arm) throws {
        let scene = try Scene(.user)
        let canary = "canary-\(scene.token)"
        try scene.useOwnCache()
        scene.environment["OPENAI_API_KEY"] = canary
        // Long enough for its processes to be seen.
        scene.environment["SLEEP_SECONDS"] = "4"
        scene.environment.merge(arm.server) { $1 }
        // Beside `.env`, in the server's folder.
        let file = scene.workspace + "/.env.live"
        try scene.write("OPENAI_ORG_ID=live-\(canary)\n", to: file)
        let out = scene.workspace + "/out"
        let process = try scene.startServed([], arm.suite(scene.workshop.launcher, out: out))
        let lines = CommandLines(canary, below: try process.commandProcess())
        while !process.hasEnded() {
            try lines.look()
            usleep(20_000)
        }
        let result = try process.finish()
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        let wanted = arm.isLive ? Self.live : Self.mocked
        let ids = wanted.keys.sorted() + ["evidence"]
        let gates = result.lines.filter { $0.hasPrefix("[gate] ") }
        #expect(gates == ids.map { "[gate] PASS \($0)" }, "\(result.story)")
        let folder = try results(scene, out, arm.isLive ? "live" : "mocked")
        #expect(try scene.text(of: folder + "/summary.txt") == ids.map { "\($0): PASS\n" }.joined())
        #expect(try scene.names(in: folder) == (wanted.keys + ["summary.txt", "verify.txt"]).sorted())
        for (id, files) in wanted {
            #expect(try scene.names(in: "\(folder)/\(id)") == files.sorted(), "\(id)")
            if files.contains("project_id.txt") { try expectIdentifier(scene, "\(folder)/\(id)") }
            if files.contains("result_excerpt.txt"), id != "L09" { try expectExcerpt(scene, "\(folder)/\(id)", id) }
        }
        // The values went to the worker, and nowhere else: logs, database, records, caches, workspaces, results, command lines.
        #expect(!result.story.contains(canary), "\(result.story)")
        let found = try scene.files(below: scene.folder, with: canary)
        #expect(found.status == .exited(0) && found.names == [file], "\(found)")
        #expect(unlink(file) == 0)
        let none = try scene.files(below: scene.folder, with: canary)
        #expect(none.status == .exited(1) && none.names.isEmpty, "\(none)")
        let database = try scene.files(below: scene.folder, with: "Append a comment line to app.py")
        #expect(database.names.contains { $0.hasPrefix(scene.workspace + "/codex.db") }, "\(database)")
        #expect(lines.found.isEmpty && lines.looks > 10, "\(lines.found) in \(lines.looks)")
        #expect(!arm.isLive || lines.workers > 0, "the worker was never seen in \(lines.looks)")
        try expectSeen(canary, scene)
        guard arm.isLive else { return }
        let logs = try scene.text(of: folder + "/L01/result.json")
        for line in ["OPENAI_API_KEY=present", "OPENAI_ORG_ID=present", "OPENAI_PROJECT=absent"] {
            #expect(logs.contains("\"\(line)\""), "\(line): \(logs)")
        }
    }

    /// A command line with the word is found.
    private func expectSeen(_ word: String, _ scene: Scene) throws {
        let control = try scene.start(["/bin/sh", "-c", "read line", word])
        let lines = CommandLines(word, below: try control.commandProcess())
        for _ in 0..<3000 where lines.found.isEmpty {
            try lines.look()
            usleep(20_000)
        }
        #expect(!lines.found.isEmpty)
        _ = try control.finish()
    }

    /// The id of the answer, and not a byte more.
    private func expectIdentifier(_ scene: Scene, _ folder: String) throws {
        let id = try scene.text(of: folder + "/project_id.txt")
        #expect(id.utf8.count == 36 && UUID(uuidString: id) != nil, "\(folder): \(id)")
        #expect(try scene.text(of: folder + "/response.json").contains("\"id\":\"\(id)\""), "\(folder)")
    }

    private func expectExcerpt(_ scene: Scene, _ folder: String, _ id: String) throws {
        let text = try scene.text(of: folder + "/result_excerpt.txt")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        try #require(lines.count == 6 && lines[5].isEmpty, "\(id): \(text)")
        let isError = id == "L07"
        let all = "README.md,app.py,tests/test_cli.py"
        for (line, prefix) in zip(
            lines,
            [
                isError ? "status: error" : "status: success", "summary: ", "created_files: ", "modified_files: ",
                isError ? "first_error: forced_error" : "first_error: none",
            ]
        ) { #expect(line.hasPrefix(prefix), "\(id): \(text)") }
        if ["L01", "L02", "L08", "M01"].contains(id) {
            #expect(lines[2] == "created_files: \(all)", "\(id): \(text)")
        }
        // The dummy writes its whole example again.
        let modified = ["L05": "app.py", "L06": "app.py", "M04": all, "M09": all][id]
        if let modified { #expect(lines[3] == "modified_files: \(modified)", "\(id): \(text)") }
    }

    /// What the first scenario shows not to be the live worker is not asked for more.
    @Test func theFirstFailureEndsTheLiveSet() throws {
        let scene = try Scene(.user)
        let out = scene.workspace + "/out"
        let result = try scene.served(
            [],
            [scene.workshop.launcher, "live-suite", "--base-url", "{BASE}", "--out", out]
        )
        #expect(result.ending == .exited(1) && result.left == 0, "\(result.story)")
        let gates = result.lines.filter { $0.hasPrefix("[gate] ") }
        #expect(gates.count == 1 && gates.first?.hasPrefix("[gate] FAIL L01: ") == true, "\(result.story)")
        #expect(result.outputText.contains("is this the live worker?"), "\(result.story)")
        let folder = try results(scene, out, "live")
        #expect(try scene.names(in: folder) == ["L01", "summary.txt"])
        #expect(try scene.names(in: folder + "/L01") == Self.project.sorted())
        #expect(try scene.text(of: folder + "/summary.txt") == "L01: FAIL\n")
    }

    /// A worker gives its key away: it stands in the workspace, and the suite does not carry it on.
    @Test func aSecretIsNotWritten() throws {
        let scene = try Scene(.user)
        let canary = "canary-\(scene.token)"
        scene.environment["OPENAI_API_KEY"] = canary
        let worker = scene.folder + "/leak.sh"
        let answer =
            #"{"status":"success","summary":"done","created_files":[],"modified_files":[],"#
            + #""errors":[],"logs":["OPENAI_API_KEY=%s"]}"#
        try scene.write(
            "#!/bin/sh\nprintf '\(answer)' \"$OPENAI_API_KEY\" >/workspace/.codex/result.json\n",
            to: worker,
            mode: 0o755
        )
        scene.environment["CODEX_WORKER_COMMAND"] = worker
        let out = scene.workspace + "/out"
        let result = try scene.served(
            ["--worker", "command"],
            [scene.workshop.launcher, "live-suite", "--base-url", "{BASE}", "--out", out]
        )
        #expect(result.ending == .exited(1) && result.left == 0, "\(result.story)")
        let gates = result.lines.filter { $0.hasPrefix("[gate] ") }
        try #require(gates.count == 1, "\(result.story)")
        #expect(gates[0].hasPrefix("[gate] FAIL L01: ") && gates[0].contains("OPENAI_API_KEY"), "\(gates)")
        #expect(gates[0].contains("result.json is not written"), "\(gates)")
        #expect(!result.story.contains(canary), "\(result.story)")
        let results = try scene.files(below: out, with: canary)
        #expect(results.status == .exited(1) && results.names.isEmpty, "\(results)")
        // It was there to be found.
        let leaked = try scene.files(below: scene.workspace + "/workspaces", with: canary)
        #expect(leaked.names.count == 1 && leaked.names[0].hasSuffix("/.codex/result.json"), "\(leaked)")
    }
}
