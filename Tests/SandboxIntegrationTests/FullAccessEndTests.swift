import Foundation
import SandboxTestSupport
import Testing

/// `--danger-full-access`: how a command ends that something is in the way of.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct FullAccessEndTests {
    /// `around` is a command that becomes the launcher, which is given to it.
    private func start(
        _ scene: Scene,
        _ command: [String],
        _ options: [String] = [],
        around: [String] = [],
        keeper: [String] = []
    ) throws -> KeptProcess {
        let launcher = [scene.workshop.launcher, "run", "--workspace", scene.workspace, "--danger-full-access"]
        return try scene.start(
            around + launcher + options + scene.resultOptions + ["--"] + command,
            keeper: scene.caller.keeperOptions + keeper
        )
    }

    // MARK: - An execve(2) that waits

    /// A lease on the program's file (fcntl(2), F_SETLEASE): whoever opens it waits until the kernel takes that away, for `lease-break-time`.
    ///
    /// The file stays open for writing: without us the command would come to ETXTBSY then.
    private static let lease = """
        import ctypes, fcntl, os, shutil, signal, sys
        shutil.copy("/bin/sleep", sys.argv[1])
        ready, told = os.pipe()
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
            os.close(ready)
            signal.signal(signal.SIGIO, lambda *_: os.write(1, b"waits\\n"))
            file = os.open(sys.argv[1], os.O_RDWR)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            os.write(told, b"1")
            while True: signal.pause()
        os.close(told)
        assert os.read(ready, 1) == b"1"
        os.execv(sys.argv[2], sys.argv[2:])
        """

    @Test(arguments: [true, false], Caller.available)
    func anExecThatWaitsIsEnded(byWallLimit: Bool, caller: Caller) throws {
        let scene = try Scene(caller)
        let program = scene.workspace + "/program"
        let process = try start(
            scene,
            [program, "1000"],
            ["--grace", "300ms"] + (byWallLimit ? ["--timeout", "1s"] : []),
            around: ["/usr/bin/python3", "-c", Self.lease, program]
        )
        try process.line("waits")
        if !byWallLimit { try process.signal(SIGTERM) }
        let result = try process.finish()
        #expect(result.ending == .exited(byWallLimit ? 124 : 128 + SIGTERM), "\(result.story)")
        #expect(try scene.report().outcome == (byWallLimit ? "timed-out" : "signalled"))
        #expect(try scene.text(of: scene.resultFile).contains("\"execveKnownBy\":\"released-without-report\""))
    }

    /// Its child has the launcher's command line and descriptors until then: `status` shows one job all the same.
    @Test(arguments: Caller.available) func anExecThatWaitsIsOneJob(caller: Caller) throws {
        let scene = try Scene(caller)
        let program = scene.workspace + "/program"
        let process = try start(
            scene,
            [program, "1000"],
            ["--grace", "300ms"],
            around: ["/usr/bin/python3", "-c", Self.lease, program]
        )
        try process.line("waits")
        let status = try scene.run([scene.workshop.launcher, "status", "--json"], keeper: caller.keeperOptions)
        #expect(status.ending == .exited(0), "\(status.story)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(status.output)) as? [String: Any])
        let jobs = try #require(object["jobs"] as? [[String: Any]])
        let records = try #require(try scene.records().first { $0.hasSuffix("/records.jsonl") })
        // Other tests of the same account run at the same time.
        let found = jobs.filter { $0["records"] as? String == records }
        #expect(found.count == 1, "\(found)")
        #expect(found.first?["state"] as? String == "running")
        #expect(found.first?["pid"] as? Int == Int(try process.commandProcess()))
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGTERM), "\(result.story)")
        // Control: it did wait.
        #expect(try scene.text(of: scene.resultFile).contains("\"execveKnownBy\":\"released-without-report\""))
    }

    // MARK: - Whom nobody here can end

    /// A command that ignores TERM, with a child.
    private static let stubborn = [
        "/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $! child; echo ready; wait; sleep 1000",
    ]

    private func without(_ calls: String, _ scene: Scene) -> [String] {
        ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), calls, "--"]
    }

    /// A command that leaves a child, and ends by itself when the launcher has taken what waits for it: SIGTERM is one of the last
    /// four digits (proc_pid_status(5)).
    private static let leaving = [
        "/bin/sh", "-c",
        """
        (trap '' TERM; exec sleep 1000) & echo $! child; echo ready; read line
        until grep -q '^ShdPnd:.*0000$' /proc/$PPID/status; do sleep 0.05; done
        exit 3
        """,
    ]

    /// kill(2) refuses it as the kernel does where a program has changed its account (setuid); or fails otherwise, and is named.
    @Test(
        arguments: [("EPERM", "EPERM"), ("EINVAL", "EPERM"), ("EPERM", "EINVAL"), ("ENOSYS", "EINVAL")],
        Caller.available
    ) func whoCannotBeSignalledIsSaid(errors: (descriptor: String, number: String), caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(
            scene,
            Self.leaving,
            ["--grace", "900s"],
            around: without("pidfd_send_signal:\(errors.descriptor),kill:\(errors.number)", scene),
            // What is left stays however long it is waited for.
            keeper: ["--patience", "1000"]
        )
        try process.line("ready")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(3) && result.left == 1, "\(result.story)")
        let child = result.lines.first { $0.hasSuffix(" child") }.map { $0.dropLast(6) } ?? "none"
        let others = "1 process of another account that the command has started could not be ended (\(child))"
        let failed = "could not all be signalled (kill: "
        #expect(result.errorText.contains(others) == (errors.number == "EPERM"), "\(result.story)")
        #expect(result.errorText.contains(failed) == (errors.number != "EPERM"), "\(result.story)")
    }

    /// Nobody can end it: it ends by itself, and why it took so long is said once.
    @Test(arguments: [true, false], Caller.available)
    func aCommandThatIsAnotherAccountsIsSaid(isRefused: Bool, caller: Caller) throws {
        let scene = try Scene(caller)
        // It ends when the launcher has taken what waits for it, as `leaving` does.
        let script = """
            trap 'echo told' TERM; echo ready; read line
            until grep -q '^ShdPnd:.*0000$' /proc/$PPID/status; do sleep 0.05; done
            exit 3
            """
        let process = try start(
            scene,
            ["/bin/sh", "-c", script],
            ["--grace", "900s"],
            around: isRefused ? without("kill:EPERM", scene) : []
        )
        try process.line("ready")
        for number in [SIGTERM, SIGUSR1, SIGTERM] where isRefused || number == SIGTERM { try process.signal(number) }
        if !isRefused { try process.line("told") }
        let result = try process.finish()
        #expect(result.ending == .exited(3), "\(result.story)")
        let said = result.errorText.split(separator: "\n").filter {
            $0.contains("could not be signalled: it has become")
        }
        #expect(said.count == (isRefused ? 1 : 0), "\(result.story)")
    }

    // MARK: - Calls that fail

    /// Filters say ENOSYS, or EPERM, of what they do not know, or whatever else: kill(2) does it.
    @Test(
        arguments: [
            "pidfd_open:ENOSYS", "pidfd_open:EPERM", "pidfd_open:EINVAL", "pidfd_open:EMFILE",
            "pidfd_send_signal:ENOSYS", "pidfd_send_signal:EPERM",
        ],
        Caller.available
    ) func withoutDescriptorsOfProcessesAllAreEnded(call: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try start(scene, Self.stubborn, ["--grace", "300ms"], around: without(call, scene))
        try process.line("ready")
        try process.signal(SIGTERM)
        let result = try process.finish()
        #expect(result.ending == .exited(128 + SIGKILL) && result.left == 0, "\(result.story)")
        #expect(!result.errorText.contains("could not"), "\(result.story)")
    }

    /// The one that cannot be reached at first is looked for again as long as others are.
    ///
    /// A second process answers for pidfd_open(2) and kill(2) (seccomp_unotify(2)): of `sleep 1001` both fail as often as SIGTERM,
    /// SIGCONT, and SIGKILL of the first look need them.
    @Test(arguments: Caller.available) func oneThatFailsKeepsNobodyElseAlive(caller: Caller) throws {
        let scene = try Scene(caller)
        let around = """
            import ctypes, errno, fcntl, os, signal, struct, sys
            rows = [(0x20, 0, 0, 0), (0x15, 1, 0, 434), (0x15, 0, 1, 62), (0x06, 0, 0, 0x7FC00000), (0x06, 0, 0, 0x7FFF0000)]
            code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
            header = ctypes.create_string_buffer(struct.pack("@HP", len(rows), ctypes.addressof(code)))
            libc = ctypes.CDLL(None)
            assert libc.prctl(38, 1, 0, 0, 0) == 0
            listener = libc.syscall(317, 1, 8, header)
            assert listener >= 0
            if os.fork() == 0:
                libc.prctl(1, signal.SIGKILL, 0, 0, 0)
                failed = 0
                while True:
                    asked = bytearray(80)
                    fcntl.ioctl(listener, 0xC0502100, asked)
                    number, pid = struct.unpack_from("=Q", asked)[0], struct.unpack_from("=Q", asked, 32)[0]
                    is_kill = struct.unpack_from("=i", asked, 16)[0] == 62
                    try: line = open(f"/proc/{pid}/cmdline").read()
                    except OSError: line = ""
                    fails = line == "sleep\\0" + "1001\\0" and failed < 3
                    failed += fails and is_kill
                    answer = struct.pack("=QqiI", number, 0, -errno.EMFILE if fails else 0, 0 if fails else 1)
                    fcntl.ioctl(listener, 0xC0182101, bytearray(answer))
            os.close(listener)
            os.execv(sys.argv[1], sys.argv[1:])
            """
        let process = try start(
            scene,
            ["/bin/sh", "-c", "trap '' TERM; sleep 1000 & sleep 1001 & wait; sleep 1000"],
            ["--timeout", "3s", "--grace", "300ms"],
            around: ["/usr/bin/python3", "-c", around]
        )
        let result = try process.finish()
        #expect(result.ending == .exited(124), "\(result.story)")
        // Control: it did fail.
        #expect(result.errorText.contains("could not all be signalled (kill: "), "\(result.story)")
        // The one that answers lives until the launcher is gone.
        #expect(result.stuck == [], "\(result.story)")
    }
}
