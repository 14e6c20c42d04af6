import Foundation
import SandboxTestSupport
import Testing

/// Threat B1: a job that cannot change a repository's settings breaks the repository, and makes another one that git
/// takes for the folder's own.
///
/// Whether it worked is asked of git itself: outside, as the worker's id, with settings that leave a mark when obeyed.
@Suite(.takesTurns, .timeLimit(.minutes(20)))
struct RepositoryTests {
    /// Ways to make a folder one that git obeys (gitrepository-layout(5)).
    static let layouts = [
        "mkdir objects refs; echo 'ref: refs/heads/main' > HEAD; settings=.",
        "mkdir -p objects refs/heads; ln -s refs/heads/main HEAD; settings=.",
        "mkdir -p x/objects x/refs; echo 'ref: refs/heads/main' > HEAD; echo x > commondir; settings=x",
    ]

    private func attack(_ layout: String, _ scene: Scene) -> [String] {
        let settings = """
            [core]
                repositoryformatversion = 0
                bare = false
                worktree = \(scene.workspace)
                fsmonitor = "touch \(scene.folder)/mark; false"
                sshCommand = "touch \(scene.folder)/mark; false"
            [remote "origin"]
                url = ssh://nowhere/x
            """
        return [
            "/bin/sh", "-c",
            "if [ -e .git ]; then rm .git/HEAD || exit 3; fi; \(layout); echo '\(settings)' > $settings/config",
        ]
    }

    private func repository(in scene: Scene) throws {
        let made = try scene.run(["/usr/bin/git", "init", "--quiet", "."], keeper: Caller.workerOptions)
        try #require(made.ending == .exited(0), "\(made.story)")
    }

    /// Whether git on the host obeys what lies in the workspace.
    private func isObeyed(_ scene: Scene) throws -> Bool {
        for words in [["status"], ["fetch", "origin"]] {
            _ = try scene.run(["/usr/bin/git"] + words, keeper: Caller.workerOptions)
        }
        return scene.exists(scene.folder + "/mark")
    }

    /// Where the mark goes: the worker's id must be able to make it outside.
    private func scene(_ caller: Caller, withRepository: Bool) throws -> Scene {
        let scene = try Scene(caller)
        if withRepository { try repository(in: scene) }
        return scene
    }

    @Test(arguments: layouts, [true, false])
    func aBrokenRepositoryIsReplacedOutside(layout: String, withRepository: Bool) throws {
        let scene = try scene(.user, withRepository: withRepository)
        let result = try scene.run(attack(layout, scene), keeper: Caller.workerOptions)
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try isObeyed(scene))
    }

    @Test(arguments: layouts.flatMap { [($0, true), ($0, false)] }, Caller.available)
    func aBrokenRepositoryIsNotReplaced(attempt: (layout: String, withRepository: Bool), caller: Caller) throws {
        let scene = try scene(caller, withRepository: attempt.withRepository)
        let result = try scene.runInside(attack(attempt.layout, scene), options: scene.resultOptions)
        let report = try scene.report()
        #expect(report.outcome == "protection-lost", "\(result.story)")
        #expect(result.errorText.contains("HEAD"), "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/HEAD"))
        #expect(try !isObeyed(scene))
    }

    /// A job that goes on is ended, not only judged afterwards.
    @Test(arguments: Caller.available)
    func aJobThatMakesAGitFolderIsEnded(caller: Caller) throws {
        let scene = try scene(caller, withRepository: true)
        let attack = attack(RepositoryTests.layouts[0], scene)
        let result = try scene.runInside(
            ["/bin/sh", "-c", attack[2] + "; exec sleep 60"],
            options: scene.resultOptions,
            keeper: ["--deadline", "30000"]
        )
        #expect(!result.tookTooLong && result.left == 0, "\(result.story)")
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
    }

    /// Closed to an ordinary supervisor too, which then cannot remove anything, but says so.
    @Test(arguments: Caller.available)
    func aClosedFolderHidesNothing(caller: Caller) throws {
        let scene = try scene(caller, withRepository: false)
        let attack = attack(RepositoryTests.layouts[0], scene)
        let result = try scene.runInside(
            ["/bin/sh", "-c", attack[2] + "; chmod 0 ."],
            options: scene.resultOptions
        )
        #expect(chmod(scene.workspace, 0o755) == 0)
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
        // Nothing is claimed of what could not be seen.
        #expect(!result.errorText.contains("was moved"), "\(result.story)")
        if caller == .user { #expect(!result.errorText.contains("planted"), "\(result.story)") }
    }

    /// What looks like a part of it is a project's own business.
    @Test(
        arguments: [
            "echo x > HEAD", "mkdir objects refs", "mkdir HEAD objects refs", "echo x > HEAD; mkdir refs; mkdir a",
        ],
        Caller.available
    )
    func partsOfALayoutAreLeftAlone(script: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/sh", "-c", script + "; ls"], options: scene.resultOptions)
        #expect(try scene.report().outcome == "exited" && result.ending == .exited(0), "\(result.story)")
        #expect(try scene.names(in: scene.workspace) == result.lines.sorted())
    }

    // MARK: - Settings of a worktree

    /// A repository in which git reads `.git/config.worktree` after `.git/config` (git-config(1)).
    private func repositoryWithWorktreeSettings(_ caller: Caller, hasFile: Bool) throws -> Scene {
        let scene = try scene(caller, withRepository: true)
        var script = "git config extensions.worktreeConfig true"
        if hasFile { script += "; git config --worktree core.abbrev 12" }
        let made = try scene.run(["/bin/sh", "-c", script], keeper: Caller.workerOptions)
        try #require(made.ending == .exited(0), "\(made.story)")
        return scene
    }

    private func plantWorktreeSettings(_ scene: Scene) -> [String] {
        let settings = "[core]\n\tfsmonitor = \"touch \(scene.folder)/mark; false\""
        return ["/bin/sh", "-c", "echo '\(settings)' >> .git/config.worktree"]
    }

    @Test(arguments: [true, false])
    func settingsOfAWorktreeAreObeyedOutside(hasFile: Bool) throws {
        let scene = try repositoryWithWorktreeSettings(.user, hasFile: hasFile)
        let result = try scene.run(plantWorktreeSettings(scene), keeper: Caller.workerOptions)
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try isObeyed(scene))
    }

    @Test(arguments: Caller.available)
    func settingsOfAWorktreeThatAreThereStay(caller: Caller) throws {
        let scene = try repositoryWithWorktreeSettings(caller, hasFile: true)
        let before = try scene.text(of: scene.workspace + "/.git/config.worktree")
        let result = try scene.runInside(plantWorktreeSettings(scene))
        #expect(result.ending != .exited(0), "\(result.story)")
        #expect(try scene.text(of: scene.workspace + "/.git/config.worktree") == before)
        #expect(try !isObeyed(scene))
    }

    @Test(arguments: Caller.available)
    func settingsOfAWorktreeThatAreMissingEndTheJob(caller: Caller) throws {
        let scene = try repositoryWithWorktreeSettings(caller, hasFile: false)
        let result = try scene.runInside(plantWorktreeSettings(scene), options: scene.resultOptions)
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/.git/config.worktree"))
        #expect(try !isObeyed(scene))
    }

    // MARK: -

    /// A file `HEAD` that was the project's own is not removed; the verdict is the same.
    @Test(arguments: Caller.available)
    func aHeadThatWasThereStays(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.write("ref: refs/heads/main\n", to: scene.workspace + "/HEAD")
        let result = try scene.runInside(["/bin/mkdir", "objects", "refs"], options: scene.resultOptions)
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
        #expect(try scene.text(of: scene.workspace + "/HEAD") == "ref: refs/heads/main\n")
    }
}
