import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// Threats B1 and B3 where several runs show the same folder: what one has put there for a missing name is what the
/// mounts of another stand on.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct SharedFolderTests {
    /// Waits for a line of its input, and then makes git's hooks and a setting of its own.
    private static let plant =
        "echo ready; read line; mkdir .git/hooks; echo x > .git/hooks/pre-commit; echo x > .mcp.json; echo done"

    private func repository(in scene: Scene) throws {
        let git = scene.workspace + "/.git"
        for path in ["", "/objects", "/refs"] { try scene.makeFolder(git + path) }
        try scene.write("ref: refs/heads/main\n", to: git + "/HEAD")
        try scene.write("[core]\n", to: git + "/config")
    }

    private func plant(_ job: KeptProcess) throws -> RunResult {
        job.write("\n".utf8)
        try job.line("done")
        return try job.finish()
    }

    private func hasNothing(_ scene: Scene) -> Bool {
        !scene.exists(scene.workspace + "/.git/hooks/pre-commit") && !scene.exists(scene.workspace + "/.mcp.json/x")
            && (try? scene.text(of: scene.workspace + "/.mcp.json")) == nil
    }

    /// A folder that is moved away takes the cover along, and no mount table tells of it; the names do.
    @Test(arguments: Caller.available)
    func aFolderThatIsMovedTakesItsCoverAlong(caller: Caller) throws {
        let scene = try Scene(caller)
        try repository(in: scene)
        let job = try scene.startInside(["/bin/sh", "-c", Self.plant], options: scene.resultOptions)
        try job.line("ready")
        #expect(rename(scene.workspace + "/.git/hooks", scene.folder + "/moved") == 0)
        let result = try plant(job)
        #expect(scene.exists(scene.workspace + "/.git/hooks/pre-commit"), "no control: \(result.story)")
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
        #expect(result.errorText.contains("/.git/hooks was moved"), "\(result.story)")
    }

    /// A root in the workspace is moved away by somebody outside: its name is the job's then.
    @Test(arguments: ["read", "write", "workspace"], Caller.available)
    func aRootInAWritableOneIsNotMadeAnew(kind: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let outer = scene.folder + "/outer"
        let inner = outer + "/inner"
        for path in [outer, inner] { try scene.makeFolder(path) }
        let roots =
            kind == "workspace"
            ? ["--policy", "read-only", "--workspace", inner, "--write", outer]
            : ["--workspace", outer, "--\(kind)", inner]
        // Some looks of the supervisor's fit into the time that the job goes on, on any machine.
        let script = "echo ready; read line; mkdir '\(inner)'; echo x > '\(inner)/made'; echo done; sleep 40; echo late"
        let job = try scene.start(
            [scene.workshop.launcher, "run"] + roots + scene.resultOptions + ["--", "/bin/sh", "-c", script],
            keeper: caller.keeperOptions
        )
        try job.line("ready")
        #expect(rename(inner, outer + "/away") == 0)
        let result = try plant(job)
        #expect(scene.exists(inner + "/made"), "no control: \(result.story)")
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
        #expect(result.errorText.contains("/inner was moved") && !result.lines.contains("late"), "\(result.story)")
    }

    /// A workspace deep in a folder that is writable, too: the folders between cannot be moved away by the job.
    @Test(arguments: Caller.available)
    func theWayToAWorkspaceInAWritableFolderIsHeld(caller: Caller) throws {
        let scene = try Scene(caller)
        let outer = scene.folder + "/outer"
        let inner = outer + "/between/inner"
        for path in [outer, outer + "/between", inner] { try scene.makeFolder(path) }
        let script = "mv '\(outer)/between' '\(outer)/away' 2>&1; echo x > '\(outer)/made' && echo made"
        let job = try scene.start(
            [scene.workshop.launcher, "run", "--workspace", inner, "--write", outer, "--", "/bin/sh", "-c", script],
            keeper: caller.keeperOptions
        )
        let result = try job.finish()
        #expect(result.lines.last == "made" && scene.exists(outer + "/made"), "no control: \(result.story)")
        #expect(
            scene.exists(inner) && result.lines.contains { $0.contains("Device or resource busy") },
            "\(result.story)"
        )
    }

    /// What could not be taken away because the job had closed its workspace goes with the next run.
    @Test(arguments: Caller.available)
    func aClosedWorkspaceIsClearedByTheNextRun(caller: Caller) throws {
        let scene = try Scene(caller)
        _ = try scene.runInside(["/bin/chmod", "0", "."])
        #expect(chmod(scene.workspace, 0o755) == 0)
        let next = try scene.runInside(["/bin/true"])
        #expect(next.ending == .exited(0), "\(next.story)")
        #expect(try scene.names(in: scene.workspace).isEmpty)
    }

    /// A job that goes on is ended.
    @Test(arguments: Caller.available)
    func aJobWhoseCoverIsMovedIsEnded(caller: Caller) throws {
        let scene = try Scene(caller)
        let job = try scene.startInside(["/bin/sh", "-c", "echo ready; exec sleep 60"], options: scene.resultOptions)
        try job.line("ready")
        #expect(rename(scene.workspace + "/.envrc", scene.folder + "/moved") == 0)
        let result = try job.finish()
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
    }

    /// The other run knows nothing of this one: its records, and with them its ledger, are elsewhere.
    @Test(arguments: ["state folder", "workspace"], Caller.available)
    func theEndOfAnotherRunTakesNoProtectionAway(other: String, caller: Caller) throws {
        let scene = try Scene(caller)
        try repository(in: scene)
        let elsewhere = scene.folder + "/elsewhere"
        try scene.makeFolder(elsewhere)
        if other == "state folder" && caller == .root { #expect(chown(elsewhere, 0, 0) == 0) }
        let wait = ["/bin/sh", "-c", "echo ready; read line"]
        let first =
            try other == "state folder"
            ? scene.startInside(wait, options: ["--state-dir", elsewhere])
            : scene.start(
                [scene.workshop.launcher, "run", "--workspace", elsewhere, "--write", scene.workspace, "--"] + wait,
                keeper: caller.keeperOptions
            )
        try first.line("ready")
        #expect(scene.exists(scene.workspace + "/.git/hooks"), "the first run covers nothing")
        let second = try scene.startInside(["/bin/sh", "-c", Self.plant], options: scene.resultOptions)
        try second.line("ready")
        first.write("\n".utf8)
        #expect(try first.finish().ending == .exited(0))
        let result = try plant(second)
        #expect(result.ending == .exited(0) && hasNothing(scene), "\(result.story)")
        #expect(try scene.report().outcome == "exited", "\(result.story)")
        // What had to stay is gone with the next run that knows of it.
        let last =
            try other == "state folder"
            ? scene.runInside(["/bin/true"], options: ["--state-dir", elsewhere])
            : scene.run(
                [scene.workshop.launcher, "run", "--workspace", elsewhere, "--", "/bin/true"],
                keeper: caller.keeperOptions
            )
        #expect(last.ending == .exited(0), "\(last.story)")
        #expect(try scene.names(in: scene.workspace) == [".git"])
        #expect(try scene.names(in: scene.workspace + "/.git") == ["HEAD", "config", "objects", "refs"])
    }

    /// A job that shows the folder around a workspace has a cover of that one open when it is taken away: it must not be
    /// in our state folder then.
    @Test(arguments: Caller.available)
    func aCoverThatAnotherJobHasOpenIsNotKept(caller: Caller) throws {
        let scene = try Scene(caller)
        let inner = scene.workspace + "/inner"
        try scene.makeFolder(inner)
        let first = try scene.start(
            [scene.workshop.launcher, "run", "--workspace", inner, "--", "/bin/sh", "-c", "echo ready; read line"],
            keeper: caller.keeperOptions
        )
        try first.line("ready")
        let holder = try scene.startInside([
            "/bin/sh", "-c", "cd inner/.codex; echo ready; read line; echo x > planted; chmod 777 .; echo done",
        ])
        try holder.line("ready")
        first.write("\n".utf8)
        #expect(try first.finish().ending == .exited(0))
        holder.write("\n".utf8)
        let result = try holder.finish()
        #expect(result.outputText.contains("done"), "\(result.story)")
        #expect(try scene.records().filter { $0.hasSuffix("/planted") } == [], "\(result.story)")
        #expect(!scene.exists(inner + "/.codex"))
    }

    // MARK: - Locks

    /// A job's own lock on a folder that it shares with us is not ours to hold up.
    @Test(arguments: Caller.available)
    func aJobLocksItsOwnFolders(caller: Caller) throws {
        let scene = try Scene(caller)
        try repository(in: scene)
        try scene.makeFolder(scene.workspace + "/.git/hooks")
        try scene.write("#!/bin/sh\n", to: scene.workspace + "/.git/hooks/kept")
        let result = try scene.runInside(
            ["/bin/sh", "-c", "flock -x . true && flock -x .git true && flock -x .git/hooks true"],
            keeper: ["--deadline", "900000"]
        )
        #expect(result.ending == .exited(0) && !result.tookTooLong, "\(result.story)")
    }

    /// Nobody stops a launch by a lock, nor makes it slow: whoever has one keeps others from taking the folder away, too.
    @Test(arguments: Caller.available)
    func aLockOfSomebodyElseIsNoObstacle(caller: Caller) throws {
        let scene = try Scene(caller)
        try repository(in: scene)
        try scene.makeFolder(scene.workspace + "/.git/hooks")
        let hooks = open(scene.workspace + "/.git/hooks", O_RDONLY | O_DIRECTORY)
        defer { close(hooks) }
        try #require(hooks >= 0 && flock(hooks, LOCK_EX) == 0)
        let clock = ContinuousClock()
        let begin = clock.now
        let result = try scene.runInside(["/bin/sh", "-c", "echo x > .git/hooks/x"])
        #expect(result.ending != .exited(125) && result.ending != .exited(0), "\(result.story)")
        #expect(clock.now - begin < .seconds(60), "\(result.story)")
        #expect(try scene.names(in: scene.workspace + "/.git/hooks").isEmpty)
    }

    /// Others can open a cover whatever the caller's umask is, or they could not hold it.
    @Test(arguments: Caller.available)
    func aCoverIsOpenToOtherRuns(caller: Caller) throws {
        let scene = try Scene(caller)
        let command = ["/bin/sh", "-c", "umask 077; exec \"$@\"", "sh"]
        let job = try scene.start(
            command + scene.sandboxed(["/bin/sh", "-c", "echo ready; read line"]),
            keeper: caller.keeperOptions
        )
        try job.line("ready")
        #expect(try scene.status(of: scene.workspace + "/.codex").mode & 0o7777 == 0o755)
        job.write("\n".utf8)
        #expect(try job.finish().ending == .exited(0))
    }

    /// Somebody gives the workspace another name: what stands in it goes with the run all the same.
    @Test(arguments: Caller.available)
    func aWorkspaceThatIsRenamedIsCleared(caller: Caller) throws {
        let scene = try Scene(caller)
        try repository(in: scene)
        let job = try scene.startInside(["/bin/sh", "-c", "echo ready; read line"])
        try job.line("ready")
        let renamed = scene.folder + "/renamed"
        #expect(rename(scene.workspace, renamed) == 0)
        job.write("\n".utf8)
        let result = try job.finish()
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try scene.names(in: renamed) == [".git"])
        #expect(try scene.names(in: renamed + "/.git") == ["HEAD", "config", "objects", "refs"])
    }
}
