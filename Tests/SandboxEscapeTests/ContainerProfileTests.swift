import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// The weaker profile `container`: in a container that covers its /proc, and against the hostile programs on this very host, whose
/// /proc it shows.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ContainerProfileTests {
    private static let options = ["--policy", "container"]
    private static let words = ["host-processes", "host-identity", "process-details", "own-proc", "namespace-count"]

    // MARK: - In a container

    /// What engines do to the /proc of a container: files get its /dev/null, folders an empty tmpfs or a read-only mount.
    private static let masks: [String: String] = [
        "files":
            "for f in kcore keys timer_list sched_debug; do [ ! -e /proc/$f ] || mount --bind /dev/null /proc/$f; done",
        "folders": "for f in sys bus irq fs; do [ ! -d /proc/$f ] || "
            + "{ mount --bind /proc/$f /proc/$f; mount -o remount,bind,ro /proc/$f; }; done; "
            + "for f in acpi scsi; do [ ! -d /proc/$f ] || mount -t tmpfs -o ro,size=4k tmpfs /proc/$f; done",
    ]

    /// A command as the caller, in namespaces as those of an unprivileged container.
    private func contained(_ mask: String, _ command: [String]) -> [String] {
        // In the second namespace the caller has an ordinary number again.
        let script = "set -e; \(mask); exec unshare --user --map-user=60600 --map-group=60600 -- \"$@\""
        return [
            "/usr/bin/unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child",
            "--mount-proc", "/bin/sh", "-c", script, "container",
        ] + command
    }

    /// The default refuses there and says what helps; asked for by name the profile runs, and says what it does not hold.
    @Test(arguments: ["files", "folders", "filter"]) func whereProcIsCoveredItRunsWhatIsAskedFor(kind: String) throws {
        let scene = try Scene(.user)
        let mask = try #require(Self.masks[kind == "filter" ? "folders" : kind])
        // As podman's filter does it for whoever has no capabilities outside.
        let filtered =
            kind == "filter"
            ? [
                "/usr/bin/python3", "-B", scene.program("without-syscalls.py"), "sethostname:EPERM,setdomainname:EPERM",
                "--",
            ] : []
        let job = [
            "/bin/sh", "-ec", "echo ran > made; readlink /proc/self >/dev/null; cat made; ls /proc/kcore /proc/keys",
        ]
        let refused = try scene.run(filtered + contained(mask, scene.sandboxed(job)), keeper: Caller.workerOptions)
        #expect(refused.ending == .exited(125) && refused.output == [] && refused.left == 0, "\(refused.story)")
        for words in ["unmask=ALL --security-opt seccomp=unconfined", "--policy container"] {
            #expect(refused.errorText.contains(words), "\(refused.story)")
        }
        #expect(!scene.exists(scene.workspace + "/made"))

        let file = scene.folder + "/result.json"
        let command = scene.sandboxed(job, options: Self.options + ["--quiet", "--result", file])
        let result = try scene.run(filtered + contained(mask, command), keeper: Caller.workerOptions)
        #expect(result.lines.first == "ran" && result.left == 0, "\(result.story)")
        #expect(result.errorText.contains("WARNING: weaker profile container: NOT held: "), "\(result.story)")
        let told = try scene.text(of: file)
        let records = try scene.records().filter { $0.hasSuffix("records.jsonl") }.map { try scene.text(of: $0) }
            .joined()
        for word in Self.words {
            #expect(result.errorText.contains(word), "\(word): \(result.story)")
            #expect(told.contains("\"promise\":\"\(word)\"") && records.contains("\"promise\":\"\(word)\""), "\(word)")
        }
        #expect(records.contains("\"confinement\":\"container\""))
        #expect(records.contains("read the environment of a process outside by /proc"))
    }

    @Test func doctorSaysThere() throws {
        let scene = try Scene(.user)
        let mask = try #require(Self.masks["folders"])
        let result = try scene.run(contained(mask, [scene.workshop.launcher, "doctor"]), keeper: Caller.workerOptions)
        #expect(result.lines.first == "run works here: no", "\(result.story)")
        for words in ["unmask=ALL --security-opt seccomp=unconfined", "--policy container", "names and command lines"] {
            #expect(result.outputText.contains(words), "\(words): \(result.story)")
        }
    }

    /// A /proc that hides the processes of others: nothing can be tried on the supervisor's, so the profile is refused, with the cause.
    @Test(arguments: [("0", ""), ("2", "invisible"), ("1", "noaccess")])
    func whereProcHidesProcessesTheCauseIsSaid(mode: (option: String, word: String)) throws {
        let scene = try Scene(.user)
        let mount = "mount -o remount,hidepid=\(mode.option) /proc"
        func run(_ options: [String]) throws -> RunResult {
            let command = scene.sandboxed(["/bin/sh", "-c", "echo ran"], options: options)
            return try scene.run(contained(mount, command), keeper: Caller.workerOptions)
        }
        let result = try run(Self.options)
        let doctor = try scene.run(
            contained(mount, [scene.workshop.launcher, "doctor"]),
            keeper: Caller.workerOptions
        )
        #expect(doctor.lines.first == "run works here: yes", "\(doctor.story)")
        if mode.word.isEmpty {
            #expect(result.ending == .exited(0) && result.lines == ["ran"], "\(result.story)")
            #expect(!doctor.outputText.contains("hidepid"), "\(doctor.story)")
        } else {
            #expect(result.ending == .exited(125) && result.output == [] && result.left == 0, "\(result.story)")
            #expect(result.errorText.contains("/proc is mounted with hidepid=\(mode.word)"), "\(result.story)")
            #expect(result.errorText.contains("as root: mount -o remount,hidepid=0 /proc"), "\(result.story)")
            #expect(!result.errorText.contains("report this"), "\(result.story)")
            #expect(
                doctor.outputText.contains("  hidepid            info  /proc is mounted with hidepid="),
                "\(doctor.story)"
            )
            #expect(doctor.outputText.contains("mount -o remount,hidepid=0 /proc"), "\(doctor.story)")
        }
        // One of its own is not concerned.
        let sandbox = try run([])
        #expect(sandbox.ending == .exited(0) && sandbox.lines == ["ran"], "\(sandbox.story)")
    }

    /// The same with the option on the host's /proc, seen by a user of the host.
    @Test(.enabled(if: geteuid() == 0, "only root can mount the host's /proc again"), arguments: ["0", "2"])
    func whereTheHostHidesProcessesTheCauseIsSaid(mode: String) throws {
        let scene = try Scene(.user)
        let user = Caller.worker
        func run(_ options: [String]) throws -> RunResult {
            let script = "mount -t proc -o hidepid=\(mode) proc /proc && exec \"$@\""
            let drop = [
                "/usr/bin/setpriv", "--reuid", "\(user.uid)", "--regid", "\(user.gid)", "--clear-groups",
            ]
            let command = scene.sandboxed(["/bin/sh", "-c", "echo ran"], options: options)
            return try scene.run(["/usr/bin/unshare", "-m", "/bin/sh", "-c", script, "sh"] + drop + command)
        }
        let result = try run(Self.options)
        if mode == "0" {
            #expect(result.ending == .exited(0) && result.lines == ["ran"], "\(result.story)")
        } else {
            #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
            #expect(
                result.errorText.contains("hidepid=") && result.errorText.contains("remount,hidepid=0"),
                "\(result.story)"
            )
        }
        let sandbox = try run([])
        #expect(sandbox.ending == .exited(0) && sandbox.lines == ["ran"], "\(sandbox.story)")
    }

    /// No layer of it can be missing; the host name is passed over for EPERM alone, and in no other policy.
    @Test(arguments: [
        "no-landlock-built", "no-landlock-enabled", "landlock_restrict_self:EPERM", "no-seccomp", "open_tree:EPERM",
        "mount_setattr:EPERM", "move_mount:EPERM", "sethostname:EINVAL", "setdomainname:EPERM",
    ])
    func aMissingLayerIsARefusalWithARecord(calls: String) throws {
        let scene = try Scene(.user)
        func run(_ calls: String, _ options: [String]) throws -> RunResult {
            let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), calls, "--"]
            let command = scene.sandboxed(["/bin/sh", "-c", "echo ran"], options: options)
            return try scene.run(filter + command, keeper: Caller.workerOptions)
        }
        let result = try run(calls, Self.options)
        #expect(result.ending == .exited(125) && result.output == [] && result.left == 0, "\(result.story)")
        #expect(result.errorText.contains("remedy"), "\(result.story)")
        #expect(try scene.recordedOutcomes().contains("refused"), "no record of the refusal: \(result.story)")
        let control = try run("sethostname:EPERM,setdomainname:EPERM", Self.options)
        #expect(control.ending == .exited(0) && control.lines == ["ran"], "\(control.story)")
        let sandbox = try run("sethostname:EPERM,setdomainname:EPERM", [])
        #expect(sandbox.ending == .exited(125) && sandbox.output == [], "\(sandbox.story)")
        #expect(sandbox.errorText.contains("seccomp=unconfined"), "\(sandbox.story)")
    }

    // MARK: - What /proc gives of others

    /// Tries what `/proc/PID` has of the process with the given number: each line is an act and its errno.
    private static let looking = """
        import os, signal, sys
        process = '/proc/' + sys.argv[1]
        def act(name, call):
            try:
                call(); print(name, 'ok')
            except OSError as e: print(name, e.errno)
        def read(name):
            with open(process + '/' + name, 'rb') as file: file.read(1)
        def write(name, text):
            with open(process + '/' + name, 'w') as file: file.write(text)
        print('began')
        for name in ('comm', 'cmdline', 'stat', 'mountinfo', 'cgroup', 'net/unix'): act('seen ' + name, lambda: read(name))
        for name in ('environ', 'maps', 'auxv', 'io', 'smaps', 'pagemap', 'syscall', 'personality', 'task/' + sys.argv[1] + '/environ'):
            act('read ' + name, lambda: read(name))
        for name in ('cwd', 'root', 'exe', 'fd/0', 'ns/net', 'ns/user'):
            act('link ' + name, lambda: os.readlink(process + '/' + name))
        act('open root', lambda: os.close(os.open(process + '/root', os.O_RDONLY)))
        act('open exe', lambda: os.close(os.open(process + '/exe', os.O_RDONLY)))
        act('open mem', lambda: os.close(os.open(process + '/mem', os.O_RDONLY)))
        act('list fdinfo', lambda: [os.close(os.open(process + '/fdinfo/' + n, os.O_RDONLY)) for n in os.listdir(process + '/fdinfo')])
        act('list map_files', lambda: os.listdir(process + '/map_files'))
        act('write oom_score_adj', lambda: write('oom_score_adj', '1000'))
        act('write coredump_filter', lambda: write('coredump_filter', '0x7f'))
        act('write clear_refs', lambda: open(process + '/clear_refs', 'w').write('1'))
        act('signal', lambda: os.kill(int(sys.argv[1]), 0))
        act('folder', lambda: signal.pidfd_send_signal(os.open(process, os.O_RDONLY), 0))
        """

    /// Of the caller's own process outside: what is for everybody is seen, what takes the right to trace is not.
    @Test func whatTakesTheRightToTraceIsClosed() throws {
        let scene = try Scene(.user)
        let canary = try scene.start(
            ["/usr/bin/python3", "-c", "import time; print('waiting', flush=True); time.sleep(600)"],
            keeper: Caller.workerOptions
        )
        _ = try canary.line("waiting")
        let number = "\(try canary.commandProcess())"
        let command = ["/usr/bin/python3", "-c", Self.looking, number]
        let inside = try scene.runInside(command, options: Self.options)
        #expect(inside.ending == .exited(0) && inside.lines.first == "began", "\(inside.story)")
        // Outside every act is let through, by the same user; last, because it is changed by that.
        let outside = try scene.run(command, keeper: Caller.workerOptions)
        #expect(outside.ending == .exited(0), "\(outside.story)")
        #expect(outside.lines.dropFirst().filter { !$0.hasSuffix(" ok") } == [], "\(outside.story)")
        #expect(inside.lines.count == outside.lines.count)
        for line in inside.lines.dropFirst() {
            let words = line.split(separator: " ")
            let right =
                switch words[0] {
                case "seen": ["ok"]
                case "write": ["\(EROFS)"]
                case "signal": ["\(ESRCH)"]
                // pidfd_send_signal(2) takes a folder of /proc for a process, but for one of the caller's own namespaces.
                case "folder": ["\(EINVAL)"]
                default: ["\(EACCES)", "\(EPERM)"]
                }
            #expect(right.contains(String(words[2...].last ?? words[1])), "\(line)")
        }
        try canary.signal(SIGKILL)
        _ = try canary.finish()
    }

    /// What the kernel has for the whole host is covered as in every place, and nothing of /proc can be written.
    @Test func nothingOfProcCanBeWritten() throws {
        let scene = try Scene(.user)
        let program = """
            import os
            def act(name, call):
                try:
                    call(); print(name, 'ok')
                except OSError as e: print(name, e.errno)
            for name in ('sysrq-trigger', 'sys/kernel/core_pattern', 'sys/user/max_user_namespaces', 'self/oom_score_adj', 'self/comm', 'self/uid_map'):
                if os.path.lexists('/proc/' + name): act(name, lambda: os.close(os.open('/proc/' + name, os.O_WRONLY)))
            def again():
                file = os.open('/proc/self/comm', os.O_RDONLY)
                os.close(os.open('/proc/self/fd/%d' % file, os.O_WRONLY))
            act('again', again)
            for name in ('kcore', 'keys', 'kallsyms', 'timer_list', 'interrupts'):
                if os.path.lexists('/proc/' + name): act(name, lambda: os.close(os.open('/proc/' + name, os.O_RDONLY)))
            act('self', lambda: open('/proc/self/environ').read())
            act('stream', lambda: os.close(os.open('/dev/stdin', os.O_RDONLY)))
            """
        let result = try scene.runInside(["/usr/bin/python3", "-c", program], options: Self.options)
        #expect(result.ending == .exited(0) && result.lines.count > 5, "\(result.story)")
        let through = result.lines.filter { $0.hasSuffix(" ok") }
        #expect(through == ["self ok", "stream ok"], "\(result.story)")
    }

    // MARK: - The hostile programs

    /// Acts that are let through, by `process-details` and `own-proc`: command lines and the numbers of descriptors; a job finds its
    /// own memory there under a number that is not the one it knows.
    private static let given: [String: Set<String>] = [
        "C1 signals, traces, reads, slows and limits a host process": ["descriptors", "cmdline"],
        "C2 finds the caller's secrets in the processes it can see": ["found", "reached"],
    ]

    private static let attempts =
        ProcessAttempts.all + KernelAttempts.all
        + FileAttempts.all.filter { $0.description.contains("A12") || $0.description.contains("A13") }

    /// That each succeeds outside is shown where it is tried against a sandbox (`EscapeTests`).
    @Test(arguments: attempts) func everyAttemptFailsButWhatIsSaid(attempt: Attempt) throws {
        let scene = try Scene(.user)
        scene.environment = attempt.environment(scene)
        do { try attempt.prepare(scene) } catch is HostForbids { return }
        let options = try attempt.options(scene)
        if options.contains("--policy") { return }
        let program = scene.program(attempt.program.rawValue)
        let command = (program.hasSuffix(".py") ? ["/usr/bin/python3", "-B", program] : [program]) + [attempt.name]
        let result = try scene.runInside(
            command + attempt.arguments(scene),
            options: Self.options + options,
            keeper: attempt.keeper(scene)
        )
        #expect(result.began && result.left == 0 && result.zombies == 0, "\(attempt): \(result.story)")
        #expect(!result.outputText.contains(scene.token), "\(attempt): the token got out: \(result.story)")
        var through: [String] = []
        for (act, right) in attempt.inside where !right.contains("ok") && result.values(act).contains("ok") {
            through.append(act)
        }
        if let reached = attempt.reached, try reached(scene, result) { through.append("reached") }
        let given = Self.given[attempt.description, default: []]
        #expect(Set(through).isSubset(of: given), "\(attempt): \(through): \(result.story)")
        let seen = result.lines.filter { $0.hasPrefix("seen ") && !$0.hasSuffix("/cmdline") }
        #expect(Set(seen).count <= (given.contains("found") ? 1 : 0), "\(attempt): \(seen): \(result.story)")
    }

    // MARK: - Who asks, limits, the end

    /// Neither a project's file nor a file that hides the default policy's name gets anybody the profile.
    @Test func nobodyGetsItWithoutAsking() throws {
        let text = "version = 1\n[danger]\ncontainer = true\n"
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
        for name in ["workspace-write", "mine"] {
            try scene.write(text, to: scene.folder + "/config/codex-sandbox/policies/\(name).toml")
        }
        let hidden = try scene.runInside(["/bin/echo", "ran"])
        #expect(hidden.ending == .exited(125) && hidden.output == [], "\(hidden.story)")
        #expect(hidden.errorText.contains("asked for by name"), "\(hidden.story)")
        let named = try scene.runInside(["/bin/echo", "ran"], options: ["--policy", "mine"])
        #expect(named.ending == .exited(0) && named.lines == ["ran"], "\(named.story)")
        #expect(named.errorText.contains("NOT held"), "\(named.story)")
    }

    /// The caller of a container is often root: the job is not.
    @Test(arguments: Caller.available) func everyCallerMayAskForIt(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/sh", "-c", "id -u; kill -9 $$"], options: Self.options)
        #expect(result.ending == .exited(137) && result.left == 0, "\(result.story)")
        #expect(result.lines.first != nil && result.lines != ["0"], "\(result.story)")
    }

    /// The memory of the job counts, although everybody's processes are in its /proc; theirs does not.
    @Test func memoryIsTheJobsAlone() throws {
        let scene = try Scene(.user)
        let eats = "import time\nx = bytearray(200 << 20)\nprint('eaten', flush=True)\ntime.sleep(600)"
        let neighbour = try scene.start(["/usr/bin/python3", "-c", eats], keeper: Caller.workerOptions)
        _ = try neighbour.line("eaten")
        let small = try scene.runInside(["/bin/sleep", "0.5"], options: Self.options + ["--memory", "64MiB"])
        #expect(small.ending == .exited(0), "\(small.story)")
        let large = try scene.runInside(
            ["/usr/bin/python3", "-c", eats],
            options: Self.options + ["--memory", "64MiB"]
        )
        #expect(large.ending == .exited(137) && large.left == 0, "\(large.story)")
        #expect(try scene.recordedOutcomes().contains("memory-exceeded"))
        try neighbour.signal(SIGKILL)
        _ = try neighbour.finish()
    }

    @Test func verifyCountsWhatIsNotHeldApart() throws {
        let scene = try Scene(.user)
        let result = try scene.run(
            [scene.workshop.launcher, "verify", "--json", "--", "--policy", "container"],
            keeper: Caller.workerOptions
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(result.outputText.contains("\"verdict\":\"not held\"") && !result.outputText.contains("\"broken\""))
        for word in Self.words { #expect(result.outputText.contains("\"\(word)\""), "\(word)") }
    }
}
