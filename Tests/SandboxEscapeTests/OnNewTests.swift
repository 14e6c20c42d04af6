import Foundation
import SandboxTestSupport
import Testing

/// Threat B2: what a job makes that a host's git obeys is found, and dealt with as `filesystem.on_new` says.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct OnNewTests {
    /// Ways to make a repository somewhere in the workspace, and what of it is told.
    static let plants = [
        ("git init -q deep/er", ["deep/er/.git"]),
        ("git init -q --bare all.git", ["all.git"]),
        ("mkdir x; cp -r known/.git store; echo gitdir: ../store > x/.git", ["store", "x/.git"]),
        ("mkdir x; ln -s ../known/.git x/.git", ["x/.git"]),
        (
            "mkdir -p a/objects a/refs; echo 'ref: refs/heads/x' > a/HEAD; git init -q a/objects/b",
            ["a", "a/objects/b/.git"]
        ),
        ("mkdir -p a; echo x > a/HEAD; echo ../known/.git > a/commondir", ["a"]),
        ("git init -q a; chmod 0 a/.git a", ["a/.git"]),
        ("git init -q known/.git/hidden", ["known/.git/hidden/.git"]),
        ("mkdir known/more; git init -q known/more; git init -q .", [".git", "known/more/.git"]),
        // A name that tools trust, dressed as a repository, and the beginning of one.
        ("mkdir -p .vscode/objects .vscode/refs; echo x > .vscode/HEAD; echo {} > .vscode/tasks.json", [".vscode"]),
        ("mkdir -p sub/.git/hooks; echo x > sub/.git/config; echo x > sub/.git/hooks/pre-commit", ["sub/.git"]),
    ]

    private func scene(_ caller: Caller) throws -> Scene {
        let scene = try Scene(caller)
        try scene.prepare(
            "git init -q known; echo x > known/file; mkdir -p old/folder; echo x > old/folder/file; echo x > old/file"
        )
        return scene
    }

    private func run(_ script: String, _ scene: Scene, _ onNew: String) throws -> RunResult {
        try scene.runInside(
            ["/bin/sh", "-ec", script],
            options: scene.resultOptions + scene.policy("[filesystem]\non_new = \"\(onNew)\"\n")
        )
    }

    private func paths(_ names: [String], _ scene: Scene) -> [String] {
        names.map { "\(scene.workspace)/\($0)" }.sorted()
    }

    private func planted(_ scene: Scene) throws -> [String] { try scene.report().planted.compactMap { $0 }.sorted() }

    /// Whether git outside takes the place for a repository of its own.
    private func isRepository(_ name: String, _ scene: Scene) throws -> Bool {
        let place =
            "\(scene.workspace)/" + (name.hasSuffix("/.git") ? String(name.dropLast(5)) : name == ".git" ? "." : name)
        let found = try scene.run(
            ["/usr/bin/git", "-C", place, "rev-parse", "--absolute-git-dir"],
            keeper: Caller.workerOptions
        )
        guard found.ending == .exited(0), let line = found.lines.first else { return false }
        return line == "\(scene.workspace)/\(name)"
            || !line.hasPrefix("\(scene.workspace)/\(name)") && name.hasSuffix("/.git")
                && scene.exists("\(scene.workspace)/\(name)")
    }

    private func isUntouched(_ scene: Scene) throws -> Bool {
        let kept = ["known/.git/HEAD", "known/.git/config", "known/file", "old/folder/file", "old/file"]
        return kept.allSatisfy { scene.exists("\(scene.workspace)/\($0)") }
    }

    /// Somebody outside takes the workspace away while the job works in it, and puts another one in its place.
    @Test(arguments: ["report", "fail"], Caller.available)
    func whatIsMadeInAMovedWorkspaceIsNotCalledSeen(onNew: String, caller: Caller) throws {
        let scene = try scene(caller)
        let job = try scene.startInside(
            ["/bin/sh", "-ec", "echo ready; read go; git init -q new"],
            options: scene.resultOptions + scene.policy("[filesystem]\non_new = \"\(onNew)\"\n")
        )
        try job.line("ready")
        try #require(rename(scene.workspace, scene.workspace + ".away") == 0)
        try scene.makeFolder(scene.workspace)
        job.write("go\n".utf8)
        let result = try job.finish()
        let report = try scene.report()
        #expect(scene.exists(scene.workspace + ".away/new/.git/HEAD"), "no control: \(result.story)")
        #expect(result.errorText.contains("what the job made there is not known"), "\(result.story)")
        #expect(report.outcome == (onNew == "fail" ? "protection-lost" : "exited"), "\(result.story)")
    }

    @Test(arguments: plants, Caller.available) func aNewOneIsTold(
        plant: (script: String, found: [String]),
        caller: Caller
    ) throws {
        let scene = try scene(caller)
        let result = try run(plant.script + "; exit 3", scene, "report")
        #expect(result.ending == .exited(3), "\(result.story)")
        #expect(try planted(scene) == paths(plant.found, scene), "\(result.story)")
        #expect(try scene.report().removed == [])
        for path in paths(plant.found, scene) {
            #expect(result.errorText.contains(path) && scene.exists(path), "\(result.story)")
        }
        #expect(try scene.recordsHolding("\"planted\":[\"\(scene.workspace)/").count == 1)
        try #require(try isUntouched(scene))
        // It was there before the next one.
        let next = try run("true", scene, "report")
        #expect(try planted(scene) == [], "\(next.story)")
    }

    @Test(arguments: plants, Caller.available)
    func aNewOneIsRemoved(plant: (script: String, found: [String]), caller: Caller) throws {
        let scene = try scene(caller)
        let result = try run(plant.script + "; exit 3", scene, "remove")
        #expect(result.ending == .exited(3), "\(result.story)")
        #expect(try planted(scene) == paths(plant.found, scene), "\(result.story)")
        #expect(try scene.report().removed.sorted() == paths(plant.found, scene), "\(result.story)")
        #expect(result.errorText.contains("it was removed"), "\(result.story)")
        for name in plant.found { #expect(try !isRepository(name, scene), "\(name): \(result.story)") }
        for name in ["sub/.git/config", ".vscode/tasks.json"] { #expect(!scene.exists("\(scene.workspace)/\(name)")) }
        #expect(try isUntouched(scene))
        #expect(try scene.recordsHolding("\"removed\":[\"\(scene.workspace)/").count == 1)
    }

    @Test(arguments: plants, Caller.available)
    func aNewOneIsAFailure(plant: (script: String, found: [String]), caller: Caller) throws {
        let scene = try scene(caller)
        let result = try run(plant.script, scene, "fail")
        #expect(result.ending == .exited(137), "\(result.story)")
        // It ended by itself, and nothing is there to be put back.
        #expect(result.errorText.contains("which was removed"), "\(result.story)")
        for word in ["was killed", "put it back"] { #expect(!result.errorText.contains(word), "\(result.story)") }
        let report = try scene.report()
        #expect(report.outcome == "protection-lost" && report.removed.sorted() == paths(plant.found, scene))
        for name in plant.found { #expect(try !isRepository(name, scene), "\(name): \(result.story)") }
        #expect(try isUntouched(scene))
    }

    /// The other words change nothing for a job that makes none.
    @Test(arguments: ["remove", "fail"], Caller.available) func aQuietJobIsNoMatter(word: String, caller: Caller) throws
    {
        let scene = try scene(caller)
        let script = """
            export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
            cd known; git add file; git commit -q -m x; cd ..; mkdir -p a/.git b/objects b/refs; echo x > b/config; echo x > HEAD
            """
        let result = try run(script, scene, word)
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try planted(scene) == [] && scene.exists(scene.workspace + "/b/config"), "\(result.story)")
    }

    /// Names that are no repositories, too.
    @Test(arguments: Caller.available) func aProtectedNameIsRemoved(caller: Caller) throws {
        let scene = try scene(caller)
        let script =
            "mkdir -p .claude/deep; ln -s \(scene.outside) .claude/link; echo x > .claude/deep/file; ln -s /etc .vscode"
        let result = try run(script, scene, "remove")
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try scene.report().removed.sorted() == paths([".claude", ".vscode"], scene), "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/.claude") && !scene.exists(scene.workspace + "/.vscode"))
        #expect(try scene.secretIsUntouched())
    }

    // MARK: - What is not the job's stays

    /// Links are removed and not followed, and what was there before the job stays, wherever the job has put it.
    @Test(arguments: Caller.available) func whatWasThereBeforeStays(caller: Caller) throws {
        let scene = try scene(caller)
        let script = """
            git init -q new; mv old/folder new/.git/folder; mv old/file new/.git/file; ln -s \(scene.outside) new/.git/link
            ln -s \(scene.workspace)/known known-link; ln -s ../../known/.git new/.git/other; echo x > new/work
            """
        let result = try run(script, scene, "remove")
        #expect(result.ending == .exited(0), "\(result.story)")
        let git = scene.workspace + "/new/.git"
        #expect(try scene.names(in: git) == ["file", "folder"], "\(result.story)")
        #expect(scene.exists(git + "/folder/file") && scene.exists(scene.workspace + "/new/work"))
        #expect(scene.exists(scene.workspace + "/known/.git/HEAD") && scene.exists(scene.workspace + "/known-link"))
        #expect(try scene.secretIsUntouched())
    }

    /// A repository whose HEAD was there before, as another file: it loses what makes it one.
    @Test(arguments: Caller.available) func aHeadOfBeforeStays(caller: Caller) throws {
        let scene = try scene(caller)
        try scene.prepare(
            "mkdir notes; echo 'ref: refs/heads/main' > notes/HEAD; mkdir notes/objects; echo x > notes/objects/x"
        )
        let result = try run("mkdir notes/refs; echo x > notes/refs/x; echo x > notes/config", scene, "remove")
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try scene.names(in: scene.workspace + "/notes") == ["HEAD", "objects"], "\(result.story)")
        #expect(scene.exists(scene.workspace + "/notes/objects/x"))
    }

    /// What cannot be removed is a failure, said to be still there.
    @Test(arguments: Caller.available) func whatCannotBeRemovedIsAFailure(caller: Caller) throws {
        let scene = try scene(caller)
        try scene.prepare(
            "mkdir -p all/objects all/refs all/x; echo 'ref: refs/heads/main' > all/x/HEAD; : > all/objects/x; : > all/refs/x"
        )
        let result = try run("mv all/x/HEAD all/HEAD", scene, "remove")
        #expect(result.ending == .exited(137), "\(result.story)")
        #expect(
            result.errorText.contains(
                "\(scene.workspace)/all, whose settings git trusts without asking, and it is STILL"
            )
        )
        #expect(scene.exists(scene.workspace + "/all/HEAD"))
    }

    /// As root the removal has the rights of the workspace's owner.
    @Test(.enabled(if: getuid() == 0, "only root has files of root"), arguments: [Caller.root])
    func whatBelongsToRootStays(caller: Caller) throws {
        let scene = try scene(caller)
        let folder = scene.workspace + "/shared"
        try scene.makeFolder(folder)
        try scene.write("x", to: folder + "/file")
        for path in [folder, folder + "/file"] { try #require(chown(path, 0, 0) == 0 && chmod(path, 0o777) == 0) }
        let script = "mkdir a; mv shared a/.git; cd a/.git; mkdir objects refs; echo 'ref: refs/heads/x' > HEAD"
        let result = try run(script, scene, "remove")
        // Only what was made in it is gone; the folder, which the job has moved, is nobody's to remove.
        #expect(try scene.names(in: scene.workspace + "/a/.git").contains("file"), "\(result.story)")
        #expect(
            result.errorText.contains("STILL there") || !scene.exists(scene.workspace + "/a/.git/HEAD"),
            "\(result.story)"
        )
    }

    /// A repository that was kept from the job, broken by it, and another one in its place: that is no new one to be told.
    @Test(arguments: Caller.available) func oneThatReplacesAKeptOneIsAFailure(caller: Caller) throws {
        let scene = try scene(caller)
        let script = "cd known; rm .git/HEAD; mkdir objects refs; echo 'ref: refs/heads/x' > HEAD; echo x > config"
        let result = try run(script, scene, "report")
        #expect(result.ending == .exited(137), "\(result.story)")
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
        #expect(try scene.report().removed == ["\(scene.workspace)/known"], "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/known/HEAD") && scene.exists(scene.workspace + "/known/file"))
        // Broken alone, as by rm -r of a clone, it is nobody's settings.
        let other = try self.scene(caller)
        let broken = try run("rm -r known 2>/dev/null || true", other, "report")
        #expect(broken.ending == .exited(0) && !broken.errorText.contains("the job made"), "\(broken.story)")
    }

    /// More than can be looked through afterwards is not passed over.
    @Test func aFolderThatIsTooDeepIsToldOrAFailure() throws {
        for (word, status) in [("report", Int32(0)), ("remove", 137), ("fail", 137)] {
            let scene = try scene(.user)
            let script = "for i in $(seq 40); do mkdir d; cd d; done; git init -q ."
            let result = try run(script, scene, word)
            #expect(result.ending == .exited(status), "\(result.story)")
            #expect(result.errorText.contains("holds too much"), "\(result.story)")
        }
    }

    /// Ended at any moment, the removal leaves what the job made, or what git does not obey; and never less than there was.
    @Test(arguments: Caller.available) func aRemovalThatIsKilledLeavesNoHalfOfARepository(caller: Caller) throws {
        var halves = 0
        for moment in 0..<60 where moment < 12 || halves == 0 {
            let scene = try scene(caller)
            let script = """
                git init -q new; mkdir new/.git/many; cd new/.git/many; i=0
                while [ $i -lt 3000 ]; do : > $i; i=$((i+1)); done; echo made
                """
            let job = try scene.startInside(
                ["/bin/sh", "-ec", script],
                options: try scene.policy("[filesystem]\non_new = \"remove\"\n")
            )
            try job.line("made")
            if moment < 12 {
                usleep(UInt32(moment) * 2500)
            } else {
                // A slow machine has not begun with it by then: as soon as it is seen to have.
                let head = scene.workspace + "/new/.git/HEAD"
                for _ in 0..<100_000 where scene.exists(head) && !job.hasEnded() { usleep(200) }
            }
            // It may be over already.
            do { try job.signal(SIGKILL) } catch let error as TestFailure
                where error.description.contains("No such process")
            {}
            _ = try job.finish()
            #expect(try isUntouched(scene))
            let git = scene.workspace + "/new/.git"
            guard scene.exists(git) else { continue }
            let left = scene.exists(git + "/many") ? try scene.names(in: git + "/many").count : 0
            if scene.exists(git + "/HEAD") {
                #expect(left == 3000 && scene.exists(git + "/config"))
            } else {
                halves += 1
                #expect(try !isRepository("new/.git", scene))
            }
        }
        // Or the test has seen nothing but whole ones.
        #expect(halves > 0)
    }
}
