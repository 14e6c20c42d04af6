import Foundation
import SandboxTestSupport
import Testing

/// Paths that are not what they look like, and files that the launcher trusts or writes: each with the case that works.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct PathTests {
    private func worker() -> [String] { ["/bin/sh", "-c", "echo ran"] }

    private func ran(_ result: RunResult) -> Bool { result.ending == .exited(0) && result.lines.first == "ran" }

    private func isRefused(_ result: RunResult, _ word: String) -> Bool {
        result.ending == .exited(125) && result.output == [] && result.errorText.contains(word) && result.left == 0
    }

    // MARK: - B5: folders that are known by another name

    @Test(arguments: ["HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"], Caller.available)
    func aLinkDoesNotHideThatAFolderIsInTheWorkspace(variable: String, caller: Caller) throws {
        for inside in [true, false] {
            let scene = try Scene(caller)
            let target = (inside ? scene.workspace : scene.folder) + "/target"
            try scene.makeFolder(target)
            try scene.link(scene.folder + "/way", to: target)
            scene.environment = [variable: scene.folder + "/way"]
            let result = try scene.runInside(worker())
            let word = variable == "HOME" ? "home folder" : "keeps its own files"
            #expect(inside ? isRefused(result, word) : ran(result), "\(result.story)")
        }
    }

    /// The place does not exist yet: a link that leads nowhere decides where it will be.
    ///
    /// For settings it is a refusal wherever it leads.
    @Test(
        arguments: [("XDG_CACHE_HOME", "keeps its own files"), ("XDG_CONFIG_HOME", "a link that leads nowhere")],
        Caller.available
    )
    func aLinkToWhatIsNotThereYetCounts(place: (variable: String, word: String), caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.link(scene.folder + "/way", to: scene.workspace + "/later")
        scene.environment = [place.variable: scene.folder + "/way"]
        let result = try scene.runInside(worker())
        #expect(isRefused(result, place.word), "\(result.story)")
    }

    // MARK: - Policies of somebody else

    @Test(.enabled(if: Caller.available.contains(.root), "only root is asked here"), arguments: [true, false])
    func rootDoesNotObeyAUsersPolicy(byName: Bool) throws {
        let scene = try Scene(.root)
        let folders = ["", "/codex-sandbox", "/codex-sandbox/policies"].map { scene.folder + "/config" + $0 }
        for folder in folders { try scene.makeFolder(folder) }
        let file = folders[2] + "/mine.toml"
        try scene.write("version = 1\n", to: file)
        scene.environment = ["XDG_CONFIG_HOME": folders[0]]
        let options = ["--policy", byName ? "mine" : file]
        let refused = try scene.runInside(worker(), options: options)
        #expect(isRefused(refused, "root's own HOME"), "\(refused.story)")
        // The file alone is not enough: who owns the folder chooses the file.
        try #require(chown(file, 0, 0) == 0)
        let half = try scene.runInside(worker(), options: options)
        #expect(byName ? isRefused(half, "root's own HOME") : ran(half), "\(half.story)")
        for folder in folders { try #require(chown(folder, 0, 0) == 0) }
        let own = try scene.runInside(worker(), options: options)
        #expect(ran(own), "\(own.story)")
    }

    @Test func aPolicyThatEverybodyMayWriteIsRefused() throws {
        let scene = try Scene(.user)
        let file = scene.folder + "/policy.toml"
        try scene.write("version = 1\n", to: file, mode: 0o666)
        let refused = try scene.runInside(worker(), options: ["--policy", file])
        #expect(isRefused(refused, "others may write"), "\(refused.story)")
        try scene.write("version = 1\n", to: file, mode: 0o664)
        let own = try scene.runInside(worker(), options: ["--policy", file])
        #expect(ran(own), "\(own.story)")
    }

    @Test func aPolicyBehindALinkIsNamedByItsRealPath() throws {
        let scene = try Scene(.user)
        let file = scene.folder + "/policy.toml"
        try scene.write("version = 1\n", to: file)
        try scene.link(scene.workspace + "/policy.toml", to: file)
        let refused = try scene.runInside(worker(), options: ["--policy", scene.workspace + "/policy.toml"])
        #expect(isRefused(refused, "name the real path: \(file)"), "\(refused.story)")
    }

    /// Named by a relative path, as one does in a project.
    @Test func thePolicyOfALaunchIsNotTheJobsToChange() throws {
        let attempts = [
            Attempt(
                "B3",
                "changes the policy that it runs under",
                .trust,
                "files",
                prepare: PathTests.rules,
                arguments: { _ in ["rules/policy.toml"] },
                options: { _ in ["--policy", "rules/policy.toml"] },
                inside: TrustAttempts.protectedFile,
                reached: { scene, _ in
                    try scene.text(of: scene.workspace + "/rules/policy.toml") != "version = 1\n"
                }
            ),
            Attempt(
                "B3",
                "moves the folder of the policy that it runs under",
                .trust,
                "moves",
                prepare: PathTests.rules,
                arguments: { _ in ["rules"] },
                options: { _ in ["--policy", "rules/policy.toml"] },
                inside: TrustAttempts.heldFolder
            ),
        ]
        for attempt in attempts {
            let trial = try attempt.tried(by: .user)
            #expect(trial.problems == [] && trial.uncontrolled == [], "\(attempt)")
        }
    }

    @Sendable private static func rules(in scene: Scene) throws {
        try scene.makeFolder(scene.workspace + "/rules")
        try scene.write("version = 1\n", to: scene.workspace + "/rules/policy.toml")
    }

    // MARK: - Files that we write

    @Test(arguments: ["--result", "--evidence"], Caller.available)
    func aFileThatTheJobCouldReachIsRefusedAndLeftAlone(option: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let file = scene.workspace + "/record"
        let fresh = try scene.runInside(worker(), options: [option, file])
        #expect(isRefused(fresh, option) && !scene.exists(file), "\(fresh.story)")
        try scene.write("kept\n", to: file, mode: 0o600)
        if caller == .root { try #require(chown(file, 0, 0) == 0) }
        for path in [file, "record"] {
            let there = try scene.runInside(worker(), options: [option, path])
            #expect(isRefused(there, "may write to \(scene.workspace)"), "\(there.story)")
            #expect(try scene.text(of: file) == "kept\n")
        }
        #expect(try scene.recordedOutcomes() == ["refused", "refused", "refused"])
        let beside = scene.folder + "/record"
        let right = try scene.runInside(worker(), options: [option, beside])
        #expect(ran(right) && scene.exists(beside), "\(right.story)")
        // What the job can only read it cannot change.
        let shown = try scene.runInside(worker(), options: ["--policy", "read-only", option, scene.workspace + "/new"])
        #expect(ran(shown) && scene.exists(scene.workspace + "/new"), "\(shown.story)")
    }

    @Test(arguments: ["--result", "--evidence"], ["link", "folder behind a link", "hard link", "FIFO", "stdout"])
    func aFileThatLeadsElsewhereIsRefusedAndLeftAlone(option: String, kind: String) throws {
        let scene = try Scene(.user)
        let target = scene.folder + "/target"
        try scene.write("kept\n", to: target, mode: 0o600)
        var file = scene.folder + "/named"
        switch kind {
        case "link": try scene.link(file, to: target)
        case "folder behind a link":
            try scene.link(file, to: scene.folder)
            file += "/target"
        case "hard link": try #require(link(target, file) == 0)
        case "FIFO":
            try #require(mkfifo(file, 0o600) == 0)
            try scene.own(file)
        default: file = "/dev/stdout"
        }
        let result = try scene.runInside(worker(), options: [option, file], keeper: ["--deadline", "900000"])
        #expect(isRefused(result, option) && !result.tookTooLong, "\(result.story)")
        #expect(try scene.text(of: target) == "kept\n")
    }

    /// Another reason, before anything is planned: the file in the workspace is no more written then than otherwise.
    @Test(arguments: Caller.available)
    func aRefusalForAnotherReasonDoesNotWriteThereEither(caller: Caller) throws {
        let scene = try Scene(caller)
        let file = scene.workspace + "/result"
        let result = try scene.runInside(worker(), options: ["--result", file, "--policy", "nowhere"])
        #expect(isRefused(result, "no policy named") && !scene.exists(file), "\(result.story)")
        let beside = try scene.runInside(worker(), options: scene.resultOptions + ["--policy", "nowhere"])
        #expect(try isRefused(beside, "no policy named") && scene.report().outcome == "refused", "\(beside.story)")
    }

    // MARK: - B2, A1: what stands deeper in the workspace

    @Test(arguments: Caller.available)
    func foldersOnTheWayToSomethingKeptStayWhereTheyAre(caller: Caller) throws {
        let attempt = Attempt(
            "B2",
            "moves folders on the way to something denied or read-only",
            .trust,
            "moves",
            prepare: { scene in
                for folder in ["/a", "/a/b", "/a/b/c", "/d", "/d/e", "/f", "/f/g"] {
                    try scene.makeFolder(scene.workspace + folder)
                }
                try scene.write("\(scene.token)\n", to: scene.workspace + "/a/b/c/secret")
            },
            arguments: { _ in ["a", "a/b", "d", "f"] },
            options: { scene in
                [
                    "--deny", scene.workspace + "/a/b/c", "--read", scene.workspace + "/d/e", "--write",
                    scene.workspace + "/f/g",
                ]
            },
            inside: TrustAttempts.heldFolder,
            after: { scene, _ in
                ["/a/b/c/secret", "/d/e", "/f/g"].filter { !scene.exists(scene.workspace + $0) }.map { "\($0) is gone" }
            }
        )
        let trial = try attempt.tried(by: caller)
        #expect(trial.problems == [] && trial.uncontrolled == [])
    }

    /// A file system of the host that is mounted in the workspace comes along, and what is held in it stands on top.
    @Test(.enabled(if: Caller.available.contains(.root), "only root can mount"), arguments: ["deny", "read"])
    func aMountOfTheHostInTheWorkspaceIsNoObstacle(kind: String) throws {
        let scene = try Scene(.root)
        for folder in ["/m", "/source", "/source/x", "/source/x/y"] {
            try scene.makeFolder((folder == "/m" ? scene.workspace : scene.folder) + folder)
        }
        let result = try scene.runInside(
            ["/bin/sh", "-c", "echo ran; mv m n; mv m/x m/z; touch m/x/y/new; touch m/new; true"],
            options: ["--\(kind)", scene.workspace + "/m/x/y"],
            keeper: ["--mounts", "--bind", scene.folder + "/source", scene.workspace + "/m"]
        )
        #expect(ran(result), "\(result.story)")
        #expect(try scene.names(in: scene.folder + "/source") == ["new", "x"], "\(result.story)")
        #expect(try scene.names(in: scene.folder + "/source/x/y") == [], "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aDeniedFileWithAnotherNameIsRefused(caller: Caller) throws {
        let scene = try Scene(caller)
        let file = scene.workspace + "/private"
        try scene.write("\(scene.token)\n", to: file)
        try #require(link(file, scene.workspace + "/other") == 0)
        let look = ["/bin/sh", "-c", "echo ran; cat private other; true"]
        let refused = try scene.runInside(look, options: ["--deny", file])
        #expect(isRefused(refused, "2 names (hard links)"), "\(refused.story)")
        try FileManager.default.removeItem(atPath: scene.workspace + "/other")
        let held = try scene.runInside(look, options: ["--deny", file])
        #expect(ran(held) && !held.outputText.contains(scene.token), "\(held.story)")
        let control = try scene.runInside(look)
        #expect(control.outputText.contains(scene.token), "no control: \(control.story)")
    }

    @Test(arguments: Caller.available)
    func aProtectedFileWithAnotherNameIsRefused(caller: Caller) throws {
        let scene = try Scene(caller)
        let file = scene.workspace + "/.envrc"
        try scene.write("before\n", to: file)
        try #require(chown(file, Caller.worker.uid, Caller.worker.gid) == 0)
        try #require(link(file, scene.workspace + "/other") == 0)
        let change = ["/bin/sh", "-c", "echo ran; echo after > other; true"]
        let refused = try scene.runInside(change)
        #expect(isRefused(refused, "2 names (hard links)"), "\(refused.story)")
        #expect(try scene.text(of: file) == "before\n")
        let control = try scene.run(change, keeper: Caller.workerOptions)
        #expect(try scene.text(of: file) == "after\n", "no control: \(control.story)")
    }

    /// A mount over a folder holds the names in it, and a file in it may have one outside.
    @Test(arguments: [".git/hooks/pre-commit", ".vscode/deep/tasks.json"], Caller.available)
    func aFileOfAProtectedFolderWithANameElsewhereIsRefused(name: String, caller: Caller) throws {
        let scene = try Scene(caller)
        try TrustAttempts.repository(in: scene)
        let file = scene.workspace + "/" + name
        try scene.makeFolders(Array((file as NSString).deletingLastPathComponent.utf8 + [0x2F]))
        try scene.write("before\n", to: file, mode: 0o755)
        try #require(link(file, scene.workspace + "/other") == 0)
        let change = ["/bin/sh", "-c", "echo ran; echo after > other; true"]
        let refused = try scene.runInside(change)
        #expect(isRefused(refused, "2 names (hard links), 1 of them outside"), "\(refused.story)")
        #expect(try scene.text(of: file) == "before\n")
        let control = try scene.run(change, keeper: Caller.workerOptions)
        #expect(try scene.text(of: file) == "after\n", "no control: \(control.story)")
        // With all its names in the folder it is held by all of them.
        try FileManager.default.removeItem(atPath: scene.workspace + "/other")
        try #require(link(file, file + "-2") == 0)
        let held = try scene.runInside(["/bin/sh", "-c", "echo ran; echo inside > '\(file)-2'; true"])
        #expect(ran(held), "\(held.story)")
        #expect(try scene.text(of: file) == "after\n")
    }

    @Test(arguments: Caller.available)
    func aFileOfADeniedFolderWithANameElsewhereIsRefused(caller: Caller) throws {
        let scene = try Scene(caller)
        let folder = scene.workspace + "/private"
        for path in [folder, folder + "/deep"] { try scene.makeFolder(path) }
        try scene.write("\(scene.token)\n", to: folder + "/deep/key")
        try #require(link(folder + "/deep/key", scene.workspace + "/other") == 0)
        let look = ["/bin/sh", "-c", "echo ran; cat private/deep/key other; true"]
        let refused = try scene.runInside(look, options: ["--deny", folder])
        #expect(isRefused(refused, "2 names (hard links), 1 of them outside"), "\(refused.story)")
        let control = try scene.runInside(look)
        #expect(control.outputText.contains(scene.token), "no control: \(control.story)")
        try FileManager.default.removeItem(atPath: scene.workspace + "/other")
        let held = try scene.runInside(look, options: ["--deny", folder])
        #expect(ran(held) && !held.outputText.contains(scene.token), "\(held.story)")
    }

    /// What cannot be looked through before the launch is not said to be held.
    @Test func aProtectedFolderThatIsTooLargeIsRefused() throws {
        let scene = try Scene(.user)
        try scene.makeFolder(scene.workspace + "/.vscode")
        for number in 0..<100_000 { _ = symlink("x", "\(scene.workspace)/.vscode/\(number)") }
        let held = try scene.runInside(worker())
        #expect(ran(held), "\(held.story)")
        try scene.write("", to: scene.workspace + "/.vscode/one-more")
        let refused = try scene.runInside(worker())
        #expect(isRefused(refused, "more than 100000 entries"), "\(refused.story)")
    }

    @Test(arguments: Caller.available)
    func aReadOnlyFileInTheWorkspaceWithAnotherNameIsRefused(caller: Caller) throws {
        let scene = try Scene(caller)
        let file = scene.workspace + "/fixed"
        try scene.write("before\n", to: file)
        let change = ["/bin/sh", "-c", "echo ran; echo after > fixed; echo after > other; true"]
        let held = try scene.runInside(change, options: ["--read", file])
        #expect(try ran(held) && scene.text(of: file) == "before\n", "\(held.story)")
        try FileManager.default.removeItem(atPath: scene.workspace + "/other")
        try #require(link(file, scene.workspace + "/other") == 0)
        let refused = try scene.runInside(change, options: ["--read", file])
        #expect(isRefused(refused, "2 names (hard links)"), "\(refused.story)")
        let control = try scene.run(change, keeper: Caller.workerOptions)
        #expect(try scene.text(of: file) == "after\n", "no control: \(control.story)")
    }

    @Test(arguments: Caller.available)
    func aWorkspaceThatIsARepositoryByItselfIsRefused(caller: Caller) throws {
        let scene = try Scene(caller)
        for folder in ["/objects", "/refs"] { try scene.makeFolder(scene.workspace + folder) }
        let without = try scene.runInside(worker())
        #expect(ran(without), "\(without.story)")
        try scene.write("ref: refs/heads/main\n", to: scene.workspace + "/HEAD")
        let refused = try scene.runInside(worker())
        #expect(isRefused(refused, "is itself a git repository"), "\(refused.story)")
        let shown = try scene.runInside(worker(), options: ["--policy", "read-only"])
        #expect(ran(shown), "\(shown.story)")
    }

    // MARK: - E5

    @Test(arguments: ["link", "dots"], Caller.available)
    func aSocketThatWasBoundByAnotherNameIsRefused(kind: String, caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.link(scene.folder + "/way", to: scene.workspace)
        let free = try scene.runInside(worker())
        #expect(ran(free), "\(free.story)")
        let way = kind == "link" ? scene.folder + "/way" : scene.outside + "/../workspace"
        try scene.keepSocket(at: way + "/socket")
        let result = try scene.runInside(worker())
        #expect(isRefused(result, "socket \(scene.workspace)/socket"), "\(result.story)")
    }

    /// However a socket came to be in the workspace: the kernel says which file it is.
    @Test(
        arguments: ["relative", "at", "descriptor", "renamed", "folder renamed", "newline", "linked"],
        Caller.available
    )
    func aSocketInTheWorkspaceIsRefusedWhateverItsName(kind: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let host = try scene.start(
            ["/usr/bin/python3", "-B", scene.program("socket-host.py"), kind, scene.outside],
            keeper: Caller.workerOptions
        )
        try host.line("listens")
        let connect = ["/usr/bin/python3", "-B", scene.program("hostile-network.py"), "pathname"]
        let path = try host.line("at ")
        let result = try scene.runInside(connect + [path.replacing("\\n", with: "\n")])
        #expect(isRefused(result, "something outside listens on the socket"), "\(result.story)")
        #expect(!host.outputText.contains("reached"))
        let control = try scene.run(connect + [path.replacing("\\n", with: "\n")], keeper: Caller.workerOptions)
        #expect(control.values("connect") == ["ok"], "no control: \(control.story)")
        try host.line("reached")
        _ = try host.finish()
        let free = try scene.runInside(worker())
        #expect(ran(free), "\(free.story)")
    }

    /// Anybody can bind a socket, and make its name lead nowhere or a list of them long.
    @Test(arguments: ["dead end", "many"], Caller.available)
    func socketsOfOthersAreNoReasonToRefuse(kind: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let host = try scene.start(
            ["/usr/bin/python3", "-B", scene.program("socket-host.py"), kind, scene.outside],
            keeper: Caller.workerOptions
        )
        try host.line("listens")
        let result = try scene.runInside(worker())
        #expect(ran(result), "\(result.story)")
        _ = try host.finish()
    }
}
