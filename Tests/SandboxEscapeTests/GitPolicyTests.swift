import Foundation
import SandboxTestSupport
import Testing

/// `workspace.git`: a repository that is made before the launch, and none at all.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct GitPolicyTests {
    private func options(_ word: String, _ scene: Scene, _ more: String = "") throws -> [String] {
        try scene.resultOptions + scene.policy("[workspace]\ngit = \"\(word)\"\n\(more)")
    }

    private static let commit = """
        set -e; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        echo x > file; git add file; git commit -q -m first; git branch other; git gc -q; git log --format=%s
        """

    @Test(arguments: Caller.available) func aMissingRepositoryIsMadeAndKeptFromTheJob(caller: Caller) throws {
        let scene = try Scene(caller)
        // Without the key a job makes its own, with its own settings.
        let own = try Scene(caller)
        let control = try own.runInside(["/bin/sh", "-c", "git init -q . && git config core.fsmonitor x && echo set"])
        #expect(control.lines == ["set"], "\(control.story)")
        let options = try options("create", scene)
        let attack =
            "git config core.fsmonitor x || echo held; echo x > .git/hooks/x || echo held; mv .git y || echo held"
        let result = try scene.runInside(
            ["/bin/sh", "-c", GitPolicyTests.commit + "; set +e;" + attack],
            options: options
        )
        #expect(result.ending == .exited(0) && result.lines == ["first", "held", "held", "held"], "\(result.story)")
        #expect(result.errorText.contains("an empty git repository was made in \(scene.workspace)"), "\(result.story)")
        #expect(try scene.report().planted == [], "\(result.story)")
        #expect(try scene.recordsHolding("an empty repository was made in \(scene.workspace)").count == 1)
        #expect(try scene.status(of: scene.workspace + "/.git/config").owner == Caller.worker.uid)
        let outside = try scene.prepare("git fsck --strict; git status --porcelain; git log --format=%s")
        #expect(outside.lines == ["first"], "\(outside.story)")
        #expect(try scene.names(in: scene.workspace) == [".git", "file"])
        // It is there now.
        let next = try scene.runInside(["/usr/bin/git", "log", "--format=%s"], options: options)
        #expect(next.lines == ["first"] && !next.errorText.contains("was made"), "\(next.story)")
    }

    /// The layout is one that git itself finds nothing to add to.
    @Test func itIsWhatGitMakes() throws {
        let scene = try Scene(.user)
        _ = try scene.runInside(["/bin/true"], options: try options("create", scene))
        let own = try scene.prepare("cd .git; find . | sort").lines
        let made = try scene.prepare("git init -q --template= ../git; cd ../git/.git; find . | sort").lines
        #expect(Set(own).subtracting(["./hooks", "./info"]) == Set(made), "\(own)")
        #expect(
            try scene.text(of: scene.workspace + "/.git/config") == scene.text(of: scene.folder + "/git/.git/config")
        )
        #expect(try scene.text(of: scene.workspace + "/.git/HEAD") == scene.text(of: scene.folder + "/git/.git/HEAD"))
    }

    /// What a launch has left that was ended while it made one is gone on with; anything else is not made a repository.
    @Test(arguments: Caller.available) func oneThatWasBegunIsFinished(caller: Caller) throws {
        let scene = try Scene(caller)
        let config =
            "printf '[core]\\n\\trepositoryformatversion = 0\\n\\tfilemode = true\\n\\tbare = false\\n"
            + "\\tlogallrefupdates = true\\n' > .git/config"
        for (index, begun) in ["mkdir .git", "mkdir .git; \(config); mkdir .git/hooks .git/refs"].enumerated() {
            try scene.prepare(begun)
            let result = try scene.runInside(["/usr/bin/git", "status"], options: try options("create", scene))
            #expect(result.ending == .exited(0), "\(index): \(result.story)")
            try scene.prepare("rm -r .git")
        }
        for foreign in [
            "mkdir -p .git/hooks; echo x > .git/hooks/post-commit", "mkdir .git; echo '[core]' > .git/config",
            "mkdir -p .git/modules", "mkdir .git; ln -s /etc .git/refs", "mkdir .git; ln -s /etc/passwd .git/config",
        ] {
            try scene.prepare(foreign)
            let result = try scene.runInside(["/bin/true"], options: try options("create", scene))
            #expect(result.ending == .exited(125) && result.errorText.contains(".git"), "\(foreign): \(result.story)")
            #expect(!scene.exists(scene.workspace + "/.git/HEAD"))
            try scene.prepare("rm -r .git")
        }
    }

    @Test func whatIsRefusedMakesNothing() throws {
        let scene = try Scene(.user)
        let create = try options("create", scene)
        let refused = try scene.runInside(["/bin/true"], options: create + ["--read", scene.folder + "/nowhere"])
        #expect(refused.ending == .exited(125) && !scene.exists(scene.workspace + "/.git"), "\(refused.story)")
        let explained = try scene.run(
            [scene.workshop.launcher, "explain", "--workspace", scene.workspace] + create.dropFirst(2) + [
                "--", "/bin/true",
            ],
            keeper: Caller.workerOptions
        )
        #expect(explained.ending == .exited(0) && !scene.exists(scene.workspace + "/.git"), "\(explained.story)")
        #expect(explained.outputText.contains("`run` makes an empty one"), "\(explained.story)")
        let readOnly = try scene.runInside(
            ["/bin/true"],
            options: try scene.policy("[workspace]\ngit = \"create\"\naccess = \"read-only\"\n")
        )
        #expect(readOnly.ending == .exited(0) && !scene.exists(scene.workspace + "/.git"), "\(readOnly.story)")
    }

    /// A file `.git` is a repository's, too.
    @Test(arguments: Caller.available) func anotherKindOfRepositoryIsLeftAsItIs(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare("git init -q --separate-git-dir=../outside/store .")
        let result = try scene.runInside(["/bin/true"], options: try options("create", scene))
        #expect(result.ending == .exited(0) && !result.errorText.contains("was made"), "\(result.story)")
        #expect(result.errorText.contains("leads to \(scene.outside)/store"), "\(result.story)")
    }

    // MARK: - None

    @Test(arguments: Caller.available) func whereNoneMayBeNoneCanBeMade(caller: Caller) throws {
        let scene = try Scene(caller)
        let none = try options("none", scene)
        let result = try scene.runInside(
            ["/bin/sh", "-c", "git init -q . || echo held; mkdir .git/x || echo held; rmdir .git || echo held; ls -A"],
            options: none
        )
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(result.lines.filter { $0 == "held" }.count == 3, "\(result.story)")
        #expect(try scene.report().planted == [] && scene.names(in: scene.workspace) == [], "\(result.story)")
        // Deeper ones are found, and are a failure whatever on_new says.
        for more in ["", "[filesystem]\non_new = \"report\"\n"] {
            let deep = try scene.runInside(
                ["/bin/sh", "-c", "git init -q deep"],
                options: try options("none", scene, more)
            )
            #expect(deep.ending == .exited(137), "\(deep.story)")
            #expect(try scene.report().removed == ["\(scene.workspace)/deep/.git"], "\(deep.story)")
            #expect(!scene.exists(scene.workspace + "/deep/.git"))
        }
    }

    @Test(arguments: Caller.available) func aRepositoryThatIsThereIsARefusal(caller: Caller) throws {
        for make in ["git init -q .", "git init -q a/b", "git init -q --bare x", "mkdir a; echo gitdir: /x > a/.git"] {
            let scene = try Scene(caller)
            let empty = try scene.runInside(["/bin/true"], options: try options("none", scene))
            #expect(empty.ending == .exited(0), "\(empty.story)")
            try scene.prepare(make)
            for more in ["", "access = \"read-only\"\n"] {
                let result = try scene.runInside(["/bin/true"], options: try options("none", scene, more))
                #expect(result.ending == .exited(125), "\(make) \(more): \(result.story)")
                #expect(result.errorText.contains("there is a repository: "), "\(make): \(result.story)")
            }
            let kept = try scene.runInside(["/bin/true"], options: try options("keep", scene))
            #expect(kept.ending == .exited(0), "\(make): \(kept.story)")
        }
    }

    /// Two runs in one workspace: the second finds what the first has put there.
    @Test(arguments: Caller.available) func twoRunsWithoutARepository(caller: Caller) throws {
        let scene = try Scene(caller)
        let none = try scene.policy("[workspace]\ngit = \"none\"\n")
        let first = try scene.startInside(
            ["/bin/sh", "-c", "echo ready; read line; mkdir .git/x || echo held"],
            options: none
        )
        try first.line("ready")
        let second = try scene.runInside(["/bin/sh", "-c", "mkdir .git/x || echo held"], options: none)
        #expect(second.ending == .exited(0) && second.lines == ["held"], "\(second.story)")
        first.write("\n".utf8)
        let end = try first.finish()
        #expect(end.ending == .exited(0) && end.lines.last == "held", "\(end.story)")
        #expect(try scene.names(in: scene.workspace) == [])
    }

    // MARK: - The order

    /// A project's file may ask for less than the policy, not for more.
    @Test(
        arguments: [
            ("[workspace]\ngit = \"none\"\n", "keep", true), ("[workspace]\ngit = \"create\"\n", "keep", true),
            ("[workspace]\ngit = \"keep\"\n", "create", false), ("[workspace]\ngit = \"create\"\n", "none", false),
        ]
    )
    func aProjectNarrows(project: String, policy: String, isNarrower: Bool) throws {
        let scene = try Scene(.user)
        try scene.write("version = 1\n" + project, to: scene.workspace + "/.codex-sandbox.toml")
        let result = try scene.runInside(["/bin/true"], options: try options(policy, scene))
        #expect(result.ending == .exited(isNarrower ? 0 : 125), "\(result.story)")
        #expect(result.errorText.contains("workspace.git") != isNarrower, "\(result.story)")
    }

    @Test func aProjectMakesItStricter() throws {
        for (word, status) in [("report", Int32(125)), ("remove", 125), ("fail", 137)] {
            let scene = try Scene(.user)
            try scene.write(
                "version = 1\n[filesystem]\non_new = \"\(word)\"\n",
                to: scene.workspace + "/.codex-sandbox.toml"
            )
            let strict = word == "fail" ? "remove" : "fail"
            let result = try scene.runInside(
                ["/bin/sh", "-c", "git init -q deep"],
                options: try scene.policy("[filesystem]\non_new = \"\(strict)\"\n")
            )
            #expect(result.ending == .exited(status), "\(word): \(result.story)")
        }
    }
}
