import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// Threats B1 and B3 where several runs show the same folder: what one has put there for a missing name is what the
/// mounts of another stand on.
@Suite(.takesTurns, .timeLimit(.minutes(20)))
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
}
