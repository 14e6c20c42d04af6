import Foundation
import SandboxTestSupport
import Testing

/// What a caller can rely on: bytes, arguments, statuses, places, and nothing left behind.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ContractTests {
    // MARK: - Bytes

    @Test(arguments: Caller.available)
    func twoMebibytesPassThroughUnchanged(caller: Caller) throws {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<(2 << 20)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/cat"], input: bytes)
        #expect(result.output == bytes && result.errors == [], "\(result.output.count) bytes, \(result.errorText)")
        #expect(result.ending == .exited(0))
    }

    @Test(arguments: Caller.available)
    func bothStreamsAreTheWorkersOwn(caller: Caller) throws {
        let scene = try Scene(caller)
        let outside = try scene.run([scene.program("worker"), "streams", "8"], keeper: Caller.workerOptions)
        let inside = try scene.runInside([scene.program("worker"), "streams", "8"])
        #expect(outside.output.count == 8 << 20 && outside.errors.count == 4 << 20)
        #expect(inside.output == outside.output && inside.errors == outside.errors)
    }

    @Test(arguments: Caller.available)
    func argumentsAreExact(caller: Caller) throws {
        let scene = try Scene(caller)
        let arguments: [[UInt8]] =
            [[], Array(1...255), Array("--".utf8), Array("a b\nc\"'\\$(x)".utf8), [0xFF, 0xFE]]
            + [[UInt8](repeating: 0x61, count: 100_000)] + (0..<500).map { Array("argument \($0)".utf8) }
        let words = [Array(scene.program("worker").utf8), Array("argv".utf8)] + arguments
        let command = scene.sandboxed([]).map { Array($0.utf8) } + words
        let result = try scene.start(bytes: command, keeper: caller.keeperOptions).finish()
        #expect(result.output == Array(words.map { $0 + [0] }.joined()), "\(result.errorText)")
    }

    // MARK: - Places

    /// Of what the place shows by itself, too: there nobody has asked for it, so nobody would think of a root.
    @Test(arguments: ["/etc/ssl/openssl.cnf", "/proc/cpuinfo", "/dev/urandom"], Caller.available)
    func whatIsDeniedIsUnreadable(path: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let look = ["/usr/bin/head", "-c1", path]
        let shown = try scene.runInside(look)
        #expect(shown.ending == .exited(0) && shown.output.count == 1, "\(shown.story)")
        let denied = try scene.runInside(look, options: ["--deny", path])
        #expect(denied.ending == .exited(1) && denied.output == [], "\(denied.story)")
        #expect(denied.errorText.contains("Permission denied"), "\(denied.story)")
    }

    /// What the place makes for itself: the name is denied, whatever would stand there.
    @Test(
        arguments: ["passwd", "group", "hosts", "hostname", "nsswitch.conf", "gitconfig", "mtab"],
        Caller.available
    )
    func aGeneratedFileThatIsDeniedIsNotThere(name: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let look = ["/usr/bin/head", "-c1", "/etc/" + name]
        let shown = try scene.runInside(look)
        #expect(shown.ending == .exited(0) && shown.output.count == 1, "\(shown.story)")
        let pattern = try scene.policy("[filesystem]\ndeny_globs = [\"/etc/\(name.dropLast())?\"]\n")
        for options in [["--deny", "/etc/" + name], pattern] {
            let denied = try scene.runInside(look, options: options)
            #expect(denied.ending == .exited(1) && denied.output == [], "\(denied.story)")
            #expect(denied.errorText.contains("No such file"), "\(denied.story)")
            // Nobody is told that it has come to nothing, and the job cannot put something there.
            #expect(!denied.errorText.contains("nothing is covered"), "\(denied.story)")
            let written = try scene.runInside(["/bin/sh", "-c", "echo x >/etc/\(name)"], options: options)
            #expect(written.ending != .exited(0) && written.errorText.contains("Read-only"), "\(written.story)")
        }
    }

    /// Asked for and denied: the host's own is covered as any other file.
    @Test(arguments: Caller.available)
    func theHostsFileInPlaceOfAGeneratedOneIsDeniedToo(caller: Caller) throws {
        let scene = try Scene(caller)
        let options = ["--read", "/etc/hosts", "--deny", "/etc/hosts"]
        let denied = try scene.runInside(["/bin/cat", "/etc/hosts"], options: options)
        #expect(denied.ending == .exited(1) && denied.output == [], "\(denied.story)")
        #expect(denied.errorText.contains("Permission denied"), "\(denied.story)")
    }

    /// What every command uses of these files is not needed to run.
    @Test(arguments: Caller.available)
    func commandsRunWithoutAnyGeneratedFile(caller: Caller) throws {
        let scene = try Scene(caller)
        let names = ["passwd", "group", "hosts", "hostname", "nsswitch.conf", "gitconfig", "mtab"]
        let script = "git init -q repo && git -C repo status --short && id -u && ls -l / >/dev/null && ls -A /etc"
        let result = try scene.runInside(
            ["/bin/sh", "-c", script],
            options: names.flatMap { ["--deny", "/etc/" + $0] }
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(names.allSatisfy { !result.lines.contains($0) }, "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aDeniedFolderTakesAlongWhatThePlaceShowsInIt(caller: Caller) throws {
        let scene = try Scene(caller)
        let look = ["/bin/ls", "/etc/ssl/certs", "/etc/ssl/openssl.cnf"]
        let shown = try scene.runInside(look)
        #expect(shown.ending == .exited(0) && shown.output != [], "\(shown.story)")
        for options in [["--deny", "/etc/ssl"], ["--deny", "/etc/ssl", "--deny", "/etc/ssl/certs"]] {
            let denied = try scene.runInside(look, options: options)
            #expect(denied.ending == .exited(2) && denied.output == [], "\(denied.story)")
        }
    }

    /// Files that the place otherwise has its own of.
    @Test(arguments: ["/etc/hosts", "/etc/passwd"], Caller.available)
    func aGeneratedFileGivesWayToTheHosts(path: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let shown = try scene.runInside(["/bin/cat", path], options: ["--read", path])
        let host = try scene.text(of: path)
        #expect(shown.ending == .exited(0) && shown.outputText == host, "\(shown.story)")
        let own = try scene.runInside(["/bin/cat", path])
        #expect(own.ending == .exited(0) && own.outputText != shown.outputText, "\(own.story)")
    }

    @Test(arguments: Caller.available)
    func aDeniedFolderAroundWhatIsShownIsARefusal(caller: Caller) throws {
        let scene = try Scene(caller)
        let options = ["--read", scene.secret]
        let shown = try scene.runInside(["/bin/cat", scene.secret], options: options)
        #expect(shown.ending == .exited(0) && shown.output != [], "\(shown.story)")
        let denied = try scene.runInside(["/bin/cat", scene.secret], options: options + ["--deny", scene.outside])
        #expect(denied.ending == .exited(125) && denied.output == [], "\(denied.story)")
        #expect(denied.errorText.contains("lies in \(scene.outside), which is denied"), "\(denied.story)")
    }

    /// What is shown has its real name, and a denied path that leads there by a link would deny nothing.
    @Test(arguments: Caller.available)
    func aDenyThroughALinkIsARefusal(caller: Caller) throws {
        let scene = try Scene(caller)
        let folder = scene.workspace + "/hidden"
        try scene.makeFolder(folder)
        try scene.write("hidden\n", to: folder + "/file")
        try scene.own(folder + "/file")
        try scene.link(scene.outside + "/around", to: scene.workspace)
        try scene.link(scene.outside + "/link", to: folder)
        let look = ["/bin/cat", "hidden/file"]
        let shown = try scene.runInside(look)
        #expect(shown.ending == .exited(0) && shown.outputText == "hidden\n", "\(shown.story)")
        let denied = try scene.runInside(look, options: ["--deny", folder])
        #expect(denied.ending == .exited(1) && denied.output == [], "\(denied.story)")
        for path in ["/around", "/around/hidden", "/around/hidden/file", "/around/new", "/link", "/link/file"] {
            let refused = try scene.runInside(look, options: ["--deny", scene.outside + path])
            #expect(refused.ending == .exited(125) && refused.output == [], "\(refused.story)")
            #expect(refused.errorText.contains("name the real path: \(scene.workspace)"), "\(refused.story)")
        }
        // Links that lead to nothing of the place are no reason to refuse, nor is one to what is denied anyway.
        try scene.link(scene.outside + "/elsewhere", to: scene.outside + "/nothing")
        try scene.link(scene.outside + "/round", to: scene.outside + "/round")
        for path in ["/elsewhere", "/round"] {
            let other = try scene.runInside(look, options: ["--deny", scene.outside + path])
            #expect(other.ending == .exited(0) && other.outputText == "hidden\n", "\(other.story)")
        }
        let twice = try scene.runInside(look, options: ["--deny", folder, "--deny", scene.outside + "/link"])
        #expect(twice.ending == .exited(1) && twice.output == [], "\(twice.story)")
        // A folder that is closed to the launcher is not closed to the job that owns it.
        #expect(chmod(folder, 0) == 0)
        let script = ["/bin/sh", "-c", "chmod 700 hidden; cat hidden/file"]
        let closed = try scene.runInside(script, options: ["--deny", scene.outside + "/link/file"])
        #expect(closed.ending == .exited(125) && closed.output == [], "\(closed.story)")
        #expect(chmod(folder, 0o755) == 0)
    }

    /// The other way round: what a policy shows by a link is not found by a denied real name.
    @Test(arguments: Caller.available)
    func whatIsShownThroughALinkBesideADenyIsARefusal(caller: Caller) throws {
        let scene = try Scene(caller)
        let real = scene.outside + "/real"
        try scene.makeFolder(real)
        try scene.makeFolder(real + "/part")
        try scene.link(scene.outside + "/around", to: real)
        let policy = scene.outside + "/policy.toml"
        func run(_ deny: String) throws -> RunResult {
            let system = "system = [\"/usr\", \"/bin\", \"/lib\", \"/lib64\", \"\(scene.outside)/around/part\"]"
            try scene.write("version = 1\n[filesystem]\n\(system)\n\(deny)\n", to: policy, mode: 0o600)
            if caller == .root { #expect(chown(policy, 0, 0) == 0) }
            return try scene.runInside(["/bin/true"], options: ["--policy", policy])
        }
        // Without one it comes further: to the place's own /tmp, where this scene lies.
        let shown = try run("")
        #expect(shown.ending == .exited(125) && shown.errorText.contains("has one of its own"), "\(shown.story)")
        let refused = try run("deny = [\"\(real)/part/x\"]")
        #expect(refused.ending == .exited(125), "\(refused.story)")
        #expect(refused.errorText.contains("show it by its real path: \(real)/part"), "\(refused.story)")
    }

    /// The kernel calls a removed folder by its name and ` (deleted)`, which may be the name of another.
    @Test(arguments: Caller.available)
    func aRemovedFolderIsNoWorkspace(caller: Caller) throws {
        let scene = try Scene(caller)
        let gone = scene.workspace + "/gone"
        try scene.makeFolder(gone + " (deleted)")
        let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$@\""
        let command = ["/bin/sh", "-c", script, "sh", scene.workshop.launcher, "run", "--", "/bin/touch", "made"]
        let result = try scene.run(command, keeper: caller.keeperOptions)
        let control = try scene.run(
            ["/bin/sh", "-c", "mkdir gone && cd gone && touch made && rm made && rmdir ../gone"],
            keeper: caller.keeperOptions
        )
        #expect(result.ending == .exited(125), "\(result.story)")
        #expect(try scene.names(in: gone + " (deleted)") == [], "\(result.story)")
        #expect(control.ending == .exited(0), "\(control.story)")
    }

    @Test(arguments: ["--result", "--evidence"], Caller.available)
    func ourOwnFilesAreNotWrittenOver(option: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let first = try scene.runInside(["/bin/true"])
        #expect(first.ending == .exited(0), "\(first.story)")
        let file = scene.state + "/codex-sandbox/kept.json"
        let result = try scene.runInside(["/bin/true"], options: [option, file])
        #expect(result.ending == .exited(125) && result.errorText.contains("keeps its records"), "\(result.story)")
        #expect(!scene.exists(file))
        #expect(try !scene.recordsHolding("keeps its records").isEmpty)
        let elsewhere = try scene.runInside(["/bin/true"], options: [option, scene.outside + "/kept.json"])
        #expect(elsewhere.ending == .exited(0), "\(elsewhere.story)")
    }

    @Test(arguments: Caller.available)
    func resultAndEvidenceAreTwoFiles(caller: Caller) throws {
        let scene = try Scene(caller)
        let file = scene.outside + "/both"
        let result = try scene.runInside(["/bin/true"], options: ["--result", file, "--evidence", file])
        #expect(
            result.ending == .exited(125) && result.errorText.contains("written to the same file"),
            "\(result.story)"
        )
        let two = try scene.runInside(["/bin/true"], options: ["--result", file, "--evidence", file + "2"])
        #expect(two.ending == .exited(0), "\(two.story)")
    }

    // MARK: - Statuses

    @Test(arguments: Caller.available)
    func everyStatusIsTheWorkersOwn(caller: Caller) throws {
        let scene = try Scene(caller)
        for status in Int32(0)...255 {
            let result = try scene.runInside([scene.program("worker"), "exit", "\(status)"])
            #expect(result.ending == .exited(status) && result.output == [], "\(status): \(result.story)")
        }
    }

    @Test(arguments: [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 31, 34, 64] as [Int32], Caller.available)
    func aSignalIs128AndItsNumber(number: Int32, caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(
            [scene.program("worker"), "signal", "\(number)"],
            options: scene.resultOptions
        )
        #expect(result.ending == .exited(128 + number), "\(result.story)")
        #expect(try scene.report().outcome == "signalled")
    }

    @Test(arguments: ["./plain", "./folder", "./no-interpreter"], Caller.available)
    func whatCannotBeExecutedIs126(command: String, caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.write("echo x\n", to: scene.workspace + "/plain")
        try scene.makeFolder(scene.workspace + "/folder")
        try scene.write("\u{1}\u{2}\u{3}", to: scene.workspace + "/no-interpreter", mode: 0o755)
        let result = try scene.runInside([command], options: scene.resultOptions)
        #expect(result.ending == .exited(126) && result.output == [], "\(result.story)")
        #expect(try scene.report().outcome == "not-executed")
    }

    @Test(arguments: ["no-such-command", "./no-such-file", "/no/such/path"], Caller.available)
    func whatIsNotThereIs127(command: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside([command], options: scene.resultOptions)
        #expect(result.ending == .exited(127) && result.errorText.contains(command), "\(result.story)")
        #expect(try scene.report().outcome == "not-executed")
    }

    @Test(arguments: Caller.available)
    func aCommandThatIsOnlyOutsideIs127WithTheRemedy(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.makeFolder(scene.outside + "-tools")
        try scene.write("#!/bin/sh\necho tool\n", to: scene.outside + "-tools/tool", mode: 0o755)
        scene.environment = ["PATH": "\(scene.outside)-tools:/usr/bin:/bin"]
        let result = try scene.runInside(["tool"])
        #expect(result.ending == .exited(127), "\(result.story)")
        #expect(result.errorText.contains("found at") && result.errorText.contains("--read"), "\(result.story)")
        let mended = try scene.runInside(["tool"], options: ["--read", scene.outside + "-tools"])
        #expect(mended.lines == ["tool"], "the remedy does not work: \(mended.story)")
    }

    /// The kernel counts pid 1 too.
    @Test(arguments: Caller.available)
    func twoTasksAreOneProcess(caller: Caller) throws {
        let scene = try Scene(caller)
        let one = try scene.runInside(["/bin/sh", "-c", "echo ran; (exit 3) || echo $?"], options: ["--pids", "2"])
        #expect(one.lines.first == "ran" && one.errorText.contains("fork"), "\(one.story)")
        let two = try scene.runInside(["/bin/sh", "-c", "(exit 3) || echo $?"], options: ["--pids", "3"])
        #expect(two.lines == ["3"], "\(two.story)")
        let none = try scene.runInside(["/bin/true"], options: ["--pids", "1"])
        #expect(none.ending == .exited(2) && none.errorText.contains("pid 1"), "\(none.story)")
    }

    @Test(arguments: Caller.available)
    func aMissingInterpreterIsNamed(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.write("#!/no/such/interpreter -x\n", to: scene.workspace + "/script", mode: 0o755)
        try scene.makeFolder(scene.outside + "-tools")
        try scene.write("", to: scene.outside + "-tools/python", mode: 0o755)
        try scene.write("#!\(scene.outside)-tools/python\n", to: scene.workspace + "/other", mode: 0o755)
        let result = try scene.runInside(["./script"])
        #expect(result.ending == .exited(127), "\(result.story)")
        #expect(result.errorText.contains("./script is there"), "\(result.story)")
        #expect(result.errorText.contains("/no/such/interpreter."), "\(result.story)")
        let other = try scene.runInside(["./other"])
        #expect(other.ending == .exited(127), "\(other.story)")
        #expect(other.errorText.contains("add --read \(scene.outside)-tools."), "\(other.story)")
    }

    @Test func whyACommandWasNotExecutedIsSaid() throws {
        let scene = try Scene(.user)
        try scene.write("echo x\n", to: scene.workspace + "/text", mode: 0o755)
        try scene.write("echo x\n", to: scene.workspace + "/plain")
        try scene.write("notes\n", to: scene.outside + "-notes")
        let expected: [(command: String, options: [String], words: String)] = [
            ("/etc/hostname", [], "the sandbox has one of its own there, which is no program"),
            ("/etc/mtab", [], "To read it, run a program that does"),
            (scene.outside + "-notes", [], "where it has no execute permission; if it is a program: chmod +x"),
            ("no-such-command", [], "looked in: /usr/local/bin, /usr/bin, /bin "),
            ("./text", [], "no #! line"), ("./plain", [], "chmod +x"), (".", [], "a folder"),
            ("./text", ["--deny", "text"], "it is denied"), ("", [], "The command is empty"),
            ("no-such-command", ["--danger-full-access"], "no-such-command was not found."),
        ]
        for (command, options, words) in expected {
            let result = try scene.run(
                [scene.workshop.launcher, "run"] + options + ["--", command],
                keeper: Caller.workerOptions
            )
            #expect(result.errorText.contains(words), "\(result.story)")
        }
    }

    @Test(arguments: [
        ("no-such-command", "no-such-command was not found in the sandbox."), ("./absent", "./absent does not exist"),
        ("./script", "/no/such/interpreter."),
    ])
    func aPlanSaysThatTheCommandIsNotThere(command: String, words: String) throws {
        let scene = try Scene(.user)
        try scene.write("#!/no/such/interpreter\n", to: scene.workspace + "/script", mode: 0o755)
        let absent = try scene.run([scene.workshop.launcher, "explain", "--", command], keeper: Caller.workerOptions)
        #expect(absent.ending == .exited(0) && absent.outputText.contains(words), "\(absent.story)")
        let there = try scene.run([scene.workshop.launcher, "explain", "--", "true"], keeper: Caller.workerOptions)
        #expect(
            !there.outputText.contains("not found") && !there.outputText.contains("is there, but"),
            "\(there.story)"
        )
    }

    /// What was asked for and comes to nothing is most likely a slip of the pen.
    @Test func whatComesToNothingIsTold() throws {
        let scene = try Scene(.user)
        scene.environment = ["THERE": "1"]
        try scene.write("", to: scene.workspace + "/denied")
        let asked = ["--env", "THERE", "--env", "NOT_THERE", "--deny", "denied", "--deny", "no-such"]
        for command in ["run", "explain"] {
            let words = [scene.workshop.launcher, command] + asked
            let result = try scene.run(words + ["--", "/bin/true"], keeper: Caller.workerOptions)
            #expect(
                result.errorText == """
                    codex-sandbox: note: --env NOT_THERE: the caller's environment has no NOT_THERE
                    codex-sandbox: note: --deny no-such: it does not exist, so nothing is covered

                    """,
                "\(result.story)"
            )
            let quiet = try scene.run(words + ["--quiet", "--", "/bin/true"], keeper: Caller.workerOptions)
            #expect(quiet.errors == [], "\(quiet.story)")
        }
    }

    /// Wherever it is met: another folder or file would need as many descriptors.
    @Test(arguments: 6...32)
    func tooFewDescriptorsAreSaidToBeTooFew(count: Int) throws {
        let scene = try Scene(.user)
        let line = "ulimit -n \(count) && exec \(scene.workshop.launcher) run -- /bin/true"
        let result = try scene.run(["/bin/sh", "-c", line], keeper: Caller.workerOptions)
        if result.ending == .exited(0) || !result.errorText.contains("EMFILE") { return }
        #expect(result.ending == .exited(125), "\(result.story)")
        #expect(result.errorText.contains("remedy: raise the limit of open files (ulimit -n)"), "\(result.story)")
    }

    @Test(arguments: [["--no-such-option"], ["--memory", "lots"], ["--timeout"]])
    func aWrongOptionIs2(options: [String]) throws {
        let scene = try Scene(.user)
        let result = try scene.run(
            [scene.workshop.launcher, "run"] + options + ["--", "/bin/echo", "ran"],
            keeper: Caller.workerOptions
        )
        #expect(result.ending == .exited(2) && result.output == [], "\(result.story)")
    }

    // MARK: - Environment

    @Test(arguments: Caller.available)
    func variablesArePassedAsAsked(caller: Caller) throws {
        let scene = try Scene(caller)
        scene.environment = ["ASKED_FOR": "1 2\n3", "NOT_ASKED_FOR": "x", "MY_TOKEN": "y", "TZ": "Asia/Tokyo"]
        let result = try scene.runInside(
            ["/usr/bin/env", "-0"],
            options: ["--env", "ASKED_FOR", "--env", "SET=a=b", "--env", "MY_TOKEN", "--env", "ABSENT"]
        )
        let variables = Set(result.outputText.split(separator: "\0").map(String.init))
        let wanted: Set<String> = [
            "ASKED_FOR=1 2\n3", "SET=a=b", "MY_TOKEN=y", "HOME=/home/sandbox", "CODEX_SANDBOX_NETWORK_DISABLED=1",
            "TZ=Asia/Tokyo",
        ]
        #expect(wanted.isSubset(of: variables), "\(result.story)")
        #expect(!variables.contains { $0.hasPrefix("NOT_ASKED_FOR") || $0.hasPrefix("ABSENT") }, "\(result.story)")
    }

    // MARK: - Places

    /// The last part of a workspace's path, and where it lies.
    struct Place: Sendable, CustomStringConvertible {
        var description: String
        /// Below the scene's folder, or absolute with the word TOKEN in it.
        var path: [UInt8]
        var needsRoot = false

        /// The absolute path with a run's own token in it, from its first folder on: that is what is removed afterwards.
        func path(of token: String) -> [UInt8] {
            Array(String(decoding: path, as: UTF8.self).replacing("TOKEN", with: token).utf8)
        }
    }

    static let places = [
        Place(description: "with spaces", path: Array("a b  c".utf8)),
        Place(description: "with a newline", path: Array("a\nb".utf8)),
        Place(description: "that is not UTF-8", path: [0x61, 0xFF, 0xFE, 0x62]),
        Place(description: "with escapes and quotes", path: Array("a\u{1B}[31m\"'\\b%s".utf8)),
        Place(description: "with a comma, colon and equals sign", path: Array("a,b:c=d".utf8)),
        Place(description: "of 255 bytes", path: [UInt8](repeating: 0x6E, count: 255)),
        Place(description: "with a deleted mark", path: Array("a (deleted)".utf8)),
        Place(description: "below /run", path: Array("/run/codex-sandbox-test-TOKEN".utf8), needsRoot: true),
        Place(description: "below /var/tmp", path: Array("/var/tmp/codex-sandbox-test-TOKEN".utf8)),
        Place(description: "below /dev/shm", path: Array("/dev/shm/codex-sandbox-test-TOKEN".utf8)),
        Place(
            description: "below a folder of its own",
            path: Array("/codex-sandbox-test-TOKEN/a/b".utf8),
            needsRoot: true
        ),
    ]

    @Test(arguments: places, Caller.available)
    func aWorkspaceCanLieAnywhere(place: Place, caller: Caller) throws {
        guard !place.needsRoot || Caller.available.contains(.root) else {
            Issue.record("\(place): only root can make such a folder", severity: .warning)
            return
        }
        let scene = try Scene(caller)
        let path =
            place.path.first == 0x2F ? place.path(of: scene.token) : Array("\(scene.folder)/".utf8) + place.path
        try scene.makeFolders(path)
        defer { scene.removeFolders(path) }
        let words = [scene.workshop.launcher, "run", "--read", scene.workshop.programs, "--workspace"]
        let script = "pwd; echo x > made && mkdir d && mv made d/made && cat d/made; echo y > ../beside && echo kept"
        let command = words.map { Array($0.utf8) } + [path] + ["--", "/bin/sh", "-c", script].map { Array($0.utf8) }
        let result = try scene.start(bytes: command, keeper: caller.keeperOptions).finish()
        #expect(result.ending == .exited(0) || result.lines.last != "kept", "\(result.story)")
        #expect(result.output.starts(with: path + Array("\nx\n".utf8)), "\(result.story)")
        #expect(scene.holds(path + Array("/d/made".utf8)) && !scene.holds(path + Array("/../beside".utf8)))
        // Beside a workspace that lies in none of the private folders there is nothing to write to.
        if place.path.starts(with: Array("/codex".utf8)) { #expect(result.lines.last != "kept", "\(result.story)") }
    }

    @Test(arguments: Caller.available)
    func filesOfTheJobBelongToTheWorker(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/sh", "-c", "umask 022; echo x > f; mkdir d; ln -s f l; id -u; id -g"])
        #expect(result.lines == ["\(Caller.worker.uid)", "\(Caller.worker.gid)"], "\(result.story)")
        for name in ["f", "d", "l"] {
            let status = try scene.status(of: "\(scene.workspace)/\(name)")
            #expect(status.owner == Caller.worker.uid && status.group == Caller.worker.gid)
        }
    }

    // MARK: - Nothing is left

    @Test(.runsAlone, .timeLimit(.minutes(120)), arguments: Caller.available)
    func manyLaunchesLeaveNothing(caller: Caller) throws {
        let count = ProcessInfo.processInfo.environment["SANDBOX_TESTS_LAUNCHES"].flatMap { Int($0) } ?? 200
        let scene = try Scene(caller)
        let before = try scene.surroundings()
        for _ in 0..<count {
            let result = try scene.runInside(["/bin/true"])
            #expect(result.ending == .exited(0) && result.left == 0 && result.zombies == 0, "\(result.story)")
        }
        #expect(try scene.left(since: before) == [])
        #expect(try scene.names(in: scene.workspace) == [])
        #expect(try scene.recordedOutcomes().filter { $0 == "exited" }.count == count)
    }

    @Test(.runsAlone, arguments: Caller.available)
    func twoJobsInOneWorkspaceProtectItTogether(caller: Caller) throws {
        let scene = try Scene(caller)
        let attack = "mkdir .codex/x; echo x > .envrc; rmdir .codex .envrc; mv .codex away; true"
        let long = try scene.startInside(["/bin/sh", "-c", "echo up; read line; \(attack); echo after"])
        try long.line("up")
        for _ in 0..<5 {
            let short = try scene.runInside(["/bin/sh", "-c", attack])
            #expect(short.ending == .exited(0), "\(short.story)")
            // The first one still runs: what covers the missing names for it must still be there.
            #expect(!scene.exists(scene.workspace + "/away"))
        }
        long.write("go on\n".utf8)
        let result = try long.finish()
        #expect(result.lines.last == "after" && result.ending == .exited(0), "\(result.story)")
        #expect(try scene.names(in: scene.workspace) == [])
    }
}
