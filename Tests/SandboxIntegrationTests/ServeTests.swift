import Foundation
import Glibc
import ProjectTree
import SandboxTestSupport
import Testing

/// The workspace API as its clients meet it: the release executables, real sockets, real sandboxes (`Support/api`).
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ServeTests {
    private func script(_ name: String) -> String {
        ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Support/api/\(name)").path(percentEncoded: false)
    }

    /// Root is told to use another account; everything else is shown with one.
    private func scene() throws -> Scene { try Scene(.user) }

    private func play(_ scene: Scene, _ words: [String], seconds: Int) throws -> RunResult {
        let process = try scene.start(
            ["/usr/bin/python3", "-B"] + words,
            keeper: scene.caller.keeperOptions + ["--deadline", "\(seconds * 1000)"],
            environment: scene.callerEnvironment
        )
        return try process.finish()
    }

    @Test func aServerThatIsKilledLosesNothingThatItHasAcknowledged() throws {
        let scene = try scene()
        let rounds = ProcessInfo.processInfo.environment["KILL_DAEMON_ROUNDS"] ?? "50"
        let result = try play(
            scene,
            [script("kill_daemon.py"), scene.workshop.launcher, scene.workspace, rounds],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.outputText.contains("0 wrong"), "\(result.story)")
    }

    /// Another process holds the lock of the database: who reads or cancels waits for nobody, and a killed creation leaves no folder.
    @Test func aLockedDatabaseHoldsUpOnlyWhoWrites() throws {
        let scene = try scene()
        let result = try play(
            scene,
            [script("locked_database.py"), scene.workshop.launcher, scene.workspace],
            seconds: 900
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count == 10, "\(result.story)")
    }

    /// Readiness, sockets that were handed over, watchdog, HUP, both manners of a stop, restarts under load, credentials.
    @Test func itIsAServiceBesideAManager() throws {
        let scene = try scene()
        let result = try play(
            scene,
            [script("managed_server.py"), scene.workshop.launcher, scene.workspace],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count > 60, "\(result.story)")
    }

    /// By the server, by `gc`, and by one that is killed; records verify afterwards.
    @Test func whatIsNotToBeKeptGoesWholeOrNotAtAll() throws {
        let scene = try scene()
        let worker = scene.folder + "/carry_out.sh"
        try scene.write(try String(contentsOfFile: script("carry_out.sh"), encoding: .utf8), to: worker, mode: 0o755)
        let result = try play(
            scene,
            [script("retention.py"), scene.workshop.launcher, scene.workspace, worker],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count > 30, "\(result.story)")
    }

    /// The wall clock of the server alone, by a library before libc: its timers and its records are of it or are not.
    @Test func aClockThatIsSetEndsNothing() throws {
        let scene = try scene()
        let worker = scene.folder + "/carry_out.sh"
        try scene.write(try String(contentsOfFile: script("carry_out.sh"), encoding: .utf8), to: worker, mode: 0o755)
        let server = scene.workshop.launcher + "d"
        let result = try play(
            scene,
            [script("clock.py"), server, scene.workshop.launcher, scene.workspace, worker],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count == 17, "\(result.story)")
    }

    /// Beside a busy server, with changed bytes, where nothing was before, and killed in the middle.
    @Test func aBackupIsRestoredWholeOrNotAtAll() throws {
        let scene = try scene()
        let result = try play(scene, [script("backup.py"), scene.workshop.launcher, scene.workspace], seconds: 1500)
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count > 60, "\(result.story)")
    }

    /// Where there is no manager, and for root, nothing is written; a dry run says what would be.
    @Test func withoutAManagerNothingIsInstalled() throws {
        let scene = try scene()
        let units = scene.home + "/.config/systemd"
        func service(_ words: [String]) throws -> RunResult {
            try scene.run(
                ["/usr/bin/env", "-u", "XDG_RUNTIME_DIR", scene.workshop.launcher, "service"] + words,
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
        }
        for words in [["install"], ["uninstall"], ["status"], ["logs"], ["logs", "--follow"]] {
            let result = try service(words)
            #expect(result.ending == .exited(1) && result.output.isEmpty, "\(result.story)")
            #expect(
                ["XDG_RUNTIME_DIR", "systemctl is not there", "journalctl is not there"].contains {
                    result.errorText.contains($0)
                },
                "\(result.story)"
            )
        }
        let dry = try service(["install", "--dry-run", "--stop-jobs", "finish", "--stop-time", "90s"])
        #expect(dry.ending == .exited(1), "\(dry.story)")
        for words in [
            "would write \(scene.home)/.config/systemd/user/codex-sandbox.service", "TimeoutStopSec=135",
            "would run systemctl --user enable",
            "serve --listen fd --state-dir",
        ] {
            #expect(dry.outputText.contains(words), "\(words): \(dry.story)")
        }
        #expect(!FileManager.default.fileExists(atPath: units))
        let bound = try service(["install", "--dry-run", "--stop-time", "90s"])
        #expect(bound.ending == .exited(2) && bound.errorText.contains("without --stop-jobs finish"), "\(bound.story)")
        for (words, status, problem) in [
            (["--listen", "0.0.0.0:80"], 1, "no token"), (["--listen", "127.0.0.1:0"], 2, "--listen 127.0.0.1:0: "),
            (["--listen", "nowhere"], 2, "behind the last colon; name HOST:PORT or unix:/PATH.\n"),
            (["--listen", "fd"], 2, "service manager opens"), (["--listen", "unix:x"], 2, "absolute path"),
            (["--token-file", "/nonexistent"], 1, "umask 077"),
            (["--token-file", "/etc/passwd"], 1, "no regular file of your own"),
        ] as [([String], Int32, String)] {
            let result = try service(["install", "--dry-run"] + words)
            #expect(result.ending == .exited(status) && result.errorText.contains(problem), "\(result.story)")
        }
    }

    /// What is removed is what the unit names, or `--state-dir`; and only a folder with a server's database and nothing of anybody else's.
    @Test func purgeTakesOnlyWhatAServerHasMade() throws {
        let scene = try scene()
        let state = scene.home + "/other state"
        func ask(_ words: [String]) throws -> RunResult {
            try scene.run(
                ["/usr/bin/env", "-u", "XDG_RUNTIME_DIR", scene.workshop.launcher] + words,
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
        }
        func uninstall(_ words: [String]) throws -> RunResult {
            // No manager is there: a dry run says what it would do, and the missing manager.
            try ask(["service", "uninstall", "--dry-run"] + words)
        }
        let purge = ["--purge", "--state-dir", state]
        let remove = "would remove \(state)/serve/ and everything in it"
        let none = try uninstall(purge)
        #expect(
            none.ending == .exited(1) && none.output.isEmpty
                && none.errorText.contains("there is no data in \(state)/serve/"),
            "\(none.story)"
        )
        for folder in [state, state + "/serve"] { try scene.makeFolder(folder) }
        try scene.write("precious", to: state + "/serve/notes")
        for _ in 0..<2 {
            let foreign = try uninstall(purge)
            #expect(
                foreign.ending == .exited(1) && foreign.output.isEmpty
                    && foreign.errorText.contains("it has notes, which"),
                "\(foreign.story)"
            )
            // Beside a real database it stays what it is.
            _ = try ask(["db", "migrate", "--data-dir", state + "/serve"])
        }
        try FileManager.default.removeItem(atPath: state + "/serve/notes")
        let ours = try uninstall(purge)
        #expect(ours.outputText.contains(remove), "\(ours.story)")
        let usual = try uninstall(["--purge"])
        #expect(
            usual.ending == .exited(1) && usual.output.isEmpty && usual.errorText.contains("--purge --state-dir DIR"),
            "\(usual.story)"
        )
        // What somebody has put beside the projects stays, whatever its name.
        for folder in ["", "/0123abcd-4567-4890-abcd-0123456789ef", "/my-thesis", "/a\nb"] {
            try scene.makeFolder(state + "/serve/workspaces" + folder)
        }
        let thesis = try uninstall(purge)
        #expect(
            thesis.ending == .exited(1) && !thesis.outputText.contains(remove)
                && thesis.outputText.contains("would remove what a server has made in \(state)/serve/"),
            "\(thesis.story)"
        )
        let stays = thesis.lines.filter { $0.hasPrefix("not removed: ") }
        #expect(stays.count == 2 && stays[0].contains("/a\\nb\", which no server has made"), "\(thesis.story)")
        #expect(stays.last?.contains("/my-thesis\", which no server has made") == true, "\(thesis.story)")
        // Without a database nobody knows whose the projects are; where the service has another one, that is said.
        try FileManager.default.removeItem(atPath: state + "/serve/codex.db")
        let lost = try uninstall(purge)
        #expect(
            lost.ending == .exited(1) && lost.output.isEmpty
                && lost.errorText.contains("it has projects and no codex.db"),
            "\(lost.story)"
        )
        let file = scene.home + "/.config/codex-sandbox/service.env"
        for folder in ["/.config", "/.config/codex-sandbox"] { try scene.makeFolder(scene.home + folder) }
        try scene.write("DATABASE_URL=sqlite:////elsewhere/x.db?key=s3cret\n", to: file)
        let away = try uninstall(purge)
        #expect(away.errorText.contains("\(file) sets DATABASE_URL, and --purge takes no database"), "\(away.story)")
        try FileManager.default.removeItem(atPath: state + "/serve/workspaces/0123abcd-4567-4890-abcd-0123456789ef")
        let rest = try uninstall(purge)
        #expect(
            rest.outputText.contains("not removed: the database in sqlite:////elsewhere/x.db…")
                && !rest.story.contains("s3cret"),
            "\(rest.story)"
        )
        #expect(chmod(file, 0o666) == 0)
        let open = try uninstall(purge)
        #expect(open.errorText.contains("chmod 600 \(file)") && open.output.isEmpty, "\(open.story)")
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.removeItem(atPath: state + "/serve/workspaces")
        // A file of that name is no database.
        try scene.write("text", to: state + "/serve/codex.db")
        let text = try uninstall(purge)
        #expect(text.ending == .exited(1) && text.errorText.contains("not recognised"), "\(text.story)")
        // The installed unit says the place by itself, and no other one is taken for it.
        let units = scene.home + "/.config/systemd/user"
        for folder in ["/.config/systemd", "/.config/systemd/user"] {
            try scene.makeFolder(scene.home + folder)
        }
        let dry = try ask(["service", "install", "--dry-run", "--state-dir", state])
        let lines = dry.outputText.split(separator: "\n", omittingEmptySubsequences: false)
        let first = try #require(lines.firstIndex(of: "--- \(units)/codex-sandbox.service"), "\(dry.story)")
        try scene.write(
            lines[(first + 1)...].joined(separator: "\n"),
            to: units + "/codex-sandbox.service"
        )
        // Another folder for the same service: what was there stays, and is named.
        let other = try ask(["service", "install", "--dry-run", "--state-dir", scene.home + "/third"])
        for words in [
            "the service had its data in \(state)/serve/", "service install --state-dir '\(state)'` goes back",
        ] {
            #expect(other.outputText.contains(words), "\(words): \(other.story)")
        }
        #expect(!dry.outputText.contains("the service had"), "\(dry.story)")
        let kept = try uninstall([])
        for words in ["kept: \(state)/serve/", "stay in \(state)/evidence/", "--purge --state-dir '\(state)'"] {
            #expect(kept.outputText.contains(words), "\(words): \(kept.story)")
        }
        let elsewhere = try uninstall(["--purge", "--state-dir", scene.home + "/elsewhere"])
        #expect(
            elsewhere.ending == .exited(1) && elsewhere.errorText.contains("keeps its records in \(state)"),
            "\(elsewhere.story)"
        )
        // What one that was killed has left goes, and nothing of like names.
        for name in ["service.new-4194305", "service.new-x"] {
            try scene.write("# Written", to: units + "/codex-sandbox.\(name)")
        }
        let left = try uninstall([])
        #expect(
            left.lines.filter { $0.contains(".new-") } == ["would remove \(units)/codex-sandbox.service.new-4194305"],
            "\(left.story)"
        )
        // A link that leads nowhere now is somebody's file of settings.
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: scene.home + "/unmounted/env")
        let linked = try ask(["service", "install", "--dry-run", "--state-dir", state])
        #expect(!linked.outputText.contains("write \(file)"), "\(linked.story)")
        let nowhere = try uninstall(["--purge"])
        #expect(
            nowhere.ending == .exited(1) && nowhere.output.isEmpty && nowhere.errorText.contains("leads nowhere now"),
            "\(nowhere.story)"
        )
        try FileManager.default.removeItem(atPath: file)
        // Beside the unit somebody says another start.
        let dropIn = units + "/codex-sandbox.service.d/a.conf"
        try scene.makeFolder(units + "/codex-sandbox.service.d")
        try scene.write("[Service]\nExecStart=\n", to: dropIn)
        let overruled = try uninstall(["--purge"])
        #expect(
            overruled.ending == .exited(1) && overruled.output.isEmpty
                && overruled.errorText.contains("\(dropIn) says ExecStart="),
            "\(overruled.story)"
        )
        let noted = try uninstall([])
        #expect(noted.outputText.contains("kept: \(dropIn), a drop-in"), "\(noted.story)")
        // So another folder may be named, which has to be there; what the unit names stays.
        let wrong = try uninstall(["--purge", "--state-dir", scene.home + "/elsewhere"])
        #expect(
            wrong.ending == .exited(1) && wrong.output.isEmpty
                && wrong.errorText.contains("there is no data in \(scene.home)/elsewhere/serve/"),
            "\(wrong.story)"
        )
        let both = try uninstall(["--state-dir", scene.home + "/elsewhere"])
        #expect(
            both.outputText.contains("kept: \(state)/serve/ (which the unit names); `codex-sandbox service uninstall"),
            "\(both.story)"
        )
    }

    @Test(.enabled(if: getuid() == 0, "only root can be told not to")) func rootInstallsNoService() throws {
        let scene = try Scene(.root)
        let result = try scene.run(
            [scene.workshop.launcher, "service", "install", "--dry-run"],
            keeper: ["--deadline", "900000"]
        )
        #expect(result.ending == .exited(1) && result.errorText.contains("not work for root"), "\(result.story)")
    }

    /// Somebody removed a project's folder: its files are gone, the project is not.
    @Test func aProjectWithoutItsFolderSaysSo() throws {
        let scene = try scene()
        let ask = "curl -sS -m 30 -w ' %{http_code}\\n'"
        let create =
            "curl -sS -m 60 -H 'Content-Type: application/json' -d '{\"instruction\": \"make something\"}' {BASE}/api/v1/projects/"
        let result = try play(
            scene,
            [
                script("with_server.py"), scene.workshop.launcher, scene.workspace, "--", "/bin/sh", "-c",
                """
                cd \(scene.workspace); \(create) >/dev/null; id=$(ls workspaces); one={BASE}/api/v1/$id
                \(ask) -o /dev/null $one/files; rm -r "workspaces/$id"
                \(ask) $one/files; \(ask) $one/raw/app.py; \(ask) -o /dev/null {BASE}/api/v1/projects/$id
                \(ask) -o /dev/null -X DELETE {BASE}/api/v1/projects/$id; \(ask) $one/files
                """,
            ],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.lines.count == 6, "\(result.story)")
        try #require(result.lines.count == 6)
        let statuses = result.lines.map { String($0.suffix(3)) }
        #expect(statuses[..<4] == ["200", "404", "404", "200"] && statuses[5] == "404", "\(result.story)")
        #expect(statuses[4].hasPrefix("20"), "\(result.story)")
        for line in result.lines[1...2] { #expect(line.contains("folder is not there any more"), "\(result.story)") }
        #expect(result.lines[5].contains("Project not found"), "\(result.story)")
    }

    /// Every row of the feature list that clients can see, and the seed's own curl session.
    @Test(arguments: [[], ["--worker", "minimal"]]) func clientsOfTheOrchestratorWorkUnchanged(options: [String]) throws
    {
        let scene = try scene()
        // Long enough to see others served meanwhile (ORC-28).
        scene.environment["SLEEP_SECONDS"] = "8"
        let result = try play(
            scene,
            [script("with_server.py"), scene.workshop.launcher, scene.workspace] + options + [
                "--", "/usr/bin/env", "PYTHONPATH=" + script(""), "/usr/bin/python3", "-B", "-m", "api_suite",
                "--base-url", "{BASE}", "--workspace-root", scene.workspace + "/workspaces",
            ],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count > 40, "\(result.story)")
    }

    /// A server of this machine has its records here: where they cannot be looked at, nothing has passed.
    @Test func recordsThatAreNotVerifiedHaveNotPassed() throws {
        let scene = try scene()
        let result = try play(
            scene,
            [
                script("with_server.py"), scene.workshop.launcher, scene.workspace, "--", scene.workshop.launcher,
                "live-suite", "--mocked", "--base-url", "{BASE}", "--out", scene.workspace + "/out", "--state-dir",
                scene.workspace + "/nothing",
            ],
            seconds: 1500
        )
        #expect(result.ending == .exited(1) && result.left == 0, "\(result.story)")
        #expect(result.lines.contains { $0.hasPrefix("[gate] PASS M01") }, "\(result.story)")
        #expect(result.lines.last?.hasPrefix("[gate] FAIL evidence: not verified: ") == true, "\(result.story)")
        #expect(result.outputText.contains("--state-dir"), "\(result.story)")
    }

    /// The pages at `/` and `/docs` in a headless Chromium: by the keyboard, live, narrow, and with hostile contents.
    @Test func thePageWorksInABrowser() throws {
        let scene = try scene()
        scene.environment["SLEEP_SECONDS"] = "60"
        let check = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Support/page/check_page.py").path(percentEncoded: false)
        let result = try play(
            scene,
            [
                script("with_server.py"), scene.workshop.launcher, scene.workspace, "--worker", "minimal", "--",
                "/usr/bin/python3", "-B", check, "--base-url", "{BASE}",
            ],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok - ") }.count == 20, "\(result.story)")
    }

    /// Jobs that mean ill: planted repositories, results that are none, thousands of files, deep trees; and what clients then see.
    @Test func aHostileWorkerIsSeenThrough() throws {
        let scene = try scene()
        // Where the place can show it: what is to be shown lies beside the workspace.
        let worker = scene.folder + "/carry_out.sh"
        try scene.write(try String(contentsOfFile: script("carry_out.sh"), encoding: .utf8), to: worker, mode: 0o755)
        scene.environment["CODEX_WORKER_COMMAND"] = worker
        let result = try play(
            scene,
            [
                script("with_server.py"), scene.workshop.launcher, scene.workspace, "--worker", "command", "--",
                "/usr/bin/python3", "-B", script("hostile_worker.py"), "--base-url", "{BASE}",
            ],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count > 30, "\(result.story)")
    }

    /// The real Codex CLI as a project's worker, with a scripted model in the same sandbox.
    @Test func theCodexCLIWorksOnAProject() throws {
        let scene = try scene()
        let root = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let cli = root.appending(path: ".build/codex-cli/codex_cli_bin").resolvingSymlinksInPath().path(
            percentEncoded: false
        )
        try #require(
            FileManager.default.isExecutableFile(atPath: cli + "/bin/codex"),
            "no \(cli): Tests/Support/codex/install .build/codex-cli"
        )
        let tools = scene.folder + "/tools"
        try scene.makeFolder(tools)
        for name in ["worker.py", "mock_responses_api.py"] {
            let text = try String(contentsOf: root.appending(path: "Tests/Support/codex/\(name)"), encoding: .utf8)
            try scene.write(text, to: tools + "/" + name, mode: 0o755)
        }
        try scene.write(cli + "/bin/codex", to: tools + "/codex-path")
        let policy = scene.folder + "/worker.toml"
        try scene.write(
            "version = 1\nextends = \"codex-worker\"\n[filesystem]\nread = [\"\(tools)\", \"\(cli)\"]\n",
            to: policy
        )
        scene.environment["CODEX_WORKER_COMMAND"] = tools + "/worker.py"
        let steps = """
            id=$(curl -sS -m 60 -H 'Content-Type: application/json' -d '{"instruction":"- do it -- now"}' {BASE}/api/v1/projects/ \
                | python3 -c 'import json, sys; p = json.load(sys.stdin); print(p["status"], file=sys.stderr); print(p["id"])')
            curl -sS {BASE}/api/v1/$id/files/.codex/result.json; echo
            job=$(curl -sS {BASE}/api/v1/$id/jobs | python3 -c 'import json, sys; print(json.load(sys.stdin)["jobs"][0]["id"])')
            curl -sS {BASE}/api/v1/$id/jobs/$job/events; curl -sS {BASE}/api/v1/$id/jobs/$job/changes
            """
        let result = try play(
            scene,
            [
                script("with_server.py"), scene.workshop.launcher, scene.workspace, "--worker", "codex", "--policy",
                policy,
                "--", "/bin/sh", "-c", steps,
            ],
            seconds: 1500
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.errorText.contains("completed"), "\(result.story)")
        for words in [
            "All done.", "added.py", "made.txt", "\"type\":\"turn.completed\"", "/workspace\\n", "+    return 2 * x",
        ] {
            #expect(result.outputText.contains(words), "\(words) is missing: \(result.story)")
        }
    }

    /// In a container the server's jobs can have its /proc, where whoever starts it says so; its projects get it by nothing else.
    @Test func theProfileContainerIsTheServersToAskFor() throws {
        let scene = try scene()
        let policy = scene.folder + "/weaker.toml"
        try scene.write("version = 1\nextends = \"codex-worker\"\n[danger]\ncontainer = true\n", to: policy)
        func serve(_ options: [String], _ body: String) throws -> RunResult {
            let create = "curl -sS -m 30 -H 'Content-Type: application/json' -d '\(body)' {BASE}/api/v1/projects/"
            return try play(
                scene,
                [script("with_server.py"), scene.workshop.launcher, scene.workspace] + options + [
                    "--", "/bin/sh", "-c", "\(create); curl -sS {BASE}/api/v1/policies; cat server.log",
                ],
                seconds: 1500
            )
        }
        let made = try serve(["--policy", policy], "{\"instruction\":\"Generate it\"}")
        #expect(made.outputText.contains("\"status\":\"completed\""), "\(made.story)")
        #expect(made.outputText.contains("weaker profile container: NOT held: host-processes, "), "\(made.story)")
        let records = try scene.records().filter { $0.hasSuffix("records.jsonl") }.map { try scene.text(of: $0) }
        #expect(records.contains { $0.contains("\"promise\":\"process-details\"") })
        // By name it is wider than the server's.
        let refused = try serve([], "{\"instruction\":\"Generate it\",\"policy\":\"container\"}")
        #expect(refused.outputText.contains("danger.container"), "\(refused.story)")
        #expect(refused.outputText.contains("\"not_held\":[\"host-processes\",\"host-identity\""), "\(refused.story)")
        #expect(!refused.outputText.contains("weaker profile container: NOT held"), "\(refused.story)")
        // Of no sandbox at all there is no list that would be whole.
        #expect(refused.outputText.split(separator: "\"not_held\":[\"everything\"]").count == 2, "\(refused.story)")
    }

    /// A project's policy is held against the server's at every launch, and a server with a bad policy does not start.
    @Test func aPolicyThatIsWiderByNowIsRefused() throws {
        let scene = try scene()
        let policies = scene.home + "/.config/codex-sandbox/policies"
        for folder in [scene.home + "/.config", scene.home + "/.config/codex-sandbox", policies] {
            try scene.makeFolder(folder)
        }
        try scene.write(
            "version = 1\nextends = \"codex-worker\"\n[limits]\ntasks = 16\n",
            to: policies + "/narrow.toml"
        )
        try scene.write(
            "version = 1\nextends = \"codex-worker\"\n[limits]\ntasks = 99\n",
            to: policies + "/project.toml"
        )
        let create = "curl -sS -m 30 -H 'Content-Type: application/json' -d"
        func serve(_ options: [String], _ script: String) throws -> RunResult {
            try play(
                scene,
                [self.script("with_server.py"), scene.workshop.launcher, scene.workspace] + options + [
                    "--", "/bin/sh", "-c", script,
                ],
                seconds: 1500
            )
        }
        let body = "'{\"instruction\":\"Generate it\",\"policy\":\"project\"}'"
        let made = try serve([], "\(create) \(body) {BASE}/api/v1/projects/")
        #expect(made.outputText.contains("\"status\":\"completed\""), "\(made.story)")
        let project = String(made.outputText.split(separator: "\"").dropFirst(3).first ?? "")
        // Narrower than the server's, and no worker could answer under it.
        try scene.write(
            "version = 1\nextends = \"codex-worker\"\n[filesystem]\nexcept = []\n",
            to: policies + "/mute.toml"
        )
        let mute = "'{\"instruction\":\"Generate it\",\"policy\":\"mute\"}'"
        let silent = try serve([], "\(create) \(mute) -w '%{http_code}' {BASE}/api/v1/projects/")
        #expect(
            silent.outputText.hasSuffix("422") && silent.outputText.contains("could not write its answer"),
            "\(silent.story)"
        )
        let edit = "'{\"instruction\":\"again\",\"job_type\":\"edit\"}'"
        let refused = try serve(
            ["--policy", "narrow"],
            "\(create) \(edit) {BASE}/api/v1/\(project)/jobs; \(create) \(body) -w '%{http_code}' {BASE}/api/v1/projects/; "
                + "curl -sS -w '%{http_code}' {BASE}/api/v1/\(project)/plan"
        )
        #expect(refused.outputText.contains("\"status\":\"error\""), "\(refused.story)")
        #expect(refused.outputText.split(separator: "422").count >= 3, "\(refused.story)")
        // Its own again: the project goes on.
        let again = try serve([], "\(create) \(edit) {BASE}/api/v1/\(project)/jobs")
        #expect(again.outputText.contains("\"status\":\"completed\""), "\(again.story)")
        try scene.write("version = 1\nnonsense = 2\n", to: policies + "/bad.toml")
        let bad = try scene.run(
            [scene.workshop.launcher, "serve", "--listen", "127.0.0.1:0", "--policy", "bad"],
            keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
        )
        #expect(bad.ending == .exited(1) && bad.errorText.contains("nonsense"), "\(bad.story)")
    }

    /// The worker's answer, or what it is asked, by name, pattern or path: no job could end well, so nobody gets so far.
    @Test(arguments: [
        (
            "deny_globs = [\"**/result.json\"]",
            "denies it by the pattern **/result.json of [filesystem] deny_globs; take that out"
        ),
        (
            "deny_globs = [\".codex/**\"]",
            "write its answer, .codex/result.json: the policy denies it by the pattern .codex/**"
        ),
        ("deny_globs = [\".codex\"]", "denies it by the pattern .codex of"),
        ("deny_globs = [\"WORKSPACE/**/.codex/result.*\"]", "/.codex/result.* of [filesystem] deny_globs"),
        ("deny_globs = [\"request.json\"]", "could not read what it is asked, .codex/request.json"),
        ("deny = [\"WORKSPACE\"]", "in [filesystem] deny; take that out"),
        ("protect = [\".codex/result.json\"]", "has this very file in [filesystem] protect, where no exception counts"),
        (
            "protect = [\".codex/result.json\"]\nexcept = [\".codex/result.json\"]",
            "this very file in [filesystem] protect"
        ),
        ("deny = [\"/workspace/.codex/result.json\"]", "in [filesystem] deny, which would deny nothing"),
        ("deny_globs = [\"/workspace/**\"]", "sees its project at /workspace"),
        ("[limits]\nfile_size = \"100\"", "lets it write files of 100 B at most"),
        // What means some projects only is judged at their launches.
        ("deny_globs = [\"WORKSPACE/zzzzzzzz-*\", \"WORKSPACE/00000000-0000-4000-8000-*\"]", nil),
        // Others of that kind do not stand in its way.
        (
            "deny_globs = [\"**/result.txt\", \".codex/*/result.json\", \"/nonexistent/**\"]\nprotect = [\".codex/other.json\"]",
            nil
        ),
    ])
    func policyThatKeepsTheAnswerIsRefused(lines: String, word: String?) throws {
        let scene = try scene()
        let policies = scene.home + "/.config/codex-sandbox/policies"
        for folder in [scene.home + "/.config", scene.home + "/.config/codex-sandbox", policies] {
            try scene.makeFolder(folder)
        }
        let root = scene.workspace + "/workspaces"
        let filesystem = lines.replacing("WORKSPACE", with: root)
        try scene.write(
            "version = 1\nextends = \"codex-worker\"\n[filesystem]\n\(filesystem)\n",
            to: policies + "/mute.toml"
        )
        if let word {
            let start = try scene.run(
                [
                    scene.workshop.launcher, "serve", "--listen", "127.0.0.1:0", "--policy", "mute", "--workspace-root",
                    root,
                ],
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
            #expect(start.ending == .exited(1) && start.errorText.contains(word), "\(start.story)")
        }
        let create = "curl -sS -m 30 -H 'Content-Type: application/json' -w '%{http_code}' -d"
        let body = "'{\"instruction\":\"Generate it\",\"policy\":\"mute\"}'"
        let made = try play(
            scene,
            [
                self.script("with_server.py"), scene.workshop.launcher, scene.workspace, "--workspace-root", root, "--",
                "/bin/sh", "-c", "\(create) \(body) {BASE}/api/v1/projects/",
            ],
            seconds: 1500
        )
        if let word {
            #expect(made.outputText.hasSuffix("422") && made.outputText.contains(word), "\(made.story)")
        } else {
            #expect(made.outputText.contains("\"status\":\"completed\""), "\(made.story)")
        }
    }

    /// What cannot be used refuses to start: which setting, why, what to do.
    @Test(arguments: [
        (["--listen", "0.0.0.0:0"], 1, "token"), (["--listen", "nowhere"], 2, "--listen nowhere: "),
        (["--database", "postgres://x/y"], 2, "sqlite:///"),
        (["--database", "postgresql://ada:s3cretpw@h/x"], 2, "--database postgresql://…: "),
        (["--database=sqlite:///x?password=s3cretpw"], 2, "--database sqlite:///x…: "),
        (["DATABASE_URL=sqlite:///x?password=s3cretpw"], 1, "it has a query string"),
        (["DATABASE_URL=postgresql://ada:s3cretpw@h/x"], 1, "only SQLite is built in, not postgresql"),
        (["--max-jobs", "0"], 2, "--max-jobs 0: "),
        (["--max-jobs", "x"], 2, "allowed: a number from 1 to 1024"), (["MAX_JOBS=x"], 1, "MAX_JOBS = “x”"),
        (["--keep-logs", "x"], 2, "--keep-logs x: "), (["--stop-jobs", "x"], 2, "allowed: end, finish"),
        (["--workspace-root", "/proc/none"], 1, "WORKSPACE_ROOT"),
        (["--env-file", "/nonexistent/.env"], 1, "/nonexistent/.env"),
        (["--worker", "nope"], 2, "--worker nope: there is no such worker; allowed: dummy, minimal, codex, command"),
        (["WORKER=nope"], 1, "WORKER = “nope”: there is no such worker; allowed: dummy, minimal, codex, command"),
        (["--worker", ""], 2, "--worker "),
        (["--listen", "unix:/nonexistent/x"], 1, "/nonexistent/x"),
        (["--policy", "workspace-write"], 1, "could not write its answer, .codex/result.json"),
        (["--policy", "container"], 1, "keeps .codex from jobs"),
        (["--policy", "read-only"], 1, "makes the workspace read-only"),
        (["--policy", "danger-full-access"], 1, "confines nothing"),
        (["--policy", "landlock-only"], 1, "has no place"),
    ])
    func aBadSettingRefusesToStart(words: [String], status: Int32, word: String) throws {
        let scene = try scene()
        let variables = words.filter { !$0.hasPrefix("-") && $0.contains("=") }
        for variable in variables {
            let parts = variable.split(separator: "=", maxSplits: 1).map { String($0) }
            scene.environment[parts[0]] = parts[1]
        }
        let options = variables.isEmpty ? words : []
        // Somebody else may have the usual port.
        let listen = options.contains("--listen") ? [] : ["--listen", "127.0.0.1:0"]
        let result = try scene.run(
            [scene.workshop.launcher, "serve"] + listen + options,
            keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
        )
        #expect(result.ending == .exited(status) && result.output.isEmpty, "\(result.story)")
        #expect(result.errorText.contains(word) && result.errorText.hasPrefix("codex-sandbox: "), "\(result.story)")
        #expect(!result.errorText.contains("DATABASE_URL: DATABASE_URL"), "\(result.story)")
        #expect(!result.errorText.contains("s3cretpw") && !result.errorText.contains("ada:"), "\(result.story)")
    }

    /// Whoever writes these files says what the server's jobs run: nobody else does.
    @Test(arguments: [".env", ".env.live"]) func filesThatOthersMayWriteAreNotRead(name: String) throws {
        let scene = try scene()
        let file = scene.workspace + "/" + name
        func serve() throws -> RunResult {
            try scene.run(
                [
                    "/usr/bin/env", "-C", scene.workspace, scene.workshop.launcher, "serve", "--listen", "127.0.0.1:0",
                    "--policy",
                    "nope",
                ],
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
        }
        for mode: UInt32 in [0o666, 0o620, 0o602] {
            try scene.write("OPENAI_ORG_ID=s3cret\n", to: file, mode: mode)
            let result = try serve()
            let words =
                "\(name) can be written by others (mode 0\(String(mode, radix: 8))): it is not read; chmod 600 \(name)"
            #expect(result.ending == .exited(1) && result.errorText.contains(words), "\(result.story)")
        }
        // Of the others the file of credentials alone is spoken of; what ends the server comes later.
        for (mode, isWarned) in [(0o644, name == ".env.live"), (0o600, false)] as [(UInt32, Bool)] {
            try scene.write("OPENAI_ORG_ID=s3cret\n", to: file, mode: mode)
            let result = try serve()
            #expect(result.ending == .exited(1) && result.errorText.contains("nope"), "\(result.story)")
            #expect(result.errorText.contains("can be read by others (mode 0644)") == isWarned, "\(result.story)")
            #expect(!result.errorText.contains("s3cret"), "\(result.story)")
        }
        #expect(unlink(file) == 0 && symlink("nowhere", file) == 0)
        let link = try serve()
        #expect(link.errorText.contains("codex-sandbox: \(name) is a link to nothing"), "\(link.story)")
        #expect(unlink(file) == 0)
        try scene.write("A=1\nnonsense\n", to: file, mode: 0o600)
        let bad = try serve()
        #expect(bad.errorText.contains("codex-sandbox: \(name), line 2: a name without ="), "\(bad.story)")
    }

    /// A job writes files that look like its caller's own.
    ///
    /// Those that say what a server does are read where no job can have
    /// written them, or where somebody names them.
    @Test(arguments: [".env", ".env.live"]) func whatAJobMayHaveWrittenIsNotRead(name: String) throws {
        let scene = try scene()
        func play(_ words: [String], in folder: String) throws -> RunResult {
            try scene.run(
                ["/usr/bin/env", "-C", folder, scene.workshop.launcher] + words,
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
        }
        func serve(in folder: String, _ more: [String] = []) throws -> RunResult {
            try play(["serve", "--listen", "127.0.0.1:0", "--policy", "nope"] + more, in: folder)
        }
        let below = scene.workspace + "/below"
        try scene.makeFolder(below)
        try scene.write("OPENAI_ORG_ID=x\n", to: "\(scene.workspace)/\(name)", mode: 0o600)
        let control = try serve(in: scene.workspace)
        #expect(control.ending == .exited(1) && control.errorText.contains("nope"), "\(control.story)")
        if name == ".env" {
            #expect(control.errorText.contains("settings from .env: OPENAI_ORG_ID"), "\(control.story)")
        }
        let job = try play(
            ["run", "--", "sh", "-c", "echo OPENAI_ORG_ID=y | tee \(name) >below/\(name)"],
            in: scene.workspace
        )
        #expect(job.ending == .exited(0), "\(job.story)")
        for folder in [scene.workspace, below] {
            let refused = try serve(in: folder)
            #expect(refused.ending == .exited(1) && !refused.errorText.contains("nope"), "\(refused.story)")
            let words = "\(name) may have been written by a job: jobs have run in \(scene.workspace) ("
            #expect(refused.errorText.contains(words), "\(refused.story)")
            let named = try serve(in: folder, ["--env-file", name])
            #expect(named.ending == .exited(1) && named.errorText.contains("nope"), "\(named.story)")
        }
        if name == ".env" {
            for words in [["gc", "--keep-projects", "1d", "--dry-run"], ["db", "status"]] {
                let refused = try play(words, in: below)
                #expect(refused.errorText.contains("may have been written by a job"), "\(refused.story)")
            }
        }
        if name == ".env.live" {
            let elsewhere = scene.workspace + "/state"
            let there = try play(["run", "--state-dir", elsewhere, "--", "true"], in: below)
            #expect(there.ending == .exited(0), "\(there.story)")
            let suite = try play(["live-suite", "--state-dir", elsewhere], in: below)
            #expect(suite.errorText.contains("jobs have run in \(below) (\(elsewhere)/"), "\(suite.story)")
        }
        #expect(unlink("\(below)/\(name)") == 0)
        let without = try serve(in: below)
        #expect(without.ending == .exited(1) && without.errorText.contains("nope"), "\(without.story)")
    }

    /// A `.env` that came with a repository names policies, and is none.
    @Test func settingsThatNobodyNamedChooseNoFileOfAPolicy() throws {
        let scene = try scene()
        try scene.write("version = 1\nextends = \"codex-worker\"\n", to: scene.workspace + "/p.toml", mode: 0o600)
        try scene.write(
            "CODEX_SANDBOX_POLICY=./p.toml\nLISTEN=unix:/nowhere/s\n",
            to: scene.workspace + "/.env",
            mode: 0o600
        )
        func serve(_ variables: [String], _ more: [String]) throws -> RunResult {
            try scene.run(
                ["/usr/bin/env", "-C", scene.workspace] + variables + [scene.workshop.launcher, "serve"] + more,
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
        }
        let refused = try serve([], [])
        #expect(refused.ending == .exited(1), "\(refused.story)")
        #expect(refused.errorText.contains("chooses no file of a policy; give it with --policy"), "\(refused.story)")
        for (variables, more) in [
            ([], ["--env-file", ".env"]), ([], ["--policy", "./p.toml"]), (["CODEX_SANDBOX_POLICY=./p.toml"], []),
        ] as [([String], [String])] {
            let taken = try serve(variables, more)
            #expect(taken.ending == .exited(1) && taken.errorText.contains("/nowhere/s"), "\(taken.story)")
        }
    }

    /// Whoever reads the token is let in; whoever writes it is the one who is.
    @Test func tokenFileThatOthersMayReadIsRefused() throws {
        let scene = try scene()
        let file = scene.workspace + "/token"
        func serve(_ environment: [String] = []) throws -> RunResult {
            try scene.run(
                ["/usr/bin/env"] + environment + [
                    scene.workshop.launcher, "serve", "--listen", "127.0.0.1:0", "--policy", "nope", "--token-file",
                    file,
                ],
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
        }
        // Anew each time: one that may only be read cannot be written again by its owner.
        func put(mode: UInt32) throws {
            _ = unlink(file)
            try scene.write("a-long-enough-token-for-a-test\n", to: file, mode: mode)
        }
        for mode: UInt32 in [0o644, 0o640, 0o604, 0o620, 0o602] {
            try put(mode: mode)
            let result = try serve()
            let words =
                "--token-file \(file) can be read or written by others (mode 0\(String(mode, radix: 8))): it is not read; chmod 600 \(file)"
            #expect(result.ending == .exited(1) && result.errorText.contains(words), "\(result.story)")
        }
        for mode: UInt32 in [0o600, 0o400] {
            try put(mode: mode)
            let result = try serve()
            #expect(result.errorText.contains("nope") && !result.errorText.contains("token"), "\(result.story)")
        }
        // The manager's own folder: it may give its file by an access list, which shows as the group's bits.
        try put(mode: 0o440)
        let given = try serve(["CREDENTIALS_DIRECTORY=\(scene.workspace)"])
        #expect(given.errorText.contains("nope") && !given.errorText.contains("token"), "\(given.story)")
        guard getuid() == 0 else { return }
        for (owner, words) in [(60601, "token belongs to account 60601"), (0, "nope")] as [(UInt32, String)] {
            try put(mode: 0o600)
            try #require(chown(file, owner, owner) == 0)
            let result = try serve()
            // Another account cannot open it at all, as which the server runs.
            #expect(result.errorText.contains(words) || result.errorText.contains("EACCES"), "\(result.story)")
        }
    }

    @Test(.enabled(if: getuid() == 0, "only root can give a file to somebody else")) func filesOfOthersAreNotRead()
        throws
    {
        let scene = try scene()
        let file = scene.workspace + "/.env.live"
        try scene.write("OPENAI_ORG_ID=s3cret\n", to: file, mode: 0o604)
        for (owner, words) in [(60601, ".env.live belongs to account 60601"), (0, "nope")] as [(UInt32, String)] {
            try #require(chown(file, owner, owner) == 0)
            let result = try scene.run(
                [
                    "/usr/bin/env", "-C", scene.workspace, scene.workshop.launcher, "serve", "--listen", "127.0.0.1:0",
                    "--policy",
                    "nope",
                ],
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
            #expect(result.ending == .exited(1) && result.errorText.contains(words), "\(result.story)")
        }
    }

    /// A bound that bounds nothing is no setting: of the command line, of the environment, of a file; but for one that a flag sets aside.
    @Test(arguments: [
        (["--stop-time", "5m"], [:], 2, "--stop-time has no effect"),
        (["--stop-jobs", "end", "--stop-time", "5m"], [:], 2, "--stop-time has no effect"),
        (["--stop-time", "5m"], ["STOP_JOBS": "end"], 2, "--stop-time has no effect"),
        ([], ["STOP_TIME": "5m"], 1, "STOP_TIME has no effect"),
        ([], ["STOP_TIME": "5m", "STOP_JOBS": "end"], 1, "STOP_TIME has no effect"),
        // Further on in the start: the setting was taken.
        (["--policy", "nope"], ["STOP_TIME": "5m", "STOP_JOBS": "finish"], 1, "nope"),
        (["--policy", "nope", "--stop-time", "5m"], ["STOP_JOBS": "finish"], 1, "nope"),
        (["--policy", "nope", "--stop-jobs", "end"], ["STOP_TIME": "5m", "STOP_JOBS": "finish"], 1, "nope"),
    ])
    func aBoundOfNothingIsRefused(options: [String], variables: [String: String], status: Int32, words: String) throws {
        let scene = try scene()
        for (name, value) in variables { scene.environment[name] = value }
        let result = try scene.run(
            [scene.workshop.launcher, "serve", "--listen", "127.0.0.1:0"] + options,
            keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
        )
        #expect(result.ending == .exited(status) && result.errorText.contains(words), "\(result.story)")
        #expect(words != "nope" || !result.errorText.contains("STOP_TIME"), "\(result.story)")
    }

    /// Who has no worker serves all the same (ORC-20), and says at the start that every job will fail, and why.
    @Test(
        arguments: [
            (["--worker", "command"], [:], "the policy codex-worker names no worker.command"),
            ([], ["USE_DUMMY_WORKER": "false", "CODEX_WORKER_IMAGE": "nope"], "there is no worker profile nope"),
            (["--worker", "command"], ["CODEX_WORKER_COMMAND": "/bin/true"], nil),
            (["--worker", "minimal"], [:], nil),
        ] as [([String], [String: String], String?)]
    )
    func aServerWithoutAWorkerSaysSo(options: [String], variables: [String: String], words: String?) throws {
        let scene = try scene()
        for (name, value) in variables { scene.environment[name] = value }
        let result = try play(
            scene,
            [script("with_server.py"), scene.workshop.launcher, scene.workspace] + options + ["--", "/bin/true"],
            seconds: 1500
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        let log = try scene.text(of: scene.workspace + "/server.log")
        let said = log.split(separator: "\n").filter { $0.contains("every job will fail (no-worker): ") }
        #expect(said.count == (words == nil ? 0 : 1), "\(log)")
        if let words { #expect(said.first?.contains(words) == true, "\(log)") }
    }

    @Test(.enabled(if: getuid() == 0, "only root can be told not to")) func rootIsToldToUseAnotherAccount() throws {
        let scene = try Scene(.root)
        let result = try scene.run([scene.workshop.launcher, "serve"], keeper: ["--deadline", "900000"])
        #expect(result.ending == .exited(1) && result.errorText.contains("does not run as root"), "\(result.story)")
    }

    /// Another account on the same machine gets nothing; the server's own, and root, do.
    @Test(.enabled(if: getuid() == 0, "only root can be a second account")) func anotherAccountIsRefused() throws {
        let scene = try scene()
        let base = scene.workspace + "/base"
        let over = scene.workspace + "/over"
        let server = try scene.start(
            [
                "/usr/bin/python3", "-B", script("with_server.py"), scene.workshop.launcher, scene.workspace, "--",
                "/bin/sh",
            ]
                + [
                    "-c", "echo {BASE} >\(base).new; mv \(base).new \(base); until [ -e \(over) ]; do sleep 0.05; done",
                ],
            keeper: scene.caller.keeperOptions + ["--deadline", "900000"],
            environment: scene.callerEnvironment
        )
        let started = ContinuousClock.now
        while !FileManager.default.fileExists(atPath: base), ContinuousClock.now - started < .seconds(60) {
            usleep(20_000)
        }
        let address = try scene.text(of: base).trimmingCharacters(in: .whitespacesAndNewlines)
        func code(_ keeper: [String]) throws -> String {
            let path = "\(address)/api/v1/projects/"
            return try scene.run(
                ["curl", "-sS", "-m", "30", "-o", "/dev/null", "-w", "%{http_code}", path],
                keeper: keeper
            )
            .outputText
        }
        let other = "\(Caller.worker.uid + 1)"
        #expect(try code(scene.caller.keeperOptions) == "200")
        #expect(try code([]) == "200")
        #expect(try code(["--uid", other, "--gid", other]) == "403")
        try scene.write("", to: over)
        let result = try server.finish()
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
    }
}
