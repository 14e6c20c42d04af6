import Foundation
import SandboxTestSupport
import Testing

/// Threat list F: what cannot be set up, read or trusted stops the launch; and says so.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct FailClosedTests {
    /// A worker that leaves a file: whether it ran is looked up by the host.
    private func worker(_ scene: Scene) -> [String] { ["/bin/sh", "-c", "echo ran; : > ran"] }

    private func didRun(_ scene: Scene) -> Bool { scene.exists(scene.workspace + "/ran") }

    @Test(arguments: Caller.available)
    func theWorkerOfTheseTestsRuns(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(worker(scene))
        #expect(result.ending == .exited(0) && didRun(scene), "\(result.story)")
        #expect(try scene.recordedOutcomes().contains("exited"))
    }

    // MARK: - F1: a kernel that lacks something

    static let missing = [
        "no-userns", "no-landlock-built", "no-landlock-enabled", "no-seccomp", "pivot_root:EPERM", "pivot_root",
        "fsopen:EPERM", "fsopen", "fsmount:EPERM", "fsmount", "open_tree:EPERM", "open_tree", "move_mount:EPERM",
        "move_mount", "mount_setattr:EPERM", "mount_setattr", "close_range", "execveat",
        // Single namespaces: CLONE_NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP.
        "clone&0x20000:EPERM,unshare&0x20000:EPERM,clone3", "clone&0x20000000:EPERM,unshare&0x20000000:EPERM,clone3",
        "clone&0x40000000:EPERM,unshare&0x40000000:EPERM,clone3",
        "clone&0x8000000:EPERM,unshare&0x8000000:EPERM,clone3",
        "clone&0x4000000:EPERM,unshare&0x4000000:EPERM,clone3", "clone&0x2000000:EPERM,unshare&0x2000000:EPERM,clone3",
        // prctl: PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_SECUREBITS.
        "prctl/38:EPERM", "prctl/24:EPERM", "prctl/28:EPERM",
    ]

    @Test(arguments: missing, Caller.available)
    func aMissingFeatureIsARefusalWithARecord(calls: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), calls, "--"]
        let result = try scene.run(filter + scene.sandboxed(worker(scene)), keeper: caller.keeperOptions)
        #expect(result.ending == .exited(125) && result.output == [] && !didRun(scene), "\(result.story)")
        #expect(result.left == 0 && result.zombies == 0, "\(result.story)")
        #expect(result.errorText.contains("codex-sandbox: ") && result.errorText.contains("remedy"), "\(result.story)")
        #expect(try scene.recordedOutcomes().contains("refused"), "no record of the refusal: \(result.story)")
    }

    /// pid 1 may have ended long before the supervisor looks for it; its own word is the cause.
    @Test(arguments: Caller.available)
    func aRefusalNamesTheStepThatFailed(caller: Caller) throws {
        let scene = try Scene(caller)
        let missing = "mount:EPERM,fsopen:EPERM"
        let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), missing, "--"]
        for _ in 0..<20 {
            let result = try scene.run(filter + scene.sandboxed(worker(scene)), keeper: caller.keeperOptions)
            #expect(result.ending == .exited(125) && result.left == 0, "\(result.story)")
            #expect(result.errorText.contains("(step ") && result.errorText.contains("EPERM"), "\(result.story)")
        }
    }

    /// Nothing that the caller has named is at fault, and no namespace: the call is named, and what to do.
    @Test(
        arguments: [
            ("openat2", "openat2(2), which Linux has since 5.6", "mounts"),
            ("openat2:EPERM", "openat2(2), which Linux has since 5.6", "mounts"),
            ("statx", "statx(2), which Linux has since 4.11", "mounts"),
            ("close_range", "close_range(2), which Linux has since 5.9", "descriptors"),
            ("execveat", "execveat(2), which Linux has since 3.19", "environment"),
        ],
        Caller.available
    )
    func aMissingCallIsNamedWithWhatToDo(missing: (call: String, words: String, layer: String), caller: Caller) throws {
        let scene = try Scene(caller)
        let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), missing.call, "--"]
        let result = try scene.run(filter + scene.sandboxed(worker(scene)), keeper: caller.keeperOptions)
        #expect(result.ending == .exited(125) && !didRun(scene), "\(result.story)")
        #expect(result.errorText.contains("remedy: \(missing.words)"), "\(result.story)")
        #expect(result.errorText.contains("seccomp=unconfined"), "\(result.story)")
        #expect(result.errorText.contains("layer: \(missing.layer)\n"), "\(result.story)")
    }

    /// `status` needs the same call, and nothing is wrong with /proc.
    @Test(arguments: ["openat2", "openat2:EPERM"]) func statusNamesTheMissingCall(missing: String) throws {
        let scene = try Scene(.user)
        let status = [scene.workshop.launcher, "status", "--json"]
        let control = try scene.run(status, keeper: scene.caller.keeperOptions)
        #expect(control.ending == .exited(0), "\(control.story)")
        let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), missing, "--"]
        let result = try scene.run(filter + status, keeper: scene.caller.keeperOptions)
        #expect(result.ending == .exited(1) && result.output == [], "\(result.story)")
        #expect(result.errorText.contains("openat2(2), which Linux has since 5.6"), "\(result.story)")
        #expect(
            result.errorText.contains("seccomp=unconfined") && !result.errorText.contains("mounted"),
            "\(result.story)"
        )
    }

    /// Neither main nor a record is reached, but the cause is said; without it it was SIGSEGV.
    @Test(arguments: Caller.available) func aStackThatIsTooSmallIsARefusal(caller: Caller) throws {
        for (limit, variable) in [(64, 0), (256, 0), (600, 100_000)] {
            let scene = try Scene(caller)
            if variable > 0 { scene.environment["LARGE"] = String(repeating: "x", count: variable) }
            let shell = ["/bin/sh", "-c", "ulimit -s \(limit); exec \"$@\"", "sh"]
            let result = try scene.run(shell + scene.sandboxed(worker(scene)), keeper: caller.keeperOptions)
            #expect(result.ending == .exited(125) && !didRun(scene), "\(result.story)")
            #expect(result.errorText.contains("remedy: raise the limit: ulimit -s"), "\(result.story)")
        }
        let scene = try Scene(caller)
        scene.environment["LARGE"] = String(repeating: "x", count: 100_000)
        let shell = ["/bin/sh", "-c", "ulimit -s 700; exec \"$@\"", "sh"]
        let result = try scene.run(shell + scene.sandboxed(worker(scene)), keeper: caller.keeperOptions)
        #expect(result.ending == .exited(0) && didRun(scene), "\(result.story)")
    }

    /// The same of memory; without it, it was the Swift runtime's SIGABRT.
    @Test(
        arguments: [("v", 15_000, 100_000), ("v", 80_000, 100_000), ("d", 4000, 20_000), ("d", 16_000, 20_000)],
        Caller.available
    )
    func tooLittleMemoryIsARefusal(limit: (letter: String, less: Int, enough: Int), caller: Caller) throws {
        let words = "remedy: raise the limit: ulimit -\(limit.letter) "
        for (kibibytes, runs) in [(limit.less, false), (limit.enough, true)] {
            let scene = try Scene(caller)
            let shell = ["/bin/sh", "-c", "ulimit -\(limit.letter) \(kibibytes); exec \"$@\"", "sh"]
            let result = try scene.run(shell + scene.sandboxed(worker(scene)), keeper: caller.keeperOptions)
            #expect(result.ending == .exited(runs ? 0 : 125) && didRun(scene) == runs, "\(result.story)")
            #expect(result.errorText.contains(words) != runs, "\(result.story)")
        }
    }

    /// Linux before 5.6: not even the record's folder can be opened safely.
    @Test(arguments: ["openat2", "openat2:EPERM", "old-kernel"], Caller.available)
    func aKernelThatIsTooOldIsARefusal(calls: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), calls, "--"]
        let result = try scene.run(filter + scene.sandboxed(worker(scene)), keeper: caller.keeperOptions)
        #expect(result.ending == .exited(125) && result.output == [] && !didRun(scene), "\(result.story)")
        #expect(result.left == 0 && result.errorText.contains("remedy"), "\(result.story)")
    }

    // MARK: - F2, F3, F5: policies

    struct BadPolicy: Sendable, CustomStringConvertible {
        var description: String
        var text: String
        /// A word that the message must say.
        var names: String
    }

    static let policies = [
        BadPolicy(description: "empty", text: "", names: "version"),
        BadPolicy(description: "of another version", text: "version = 2\n", names: "version"),
        BadPolicy(description: "with an unknown key", text: "version = 1\nnetwrok = 1\n", names: "netwrok"),
        BadPolicy(description: "with a wrong type", text: "version = 1\n[limits]\ntasks = \"many\"\n", names: "tasks"),
        BadPolicy(description: "that is no TOML", text: "version = 1\nb = = 2\n", names: ":2:"),
        BadPolicy(description: "with a key twice", text: "version = 1\nversion = 1\n", names: "version"),
        BadPolicy(description: "with a NUL", text: "version = 1\n# \0\n", names: "policy.toml"),
        BadPolicy(
            description: "that wants the host's network without saying it is a danger",
            text: "version = 1\n[network]\nmode = \"host\"\n",
            names: "danger"
        ),
        BadPolicy(
            description: "that wants a Landlock nobody has",
            text: "version = 1\n[landlock]\nminimum_abi = 99\n",
            names: "99"
        ),
        BadPolicy(
            description: "that shows what is not there",
            text: "version = 1\n[filesystem]\nread = [\"/no/such/folder\"]\n",
            names: "/no/such/folder"
        ),
        BadPolicy(
            description: "that wants full access without the flag",
            text: "version = 1\n[danger]\nfull_access = true\n",
            names: "danger"
        ),
    ]

    @Test(arguments: policies, Caller.available)
    func aBadPolicyIsARefusal(policy: BadPolicy, caller: Caller) throws {
        let scene = try Scene(caller)
        let file = scene.folder + "/policy.toml"
        try scene.write(policy.text, to: file)
        if caller == .root { try #require(chown(file, 0, 0) == 0) }
        let result = try scene.runInside(worker(scene), options: ["--policy", file])
        #expect(result.ending == .exited(125) && result.output == [] && !didRun(scene), "\(result.story)")
        #expect(result.errorText.contains(policy.names), "\(result.story)")
    }

    @Test func aGoodPolicyOfTheSameKindRuns() throws {
        let scene = try Scene(.user)
        try scene.write("version = 1\n[landlock]\nminimum_abi = 1\n", to: scene.folder + "/policy.toml")
        let result = try scene.runInside(worker(scene), options: ["--policy", scene.folder + "/policy.toml"])
        #expect(result.ending == .exited(0) && didRun(scene), "\(result.story)")
    }

    @Test(arguments: ["tasks", "memory", "cpu"])
    func aLimitThatTheKernelMustHoldIsARefusalWithoutCgroups(kind: String) throws {
        let scene = try Scene(.user)
        try scene.write("version = 1\n[limits]\nrequire_kernel = [\"\(kind)\"]\n", to: scene.folder + "/policy.toml")
        let result = try scene.runInside(worker(scene), options: ["--policy", scene.folder + "/policy.toml"])
        #expect(result.ending == .exited(125) && !didRun(scene), "\(result.story)")
        #expect(result.errorText.contains(kind) && result.errorText.contains("require_kernel"), "\(result.story)")
    }

    @Test(arguments: ["missing", "folder", "fifo", "unreadable", "device"])
    func aPolicyThatCannotBeReadIsARefusal(kind: String) throws {
        let scene = try Scene(.user)
        let file = scene.folder + "/policy.toml"
        switch kind {
        case "folder": try scene.makeFolder(file)
        case "fifo": try #require(mkfifo(file, 0o666) == 0)
        case "unreadable": try scene.write("version = 1\n", to: file, mode: 0o000)
        case "device": try scene.link(file, to: "/dev/zero")
        default: break
        }
        let result = try scene.runInside(worker(scene), options: ["--policy", file], keeper: ["--deadline", "900000"])
        #expect(result.ending == .exited(125) && !didRun(scene) && !result.tookTooLong, "\(result.story)")
        #expect(result.errorText.contains("policy.toml"), "\(result.story)")
    }

    @Test(
        arguments: [
            "version = 1\n[network]\nmode = \"host\"\n[danger]\nhost_network = true\n",
            "version = 1\n[filesystem]\nwrite = [\"/home\"]\n", "version = 1\n[limits]\ntasks = 5000\n", "hello", "",
        ],
        Caller.available
    )
    func aProjectsOwnPolicyThatSaysMoreIsARefusal(text: String, caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.write(text, to: scene.workspace + "/.codex-sandbox.toml")
        let result = try scene.runInside(worker(scene))
        #expect(result.ending == .exited(125) && !didRun(scene), "\(result.story)")
        #expect(result.errorText.contains(".codex-sandbox.toml"), "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aProjectsOwnPolicyThatSaysNothingRuns(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.write("version = 1\n", to: scene.workspace + "/.codex-sandbox.toml")
        let result = try scene.runInside(worker(scene))
        #expect(result.ending == .exited(0) && didRun(scene), "\(result.story)")
    }

    // MARK: - Workspaces that are refused

    @Test(arguments: ["/", "/usr", "/etc", "HOME", "STATE", "CACHE", "missing", "a file"])
    func aWorkspaceThatHoldsTooMuchIsRefused(name: String) throws {
        let scene = try Scene(.user)
        let places = [
            "HOME": scene.home, "STATE": scene.state, "CACHE": scene.cache, "missing": scene.folder + "/nowhere",
            "a file": scene.secret,
        ]
        let process = try scene.start(
            [scene.workshop.launcher, "run", "--workspace", places[name] ?? name, "--", "/bin/sh", "-c", "echo ran"],
            keeper: scene.caller.keeperOptions
        )
        let result = try process.finish()
        #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
        #expect(result.errorText.contains("remedy"), "\(result.story)")
    }

    @Test(.enabled(if: Caller.available.contains(.root), "only root can make a workspace of its own"))
    func aWorkspaceOfTheHostsRootIsRefused() throws {
        let scene = try Scene(.root)
        try #require(chown(scene.workspace, 0, 0) == 0)
        let result = try scene.runInside(worker(scene))
        #expect(result.ending == .exited(125) && !didRun(scene), "\(result.story)")
        #expect(result.errorText.contains("belongs to root"), "\(result.story)")
    }

    // MARK: - Records

    @Test(arguments: ["a file in its place", "read-only", "full"], Caller.available)
    func aRecordThatCannotBeWrittenIsARefusal(kind: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let state = scene.folder + "/other-state"
        var keeper: [String] = []
        switch kind {
        case "a file in its place": try scene.write("x", to: state)
        case "read-only":
            // Even root cannot write into a read-only mount; /proc/sys of a namespace is none, a cover is.
            try scene.makeFolder(state)
            keeper = ["--mounts", "--bind", "/proc/sys/kernel", state]
        default:
            try scene.makeFolder(state)
            keeper = ["--mounts", "--tmpfs", state, "4k"]
        }
        let fill = "cat /dev/zero > \(state)/filler 2>/dev/null; exec \"$@\""
        let command = scene.sandboxed(worker(scene), options: ["--state-dir", state])
        let result = try scene.run(
            kind == "full" ? ["/bin/sh", "-c", fill, "sh"] + command : command,
            keeper: caller.keeperOptions + keeper
        )
        #expect(result.ending == .exited(125) && !didRun(scene), "\(result.story)")
        #expect(result.left == 0, "\(result.story)")
    }
}
