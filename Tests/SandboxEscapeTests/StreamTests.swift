import Foundation
import SandboxTestSupport
import Testing

/// Threat list A14: what a job can do with its standard streams beyond reading and writing them.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct StreamTests {
    /// Runs a script of the host with the command as its arguments: outside as the worker, or inside.
    private func host(_ script: String, _ command: [String], _ scene: Scene, inside: Bool) throws -> RunResult {
        try scene.run(
            ["/bin/sh", "-c", script, "sh"] + (inside ? scene.sandboxed(command) : command),
            keeper: inside ? scene.caller.keeperOptions : Caller.workerOptions
        )
    }

    @Test(arguments: Caller.available)
    func whatIsWrittenIntoTheInputPipeReachesNobodyOutside(caller: Caller) throws {
        for inside in [false, true] {
            let scene = try Scene(caller)
            let result = try host(
                "cat | { \"$@\" > ./told; cat > ./reached; }",
                [scene.program("hostile-files"), "inject", "/proc/self/fd/0", scene.token],
                scene,
                inside: inside
            )
            let told = try scene.text(of: scene.workspace + "/told")
            #expect(told.contains("begin inject"), "\(result.story)")
            let reached = try scene.text(of: scene.workspace + "/reached")
            #expect(reached == (inside ? "" : scene.token), "\(inside ? "injected" : "no control"): \(told)")
        }
    }

    @Test(arguments: Caller.available)
    func whatOthersWroteIntoTheOutputPipeIsNotRead(caller: Caller) throws {
        for inside in [false, true] {
            let scene = try Scene(caller)
            // The reader comes late, so that what the host wrote is still in the pipe when the job looks for it.
            let result = try host(
                """
                { printf %s \(scene.token); "$@" 2> ./told; : > ./done; } |
                { until [ -e ./done ]; do sleep 0.05; done; cat > ./got; }
                """,
                [scene.program("hostile-files"), "steal", "/proc/self/fd/1"],
                scene,
                inside: inside
            )
            let told = try scene.text(of: scene.workspace + "/told")
            let got = try scene.text(of: scene.workspace + "/got")
            // What it steals inside is its own line at most: the pipe it opens again is ours.
            #expect(told.contains("steal="), "\(result.story)")
            #expect(told.contains(scene.token) != inside, "\(inside ? "stolen" : "no control"): \(told)")
            #expect(got.contains(scene.token) == inside, "\(got)")
        }
    }

    @Test(arguments: Caller.available)
    func aFileAsStandardOutputCannotBeOpenedAgainForReading(caller: Caller) throws {
        for inside in [false, true] {
            let scene = try Scene(caller)
            let log = scene.folder + "/log"
            try scene.write(scene.token, to: log)
            let result = try host(
                "\"$@\" >> '\(log)' 2> ./told",
                [scene.program("hostile-files"), "steal", "/proc/self/fd/1"],
                scene,
                inside: inside
            )
            let told = try scene.text(of: scene.workspace + "/told")
            #expect(told.contains(inside ? "steal=EACCES" : scene.token), "\(told) \(result.story)")
            #expect(try scene.text(of: log) == scene.token + "begin steal\n")
        }
    }

    /// The file is protected by its path in the workspace, and the descriptor comes by another path to it.
    @Test(arguments: Caller.available)
    func aProtectedFileBySecondMountCannotBeOpenedAgainForWriting(caller: Caller) throws {
        for inside in [false, true] {
            let scene = try Scene(caller)
            try TrustAttempts.repository(in: scene)
            let config = scene.workspace + "/.git/config"
            let text = try scene.text(of: config)
            let second = scene.folder + "/second"
            try scene.makeFolder(second)
            let command = [scene.program("hostile-files"), "again", "/proc/self/fd/0"]
            let result = try scene.run(
                inside ? scene.sandboxed(command) : command,
                keeper: (inside ? caller.keeperOptions : Caller.workerOptions)
                    + ["--mounts", "--bind", scene.workspace, second, "--stdin-from", second + "/.git/config"]
            )
            #expect(result.began, "\(result.story)")
            #expect(try (scene.text(of: config) == text) == inside, "\(result.story)")
        }
    }

    /// Landlock gives the whole writable root, so only the read-only mount in it would say no; stdin is not on that one.
    @Test(arguments: ["workspace", "read"], Caller.available)
    func aFileOfAReadOnlyRootInAWritableOneIsNotOpenedAgainForWriting(kind: String, caller: Caller) throws {
        for inside in [false, true] {
            let scene = try Scene(caller)
            let outer = scene.folder + "/outer"
            for path in [outer, outer + "/inner"] { try scene.makeFolder(path) }
            let file = outer + "/inner/file"
            try scene.write("kept\n", to: file)
            let command = [scene.program("hostile-files"), "again", "/proc/self/fd/0"]
            let roots =
                kind == "read"
                ? ["--workspace", outer, "--read", outer + "/inner"]
                : ["--policy", "read-only", "--workspace", outer + "/inner", "--write", outer]
            let launch = [scene.workshop.launcher, "run", "--read", scene.workshop.programs] + roots + ["--"] + command
            let result = try scene.run(
                inside ? launch : command,
                keeper: (inside ? caller.keeperOptions : Caller.workerOptions) + ["--stdin-from", file]
            )
            #expect(result.began, "\(result.story)")
            #expect(try (scene.text(of: file) == "kept\n") == inside, "\(result.story)")
        }
    }

    @Test(arguments: ["memory", "deleted"], Caller.available)
    func aFileWithoutAPathIsReadButNotChanged(kind: String, caller: Caller) throws {
        for attempt in [["inject", "/proc/self/fd/0", "x"], ["again", "/proc/self/fd/0"]] {
            for inside in [false, true] {
                let scene = try Scene(caller)
                let host = ["/usr/bin/python3", "-B", scene.program("stream-host.py"), kind]
                let command = [scene.program("hostile-files")] + attempt
                let result = try scene.run(
                    host + (inside ? scene.sandboxed(command) : command),
                    keeper: inside ? caller.keeperOptions : Caller.workerOptions
                )
                #expect(result.began && result.values("status") == ["0"], "\(result.story)")
                #expect(result.values("content") == [inside ? "kept" : "changed"], "\(attempt) \(result.story)")
            }
        }
        let scene = try Scene(caller)
        let host = ["/usr/bin/python3", "-B", scene.program("stream-host.py"), kind]
        let result = try scene.run(host + scene.sandboxed(["/bin/cat"]), keeper: caller.keeperOptions)
        #expect(result.lines.contains("kept by the host"), "\(result.story)")
    }

    @Test(
        arguments: ["/proc/version", "/proc/self/ns/net", "/proc/self/oom_score_adj", "/sys/kernel/uevent_seqnum"],
        Caller.available
    )
    func aFileOfTheKernelsIsRefused(path: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let command = ["/usr/bin/stat", "-L", "-c", "seen", "/proc/self/fd/0"]
        let outside = try scene.run(command, keeper: Caller.workerOptions + ["--stdin-from", path])
        #expect(outside.lines == ["seen"], "no control: \(outside.story)")
        let result = try scene.runInside(command, keeper: ["--stdin-from", path])
        #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
        #expect(result.errorText.contains("stdin is a file of the kernel's"), "\(result.story)")
    }

    /// The relays must not wait, and must not let the caller's programs find their descriptors changed by that.
    @Test(arguments: ["", "0", "012"], Caller.available)
    func flagsOfTheCallersDescriptorsStayWhileTheJobRuns(terminal: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let job = "'\(scene.program("hostile-files"))' nonblock; : > up; until [ -e go ]; do sleep 0.02; done"
        // A shell's background commands have /dev/null as input unless they are given another.
        let script = """
            exec 3<&0 4>&1
            show() { for n in 3 4 2; do sed -n 's/^flags://p' /proc/$$/fdinfo/$n; done; }
            show > ./before; "$@" <&3 &
            until [ -e ./up ]; do sleep 0.02; done
            show > ./during; : > ./go; wait; show > ./after
            """
        let result = try scene.run(
            ["/bin/sh", "-c", script, "sh"] + scene.sandboxed(["/bin/sh", "-c", job]),
            keeper: caller.keeperOptions + ["--umask", "0"] + (terminal.isEmpty ? [] : ["--pty", terminal])
        )
        let before = try scene.text(of: scene.workspace + "/before")
        #expect(before.split(separator: "\n").count == 3, "\(result.story)")
        #expect(try scene.text(of: scene.workspace + "/during") == before, "\(result.story)")
        #expect(try scene.text(of: scene.workspace + "/after") == before, "\(result.story)")
    }
}
