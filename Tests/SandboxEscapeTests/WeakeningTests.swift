import Foundation
import SandboxTestSupport
import Testing

/// Threats F4, F6 and F7: whatever is wrong around a launch, the worker does not run or runs with nothing weaker.
///
/// Weaker is what the probe says: every property of a worker, compared with a launch in which nothing was wrong. That
/// each call may fail is the fault suite's part (`scripts/fault-suite`).
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct WeakeningTests {
    /// Something wrong with the caller, and the properties that are its own business.
    struct Trouble: Sendable, CustomStringConvertible {
        var description: String
        var keeper: [String] = []
        var environment: [String: String] = [:]
        /// Variables that are missing.
        var without: [String] = []
        var wrap: [String] = []
        var differs: Set<String> = []
        /// Too little for the program's own start, before its `main`: then any status but 0 is right.
        var mayDieBeforeMain = false
        /// Whether the probe may find that it can start nothing.
        var leavesNoProcesses = false
    }

    private static let limits =
        [3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 32, 64].map {
            Trouble(
                description: "\($0) descriptors",
                keeper: ["--limit", "nofile=\($0)"],
                differs: ["limit.nofile"],
                mayDieBeforeMain: $0 < 8
            )
        }
        + [4, 16, 64, 256].map {
            Trouble(
                description: "\($0) MiB of address space",
                keeper: ["--limit", "as=\($0 << 20)"],
                differs: ["limit.as"],
                mayDieBeforeMain: true
            )
        }
        + [0, 1, 2].map {
            Trouble(
                description: "\($0) processes",
                keeper: ["--limit", "nproc=\($0)"],
                differs: ["limit.nproc"],
                leavesNoProcesses: true
            )
        }
        + [0, 512, 4096].map {
            Trouble(description: "files of \($0) bytes", keeper: ["--limit", "fsize=\($0)"], differs: ["limit.fsize"])
        }
        + [64, 256, 1024].map {
            Trouble(
                description: "a stack of \($0) KiB",
                keeper: ["--limit", "stack=\($0 << 10)"],
                differs: ["limit.stack"],
                mayDieBeforeMain: true
            )
        }

    private static let surroundings = [
        Trouble(description: "an empty PATH", environment: ["PATH": ""], differs: ["environment.names"]),
        Trouble(description: "no PATH", without: ["PATH"], differs: ["environment.names"]),
        Trouble(description: "no HOME", without: ["HOME"]),
        Trouble(description: "a HOME that is not there", environment: ["HOME": "/nowhere"]),
        Trouble(description: "a relative HOME", environment: ["HOME": "x"]),
        Trouble(description: "no place for records", without: ["HOME", "XDG_STATE_HOME"]),
        Trouble(description: "no place for compiled policies", environment: ["XDG_CACHE_HOME": "/proc/nowhere"]),
        Trouble(description: "a TMPDIR that is not there", environment: ["TMPDIR": "/nowhere"]),
        Trouble(
            description: "an environment of 100,000 bytes",
            environment: ["LARGE": String(repeating: "x", count: 100_000)]
        ),
        Trouble(
            description: "no environment",
            without: ["HOME", "PATH", "LANG", "XDG_STATE_HOME", "XDG_CACHE_HOME"],
            differs: ["environment.names"]
        ),
        Trouble(description: "SIGCHLD ignored", keeper: ["--ignore", "17"]),
        Trouble(description: "SIGPIPE ignored", keeper: ["--ignore", "13"]),
        Trouble(description: "signals blocked", keeper: ["--block", "15", "--block", "17", "--block", "2"]),
        Trouble(description: "a umask of 0777", keeper: ["--umask", "777"]),
        Trouble(description: "a umask of 0", keeper: ["--umask", "0"]),
        Trouble(description: "nice 7", keeper: ["--nice", "7"], differs: ["attribute.nice"]),
        Trouble(description: "many descriptors", keeper: ["--plant", "4=/", "--plant", "77=/etc/passwd"]),
        Trouble(
            description: "no standard input",
            keeper: ["--close", "0"],
            differs: ["descriptors.open", "act.open.stdin_again"]
        ),
        Trouble(description: "no standard error", keeper: ["--close", "2"], differs: ["descriptors.open"]),
    ]

    /// Calls that a kernel or an outer sandbox may lack, and the launcher can do without.
    private static let notNeeded = [
        "mount:EPERM", "mount", "pidfd_open", "clone3", "cachestat", "fchmodat2", "statx", "execveat",
        "io_uring_setup:EPERM", "userfaultfd", "ptrace:EPERM", "bpf:EPERM", "copy_file_range", "renameat2",
    ].map { calls in
        // The filter of the caller's stays on the worker, and shows in these lines.
        Trouble(
            description: "a kernel without \(calls)",
            wrap: [calls],
            differs: ["status.Seccomp_filters", "act.clone3"]
        )
    }

    @Test(arguments: limits + surroundings + notNeeded, Caller.available)
    func troubleAroundTheLauncherWeakensNothing(trouble: Trouble, caller: Caller) throws {
        let scene = try Scene(caller)
        try TrustAttempts.repository(in: scene)
        let probe = try scene.probe()
        let first = try scene.runInside(probe)
        let clean = try #require(ProbeLines(first), "the clean launch: \(first.story)")

        var environment = scene.callerEnvironment.merging(trouble.environment) { $1 }
        for name in trouble.without { environment[name] = nil }
        let filter = trouble.wrap.flatMap {
            ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), $0, "--"]
        }
        let process = try scene.start(
            filter + scene.sandboxed(probe),
            keeper: caller.keeperOptions + trouble.keeper + ["--deadline", "900000"],
            environment: environment
        )
        let result = try process.finish()
        if trouble.mayDieBeforeMain, case .signalled = result.ending {
            // Nobody is left to wait for what was begun; the kernel ends it with its parent.
            #expect(result.stuck.isEmpty, "\(result.story)")
        } else {
            #expect(!result.tookTooLong && result.left == 0 && result.zombies == 0, "\(result.story)")
        }
        if let found = ProbeLines(result) {
            // What the other side of a filter forbids is no loss of the sandbox's.
            // Where pid 1 and the worker are all that the caller's limit allows, the probe's acts have no process to be tried in.
            let differences = found.differences(from: clean, but: trouble.differs).filter { line in
                (trouble.wrap.isEmpty || !line.hasPrefix("act."))
                    && !(trouble.leavesNoProcesses && line.contains("fork-EAGAIN"))
            }
            #expect(differences == [], "\(trouble): \(differences.joined(separator: "\n"))")
            #expect(result.ending == .exited(0), "\(result.story)")
        } else {
            #expect(result.output == [], "\(result.story)")
            if trouble.mayDieBeforeMain {
                #expect(result.ending != .exited(0), "\(result.story)")
            } else {
                #expect(result.ending == .exited(125), "\(result.story)")
            }
        }
    }

    @Test(arguments: Caller.available)
    func aCallerThatIgnoresItsChildrenGetsTheStatus(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/sh", "-c", "exit 7"], keeper: ["--ignore", "17"])
        #expect(result.ending == .exited(7), "\(result.story)")
    }

    @Test func theProbeSeesTheDifferenceASandboxMakes() throws {
        let scene = try Scene(.user)
        let probe = try scene.probe()
        let inside = try #require(ProbeLines(try scene.runInside(probe)))
        let outside = try #require(ProbeLines(try scene.run(probe, keeper: Caller.workerOptions)))
        #expect(inside.differences(from: outside).count > 200)
    }

    // MARK: - F7: the kernel says yes and does nothing

    /// Calls whose success is a promise, by their numbers on x86_64.
    ///
    /// docs/faults.md has them all with who sees each; the fault suite tries every one, these are tried with every run of the tests.
    static let promises: [(name: String, number: Int)] = [
        ("landlock_restrict_self", 446), ("landlock_add_rule", 445), ("seccomp", 317),
        ("capset", 126), ("prlimit64", 302), ("setrlimit", 160), ("mount_setattr", 442), ("move_mount", 429),
        ("umount2", 166), ("fchmod", 91), ("pivot_root", 155), ("keyctl", 250),
        ("setgroups", 116), ("setresuid", 117), ("setresgid", 119), ("fchdir", 81), ("chdir", 80),
        ("ioctl", 16), ("write", 1), ("setpriority", 141), ("sched_setscheduler", 144), ("sched_setaffinity", 203),
        ("personality", 135), ("umask", 95), ("rt_sigprocmask", 14), ("rt_sigaction", 13),
        ("mount", 165), ("symlinkat", 266), ("mkdirat", 258), ("unshare", 272), ("dup3", 292), ("dup2", 33),
        ("fsconfig", 431), ("close_range", 436), ("sethostname", 170), ("setdomainname", 171), ("setsid", 112),
        ("ioprio_set", 251), ("timerfd_settime", 286), ("prctl", 157),
    ]

    @Test(.timeLimit(.minutes(120)), arguments: promises, Caller.available)
    func aCallThatOnlySaysYesWeakensNothing(promise: (name: String, number: Int), caller: Caller) throws {
        let scene = try Scene(caller)
        try TrustAttempts.repository(in: scene)
        // By the worker's own path the injector knows when the launcher's part is over.
        let worker = scene.workspace + "/probe"
        try ProgramFile.copy(scene.program("probe"), to: worker)
        try scene.own(worker)
        let probe = [worker] + (try scene.probe().dropFirst())
        let trace = scene.folder + "/trace"
        _ = try injected(["--trace", trace], probe, scene)
        let first = try injected(["--trace", trace], probe, scene)
        let clean = try #require(ProbeLines(first.result), "the clean launch: \(first.result.story)")
        var occurrences: [String: Int] = [:]
        for line in try scene.text(of: trace).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, Int(words[1]) == promise.number { occurrences[String(words[0]), default: 0] += 1 }
        }
        for (process, count) in occurrences.sorted(by: { $0.key < $1.key }) {
            for occurrence in 1...count {
                let point = "\(process):\(promise.number):\(occurrence):yes"
                let (result, report) = try injected(["--at", point], probe, scene)
                let said = "\(promise.name) at \(point)"
                guard report["injected"] as? Bool == true else { continue }
                #expect(report["timed_out"] as? Bool == false, "\(said) hangs: \(result.story)")
                #expect(report["left"] as? Int == 0, "\(said) leaves processes: \(result.story)")
                if let found = ProbeLines(result) {
                    let weaker = found.weakenings(from: clean)
                    #expect(weaker == [], "\(said): \(weaker.joined(separator: "\n"))")
                } else if report["released"] as? Bool == true {
                    // A limit that was read as 0 ends the worker before it can say anything.
                    #expect(promise.name == "prlimit64" && report["status"] as? Int != 0, "\(said): \(result.story)")
                } else {
                    #expect(result.output == [] && report["status"] as? Int != 0, "\(said): \(result.story)")
                }
            }
        }
    }

    private func injected(
        _ options: [String],
        _ command: [String],
        _ scene: Scene
    ) throws -> (result: RunResult, report: [String: Any]) {
        let file = scene.folder + "/injected.json"
        let own = ["--worker", command[0], "--report", file, "--limit", "300"]
        let injector = [scene.program("inject-fault")] + own + options + ["--"]
        let result = try scene.run(injector + scene.sandboxed(command), keeper: scene.caller.keeperOptions)
        guard
            let report = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
                as? [String: Any]
        else { throw TestFailure("no report of the injector: \(result.story)") }
        return (result, report)
    }
}
