import Foundation
import SandboxTestSupport
import Testing

/// The built-in policies do what they say, with real tools.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct BuiltinPolicyTests {
    private func run(_ scene: Scene, _ policy: String, _ script: String) throws -> RunResult {
        try scene.runInside(["/bin/sh", "-c", script], options: ["--policy", policy])
    }

    /// A repository as git makes one, and the folder of the exchange.
    private func project(_ caller: Caller = .user) throws -> Scene {
        let scene = try Scene(caller)
        try TrustAttempts.repository(in: scene)
        try scene.makeFolder(scene.workspace + "/.codex")
        try scene.write("{}\n", to: scene.workspace + "/.codex/request.json")
        try scene.write("", to: scene.workspace + "/.codex/result.json")
        return scene
    }

    // MARK: - strict

    /// Each thing that it takes away, with the default policy as the control.
    @Test func strictTakesAwayWhatItSays() throws {
        let scene = try Scene(.user)
        scene.environment["CI"] = "1"
        let script = """
            ulimit -n; ulimit -u 2>/dev/null || ulimit -p; umask; echo "${CI:-unset}"
            python3 - <<'END'
            import ctypes, socket, subprocess
            def tell(name, act):
                try: act(); print(name, "ok")
                except OSError as error: print(name, error.strerror)
            def loopback():
                listening = socket.create_server(("127.0.0.1", 0))
                socket.create_connection(listening.getsockname(), timeout=5)
            tell("loopback", loopback)
            libc = ctypes.CDLL(None, use_errno=True)
            def shm():
                if libc.shmget(0, 4096, 0o600) == -1: raise OSError(ctypes.get_errno(), "refused")
            tell("shm", shm)
            END
            """
        let plain = try run(scene, "workspace-write", script)
        #expect(plain.lines == ["4096", "1024", "0022", "1", "loopback ok", "shm ok"], "\(plain.story)")
        let strict = try run(scene, "strict", script)
        let refused = ["loopback Address family not supported by protocol", "shm refused"]
        #expect(strict.lines == ["256", "64", "0077", "unset"] + refused, "\(strict.story)")
    }

    @Test func strictLeavesToolsToWorkWith() throws {
        let scene = try project()
        let script = """
            set -e
            git status --short >/dev/null && echo git
            echo 'int main(void) { return 0; }' > a.c && cc a.c -o a && ./a && echo cc
            python3 -c 'import subprocess, tempfile; subprocess.run(["true"], check=True); tempfile.mkdtemp(); print("python")'
            tar cf a.tar a.c && ls -l a.tar >/dev/null && cp -a a.c b.c && echo tar
            """
        let result = try run(scene, "strict", script)
        #expect(result.ending == .exited(0) && result.lines == ["git", "cc", "python", "tar"], "\(result.story)")
    }

    // MARK: - codex-worker

    @Test(arguments: Caller.available) func aWorkerWritesItsAnswerAndNothingBesideIt(caller: Caller) throws {
        let scene = try project(caller)
        let script = """
            try() { name=$1; shift; if "$@" 2>/dev/null; then echo "$name ok"; else echo "$name no"; fi; }
            try read cat .codex/request.json
            try answer sh -c 'echo "{\\"status\\": \\"success\\"}" > .codex/result.json'
            try truncate sh -c ': > .codex/result.json; echo done > .codex/result.json'
            try work sh -c 'echo x > file'
            try git git status --short
            try request sh -c 'echo x > .codex/request.json'
            try beside touch .codex/auth.json
            try remove rm .codex/result.json
            try move mv .codex/result.json moved.json
            try folder mv .codex elsewhere
            try gitfile touch .git/x
            try gitconfig sh -c 'echo x >> .git/config'
            try githead sh -c 'echo x > .git/HEAD'
            try gitmove mv .git elsewhere
            """
        let result = try run(scene, "codex-worker", script)
        let allowed = ["{}", "read ok", "answer ok", "truncate ok", "work ok", "git ok"]
        let kept = ["request", "beside", "remove", "move", "folder", "gitfile", "gitconfig", "githead", "gitmove"]
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(
            result.lines.filter { !$0.hasPrefix("??") && !$0.hasPrefix(" ") } == allowed + kept.map { "\($0) no" },
            "\(result.story)"
        )
        #expect(try scene.text(of: scene.workspace + "/.codex/result.json") == "done\n")
        // The control: by the default policy the answer is kept from it too, and .git is not kept whole.
        let plain = try run(scene, "workspace-write", script)
        for line in ["answer no", "work ok", "githead ok"] {
            #expect(plain.lines.contains(line), "\(line): \(plain.story)")
        }
    }

    @Test(arguments: ["missing", "no folder", "link", "second name", "fifo"])
    func anAnswerThatIsNoFileOfItsOwnIsRefused(kind: String) throws {
        let scene = try project()
        let file = scene.workspace + "/.codex/result.json"
        try #require(unlink(file) == 0)
        switch kind {
        case "missing": break
        case "no folder": try FileManager.default.removeItem(atPath: scene.workspace + "/.codex")
        case "link": try scene.link(file, to: scene.secret)
        case "second name": try #require(link(scene.secret, file) == 0)
        default: try #require(mkfifo(file, 0o600) == 0)
        }
        let result = try run(scene, "codex-worker", "echo ran; echo x > .codex/result.json")
        #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
        #expect(
            result.errorText.contains(".codex/result.json") && result.errorText.contains("remedy"),
            "\(result.story)"
        )
        if kind != "second name" { #expect(try scene.secretIsUntouched()) }
    }

    /// CONV-44: in a worktree `.git` is a file that names a folder, and as it is kept.
    @Test(arguments: ["workspace-write", "codex-worker"]) func thePointerOfAWorktreeIsKept(policy: String) throws {
        let scene = try Scene(.user)
        try scene.write("gitdir: \(scene.outside)\n", to: scene.workspace + "/.git")
        try scene.makeFolder(scene.workspace + "/.codex")
        try scene.write("", to: scene.workspace + "/.codex/result.json")
        let script = """
            try() { name=$1; shift; if "$@" 2>/dev/null; then echo "$name ok"; else echo "$name no"; fi; }
            try write sh -c 'echo "gitdir: /tmp" > .git'
            try remove rm -f .git
            try move mv .git elsewhere
            try replace sh -c 'echo x > new && mv -f new .git'
            try shown cat \(scene.secret)
            """
        let result = try run(scene, policy, script)
        #expect(result.lines == ["write no", "remove no", "move no", "replace no", "shown no"], "\(result.story)")
        #expect(try scene.text(of: scene.workspace + "/.git") == "gitdir: \(scene.outside)\n")
    }

    /// A project cannot except anything by its own word.
    @Test func noProjectExceptsByItself() throws {
        let scene = try project()
        try scene.write(
            "version = 1\n[filesystem]\nexcept = [\".codex/auth.json\"]\n",
            to: scene.workspace + "/.codex-sandbox.toml"
        )
        let result = try run(scene, "workspace-write", "echo ran")
        #expect(result.ending == .exited(125) && result.errorText.contains("filesystem.except"), "\(result.story)")
    }

    /// The answer is a file: a folder would be one in which the job can make anything, in a place that is kept from it.
    @Test(arguments: Caller.available) func anAnswerThatIsAFolderIsARefusal(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare("mkdir -p .codex/result.json")
        let refused = try scene.runInside(["/bin/true"], options: ["--policy", "codex-worker"])
        #expect(refused.ending == .exited(125), "\(refused.story)")
        #expect(refused.errorText.contains(".codex/result.json is a folder"), "\(refused.story)")
        try scene.prepare("rmdir .codex/result.json; : > .codex/result.json")
        let file = try scene.runInside(["/bin/true"], options: ["--policy", "codex-worker"])
        #expect(file.ending == .exited(0), "\(file.story)")
    }

    /// A further writable folder has no answer, and needs none.
    @Test(arguments: Caller.available) func furtherFoldersNeedNoAnswer(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare("mkdir .codex ../further; : > .codex/result.json")
        let options = ["--policy", "codex-worker", "--write", scene.folder + "/further"]
        let script = "echo x > .codex/result.json; echo x > ../further/x; mkdir ../further/.codex/y || echo held"
        let result = try scene.runInside(["/bin/sh", "-c", script], options: options)
        #expect(result.ending == .exited(0) && result.lines == ["held"], "\(result.story)")
        #expect(scene.exists(scene.folder + "/further/x"))
        try scene.prepare("rm .codex/result.json")
        let without = try scene.runInside(["/bin/true"], options: options)
        #expect(without.ending == .exited(125) && without.errorText.contains("filesystem.except"), "\(without.story)")
    }

    // MARK: - Codex's words

    /// CONV-40, CONV-43, CONV-44: `touch` in each place.
    @Test(arguments: [
        ("sandbox_mode = \"read-only\"", [false, false, false, false]),
        ("sandbox_mode = \"workspace-write\"", [true, false, false, false]),
        ("writable_roots = [\"~/root/\"]", [true, true, false, false]),
        ("extra_allowed_dirs = [{ path = \"~/root\", mode = \"rw\" }]", [true, true, false, false]),
        ("extra_allowed_dirs = [{ path = \"~/root\", mode = \"ro\" }]", [true, false, false, false]),
    ]) func theModesWriteWhereTheySay(text: String, expected: [Bool]) throws {
        let scene = try project()
        try scene.makeFolder(scene.home + "/root")
        let policy = scene.folder + "/codex.toml"
        try scene.write("version = 1\n[codex]\n\(text)\n", to: policy)
        let places = [scene.workspace, scene.home + "/root", scene.workspace + "/.git", scene.workspace + "/.codex"]
        let script =
            places.map { "touch \($0)/new 2>/dev/null; echo $?" }.joined(separator: "; ") + "; touch /tmp/x && echo tmp"
        let result = try run(scene, policy, script)
        #expect(result.lines == expected.map { $0 ? "0" : "1" } + ["tmp"], "\(text): \(result.story)")
        for (place, isWritten) in zip(places, expected) {
            #expect(scene.exists(place + "/new") == isWritten, "\(place)")
        }
    }
}
