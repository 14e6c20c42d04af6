import Foundation
import SandboxTestSupport
import Testing

/// `--danger-full-access`: what is held of a command that nothing confines.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct FullAccessTests {
    private func start(
        _ scene: Scene,
        _ script: String,
        _ options: [String] = [],
        around: [String] = []
    ) throws -> KeptProcess {
        try start(scene, ["/bin/sh", "-c", script], options, around: around)
    }

    /// `around` is a command that becomes the launcher, which is given to it.
    private func start(
        _ scene: Scene,
        _ command: [String],
        _ options: [String] = [],
        around: [String] = []
    ) throws -> KeptProcess {
        let launcher = [scene.workshop.launcher, "run", "--workspace", scene.workspace, "--danger-full-access"]
        return try scene.start(
            around + launcher + options + scene.resultOptions + ["--"] + command,
            keeper: scene.caller.keeperOptions
        )
    }

    private static let warning = "codex-sandbox: WARNING: no sandbox: danger-full-access holds nothing"

    @Test(arguments: [[], ["--quiet"]], Caller.available)
    func itIsSaidAtEveryLaunch(options: [String], caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try start(scene, "echo ran", options).finish()
        #expect(result.ending == .exited(0) && result.outputText == "ran\n", "\(result.story)")
        #expect(result.errorText.hasPrefix(Self.warning), "\(result.story)")
        let lines = result.errorText.split(separator: "\n")
        #expect(lines.filter { $0.contains("WARNING") }.count == 1, "\(result.story)")
    }

    /// There is no gate that could have closed.
    @Test(arguments: Caller.available) func theRecordNamesNoGate(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try start(scene, "exit 3").finish()
        #expect(result.ending == .exited(3), "\(result.story)")
        #expect(try scene.text(of: scene.resultFile).contains("\"execveKnownBy\":\"started-without-gate\""))
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP], Caller.available)
    func aSignalEndsTheCommand(number: Int32, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(scene, "echo ready; exec sleep 1000")
        try process.line("ready")
        try process.signal(number)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + number) && result.left == 0, "\(result.story)")
    }

    /// As by nohup(1): the command is in the group that the terminal's end is said to.
    @Test(arguments: [true, false], Caller.available)
    func whatTheCallerIgnoresTheCommandIgnores(isIgnored: Bool, caller: Caller) throws {
        let scene = try Scene(caller)
        let launcher = [scene.workshop.launcher, "run", "--workspace", scene.workspace, "--danger-full-access", "--"]
        let around = ["/bin/sh", "-c", (isIgnored ? "trap '' HUP; " : "") + "exec \"$@\"", "sh"]
        let result = try scene.run(
            around + launcher + ["/bin/sh", "-c", "kill -HUP $$; echo survived"],
            keeper: scene.caller.keeperOptions
        )
        #expect(result.ending == .exited(isIgnored ? 0 : 128 + SIGHUP), "\(result.story)")
        #expect(result.outputText == (isIgnored ? "survived\n" : ""), "\(result.story)")
    }

    @Test(arguments: Caller.available) func whoIgnoresTermIsKilledAfterTheGrace(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(
            scene,
            "trap '' TERM; (sleep 1000 & setsid sleep 1000) & echo ready; sleep 1000",
            ["--grace", "300ms"]
        )
        try process.line("ready")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGKILL) && result.left == 0, "\(result.story)")
        #expect(result.errorText.contains("--grace"), "\(result.story)")
        #expect(try scene.report().outcome == "interrupted")
    }

    @Test(arguments: Caller.available) func theWallLimitEndsItsChildrenToo(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(
            scene,
            "(trap '' TERM; sleep 1000 & exec sleep 1000) & (setsid sleep 1000 &) ; echo ready; wait",
            ["--timeout", "5s", "--grace", "300ms"]
        )
        try process.line("ready")
        let result = try process.finish()
        #expect(result.ending == .exited(124) && result.left == 0, "\(result.story)")
        #expect(try scene.report().outcome == "timed-out")
    }

    /// What it leaves behind at an end of its own is the caller's, as it would be without us.
    @Test(arguments: Caller.available) func whatItLeavesAtItsOwnEndGoesOn(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(scene, "sleep 1000 > /dev/null 2>&1 < /dev/null & exit 0")
        let result = try process.finish()
        #expect(result.ending == .exited(0) && result.left == 1, "\(result.story)")
    }

    @Test(arguments: Caller.available) func theCommandDiesWithTheLauncher(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(scene, "echo ready; exec sleep 1000")
        try process.line("ready")
        try process.signal(SIGKILL)
        let result = try process.finish()
        #expect(result.ending == .signalled(SIGKILL), "\(result.story)")
        #expect(result.stuck == [] && result.goneAfter < .seconds(30), "\(result.story)")
    }

    // MARK: - Who is ended

    /// What the caller had started before it became the launcher is the launcher's child, but not the command's.
    @Test(arguments: [true, false], Caller.available)
    func whatTheCallerHasRunningIsLeftAlone(byWallLimit: Bool, caller: Caller) throws {
        let scene = try Scene(caller)
        let server = "(sleep 8 & wait $!; echo lived $?) & exec \"$@\""
        let process = try start(
            scene,
            "trap '' TERM; (sleep 1000 & setsid sleep 1000) & echo ready; sleep 1000",
            ["--grace", "300ms"] + (byWallLimit ? ["--timeout", "2s"] : []),
            around: ["/bin/sh", "-c", server, "sh"]
        )
        try process.line("ready")
        if !byWallLimit { try process.signal(SIGTERM) }
        let result = try process.finish()
        #expect(result.ending == .exited(byWallLimit ? 124 : 128 + SIGKILL), "\(result.story)")
        #expect(result.outputText == "ready\nlived 0\n", "\(result.story)")
        // Control: what the command has started is ended.
        #expect(result.stuck == [], "\(result.story)")
    }

    /// Its state is that of a zombie, proc_pid_stat(5).
    @Test(arguments: Caller.available) func whoseFirstThreadHasEndedIsEnded(caller: Caller) throws {
        let scene = try Scene(caller)
        let program = """
            import ctypes, os, threading, time
            def go_on():
                while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
                    time.sleep(0.01)
                print("first thread ended", flush=True)
                time.sleep(1000)
            if os.fork() == 0:
                os.setsid()
                threading.Thread(target=go_on).start()
                ctypes.CDLL(None).syscall(60, 0)
            time.sleep(1000)
            """
        let process = try start(scene, ["/usr/bin/python3", "-c", program])
        try process.line("first thread ended")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGTERM), "\(result.story)")
        #expect(result.stuck == [] && result.left == 0, "\(result.story)")
    }

    /// The command itself is told of its end where its descendants cannot be looked for, and that is said.
    @Test(arguments: [true, false], Caller.available)
    func whereProcCannotBeReadThatIsSaid(isClosed: Bool, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(
            scene,
            (isClosed ? "prlimit --pid $PPID --nofile=3: ; " : "")
                + "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.1; done",
            ["--timeout", "3s", "--grace", "20s"]
        )
        try process.line("ready")
        let result = try process.finish()
        #expect(result.ending == .exited(124), "\(result.story)")
        #expect(result.outputText == "ready\ntold\n", "\(result.story)")
        #expect(result.errorText.contains("could not all be signalled") == isClosed, "\(result.story)")
    }

    /// SIGKILL is sent for five seconds to what the command has started, and that something of it is still there is said.
    ///
    /// A filter lets pidfd_send_signal(2) succeed without effect for this one signal, as for a process that the kernel cannot end.
    @Test(arguments: [(SIGKILL, true), (SIGUSR2, false)], Caller.available)
    func whatKillDoesNotEndIsSaid(of filtered: (signal: Int32, isLost: Bool), caller: Caller) throws {
        let scene = try Scene(caller)
        let filter = """
            import ctypes, os, struct, sys
            rows = [(0x20, 0, 0, 0), (0x15, 0, 3, 424), (0x20, 0, 0, 24), (0x15, 0, 1, int(sys.argv[1])),
                    (0x06, 0, 0, 0x00050000), (0x06, 0, 0, 0x7FFF0000)]
            code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
            header = ctypes.create_string_buffer(struct.pack("@HP", len(rows), ctypes.addressof(code)))
            libc = ctypes.CDLL(None)
            assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, header, 0, 0) == 0
            os.execv(sys.argv[2], sys.argv[2:])
            """
        let process = try start(
            scene,
            "(trap '' TERM; echo ready; exec sleep 1000) & wait",
            around: ["/usr/bin/python3", "-c", filter, "\(filtered.signal)"]
        )
        try process.line("ready")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGTERM), "\(result.story)")
        #expect(result.left == (filtered.isLost ? 1 : 0), "\(result.story)")
        let words = "did not all end within 5 s of SIGKILL"
        #expect(result.errorText.contains(words) == filtered.isLost, "\(result.story)")
    }

    // MARK: - How it is started

    /// execvp(3) would give it to a shell, unsaid.
    @Test(arguments: ["./tool", "tool"], Caller.available)
    func aFileThatIsNoProgramIsGivenToNoShell(command: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let (closed, open) = (scene.workspace + "/closed", scene.workspace)
        try scene.makeFolder(closed)
        try scene.write("#!/bin/sh\necho never\n", to: closed + "/tool", mode: 0o644)
        let around = [
            "/usr/bin/env", "-C", scene.workspace, "PATH=/none:\(closed)/tool:\(closed):\(open):/usr/bin:/bin",
        ]
        try scene.write("echo ran\n", to: open + "/tool", mode: 0o755)
        let text = try start(scene, [command], around: around).finish()
        #expect(text.ending == .exited(126) && text.outputText == "", "\(text.story)")
        #expect(text.errorText.contains("ENOEXEC"), "\(text.story)")
        // Control, which passes over the one that may not be executed.
        try scene.write("#!/bin/sh\necho ran\n", to: open + "/tool", mode: 0o755)
        let script = try start(scene, [command], around: around).finish()
        #expect(script.ending == .exited(0) && script.outputText == "ran\n", "\(script.story)")
        // As execvp(3): that one could not be executed is said before that others are not there.
        let denied = try start(scene, ["tool"], around: ["/usr/bin/env", "PATH=\(closed):/none"]).finish()
        #expect(denied.ending == .exited(126), "\(denied.story)")
    }

    @Test(
        arguments: [
            ("clone:EAGAIN", "fork", "no-process"), ("prctl/36:EPERM", "prctl", "no-process"),
            ("prctl/1:EPERM", "prctl", "failed-step"), ("chdir:EACCES", "chdir", "no-process"),
            ("pipe2:EMFILE", "pipe2", "no-process"),
        ],
        Caller.available
    ) func aStepBeforeItsExecIsNamed(of step: (call: String, name: String, knownBy: String), caller: Caller) throws {
        let scene = try Scene(caller)
        // Control, which leaves the compiled policy to the next: the compiler is started, too.
        let control = try start(scene, "echo ran").finish()
        #expect(control.ending == .exited(0) && control.outputText == "ran\n", "\(control.story)")
        let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), step.call, "--"]
        let result = try start(scene, "echo ran", around: filter).finish()
        #expect(result.ending == .exited(125) && result.outputText == "", "\(result.story)")
        #expect(result.errorText.contains("the command could not be started: \(step.name) failed"), "\(result.story)")
        #expect(try scene.report().outcome == "refused")
        #expect(try scene.text(of: scene.resultFile).contains("\"execveKnownBy\":\"\(step.knownBy)\""))
    }

    /// A signal between fork and execve(2): its death closes the pipe as its exec would.
    @Test(arguments: Caller.available) func whoIsKilledBeforeItsExecIsNotSaidToHaveExecuted(caller: Caller) throws {
        let scene = try Scene(caller)
        // execve(2) kills (SECCOMP_RET_KILL_PROCESS), execveat(2) does not.
        let filter = """
            import ctypes, os, resource, struct, sys
            rows = [(0x20, 0, 0, 0), (0x15, 0, 1, 59), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000)]
            code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
            header = ctypes.create_string_buffer(struct.pack("@HP", len(rows), ctypes.addressof(code)))
            libc = ctypes.CDLL(None)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, header, 0, 0) == 0
            os.execve(os.open(sys.argv[1], os.O_RDONLY), sys.argv[1:], os.environ)
            """
        // Control, which leaves the compiled policy to the next: the compiler is executed, too.
        let control = try start(scene, "echo ran").finish()
        #expect(control.ending == .exited(0) && control.outputText == "ran\n", "\(control.story)")
        let result = try start(scene, "echo ran", around: ["/usr/bin/python3", "-c", filter]).finish()
        #expect(result.ending == .exited(128 + SIGSYS) && result.outputText == "", "\(result.story)")
        #expect(try scene.text(of: scene.resultFile).contains("\"execveKnownBy\":\"released-without-report\""))
    }
}
