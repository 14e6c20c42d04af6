import Foundation
import Glibc
import ProjectTree
import SandboxTestSupport
import Testing

/// What `serve` does where the host does not: a port that is taken, files that cannot be used, a disk that is full.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ServeFaultTests {
    private func script(_ name: String) -> String {
        ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Support/api/\(name)").path(percentEncoded: false)
    }

    private func play(_ scene: Scene, _ options: [String], _ command: [String]) throws -> RunResult {
        try scene.start(
            ["/usr/bin/python3", "-B", script("with_server.py"), scene.workshop.launcher, scene.workspace] + options
                + ["--"] + command,
            keeper: scene.caller.keeperOptions + ["--deadline", "1500000"],
            environment: scene.callerEnvironment
        ).finish()
    }

    private func start(_ scene: Scene, _ options: [String] = []) throws -> RunResult {
        try scene.run(
            [scene.workshop.launcher, "serve", "--listen", "127.0.0.1:0"] + options,
            keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
        )
    }

    /// One message that says what and what to do, and nothing else.
    private func expectOneMessage(_ result: RunResult, _ words: [String]) {
        #expect(result.ending == .exited(1) && result.output.isEmpty && result.left == 0, "\(result.story)")
        let lines = result.errorText.split(separator: "\n")
        #expect(lines.count == 1, "\(result.story)")
        for word in words { #expect(result.errorText.contains(word), "\(word): \(result.story)") }
    }

    @Test func aPortThatIsTakenIsNamed() throws {
        let scene = try Scene(.user)
        let again = "\(scene.workshop.launcher) serve --listen {BASE} --database sqlite:///./other.db"
        let result = try play(
            scene,
            [],
            ["/bin/sh", "-c", "b={BASE}; " + again.replacing("{BASE}", with: "${b#http://}") + "; echo $?"]
        )
        #expect(result.ending == .exited(0) && result.lines.last == "1", "\(result.story)")
        #expect(result.errorText.contains("something listens there already"), "\(result.story)")
    }

    @Test func aDatabaseThatIsNoneIsNamedAndStays() throws {
        let scene = try Scene(.user)
        let text = String(repeating: "this is no database, but somebody needs it. ", count: 100)
        try scene.write(text, to: scene.workspace + "/codex.db", mode: 0o600)
        expectOneMessage(try start(scene), ["DATABASE_URL", "codex.db", "file is not a database", "restore a backup"])
        #expect(try scene.text(of: scene.workspace + "/codex.db") == text)
        for action in ["status", "migrate", "stamp"] {
            let result = try scene.run(
                [scene.workshop.launcher, "db", action],
                keeper: scene.caller.keeperOptions + ["--deadline", "900000"]
            )
            expectOneMessage(result, ["codex.db", "file is not a database"])
        }
        #expect(try scene.text(of: scene.workspace + "/codex.db") == text)
        #expect(!scene.exists(scene.workspace + "/workspaces"))
    }

    @Test func foldersThatCannotBeWrittenAreNamed() throws {
        let scene = try Scene(.user)
        // Of this account, and closed: what is said does not depend on who looks.
        let closed = scene.workspace + "/closed"
        try scene.makeFolder(closed)
        try #require(chmod(closed, 0o500) == 0)
        expectOneMessage(
            try start(scene, ["--workspace-root", closed + "/ws"]),
            ["WORKSPACE_ROOT", "EACCES", closed]
        )
        expectOneMessage(
            try start(scene, ["--database", "sqlite:///\(closed)/codex.db"]),
            ["DATABASE_URL", closed, "not writable"]
        )
        // Without a record no job would run.
        expectOneMessage(
            try start(scene, ["--state-dir", closed + "/state"]),
            ["records", "EACCES", closed + "/state"]
        )
        #expect(try scene.names(in: closed) == [])
    }

    @Test func readinessSeesThatNoRecordCanBeKept() throws {
        let scene = try Scene(.user)
        let ask = "curl -sS -m 60 -o /dev/null -w '%{http_code}\\n' {BASE}/readyz"
        let wait = "i=0; until [ \"$(\(ask))\" = 503 ] || [ $i -gt 300 ]; do i=$((i+1)); sleep 0.1; done; \(ask)"
        let result = try play(
            scene,
            ["--state-dir", scene.workspace + "/state"],
            // HUP looks at once.
            [
                "/bin/sh", "-c",
                "\(ask); chmod 500 state/evidence; kill -HUP {PID}; \(wait); chmod 700 state/evidence",
            ]
        )
        #expect(result.ending == .exited(0) && result.lines == ["200", "503"], "\(result.story)")
    }

    /// Ready is who can store and start: the database's file and the workspaces' folder are those that were opened.
    @Test(arguments: [
        ("mv codex.db away.db", "mv away.db codex.db"),
        ("mv workspaces away; mkdir workspaces", "rmdir workspaces; mv away workspaces"),
    ])
    func readinessSeesWhatWasTakenAway(take: String, back: String) throws {
        let scene = try Scene(.user)
        let ask = "curl -sS -m 60 -o /dev/null -w '%{http_code}\\n' {BASE}"
        let result = try play(
            scene,
            [],
            ["/bin/sh", "-c", "\(ask)/readyz; \(take); \(ask)/readyz; \(ask)/healthz; \(back); \(ask)/readyz"]
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(result.lines == ["200", "503", "200", "200"], "\(result.story)")
    }

    /// Who holds the lock of those who write lets nobody create: the server is there (`/healthz`), and not ready.
    @Test func readinessSeesAForeignLock() throws {
        let scene = try Scene(.user)
        let script = """
            import sqlite3, subprocess, time
            def ask(path):
                subprocess.run(['curl', '-sS', '-m', '60', '-w', '\\n', '{BASE}' + path], check=True)
            ask('/readyz')
            other = sqlite3.connect('codex.db', isolation_level=None)
            other.execute('BEGIN IMMEDIATE')
            # One look alone may have met a short write.
            ask('/readyz')
            time.sleep(0.5)
            ask('/readyz'); ask('/healthz')
            # One that waits for the lock itself holds nothing back.
            create = ['curl', '-sS', '-o', '/dev/null', '-X', 'POST', '-H', 'Content-Type: application/json',
                      '-d', '{"instruction": "Generate a small CLI"}', '{BASE}/api/v1/projects/']
            waiting = subprocess.Popen(create)
            time.sleep(1.5)
            ask('/readyz')
            other.execute('ROLLBACK')
            waiting.wait()
            ask('/readyz')
            """
        let result = try play(scene, [], ["/usr/bin/python3", "-c", script])
        #expect(result.ending == .exited(0), "\(result.story)")
        let lines = result.lines
        try #require(lines.count == 6, "\(result.story)")
        #expect(lines[0].contains("ready") && lines[5] == lines[0] && lines[3].contains("ok"), "\(result.story)")
        #expect(lines[1] == lines[0], "\(result.story)")
        for line in [lines[2], lines[4]] {
            #expect(line.contains("another process holds the lock of the database"), "\(result.story)")
        }
    }

    /// Where the server's policy lies is for its log, and not for clients.
    @Test func readinessTellsNoClientOfThePolicysFile() throws {
        let scene = try Scene(.user)
        let policy = scene.workspace + "/strict.toml"
        try scene.write("version = 1\nextends = \"codex-worker\"\n", to: policy, mode: 0o600)
        let ask = "curl -sS -m 60 -w ' %{http_code}\n' {BASE}/readyz"
        let result = try play(
            scene,
            ["--policy", policy],
            ["/bin/sh", "-c", "\(ask); echo 'nonsense = 1' >strict.toml; \(ask); cat server.log"]
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        let lines = result.lines
        try #require(lines.count > 2, "\(result.story)")
        #expect(lines[0].hasSuffix(" 200") && lines[1].hasSuffix(" 503"), "\(result.story)")
        #expect(lines[1].contains("the server's policy cannot be used; the log says why"), "\(result.story)")
        #expect(!lines[1].contains("strict.toml"), "\(result.story)")
        let why = "not ready: every job would be refused: The server's policy cannot be used: "
        #expect(lines[2...].contains { $0.contains(why) }, "\(result.story)")
        #expect(lines[2...].contains { $0.contains(policy) }, "\(result.story)")
    }

    /// A host that cannot hold the server's policy: here by a Landlock that no kernel has, until the policy asks for one that is there.
    @Test func readinessSaysThatTheHostWouldRefuseEveryJob() throws {
        let scene = try Scene(.user)
        let policy = scene.workspace + "/strict.toml"
        let text = "version = 1\nextends = \"codex-worker\"\n[landlock]\nminimum_abi = "
        try scene.write(text + "99\n", to: policy, mode: 0o600)
        let ask = "curl -sS -m 60 -w ' %{http_code}\n' {BASE}"
        let create =
            "curl -sS -m 60 -H 'Content-Type: application/json' -d '{\"instruction\": \"make something\"}' {BASE}/api/v1/projects/"
        let result = try play(
            scene,
            ["--policy", policy],
            [
                "/bin/sh", "-c",
                """
                \(ask)/readyz; \(ask)/healthz; \(create); echo
                printf 'version = 1\\nextends = "codex-worker"\\n' > strict.toml
                kill -HUP {PID}
                for i in $(seq 600); do sleep 0.05; \(ask)/readyz | grep -q ' 200$' && break; done
                \(ask)/readyz; \(create); echo; ls -A workspaces | grep -c '^\\.'
                """,
            ]
        )
        #expect(result.ending == .exited(1), "\(result.story)")
        let lines = result.lines
        try #require(lines.count == 6, "\(result.story)")
        #expect(lines[0].hasSuffix(" 503") && lines[0].contains("every job would be refused"), "\(result.story)")
        #expect(lines[1].hasSuffix(" 200") && lines[2].contains("refused"), "\(result.story)")
        #expect(lines[3].hasSuffix(" 200") && lines[4].contains("\"completed\""), "\(result.story)")
        // Nothing of the trials is left.
        #expect(lines[5] == "0", "\(result.story)")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can make a small file system"))
    func aFullDiskIsSaidAndLeavesNothingHalf()
        throws
    {
        let scene = try Scene(.user)
        let disk = scene.folder + "/disk"
        try scene.makeFolder(disk)
        let worker = Caller.worker
        let options = "size=2m,mode=700,uid=\(worker.uid),gid=\(worker.gid)"
        try #require(mount("none", disk, "tmpfs", UInt(MS_NOSUID | MS_NODEV), options) == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        scene.environment["EXPECTED_FAULT"] = "No space left on device"
        let result = try play(
            scene,
            ["--workspace-root", disk + "/workspaces", "--database", "sqlite:///\(disk)/codex.db"],
            ["/usr/bin/python3", "-B", script("full_disk.py"), "--base-url", "{BASE}", "--disk", disk]
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count == 10, "\(result.story)")
    }

    /// From the start on: nothing is begun, and one message says why.
    @Test(.enabled(if: geteuid() == 0, "only root can make a read-only file system"))
    func aReadOnlyFileSystemIsNamed() throws {
        let scene = try Scene(.user)
        let disk = scene.folder + "/disk"
        try scene.makeFolder(disk)
        let worker = Caller.worker
        let options = "size=2m,mode=700,uid=\(worker.uid),gid=\(worker.gid)"
        try #require(mount("none", disk, "tmpfs", UInt(MS_NOSUID | MS_NODEV), options) == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let flags = UInt(MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)
        try #require(mount("none", disk, "tmpfs", flags, options) == 0)
        expectOneMessage(try start(scene, ["--data-dir", disk + "/data"]), ["--data-dir", "EROFS", disk])
        expectOneMessage(
            try start(scene, ["--database", "sqlite:///\(disk)/codex.db"]),
            ["DATABASE_URL", disk, "Read-only file system"]
        )
        expectOneMessage(try start(scene, ["--workspace-root", disk + "/ws"]), ["WORKSPACE_ROOT", "EROFS", disk])
        // Without a record no job would run.
        expectOneMessage(try start(scene, ["--state-dir", disk + "/state"]), ["--state-dir", "EROFS", disk])
    }

    /// While it runs: refused whole, and it goes on when it may write again.
    @Test func foldersThatMayNotBeWrittenAnyMoreCostNothing() throws {
        let scene = try Scene(.user)
        let data = scene.workspace + "/data"
        try scene.makeFolder(data)
        try #require(chmod(data, 0o700) == 0)
        let result = try play(
            scene,
            ["--data-dir", data],
            ["/usr/bin/python3", "-B", script("read_only.py"), "--base-url", "{BASE}", "--folder", data]
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.filter { $0.hasPrefix("ok ") }.count == 7, "\(result.story)")
    }

    @Test func aWorkspaceRootHasOneServer() throws {
        let scene = try Scene(.user)
        let again = "\(scene.workshop.launcher) serve --listen 127.0.0.1:0 --database sqlite:///./other.db"
        let result = try play(scene, [], ["/bin/sh", "-c", "\(again); echo $?"])
        #expect(result.ending == .exited(0) && result.lines.last == "1", "\(result.story)")
        #expect(result.errorText.contains("another server has it"), "\(result.story)")
    }

    /// What was found by somebody who attacked it: descriptors of ended jobs, memory of slow readers, links without an end.
    @Test func jobsLeaveNothingInTheServer() throws {
        let scene = try Scene(.user)
        // Where the place can show it: what is to be shown lies beside the workspace.
        let worker = scene.folder + "/carry_out.sh"
        try scene.write(try String(contentsOfFile: script("carry_out.sh"), encoding: .utf8), to: worker, mode: 0o755)
        scene.environment["CODEX_WORKER_COMMAND"] = worker
        let result = try play(
            scene,
            ["--worker", "command"],
            ["/usr/bin/python3", "-B", script("after_jobs.py"), "{BASE}"]
        )
        #expect(result.ending == .exited(0) && result.lines.last == "all held", "\(result.story)")
    }

    /// A job with the host's network is a client of the server's own account.
    @Test func hostNetworkNeedsAToken() throws {
        let scene = try Scene(.user)
        let policy = scene.workspace + "/net.toml"
        try scene.write(
            "version = 1\nextends = \"codex-worker\"\n[network]\nmode = \"host\"\n"
                + "[danger]\nhost_network = true\n",
            to: policy,
            mode: 0o600
        )
        expectOneMessage(try start(scene, ["--policy", policy]), ["host's network", "token", "unix socket"])
        // With one it starts.
        try scene.write("a-long-enough-token-for-a-test-of-this\n", to: scene.workspace + "/token", mode: 0o600)
        let result = try play(
            scene,
            ["--policy", policy, "--token-file", scene.workspace + "/token"],
            ["/usr/bin/curl", "-sf", "{BASE}/healthz"]
        )
        #expect(result.ending == .exited(0), "\(result.story)")
    }
}
