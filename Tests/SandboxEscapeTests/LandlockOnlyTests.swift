import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// The weaker profile: what it holds against the hostile programs, what it says that it does not, and how it is asked for.
///
/// Always as an ordinary user: as root it is refused.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct LandlockOnlyTests {
    private static let options = ["--policy", "landlock-only"]
    private static let words = [
        "host-processes", "job-end", "file-metadata", "shown-times", "device-nodes", "protected-names",
        "temporary-folder",
        "host-identity",
    ]

    private func without(_ calls: String, _ scene: Scene, _ command: [String]) -> [String] {
        ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), calls, "--"] + command
    }

    // MARK: - A host without user namespaces

    /// The default refuses there and names the profile; asked for by name it runs what people run.
    @Test func whereUserNamespacesAreForbiddenItRunsWhatIsAskedFor() throws {
        let scene = try Scene(.user)
        try scene.prepare("git init -q .; git commit -q --allow-empty -m first")
        try scene.write(
            "import tempfile, unittest\nclass T(unittest.TestCase):\n def test(self):\n  with tempfile.TemporaryFile() as f: f.write(b'x')\n",
            to: scene.workspace + "/test_it.py"
        )
        let job = [
            "/bin/sh", "-ec",
            "python3 -B -m unittest -q test_it; git add test_it.py; git -c user.name=a -c user.email=a@b commit -q -m second; "
                + "git log --format=%s; echo \"$HOME\"; ls -d \"$TMPDIR\" >/dev/null",
        ]
        let refused = try scene.run(
            without("no-userns", scene, scene.sandboxed(job)),
            keeper: Caller.workerOptions
        )
        #expect(refused.ending == .exited(125) && refused.output == [] && refused.left == 0, "\(refused.story)")
        #expect(refused.errorText.contains("--policy landlock-only"), "\(refused.story)")

        let file = scene.folder + "/result.json"
        let command = scene.sandboxed(job, options: Self.options + ["--quiet", "--result", file])
        let result = try scene.run(without("no-userns", scene, command), keeper: Caller.workerOptions)
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.prefix(2) == ["second", "first"], "\(result.story)")
        let home = try #require(result.lines.last)
        #expect(home.hasPrefix("/tmp/codex-sandbox-") && !scene.exists(home), "\(result.story)")
        // Said with --quiet too, in one line; in the result, in the record.
        #expect(result.errorText.contains("WARNING: weaker profile landlock-only: NOT held: "), "\(result.story)")
        let told = try scene.text(of: file)
        let records = try scene.records().filter { $0.hasSuffix("records.jsonl") }.map { try scene.text(of: $0) }
            .joined()
        for word in Self.words {
            #expect(result.errorText.contains(word), "\(word): \(result.story)")
            #expect(told.contains("\"promise\":\"\(word)\"") && records.contains("\"promise\":\"\(word)\""), "\(word)")
        }
        #expect(records.contains("\"confinement\":\"landlock-only\""))
    }

    /// No layer of it can be missing.
    ///
    /// The control is the test above.
    @Test(arguments: [
        "no-landlock-built", "no-landlock-enabled", "no-seccomp", "landlock_add_rule:EPERM",
        "landlock_restrict_self:EPERM",
        // prctl: PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER, PR_CAP_AMBIENT.
        "prctl/38:EPERM", "prctl/36:EPERM", "prctl/47:EPERM", "close_range:EPERM", "execveat:EPERM",
        "memfd_create:EPERM",
    ])
    func aMissingLayerIsARefusalWithARecord(calls: String) throws {
        let scene = try Scene(.user)
        let command = scene.sandboxed(["/bin/sh", "-c", "echo ran; : > ran"], options: Self.options)
        let result = try scene.run(without("no-userns," + calls, scene, command), keeper: Caller.workerOptions)
        #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/ran") && result.left == 0 && result.zombies == 0, "\(result.story)")
        #expect(result.errorText.contains("remedy"), "\(result.story)")
        #expect(try scene.recordedOutcomes().contains("refused"), "no record of the refusal: \(result.story)")
    }

    // MARK: - Who asks

    @Test(.enabled(if: Caller.available.contains(.root), "only root is refused by it"))
    func rootIsRefused() throws {
        let scene = try Scene(.root)
        let result = try scene.runInside(["/bin/echo", "ran"], options: Self.options)
        #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
        #expect(result.errorText.contains("not for root"), "\(result.story)")
        #expect(try scene.recordedOutcomes().contains("refused"))
    }

    /// Neither a project's file nor a file that hides the default policy's name gets anybody the profile.
    @Test func nobodyGetsItWithoutAsking() throws {
        let text =
            "version = 1\n[danger]\nlandlock_only = true\n[filesystem]\ncover_missing = []\n"
            + "[network]\nmode = \"off\"\nloopback = false\n"
        let project = try Scene(.user)
        try project.write(text, to: project.workspace + "/.codex-sandbox.toml")
        let asked = try project.runInside(["/bin/echo", "ran"])
        #expect(asked.ending == .exited(125) && asked.output == [], "\(asked.story)")
        #expect(asked.errorText.contains("no project can ask for that"), "\(asked.story)")

        let scene = try Scene(.user)
        for folder in ["", "/codex-sandbox", "/codex-sandbox/policies"] {
            try scene.makeFolder(scene.folder + "/config" + folder)
        }
        scene.environment = ["XDG_CONFIG_HOME": scene.folder + "/config"]
        for name in ["workspace-write", "read-only", "strict", "mine"] {
            try scene.write(text, to: scene.folder + "/config/codex-sandbox/policies/\(name).toml")
        }
        let hidden = try scene.runInside(["/bin/echo", "ran"])
        #expect(hidden.ending == .exited(125) && hidden.output == [], "\(hidden.story)")
        #expect(hidden.errorText.contains("asked for by name"), "\(hidden.story)")
        for name in ["read-only", "strict"] {
            let other = try scene.runInside(["/bin/echo", "ran"], options: ["--policy", name])
            #expect(other.ending == .exited(125) && other.output == [], "\(other.story)")
            #expect(other.errorText.contains("asked for by name"), "\(other.story)")
        }
        let named = try scene.runInside(["/bin/echo", "ran"], options: ["--policy", "mine"])
        #expect(named.ending == .exited(0) && named.lines == ["ran"], "\(named.story)")
        #expect(named.errorText.contains("NOT held"), "\(named.story)")
    }

    // MARK: - What is not passed over

    /// Each is refused, as the plan's tests have it; here by the launcher's own look at the host.
    @Test func whatCouldNotBeHeldIsRefused() throws {
        let scene = try Scene(.user)
        try scene.makeFolder(scene.workspace + "/sub")
        try scene.write("secret", to: scene.workspace + "/sub/secret")
        try scene.write("", to: scene.folder + "/file")
        try scene.prepare("ln -s '\(scene.workspace)/sub' '\(scene.folder)/link'")
        let asked: [([String], String)] = [
            (["--deny", scene.folder + "/link"], "link"), (["--deny", scene.folder + "/link/secret"], "link"),
            (["--deny", scene.folder], "denied"), (["--read", scene.workspace + "/sub"], "add up"),
            (["--tmp-size", "64MiB"], "--tmp-size"),
            (["--write", scene.folder + "/file", "--result", scene.folder + "/file"], "--result"),
            (["--write", scene.folder + "/file", "--evidence", scene.folder + "/file"], "--evidence"),
        ]
        for (options, word) in asked {
            let result = try scene.runInside(["/bin/echo", "ran"], options: Self.options + options)
            #expect(result.ending == .exited(125) && result.output == [], "\(options): \(result.story)")
            #expect(result.errorText.contains(word), "\(options): \(result.story)")
        }
        let good = ["--deny", scene.folder + "/other", "--write", scene.folder + "/file"]
        let control = try scene.runInside(["/bin/ls", "-l", scene.workspace], options: Self.options + good)
        #expect(control.ending == .exited(0), "\(control.story)")
        #expect(!control.errorText.contains("ls: "), "\(control.story)")
    }

    /// Values of attributes lie outside of what Landlock asks about: of no file by its path, of an open one they can be read.
    @Test func attributesAreReadOfOpenFilesAlone() throws {
        let scene = try Scene(.user)
        try scene.write("x", to: scene.folder + "/attributed")
        try scene.write("x", to: scene.workspace + "/inside")
        // A file system need not have them.
        let prepared = try scene.prepare(
            "python3 -c \"import os; [os.setxattr(p, 'user.word', b'attribute') for p in ('\(scene.folder)/attributed', '\(scene.workspace)/inside')]\" && echo set || echo none"
        )
        let program = """
            import os, sys
            for path in sys.argv[1:]:
                for act in (lambda: os.getxattr(path, 'user.word'), lambda: os.getxattr(path, 'user.word', follow_symlinks=False),
                            lambda: os.listxattr(path), lambda: os.listxattr(path, follow_symlinks=False)):
                    try: print('read', act())
                    except OSError as e: print('errno', e.errno)
            file = os.open(sys.argv[2], os.O_RDONLY)
            print('open', *[os.getxattr(file, name).decode() for name in os.listxattr(file) if name == 'user.word'])
            """
        let result = try scene.runInside(
            ["/usr/bin/python3", "-c", program, scene.folder + "/attributed", scene.workspace + "/inside"],
            options: Self.options
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        let open = prepared.lines.last == "set" ? "open attribute" : "open"
        #expect(result.lines == [String](repeating: "errno 95", count: 8) + [open], "\(result.story)")
    }

    // MARK: - The hostile programs

    /// Attempts that succeed in part, each with the promise that is not kept, or why it is none.
    private static let given: [String: String] = [
        "A8 links and renames across the edge of the workspace, --write": "two folders that are both writable",
        "A15 opens a device node that lies in the workspace": "device-nodes",
        "A16 finds devices beyond the few": "file-metadata",
        "B1 changes or replaces files that git obeys": "protected-names",
        "B1 plants git hooks": "protected-names", "B2 moves the repository away": "protected-names",
        "B2 makes protected names that were missing": "protected-names",
        "B3 changes settings of tools that lie in the workspace": "protected-names",
        "B3 changes tools' folders of settings in the workspace": "protected-names",
        "C1 signals, traces, reads, slows and limits a host process":
            "host-processes: fcntl takes the number, its session is told",
        "D9 has or raises a capability": "the bounding set, which bounds nothing with no_new_privs",
        "D13 finds a cgroup tree": "file-metadata", "D16 learns which machine it is on": "host-identity",
    ]

    /// Options that the profile refuses, and policies of their own.
    private static func isOthers(_ options: [String]) -> Bool {
        options.contains { ["--policy", "--deny", "--tmp-size"].contains($0) }
    }

    private static let attempts =
        FileAttempts.all + TrustAttempts.all + ProcessAttempts.all + KernelAttempts.all
        + NetworkAttempts.all

    /// That each succeeds outside is shown where it is tried against a sandbox (`EscapeTests`).
    @Test(arguments: attempts) func everyAttemptFailsButWhatIsSaid(attempt: Attempt) throws {
        let scene = try Scene(.user)
        scene.environment = attempt.environment(scene)
        do { try attempt.prepare(scene) } catch is HostForbids { return }
        let options = try attempt.options(scene)
        if Self.isOthers(options) { return }
        let program = scene.program(attempt.program.rawValue)
        let command = (program.hasSuffix(".py") ? ["/usr/bin/python3", "-B", program] : [program]) + [attempt.name]
        let result = try scene.runInside(
            command + attempt.arguments(scene),
            options: Self.options + options,
            keeper: attempt.keeper(scene)
        )
        // These hold without an exception.
        #expect(result.began && result.left == 0 && result.zombies == 0, "\(attempt): \(result.story)")
        #expect(!result.outputText.contains(scene.token), "\(attempt): the token got out: \(result.story)")
        var through: [String] = []
        for (act, right) in attempt.inside where !right.contains("ok") && result.values(act).contains("ok") {
            through.append(act)
        }
        if let reached = attempt.reached, try reached(scene, result) { through.append("reached") }
        let why = Self.given[attempt.description]
        #expect(through.isEmpty || why != nil, "\(attempt): \(through) was let through: \(result.story)")
        // Two attempts can have one description: what is let through is in one of them at least.
        if why == nil { _ = try scene.secretIsUntouched() }
    }

    /// The list above is of attempts that there are.
    @Test func whatIsGivenIsTried() {
        let all = Set(Self.attempts.map(\.description))
        #expect(Set(Self.given.keys).isSubset(of: all), "\(Set(Self.given.keys).subtracting(all))")
    }

    // MARK: - The end

    private static let leaving = """
        import os, sys, time
        for i in range(8):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execv('/bin/sleep', ['sleep', sys.argv[1]])
                os._exit(0)
        print('left', os.environ['HOME'], flush=True)
        if len(sys.argv) > 2: time.sleep(600)
        """

    /// Whatever has left its parent, its group and its session ends with the worker.
    @Test func nothingOutlivesTheWorker() throws {
        let scene = try Scene(.user)
        let word = "\(6_000_000 + Int(getpid()) * 10 + 1)"
        let result = try scene.runInside(["/usr/bin/python3", "-c", Self.leaving, word], options: Self.options)
        #expect(result.ending == .exited(0) && result.lines.count == 1, "\(result.story)")
        #expect(result.left == 0 && result.zombies == 0, "\(result.story)")
        #expect(try HostProcesses.mentioning(word).isEmpty)
    }

    /// Nor the supervisor, when somebody kills that.
    @Test func nothingOutlivesTheSupervisor() throws {
        let scene = try Scene(.user)
        let word = "\(6_000_000 + Int(getpid()) * 10 + 2)"
        let job = try scene.startInside(["/usr/bin/python3", "-c", Self.leaving, word, "stay"], options: Self.options)
        let home = try job.line("left ")
        // What watches the test, the launcher, the worker and eight that have left.
        // And for as long as they are between two forks, some more.
        for _ in 0..<6000 where try HostProcesses.mentioning("sleep\0" + word).count < 8 { usleep(10_000) }
        for _ in 0..<6000 where try HostProcesses.mentioning(word).count != 11 { usleep(10_000) }
        #expect(try HostProcesses.mentioning(word).count == 11)
        let folder = URL(fileURLWithPath: home).deletingLastPathComponent().path
        #expect(folder.hasPrefix("/tmp/codex-sandbox-") && scene.exists(folder))
        try job.signal(SIGKILL)
        let result = try job.finish()
        #expect(result.ending == .signalled(SIGKILL) && result.stuck.isEmpty, "\(result.story)")
        for _ in 0..<6000 where try !HostProcesses.mentioning(word).isEmpty { usleep(10_000) }
        #expect(try HostProcesses.mentioning(word).isEmpty)
        // Nobody was left to remove it: the next launch does (of another test, maybe), and nothing else that bears such a name.
        let number = String(100_000 + Int(getpid()) % 100_000).dropFirst()
        let others = ["a", "b", "c", "d", "e"].map { "/tmp/codex-sandbox-\($0)\(number)" }
        defer { for other in others { try? FileManager.default.removeItem(atPath: other) } }
        // Somebody's own; one of a launch with something else in it; a new one, of a time to come, so that it stays so; one that
        // others may enter; one of mktemp's, long ago.
        try scene.prepare(
            """
            mkdir -m 700 \(others.joined(separator: " ")); mkdir \(others[0])/home
            for folder in \(others[1]) \(others[3]); do : >$folder/.codex-sandbox-launch; done
            : >\(others[1])/mine; chmod 755 \(others[3])
            chmod 1700 \(others[0]) \(others[1]) \(others[2]); touch -d '1 hour' \(others[2])
            touch -d '1 hour ago' \(others[4])
            """
        )
        // And one of a launch that is still there.
        let running = try scene.startInside(
            ["/bin/sh", "-c", "echo \"home $HOME\"; while :; do sleep 0.1; done"],
            options: Self.options
        )
        let theirs = try running.line("home ")
        let next = try scene.runInside(["/bin/true"], options: Self.options)
        #expect(next.ending == .exited(0), "\(next.story)")
        // A launch gives it half a second of its time, and leaves what another looks at.
        for _ in 0..<50 where scene.exists(folder) { _ = try scene.runInside(["/bin/true"], options: Self.options) }
        #expect(!scene.exists(folder), "the folder of a killed launcher stays: \(folder)")
        for other in others + [theirs] { #expect(scene.exists(other), "\(other) is gone") }
        try running.signal(SIGTERM)
        _ = try running.finish()
        #expect(!scene.exists(theirs))
    }

    @Test func limitsEndIt() throws {
        let scene = try Scene(.user)
        let deaf = ["/bin/sh", "-c", "trap '' TERM; setsid sleep 600 & while :; do sleep 0.1; done"]
        let late = try scene.runInside(deaf, options: Self.options + ["--timeout", "1s", "--grace", "200ms"])
        #expect(late.ending == .exited(124) && late.left == 0 && late.zombies == 0, "\(late.story)")
        let stubborn = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
        let stopped = try scene.startInside(stubborn, options: Self.options + ["--grace", "200ms"])
        try stopped.line("ready")
        try stopped.signal(SIGTERM)
        let killed = try stopped.finish()
        #expect(killed.ending == .exited(137) && killed.left == 0, "\(killed.story)")
        let eats = "import time\nx = bytearray(200 << 20)\ntime.sleep(60)"
        let large = try scene.runInside(
            ["/usr/bin/python3", "-c", eats],
            options: Self.options + ["--memory", "64MiB"]
        )
        #expect(large.ending == .exited(137) && large.left == 0, "\(large.story)")
        #expect(large.errorText.contains("64 MiB"), "\(large.story)")
        #expect(try scene.recordedOutcomes().contains("memory-exceeded"))
    }

    /// Without a user namespace the limit of tasks counts all processes of the account: of those there are some here, and those of
    /// other tests, for which it runs alone.
    @Test(.runsAlone) func verifyCountsWhatIsNotHeldApart() throws {
        let scene = try Scene(.user)
        let crowd = """
            i=0; while [ $i -lt 150 ]; do sleep 600 & i=$((i + 1)); done
            "$@"; status=$?
            kill -KILL $(jobs -p); wait; exit $status
            """
        let result = try scene.run(
            [
                "/bin/bash", "-c", crowd, "crowd", scene.workshop.launcher, "verify", "--json", "--", "--policy",
                "landlock-only",
            ],
            keeper: Caller.workerOptions
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(result.outputText.contains("\"verdict\":\"not held\"") && !result.outputText.contains("\"broken\""))
        for word in Self.words { #expect(result.outputText.contains("\"\(word)\""), "\(word)") }
    }
}
