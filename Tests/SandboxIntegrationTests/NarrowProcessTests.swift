import Foundation
import SandboxPlan
import SandboxRuntime
import SandboxTestSupport
import Testing

/// One process of a place with less than the others: what it could do to them, each act first by one that is as they are.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct NarrowProcessTests {
    private func scene() throws -> Scene {
        let scene = try Scene(getuid() == 0 ? .root : .user)
        try scene.makeFolder(scene.workspace + "/out")
        try scene.write("text\n", to: scene.workspace + "/file")
        try scene.write("text\n", to: scene.workspace + "/out/file")
        try scene.write("", to: scene.workspace + "/lease")
        return scene
    }

    private func open(_ scene: Scene) throws -> Sandbox {
        var options = LaunchOptions(
            arguments: [],
            environment: ["HOME=\(scene.home)", "PATH=/usr/bin:/bin", "CODEX_SANDBOX_CACHE_DIR=\(scene.cache)"]
                .map { OSString($0) },
            policy: .named("workspace-write"),
            closedStreams: 0
        )
        options.workspace = OSString(scene.workspace)
        options.stateFolder = OSString(scene.state)
        options.overrides.read = [OSString(scene.workshop.programs)]
        return try Sandbox(options, launcher: OSString(scene.workshop.launcher))
    }

    private func text(_ descriptor: Int32?, until mark: String? = nil) -> String {
        guard let descriptor else { return "" }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while mark.map({ !String(decoding: all, as: UTF8.self).contains($0) }) ?? true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            all += buffer[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }

    private func closeEnds(_ process: SandboxedProcess) {
        for number in [process.ends.input, process.ends.output, process.ends.errors].compactMap(\.self) {
            _ = Glibc.close(number)
        }
    }

    /// What a command says, and how it ends.
    private func run(
        _ sandbox: Sandbox,
        _ command: [String],
        _ narrowing: ProcessNarrowing?
    ) throws -> (output: String, end: ProcessEnd) {
        let options = ProcessOptions(arguments: command.map { OSString($0) }, narrowing: narrowing)
        let process = try sandbox.start(options)
        let output = text(process.ends.output) + text(process.ends.errors)
        let end = process.wait()
        closeEnds(process)
        return (output, end)
    }

    /// `act errno` by act.
    private func answers(_ output: String) -> [String: String] {
        var answers: [String: String] = [:]
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 2 { answers[words[0]] = words[1] }
        }
        return answers
    }

    /// ABI 6: what keeps a process from signalling others (landlock(7)).
    private static let kernelHasScopes: Bool = {
        typealias Call = @convention(c) (Int, Int, Int, Int) -> Int
        guard let symbol = dlsym(nil, "syscall") else { return false }
        // landlock_create_ruleset with LANDLOCK_CREATE_RULESET_VERSION.
        return unsafeBitCast(symbol, to: Call.self)(444, 0, 0, 1) >= 6
    }()

    private static let refused: [String: Set<String>] = [
        "EPERM": [
            "signal", "signal-0", "tgkill", "pidfd-signal", "ptrace", "read-vector", "steal-descriptor", "unix-path",
            "unix-abstract", "tcp", "udp", "datagram-pair", "mode", "mode-open", "mode-tmp", "times", "owner",
            "attribute",
            "watch", "lease", "notify", "requeue", "sysv-memory", "sysv-queue", "limit-other", "affinity-other",
            "nice-other",
        ],
        "EACCES": [
            "proc-mem", "proc-environ", "proc-maps", "proc-root", "proc-cwd", "proc-fd", "proc-write", "read-memory",
            "tmp-read", "tmp-write", "tmp-new", "tmp-list", "shm-write", "var-tmp-write", "run-write", "home-read",
            "terminal", "workspace-write", "workspace-link",
        ],
        "0": [
            "workspace-read", "out-write", "own-tmp", "own-home", "own-limit", "own-pair", "own-child", "own-proc",
            "own-touch", "own-terminal-size", "own-requeue", "null", "random",
        ],
    ]

    @Test(.enabled(if: kernelHasScopes, "a narrower process takes Landlock ABI 6"))
    func aNarrowerProcessReachesNoOther() throws {
        let scene = try scene()
        let sandbox = try open(scene)
        let python = ["/usr/bin/python3", "-B"]
        let target = try sandbox.start(
            ProcessOptions(
                arguments: (python + [scene.program("narrow-target.py"), scene.workspace]).map { OSString($0) }
            )
        )
        let words = text(target.ends.output, until: "\n").split(separator: " ").map(String.init)
        #expect(words.first == "ready", "\(words)")
        let facts = words.dropFirst().map { $0.trimmingCharacters(in: .newlines) }
        let acts = python + [scene.program("narrow-acts.py"), scene.workspace] + facts
        var all = Set<String>()
        for names in Self.refused.values { all.formUnion(names) }

        let equal = try run(sandbox, acts, nil)
        let controls = answers(equal.output)
        #expect(Set(controls.keys) == all, "\(equal)")
        #expect(controls.filter { $0.value != "0" } == [:], "no control: \(equal)")

        let narrow = try run(sandbox, acts, ProcessNarrowing(write: [OSString(scene.workspace + "/out")]))
        let found = answers(narrow.output)
        #expect(Set(found.keys) == all, "\(narrow)")
        for (errno, names) in Self.refused {
            #expect(names.filter { found[$0] != errno } == [], "not \(errno): \(narrow)")
        }
        #expect(narrow.end.outcome == .exited(code: 0))

        // Reading can be taken away, too; what is under its own folder cannot.
        let reading = ProcessNarrowing(read: [OSString(scene.workshop.programs)])
        let blind = try run(sandbox, acts, reading)
        let unread = answers(blind.output)
        #expect(unread["workspace-read"] == "EACCES" && unread["out-write"] == "EACCES", "\(blind)")
        #expect(unread["own-tmp"] == "0", "\(blind)")

        // The target is as it was, and ends as it should.
        closeEnds(target)
        #expect(target.wait().outcome == .exited(code: 0))
        let end = sandbox.close()
        #expect(end.verdict == nil && end.warnings == [], "\(end)")
        #expect(try scene.text(of: scene.workspace + "/out/file") == "text\nxx")
    }

    @Test(.enabled(if: kernelHasScopes, "a narrower process takes Landlock ABI 6"))
    func siblingsAreOutOfReachAndWiderOnesReachIt() throws {
        let scene = try scene()
        let sandbox = try open(scene)
        let narrowing = ProcessNarrowing()
        let first = try sandbox.start(
            ProcessOptions(arguments: ["sh", "-c", "echo $$; sleep 1000"], narrowing: narrowing)
        )
        let pid = text(first.ends.output, until: "\n").trimmingCharacters(in: .newlines)
        let kill = ["sh", "-c", "kill -TERM \(pid)"]
        let sibling = try run(sandbox, kill, narrowing)
        #expect(sibling.end.outcome == .exited(code: 1) && sibling.output.contains("not permitted"), "\(sibling)")
        let wider = try run(sandbox, kill, nil)
        #expect(wider.end.outcome == .exited(code: 0), "\(wider)")
        #expect(first.wait().outcome == .signalled(signal: SIGTERM))
        closeEnds(first)
        // Equal ones reach each other.
        let equal = try sandbox.start(ProcessOptions(arguments: ["sh", "-c", "echo $$; sleep 1000"]))
        let other = text(equal.ends.output, until: "\n").trimmingCharacters(in: .newlines)
        #expect(try run(sandbox, ["sh", "-c", "kill -TERM \(other)"], nil).end.outcome == .exited(code: 0))
        #expect(equal.wait().outcome == .signalled(signal: SIGTERM))
        closeEnds(equal)
        // Groups of calls that are left out for one.
        let trace = "import ctypes; print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))"
        #expect(try run(sandbox, ["python3", "-c", trace], narrowing).output == "0\n")
        let without = try run(sandbox, ["python3", "-c", trace], ProcessNarrowing(without: ["debug"]))
        #expect(without.output == "-1\n", "\(without)")
        // A terminal of its own works.
        var options = ProcessOptions(arguments: ["sh", "-c", "echo to tty >/dev/tty; stty size"], narrowing: narrowing)
        options.streams = .terminal(rows: 30, columns: 90)
        let shown = try sandbox.start(options)
        let lines = text(shown.ends.output)
        #expect(lines.contains("to tty") && lines.contains("30 90"), "\(lines)")
        #expect(shown.wait().outcome == .exited(code: 0))
        closeEnds(shown)
        #expect(sandbox.close().verdict == nil)
        let verified = try scene.run(
            [
                scene.workshop.launcher, "evidence", "verify", "--workspace", scene.workspace, "--state-dir",
                scene.state,
            ],
            keeper: scene.caller.keeperOptions
        )
        #expect(verified.ending == .exited(0), "\(verified.story)")
    }

    /// A process that makes pid 1 its tracer stops, and has not ended.
    @Test func aProcessThatPid1TracesEnds() throws {
        let scene = try scene()
        let sandbox = try open(scene)
        let lines = [
            "import ctypes, os, signal, threading, time",
            "threading.Thread(target=lambda: [time.sleep(0.05) for _ in range(200)], daemon=True).start()",
            "ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
            "print('traced', flush=True)",
            "os.kill(os.getpid(), signal.SIGUSR1)",
            "time.sleep(100)",
        ]
        let process = try sandbox.start(
            ProcessOptions(arguments: ["python3", "-c", OSString(lines.joined(separator: "\n"))])
        )
        #expect(text(process.ends.output, until: "traced").contains("traced"))
        // Not as if the signal that stopped it had ended it: all of it is gone.
        #expect(process.wait().outcome == .signalled(signal: SIGKILL))
        #expect(text(process.ends.output) == "")
        closeEnds(process)
        #expect(try run(sandbox, ["sh", "-c", "echo on"], nil).output == "on\n")
        #expect(sandbox.close().verdict == nil)
    }

    @Test func whatIsNotNarrowerIsRefused() throws {
        let scene = try scene()
        let sandbox = try open(scene)
        let wrong: [(ProcessNarrowing, String)] = [
            (ProcessNarrowing(write: ["/etc"]), "/etc is not writable in the place"),
            (ProcessNarrowing(write: [OSString(scene.workshop.programs)]), "is not writable in the place"),
            (ProcessNarrowing(write: ["/tmp"]), "/tmp is not writable in the place"),
            (ProcessNarrowing(write: [OSString(scene.workspace + "/.codex")]), "is not writable in the place"),
            (ProcessNarrowing(write: [OSString(scene.workspace + "/..")]), "is no plain absolute path"),
            (ProcessNarrowing(write: [OSString(scene.workspace + "/out/")]), "is no plain absolute path"),
            (ProcessNarrowing(write: ["out"]), "is no plain absolute path"),
            (
                ProcessNarrowing(write: [OSString(Array((scene.workspace + "/\0/nothing").utf8))]),
                "is no plain absolute path"
            ),
            (ProcessNarrowing(read: [OSString(scene.outside)]), "is in no folder that was shown"),
            (ProcessNarrowing(without: ["files"]), "no group of system calls that can be left out"),
        ]
        for (narrowing, words) in wrong {
            let refusal = #expect(throws: Refusal.self) {
                try sandbox.start(ProcessOptions(arguments: ["true"], narrowing: narrowing))
            }
            let message = refusal?.message ?? ""
            #expect(message.contains(Self.kernelHasScopes ? words : "ABI"), "\(message)")
        }
        if Self.kernelHasScopes {
            // A folder that is not there, a file, and a link on the way: the process does not run.
            try scene.link(scene.workspace + "/link", to: "out")
            for name in ["absent", "file", "link"] {
                let narrowing = ProcessNarrowing(write: [OSString(scene.workspace + "/" + name)])
                let refusal = #expect(throws: Refusal.self) {
                    try sandbox.start(ProcessOptions(arguments: ["true"], narrowing: narrowing))
                }
                #expect([ENOENT, ENOTDIR, ELOOP].contains(refusal?.errno ?? 0), "\(name)")
            }
        }
        // The sandbox goes on.
        let after = try run(sandbox, ["sh", "-c", "echo on"], nil)
        #expect(after.output == "on\n", "\(after)")
        _ = sandbox.close()
    }
}
