import Foundation
import SandboxTestSupport
import Testing

/// Threat B1: a job that cannot change a repository's settings breaks the repository, and makes another one that git
/// takes for the folder's own.
///
/// Whether it worked is asked of git itself: outside, as the worker's id, with settings that leave a mark when obeyed.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
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
            ["/bin/sh", "-c", attack[2] + "; exec sleep 600"],
            options: scene.resultOptions,
            keeper: ["--deadline", "900000"]
        )
        #expect(!result.tookTooLong && result.left == 0, "\(result.story)")
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
    }

    /// Closed to an ordinary supervisor too, which opens again what is its own.
    @Test(arguments: ["chmod 0 .", "chmod 0555 ."], Caller.available)
    func aClosedFolderHidesNothing(closing: String, caller: Caller) throws {
        let scene = try scene(caller, withRepository: false)
        let attack = attack(RepositoryTests.layouts[0], scene)
        let result = try scene.runInside(
            ["/bin/sh", "-c", attack[2] + "; " + closing],
            options: scene.resultOptions
        )
        #expect(chmod(scene.workspace, 0o755) == 0)
        #expect(try scene.report().outcome == "protection-lost", "\(result.story)")
        // Nothing is claimed of what could not be seen.
        #expect(!result.errorText.contains("was moved"), "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/HEAD"), "\(result.story)")
        #expect(try scene.report().planted == [scene.workspace + "/HEAD"], "\(result.story)")
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
    func settingsOfAWorktreeThatAreMissingCannotBeMade(caller: Caller) throws {
        let scene = try repositoryWithWorktreeSettings(caller, hasFile: false)
        let result = try scene.runInside(plantWorktreeSettings(scene), options: scene.resultOptions)
        #expect(result.ending != .exited(0), "\(result.story)")
        #expect(try scene.report().outcome == "exited", "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/.git/config.worktree"))
        #expect(try !isObeyed(scene))
    }

    // MARK: - A host's git that looks while the job plants

    /// Ways to have git obey other settings for some milliseconds; each does and undoes it until it has to stop.
    static let flashes = [
        """
        mkdir -p .git/x/objects .git/x/refs && cp other .git/x/config || exit 3; echo flashing
        while :; do echo x > .git/commondir; sleep 0.005; rm -f .git/commondir; sleep 0.005; done
        """,
        """
        mkdir objects refs && cp other config && echo 'ref: refs/heads/main' > h || exit 3; echo flashing
        while :; do mv .git/HEAD .git/h; mv h HEAD; sleep 0.005; mv HEAD h; mv .git/h .git/HEAD; sleep 0.005; done
        """,
    ]

    /// Whether one of the looks that the host's git takes obeys what the job plants meanwhile; the first takes place when the
    /// job is at it, and the job goes on until the last.
    private func isObeyedMeanwhile(
        _ scene: Scene,
        _ start: (_ command: [String]) throws -> KeptProcess
    ) throws -> Bool {
        let settings = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = \(scene.workspace)\n"
        try scene.write(
            settings + "\tfsmonitor = \"touch \(scene.folder)/mark; false\"\n",
            to: scene.workspace + "/other"
        )
        let job = try start(["/usr/bin/timeout", "60"])
        try job.line("flashing")
        _ = try scene.run(
            ["/bin/sh", "-c", "for i in $(seq 150); do git status >/dev/null 2>&1; done"],
            keeper: Caller.workerOptions
        )
        // It may have been ended for what it did.
        do { try job.signal(SIGTERM) } catch let error as TestFailure
            where error.description.contains("No such process")
        {}
        _ = try job.finish()
        return scene.exists(scene.folder + "/mark")
    }

    @Test(arguments: flashes)
    func gitObeysWhatIsThereForMilliseconds(flash: String) throws {
        let scene = try scene(.user, withRepository: true)
        let isObeyed = try isObeyedMeanwhile(scene) {
            try scene.start($0 + ["/bin/sh", "-c", flash], keeper: Caller.workerOptions)
        }
        #expect(isObeyed)
    }

    @Test(arguments: flashes, Caller.available)
    func noMillisecondIsLongEnough(flash: String, caller: Caller) throws {
        let scene = try scene(caller, withRepository: true)
        for _ in 0..<2 {
            let isObeyed = try isObeyedMeanwhile(scene) { try scene.startInside($0 + ["/bin/sh", "-c", flash]) }
            #expect(!isObeyed)
            for name in ["objects", "refs", ".git/x"] { _ = rmdir(scene.workspace + "/" + name) }
        }
    }

    /// The covers are no part of the repository: git does inside and meanwhile outside what it does without them.
    @Test(arguments: Caller.available)
    func gitWorksWithTheCovers(caller: Caller) throws {
        let scene = try scene(caller, withRepository: true)
        let script = """
            set -e; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
            echo x >> file; git add file; git commit --quiet -m x; git checkout --quiet -B other; git gc --quiet
            git fsck; git log --oneline; git clone --quiet . copy; git worktree add --quiet --detach tree
            git status --short; git worktree remove tree; git checkout --quiet -B main; git rebase --quiet other
            git branch --list; git update-ref -d refs/heads/other; rm -rf copy
            """
        let job = try scene.startInside(["/bin/sh", "-c", script + "; echo ready; read line"])
        try job.line("ready")
        let outside = try scene.run(["/bin/sh", "-c", script], keeper: Caller.workerOptions)
        #expect(outside.ending == .exited(0), "\(outside.story)")
        job.write("\n".utf8)
        let inside = try job.finish()
        #expect(inside.ending == .exited(0), "\(inside.story)")
        #expect(try scene.names(in: scene.workspace) == [".git", "file"])
        #expect(!scene.exists(scene.workspace + "/.git/commondir"))
        #expect(!scene.exists(scene.workspace + "/.git/config.worktree"))
    }

    /// git makes none there: whoever made it leads git elsewhere.
    @Test(arguments: ["echo elsewhere > .git/commondir", "mkdir .git/commondir", "ln -s x .git/commondir"])
    func aCommonFolderElsewhereIsARefusal(script: String) throws {
        let scene = try scene(.user, withRepository: true)
        let made = try scene.run(["/bin/sh", "-c", script], keeper: Caller.workerOptions)
        try #require(made.ending == .exited(0), "\(made.story)")
        let result = try scene.runInside(["/bin/true"])
        #expect(result.ending == .exited(125), "\(result.story)")
        #expect(result.errorText.contains(".git/commondir leads git to settings"), "\(result.story)")
        #expect(scene.exists(scene.workspace + "/.git/commondir"))
    }

    /// What a run left that was killed is as good as nothing, and goes with the next one.
    @Test(arguments: Caller.available)
    func placeholdersOfAKilledRunAreTakenAway(caller: Caller) throws {
        let scene = try scene(caller, withRepository: true)
        let job = try scene.startInside(["/bin/sh", "-c", "echo ready; exec sleep 60"])
        try job.line("ready")
        try job.signal(SIGKILL)
        _ = try job.finish()
        #expect(try scene.text(of: scene.workspace + "/.git/commondir") == "./\n")
        let outside = try scene.run(["/usr/bin/git", "status"], keeper: Caller.workerOptions)
        #expect(outside.ending == .exited(0), "\(outside.story)")
        let next = try scene.runInside(["/bin/true"])
        #expect(next.ending == .exited(0), "\(next.story)")
        #expect(!scene.exists(scene.workspace + "/.git/commondir") && !scene.exists(scene.workspace + "/commondir"))
    }

    // MARK: - Settings that lead into the project

    private static let leads = [
        ("core.hooksPath", "hooks-of-ours", "hooks-of-ours"), ("core.fsmonitor", "./watch me", "watch"),
        ("include.path", "../more", "more"), ("includeIf.gitdir:/.path", "../more", "more"),
    ]

    /// A project's hooks, as husky has them, are the job's to write, and git outside runs them: this is said.
    @Test(arguments: leads, Caller.available)
    func aSettingThatLeadsIntoTheProjectIsTold(lead: (key: String, value: String, name: String), caller: Caller) throws
    {
        let scene = try scene(caller, withRepository: true)
        let set = try scene.run(["/usr/bin/git", "config", lead.key, lead.value], keeper: Caller.workerOptions)
        try #require(set.ending == .exited(0), "\(set.story)")
        let told = try scene.runInside(["/bin/true"])
        let words = "leads to \(scene.workspace)/\(lead.name), which the job can change"
        #expect(told.ending == .exited(0) && told.errorText.contains(words), "\(told.story)")
        #expect(told.errorText.contains("add \"\(lead.name)\" to filesystem.protect"), "\(told.story)")
        // The remedy is one.
        let policy = scene.folder + "/policy.toml"
        try scene.write("version = 1\n[filesystem]\nprotect = [\"\(lead.name)\"]\n", to: policy)
        if caller == .root { try #require(chown(policy, 0, 0) == 0) }
        try scene.makeFolder(scene.workspace + "/" + lead.name)
        let kept = try scene.runInside(
            ["/bin/sh", "-c", "touch '\(lead.name)/x' || echo held"],
            options: ["--policy", policy]
        )
        #expect(kept.lines == ["held"] && !kept.errorText.contains("leads to"), "\(kept.story)")
        // What is read-only is nobody's to change.
        let readOnly = try scene.runInside(["/bin/true"], options: ["--policy", "read-only"])
        #expect(readOnly.ending == .exited(0) && !readOnly.errorText.contains("leads to"), "\(readOnly.story)")
    }

    @Test func settingsThatLeadElsewhereAreNotTold() throws {
        let scene = try scene(.user, withRepository: true)
        let script = """
            git config core.hooksPath /usr/share/hooks; git config core.fsmonitor true; git config include.path ~/x
            printf '[core\nhooksPath = "\n[include] path\n' >> .git/config
            """
        let set = try scene.run(["/bin/sh", "-c", script], keeper: Caller.workerOptions)
        try #require(set.ending == .exited(0), "\(set.story)")
        let result = try scene.runInside(["/bin/true"])
        #expect(result.ending == .exited(0) && !result.errorText.contains("leads to"), "\(result.story)")
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
