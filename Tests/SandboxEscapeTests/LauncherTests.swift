import Foundation
import SandboxTestSupport
import Testing

/// The launcher itself as the target: names, links and races before the job, helpers, options, descriptors.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct LauncherTests {
    // MARK: - B6, B7

    /// Programs that a launcher might look for by name; each leaves a mark if it runs.
    private func plantHelpers(in scene: Scene) throws -> String {
        let folder = scene.folder + "/fakes"
        try scene.makeFolder(folder)
        for name in [
            "git", "bwrap", "newuidmap", "newgidmap", "sh", "bash", "env", "mount", "umount", "unshare", "setpriv",
            "ldconfig", "id", "getent", "codex-sandbox", "codex-sandboxd", "uname", "strace", "true",
        ] {
            let text = "#!/bin/sh\necho \"$0\" >> \(scene.folder)/mark\n"
            try scene.write(text, to: "\(folder)/\(name)", mode: 0o755)
        }
        scene.environment = [
            "PATH": "\(folder):.:/usr/bin:/bin", "LD_PRELOAD": scene.program("preload.so"),
            "LD_AUDIT": scene.program("preload.so"), "PRELOAD_MARK": scene.folder + "/preloaded",
            "PYTHONPATH": folder, "XDG_CACHE_HOME": scene.folder + "/cold-cache", "ENV": "\(folder)/sh",
            "BASH_ENV": "\(folder)/sh",
        ]
        return folder
    }

    @Test func fakeHelpersAndPreloadsLeaveTheirMarkOutside() throws {
        let scene = try Scene(.user)
        let folder = try plantHelpers(in: scene)
        let result = try scene.run(["git", "status"], keeper: Caller.workerOptions + ["--cwd", folder])
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try scene.text(of: scene.folder + "/mark").contains("git"))
        #expect(try scene.text(of: scene.folder + "/preloaded").contains("/bin/"))
    }

    @Test(arguments: Caller.available)
    func noHelperIsFoundByNameAndNothingIsPreloaded(caller: Caller) throws {
        let scene = try Scene(caller)
        let folder = try plantHelpers(in: scene)
        let process = try scene.start(
            scene.sandboxed(["/usr/bin/env"]),
            keeper: caller.keeperOptions,
            in: folder
        )
        let result = try process.finish()
        #expect(result.ending == .exited(0), "\(result.story)")
        let ran = scene.exists(scene.folder + "/mark") ? try scene.text(of: scene.folder + "/mark") : ""
        #expect(ran == "")
        #expect(!result.lines.contains { $0.hasPrefix("LD_") || $0.hasPrefix("PYTHON") || $0.hasPrefix("ENV=") })
        // A build with shared libraries is itself loaded by the loader that LD_PRELOAD speaks to.
        let preloaded = scene.exists(scene.folder + "/preloaded") ? try scene.text(of: scene.folder + "/preloaded") : ""
        let others = preloaded.split(separator: "\n").filter { !$0.hasSuffix("/codex-sandbox") }
        #expect(others == [], "loaded into \(others)")
    }

    @Test(arguments: [["--help"], ["--version"], ["--bind", "/", "/"], ["--danger-full-access"], ["-c"], ["--"]])
    func aCommandThatLooksLikeAnOptionIsACommand(command: [String]) throws {
        let scene = try Scene(.user)
        let result = try scene.runInside(command)
        #expect(result.ending == .exited(127) && result.output == [], "\(result.story)")
    }

    @Test func nothingAfterTheCommandIsParsed() throws {
        let scene = try Scene(.user)
        let words = ["--policy", "danger-full-access", "--danger-full-access", "--", "--workspace", "/", "--help"]
        let result = try scene.runInside(["/usr/bin/printf", "%s\n"] + words)
        #expect(result.lines == words, "\(result.story)")
    }

    @Test func aProgramNamedLikeAnOptionRuns() throws {
        let scene = try Scene(.user)
        try scene.write("#!/bin/sh\necho ran \"$@\"\n", to: scene.workspace + "/--help", mode: 0o755)
        let result = try scene.runInside(["./--help", "--version"])
        #expect(result.lines == ["ran --version"], "\(result.story)")
    }

    // MARK: - A3: the folder a job starts in

    @Test(arguments: Caller.available)
    func aCallerOutsideTheWorkspaceStartsTheJobInItsRoot(caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.start(
            scene.sandboxed([scene.program("hostile-files"), "pwd"]),
            keeper: caller.keeperOptions,
            in: scene.outside
        )
        let result = try process.finish()
        #expect(result.values("cwd") == [scene.workspace], "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aFolderThatIsGoneIsNoWayOut(caller: Caller) throws {
        let scene = try Scene(caller)
        let gone = scene.folder + "/gone"
        try scene.makeFolder(gone)
        let command = scene.sandboxed([scene.program("hostile-files"), "climb", scene.secret])
        let result = try scene.run(
            ["/bin/sh", "-c", "cd \(gone) && rmdir \(gone) && exec \"$@\"", "sh"] + command,
            keeper: caller.keeperOptions
        )
        #expect(!result.outputText.contains(scene.token), "\(result.story)")
        #expect(result.ending == .exited(0) || (result.ending == .exited(125) && !result.began), "\(result.story)")
    }

    @Test(arguments: ["/", "/usr", "..", "../outside"])
    func aStartOutsideTheWorkspaceIsRefused(folder: String) throws {
        let scene = try Scene(.user)
        let result = try scene.runInside(["/bin/pwd"], options: ["--cwd", folder])
        #expect(!result.began && result.output == [], "\(result.story)")
        #expect(result.ending == .exited(125) || result.ending == .exited(2), "\(result.story)")
    }

    // MARK: - A6: protected names that are links

    @Test(
        arguments: [
            (".codex", "outside"), (".envrc", "outside/secret"), (".git", "outside"), (".git/hooks", "outside"),
            (".git/config", "outside/secret"), (".mcp.json", "outside/secret"), (".vscode", "outside"),
        ],
        Caller.available
    )
    func aProtectedNameThatIsALinkProtectsNothingElse(name: (String, String), caller: Caller) throws {
        let scene = try Scene(caller)
        try TrustAttempts.repository(in: scene)
        let path = scene.workspace + "/" + name.0
        if scene.exists(path) { try FileManager.default.removeItem(atPath: path) }
        try scene.link(path, to: "\(scene.folder)/\(name.1)")
        let result = try scene.runInside([
            "/bin/sh", "-c",
            "cat '\(name.0)' '\(name.0)/secret'; echo x >> '\(name.0)'; echo x > '\(name.0)/new'; rm -rf '\(name.0)'; "
                + "mkdir '\(name.0)' && echo replaced",
        ])
        #expect(!result.outputText.contains(scene.token), "\(result.story)")
        #expect(!result.outputText.contains("replaced"), "\(result.story)")
        #expect(try scene.secretIsUntouched())
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "\(scene.folder)/\(name.1)")
        if result.ending == .exited(125) {
            #expect(result.errorText.contains(name.0), "the refusal does not name it: \(result.story)")
        }
    }

    // MARK: - A7: what covers are made of

    @Test(arguments: Caller.available)
    func aFalseNullDeviceIsNotUsed(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(
            ["/bin/sh", "-c", "cat /dev/null; stat -c 'device %t:%T' /dev/null"],
            keeper: ["--mounts", "--bind", scene.secret, "/dev/null"]
        )
        #expect(!result.outputText.contains(scene.token), "\(result.story)")
        #expect(result.ending == .exited(125) || result.lines == ["device 1:3"], "\(result.story)")
    }

    // MARK: - A14: descriptors 0, 1 and 2

    @Test(arguments: Caller.available)
    func aFolderAsStandardInputIsRefused(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/ls", "/proc/self/fd/0/"], keeper: ["--stdin-from", scene.outside])
        #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
    }

    @Test(.enabled(if: Caller.available.contains(.root), "only root can open a block device"))
    func aBlockDeviceAsStandardInputIsRefused() throws {
        let scene = try Scene(.root)
        let node = scene.folder + "/block"
        try #require(mknod(node, S_IFBLK | 0o600, 0x700) == 0)
        let opened = open(node, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else {
            Issue.record("this host has no loop device 7:0 to try with", severity: .warning)
            return
        }
        close(opened)
        let result = try scene.runInside(["/usr/bin/head", "-c", "1"], keeper: ["--stdin-from", node])
        #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aFileAsStandardInputCannotBeOpenedAgainForWriting(caller: Caller) throws {
        let control = try Scene(caller)
        let words = ["again", "/proc/self/fd/0", "/dev/stdin"]
        let outside = try control.run(
            [control.program("hostile-files")] + words,
            keeper: Caller.workerOptions + ["--stdin-from", control.secret]
        )
        #expect(outside.values("write").contains("ok"), "no control: \(outside.story)")
        #expect(try !control.secretIsUntouched())

        let scene = try Scene(caller)
        let result = try scene.runInside(
            [scene.program("hostile-files")] + words,
            keeper: ["--stdin-from", scene.secret]
        )
        let answers = Set(result.values("write") + result.values("read_write") + result.values("truncate"))
        #expect(result.began && !answers.isEmpty, "\(result.story)")
        // Before Landlock's ABI 3 the job gets a pipe of ours instead, which it may open as it likes.
        if try !scene.recordsHolding("\"kind\":\"file\",\"number\":0,\"relayed\":false").isEmpty {
            #expect(answers.isSubset(of: ["EACCES", "EPERM", "EROFS", "ENXIO"]), "\(result.story)")
        }
        #expect(try scene.secretIsUntouched())
    }

    @Test(arguments: ["pipe", "file"], Caller.available)
    func flagsOfTheCallersDescriptorsStay(kind: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let attempt = [scene.program("hostile-files"), "nonblock"]
        let files = kind == "file" ? "exec 0<>./in 2>>./err; " : ""
        // The shell's descriptors are the command's; fdinfo shows the flags of the open file behind them.
        let show = "for n in 0 2; do sed -n 's/^flags:/flags/p' /proc/self/fdinfo/$n; done"
        let look = "\(files)\(show) > ./before; \"$@\"; \(show) > ./after"
        for (command, isControl) in [(attempt, true), (scene.sandboxed(attempt), false)] {
            let result = try scene.run(
                ["/bin/sh", "-c", look, "sh"] + command,
                keeper: isControl ? Caller.workerOptions : caller.keeperOptions + ["--umask", "0"]
            )
            #expect(result.values("set") == ["ok", "ok", "ok"], "\(result.story)")
            let same = try scene.text(of: scene.workspace + "/before") == scene.text(of: scene.workspace + "/after")
            #expect(same != isControl, "\(isControl ? "no control" : "changed by the job")")
            for name in try scene.names(in: scene.workspace) {
                try FileManager.default.removeItem(atPath: scene.workspace + "/" + name)
            }
        }
    }

    // MARK: - E5, E9: sockets

    @Test(arguments: Caller.available, [true, false])
    func aSocketThatSomethingOutsideListensOnIsRefused(caller: Caller, inWorkspace: Bool) throws {
        let scene = try Scene(caller)
        let shared = scene.folder + "/shared"
        try scene.makeFolder(shared)
        let path = (inWorkspace ? scene.workspace : shared) + "/socket"
        try scene.keepSocket(at: path)
        let attempt = ["/usr/bin/python3", "-B", scene.program("hostile-network.py"), "pathname", path]
        let outside = try scene.run(attempt, keeper: Caller.workerOptions)
        #expect(outside.values("connect") == ["ok"] && scene.socketCanaries[0].wasReached(), "\(outside.story)")
        let result = try scene.runInside(attempt, options: ["--read", shared])
        #expect(result.ending == .exited(125) && result.errorText.contains("socket"), "\(result.story)")
        #expect(!scene.socketCanaries[0].wasReached())
    }

    @Test(arguments: ["loopback", "any"], Caller.available)
    func nobodyOutsideReachesAListenerInside(kind: String, caller: Caller) throws {
        for inside in [false, true] {
            let scene = try Scene(caller)
            let attempt = ["/usr/bin/python3", "-B", scene.program("hostile-network.py"), "listen", kind]
            let process =
                inside
                ? try scene.startInside(attempt) : try scene.start(attempt, keeper: Caller.workerOptions)
            let port = try process.line("port ")
            let knock = try scene.run(
                ["/usr/bin/python3", "-B", scene.program("hostile-network.py"), "tcp", port],
                keeper: Caller.workerOptions
            )
            let result = try process.finish()
            #expect(result.values("inbound") == [inside ? "EAGAIN" : "ok"], "\(result.story)")
            #expect(knock.values("ipv4") == [inside ? "ECONNREFUSED" : "ok"], "\(knock.story)")
        }
    }
}
