import Foundation
import SandboxPlan
import SandboxRuntime
import SandboxTestSupport
import Testing

/// Many processes in one place: the public interface of the runtime, from many threads.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct SandboxTests {
    private func scene() throws -> Scene { try Scene(getuid() == 0 ? .root : .user) }

    private func open(_ scene: Scene, _ change: (inout LaunchOptions) -> Void = { _ in }) throws -> Sandbox {
        var options = LaunchOptions(
            arguments: [],
            environment: ["HOME=\(scene.home)", "PATH=/usr/bin:/bin", "SECRET_TOKEN=\(scene.token)"].map {
                OSString($0)
            },
            policy: .named("workspace-write"),
            closedStreams: 0
        )
        options.workspace = OSString(scene.workspace)
        options.stateFolder = OSString(scene.state)
        options.environment.append(OSString("CODEX_SANDBOX_CACHE_DIR=\(scene.cache)"))
        change(&options)
        return try Sandbox(options, launcher: OSString(scene.workshop.launcher))
    }

    private func text(_ descriptor: Int32?) -> String {
        guard let descriptor else { return "" }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            // EIO: the terminal's other end is closed.
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

    /// What a shell command says and how it ends.
    private func sh(
        _ sandbox: Sandbox,
        _ script: String,
        _ change: (inout ProcessOptions) -> Void = { _ in }
    ) throws -> (output: String, end: ProcessEnd) {
        var options = ProcessOptions(arguments: ["sh", "-c", OSString(script)])
        change(&options)
        let process = try sandbox.start(options)
        if let input = process.ends.input { _ = Glibc.close(input) }
        let output = text(process.ends.output) + text(process.ends.errors)
        for number in [process.ends.output, process.ends.errors].compactMap(\.self) { _ = Glibc.close(number) }
        return (output, process.wait())
    }

    @Test func aWorkspaceIsShownWhereItIsAskedFor() throws {
        let scene = try scene()
        let git = try scene.run(
            [
                "/bin/sh", "-c",
                "git init -q -b main . && mkdir -p sub .codex && echo kept >.codex/kept && echo own >sub/own",
            ],
            keeper: scene.caller.keeperOptions
        )
        #expect(git.ending == .exited(0), "\(git.story)")
        let sandbox = try open(scene) {
            $0.workspaceInside = "/workspace"
            $0.overrides.deny = [OSString(scene.workspace + "/sub")]
        }
        // The control is the same act at the path where nothing holds it.
        let seen = try sh(
            sandbox,
            """
            pwd; echo $PWD; echo made >new && cat new
            ls \(scene.workspace) 2>&1 | head -c 200
            echo x >.git/config; echo x >.codex/kept; cat .codex/kept; ls sub; mv .git gone; mkdir .envrc/x
            git -C /workspace status --short; git config user.name; mount | grep -c \(scene.workspace)
            """
        )
        let lines = seen.output.split(separator: "\n").map(String.init)
        #expect(lines.prefix(3) == ["/workspace", "/workspace", "made"], "\(seen)")
        #expect(seen.output.contains("No such file or directory"), "the workspace is not at its own path: \(seen)")
        #expect(seen.output.contains(".git/config: Read-only file system"), "\(seen)")
        #expect(seen.output.contains(".codex/kept: Read-only file system") && lines.contains("kept"), "\(seen)")
        #expect(seen.output.contains("'sub': Permission denied"), "\(seen)")
        #expect(seen.output.contains("cannot move '.git' to 'gone': Device or resource busy"), "\(seen)")
        #expect(seen.output.contains("'.envrc/x': Read-only file system"), "\(seen)")
        #expect(
            lines.contains("?? new") && lines.contains("0"),
            "git works there, and no mount has the other name: \(seen)"
        )
        let elsewhere = try sh(sandbox, "pwd") { $0.workingDirectory = "/workspace/.codex" }
        #expect(elsewhere.output == "/workspace/.codex\n", "\(elsewhere)")
        let end = sandbox.close()
        #expect(end.verdict == nil && end.warnings.isEmpty && end.planted.isEmpty, "\(end)")
        let left = try FileManager.default.contentsOfDirectory(atPath: scene.workspace).sorted()
        #expect(left == [".codex", ".git", "new", "sub"], "\(left)")
        for (inside, refused) in [
            ("/tmp/x", "shown at /tmp/x"), ("/workspace/../x", "shown at"), ("workspace", "shown at"),
        ] {
            #expect {
                _ = try open(scene) { $0.workspaceInside = OSString(inside) }
            } throws: { error in
                (error as? Refusal)?.message.contains(refused) == true
            }
        }
        // A root around it would show unprotected what is protected at the other name.
        #expect {
            _ = try open(scene) {
                $0.workspaceInside = "/workspace"
                $0.overrides.read = [OSString(scene.workspace).parent]
            }
        } throws: { error in
            (error as? Refusal)?.message.contains("the workspace lies in it") == true
        }
    }

    @Test func processesShareAPlaceAndHaveTheirOwnEverythingElse() throws {
        let scene = try scene()
        let sandbox = try open(scene)
        let first = try sh(sandbox, "echo one >/tmp/shared; echo out; echo err >&2; pwd; exit 3")
        #expect(first.output == "out\n\(scene.workspace)\nerr\n" && first.end.outcome == .exited(code: 3), "\(first)")
        let second = try sh(sandbox, "cat /tmp/shared; pwd; echo $OWN $SECRET_TOKEN; grep -c . /proc/1/environ") {
            $0.workingDirectory = "/usr"
            $0.environment = [EnvironmentEntry(name: "OWN", value: "mine")]
        }
        #expect(second.output.hasPrefix("one\n/usr\nmine\n"), "\(second)")
        #expect(!second.output.contains(scene.token))
        let busy = try sh(sandbox, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
        #expect(busy.end.usage.userMicroseconds > 10_000 && busy.end.usage.maximumResident.bytes > 100_000, "\(busy)")
        let killed = try sh(sandbox, "kill -SEGV $$")
        #expect(killed.end.outcome == .signalled(signal: SIGSEGV))
        let absent = try sh(sandbox, "true") { $0.arguments = ["no-such-command"] }
        #expect(absent.end.outcome == .notExecuted(errno: ENOENT, message: "no-such-command"))
        let end = sandbox.close()
        #expect(end.verdict == nil && end.warnings.isEmpty && end.planted.isEmpty, "\(end)")
        // Each has its record, and the workspace's records are one chain.
        let shown = try scene.run(
            [scene.workshop.launcher, "evidence", "list", "--workspace", scene.workspace, "--state-dir", scene.state],
            keeper: scene.caller.keeperOptions
        )
        let lines = shown.outputText.split(separator: "\n").filter { $0.contains("exited") || $0.contains("sig") }
        #expect(lines.count == 4 && shown.outputText.contains("not-executed ENOENT"), "\(shown.story)")
        let verified = try scene.run(
            [
                scene.workshop.launcher, "evidence", "verify", "--workspace", scene.workspace, "--state-dir",
                scene.state,
            ],
            keeper: scene.caller.keeperOptions
        )
        #expect(verified.ending == .exited(0), "\(verified.story)")
    }

    @Test func pipesCarryInputAndTerminalsAreTheirOwn() throws {
        let scene = try scene()
        let sandbox = try open(scene)
        let cat = try sandbox.start(ProcessOptions(arguments: ["cat"]))
        let input = try #require(cat.ends.input)
        let message = Array("to be carried\n".utf8)
        #expect(write(input, message, message.count) == message.count)
        _ = Glibc.close(input)
        #expect(text(cat.ends.output) == "to be carried\n" && cat.wait().outcome == .exited(code: 0))
        for number in [cat.ends.output, cat.ends.errors].compactMap(\.self) { _ = Glibc.close(number) }
        var ends: [ProcessEnd] = []
        for (index, size) in [(24, 80), (50, 132)].enumerated() {
            let answer = try sh(
                sandbox,
                "tty; stty size; echo on the terminal >/dev/tty; ps -o tpgid= -o pgid= -o sid= -p $$"
            ) {
                $0.streams = .terminal(rows: UInt16(size.0), columns: UInt16(size.1))
            }
            let lines = answer.output.split(whereSeparator: \.isNewline).map(String.init)
            #expect(
                lines.first == "/dev/pts/0" && lines.dropFirst().first == "\(size.0) \(size.1)",
                "\(index): \(answer)"
            )
            #expect(lines.contains("on the terminal"), "\(index): \(answer)")
            let ids = Set((lines.last ?? "").split(separator: " "))
            #expect(ids.count == 1, "a session leader in the foreground of its terminal: \(answer)")
            ends.append(answer.end)
        }
        #expect(ends.allSatisfy { $0.outcome == .exited(code: 0) })
        let none = try sh(sandbox, "cat; echo none") { $0.streams = .none }
        #expect(none.output == "" && none.end.outcome == .exited(code: 0))
        _ = sandbox.close()
    }

    // As many as a job of the profile landlock-only may have, whose limit counts all processes of the user.
    @Test(.runsAlone) func fiveHundredAtOnce() throws {
        // Each has three pipes: more than the 1024 descriptors that a session begins with.
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var before = rlimit()
        try #require(getrlimit(kind, &before) == 0 && before.rlim_max >= 4096)
        var limit = rlimit(rlim_cur: before.rlim_max, rlim_max: before.rlim_max)
        try #require(setrlimit(kind, &limit) == 0)
        defer { setrlimit(kind, &before) }
        let sandbox = try open(try scene())
        let count = 500
        let ends = Counter()
        var processes: [SandboxedProcess] = []
        for index in 0..<count {
            let script = OSString("read x; exit \(index % 100)")
            processes.append(try sandbox.start(ProcessOptions(arguments: ["sh", "-c", script])))
        }
        for (index, process) in processes.enumerated() {
            process.whenEnded { if $0.outcome == .exited(code: Int32(index % 100)) { ends.add() } }
        }
        #expect(ends.value == 0)
        for process in processes { closeEnds(process) }
        for process in processes { _ = process.wait() }
        // Whoever waits may be told before those who asked to be called.
        for _ in 0..<6000 where ends.value < count { usleep(10_000) }
        #expect(ends.value == count)
        #expect(sandbox.close().verdict == nil)
    }

    @Test func fromManyTasksAtOnceAndCancelled() async throws {
        let sandbox = try open(try scene())
        let codes = try await withThrowingTaskGroup(of: Int32.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let options = ProcessOptions(
                        arguments: ["sh", "-c", OSString("sleep 0.05; exit \(index)")],
                        streams: .none
                    )
                    let process = try await withCheckedThrowingContinuation { continuation in
                        sandbox.start(options) { continuation.resume(with: $0) }
                    }
                    let end = await withCheckedContinuation { continuation in
                        process.whenEnded { continuation.resume(returning: $0) }
                    }
                    guard case .exited(let code) = end.outcome else { return -1 }
                    return code
                }
            }
            return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
        }
        #expect(codes == Set(0..<64))
        // A task that is cancelled ends its process.
        let task = Task {
            let process = try sandbox.start(ProcessOptions(arguments: ["sleep", "100"], streams: .none))
            return await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    process.whenEnded { continuation.resume(returning: $0) }
                }
            } onCancel: {
                process.signal(SIGKILL)
            }
        }
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        #expect(try await task.value.outcome == .signalled(signal: SIGKILL))
        _ = sandbox.close()
    }

    @Test func whatCannotBeStartedIsRefusedAndTheRestGoesOn() throws {
        let scene = try scene()
        let sandbox = try open(scene) { $0.overrides.tasks = 8 }
        for options in [
            ProcessOptions(arguments: []), ProcessOptions(arguments: ["a\0b"]),
            ProcessOptions(arguments: ["true"], workingDirectory: "relative"),
            ProcessOptions(arguments: ["true"], workingDirectory: "/not/there"),
            ProcessOptions(arguments: ["true"], environment: [EnvironmentEntry(name: "A=B", value: "")]),
        ] {
            #expect(throws: Refusal.self) { try sandbox.start(options) }
        }
        var running: [SandboxedProcess] = []
        var refusal: Refusal?
        for _ in 0..<12 {
            do throws(Refusal) {
                running.append(try sandbox.start(ProcessOptions(arguments: ["sleep", "100"], streams: .none)))
            } catch {
                refusal = error
                break
            }
        }
        #expect(
            refusal?.errno == EAGAIN && refusal?.remedy.contains("limits.tasks") == true,
            "\(String(describing: refusal))"
        )
        #expect((4...7).contains(running.count), "\(running.count)")
        running[0].signal(SIGTERM)
        #expect(running[0].wait().outcome == .signalled(signal: SIGTERM))
        #expect(try sh(sandbox, "echo room", { $0.arguments = ["true"] }).end.outcome == .exited(code: 0))
        // Those that were refused have their records, too.
        let end = sandbox.close()
        #expect(end.verdict == nil && end.warnings.isEmpty)
        #expect(running.dropFirst().allSatisfy { $0.wait().outcome == .signalled(signal: SIGKILL) })
        #expect(throws: Refusal.self) { try sandbox.start(ProcessOptions(arguments: ["true"])) }
        #expect(running.allSatisfy { kill($0.pid, 0) == -1 && errno == ESRCH }, "a process is left")
    }

    @Test func anUnusableSandboxIsRefusedAsARunIs() throws {
        let scene = try scene()
        #expect(throws: Refusal.self) { try open(scene) { $0.workspace = "/not/there" } }
        #expect(throws: Refusal.self) { try open(scene) { $0.policy = .named("nobody-has-this") } }
        #expect(throws: Refusal.self) { try open(scene) { $0.overrides.read = ["/not/there"] } }
        // A launcher that is none: pid 1 never answers as one.
        let options = try Scene(scene.caller)
        #expect(throws: Refusal.self) {
            var launch = LaunchOptions(
                arguments: [],
                environment: ["PATH=/usr/bin:/bin", OSString("CODEX_SANDBOX_CACHE_DIR=\(scene.cache)")],
                policy: .named("workspace-write"),
                closedStreams: 0
            )
            launch.workspace = OSString(options.workspace)
            launch.stateFolder = OSString(options.state)
            return try Sandbox(launch, launcher: "/bin/true")
        }
    }

    @Test func timesPassForOneProcessOnly() throws {
        let sandbox = try open(try scene()) { $0.overrides.grace = TimeSpan(milliseconds: 200) }
        let other = try sandbox.start(ProcessOptions(arguments: ["sleep", "100"], streams: .none))
        let polite = try sh(sandbox, "exec sleep 100") {
            $0.timeout = TimeSpan(milliseconds: 100)
            $0.streams = .none
        }
        #expect(polite.end.outcome == .timedOut)
        let deaf = try sh(sandbox, "trap '' TERM; sleep 100; sleep 100") {
            $0.timeout = TimeSpan(milliseconds: 100)
            $0.streams = .none
        }
        #expect(deaf.end.outcome == .timedOut)
        #expect(kill(other.pid, 0) == 0, "the other one goes on")
        _ = sandbox.close()
    }

    @Test func equalsMaySignalEachOtherAndNothingElse() throws {
        let sandbox = try open(try scene())
        let target = try sandbox.start(ProcessOptions(arguments: ["sleep", "100"], streams: .none))
        let answer = try sh(sandbox, "kill -0 1; pkill -x sleep; kill -0 \(getpid()) 2>&1 || echo not there")
        #expect(answer.output.contains("not there"), "\(answer)")
        #expect(target.wait().outcome == .signalled(signal: SIGTERM))
        #expect(sandbox.close().verdict == nil)
    }

    @Test func aLostProtectionEndsAll() throws {
        let scene = try scene()
        let made = try scene.run(["git", "init", "-q", scene.workspace], keeper: Caller.workerOptions)
        try #require(made.ending == .exited(0), "\(made.story)")
        let sandbox = try open(scene)
        let running = try (0..<5).map { _ in
            try sandbox.start(ProcessOptions(arguments: ["sleep", "100"], streams: .none))
        }
        let set = try scene.run(
            ["git", "-C", scene.workspace, "config", "core.editor", "true"],
            keeper: Caller.workerOptions
        )
        try #require(set.ending == .exited(0), "\(set.story)")
        for process in running {
            guard case .protectionLost = process.wait().outcome else {
                Issue.record("\(process.wait())")
                continue
            }
        }
        guard case .protectionLost? = sandbox.close().verdict else {
            Issue.record("\(sandbox.close())")
            return
        }
    }

    @Test func aSandboxThatNobodyHoldsIsClosed() throws {
        let pid: Int32
        do {
            let sandbox = try open(try scene())
            pid = try sandbox.start(ProcessOptions(arguments: ["sleep", "100"], streams: .none)).pid
            #expect(kill(pid, 0) == 0)
        }
        for _ in 0..<6000 where kill(pid, 0) == 0 { usleep(10_000) }
        #expect(kill(pid, 0) == -1 && errno == ESRCH)
    }

    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private var count = 0
        var value: Int { lock.withLock { count } }
        func add() { lock.withLock { count += 1 } }
    }
}
