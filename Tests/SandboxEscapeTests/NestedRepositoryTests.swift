import Foundation
import SandboxTestSupport
import Testing

/// Threat B1: repositories deeper in a writable folder, of every kind that git knows, whose settings a host's git obeys.
///
/// Whether it was held is asked of git itself: outside, as the worker's id, with settings that leave a mark when obeyed.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct NestedRepositoryTests {
    /// A repository somewhere in the workspace, and what a job does to it.
    struct Attempt: CustomStringConvertible, Sendable {
        var description: String
        /// Makes it.
        var make: String
        /// Changes what git obeys; `$settings` are such that leave a mark.
        var attack: String
        /// Where git looks from, in the workspace.
        var place: String
    }

    static let attempts = [
        Attempt(
            description: "a clone's settings",
            make: "git init -q deep/er/clone",
            attack: "echo \"$settings\" >> deep/er/clone/.git/config",
            place: "deep/er/clone"
        ),
        Attempt(
            description: "a clone in a folder that is renamed",
            make: "git init -q deep/er/clone",
            attack: "mv deep/er gone; mkdir -p deep/er/clone; cd deep/er/clone; /usr/bin/git init -q; "
                + "echo \"$settings\" >> .git/config",
            place: "deep/er/clone"
        ),
        Attempt(
            description: "a clone that is broken, and a bare one in its place",
            make: "git init -q clone",
            attack: "cd clone; rm .git/HEAD; mkdir -p objects refs; echo 'ref: refs/heads/x' > HEAD; "
                + "printf '[core]\\nrepositoryformatversion = 0\\nbare = false\\nworktree = .\\n' > config; "
                + "echo \"$settings\" >> config",
            place: "clone"
        ),
        Attempt(
            description: "a clone's common folder",
            make: "git init -q clone",
            attack: "mkdir -p x/objects x/refs; cp clone/.git/HEAD x; cp clone/.git/config x; "
                + "echo \"$settings\" >> x/config; echo ../../x > clone/.git/commondir",
            place: "clone"
        ),
        Attempt(
            description: "a submodule's folder",
            make: "git init -q .; mkdir .git/modules; git init -q --separate-git-dir=.git/modules/sub sub",
            attack: "echo \"$settings\" >> .git/modules/sub/config",
            place: "sub"
        ),
        Attempt(
            description: "a submodule's file",
            make: "git init -q .; mkdir .git/modules; git init -q --separate-git-dir=.git/modules/sub sub",
            attack: "cp -r .git/modules/sub x; echo \"$settings\" >> x/config; echo gitdir: ../x > sub/.git",
            place: "sub"
        ),
        Attempt(
            description: "a worktree's own settings",
            make: "git init -q .; git commit -q --allow-empty -m x; git config extensions.worktreeConfig true; "
                + "git worktree add -q tree",
            attack: "echo \"$settings\" >> .git/worktrees/tree/config.worktree",
            place: "tree"
        ),
        Attempt(
            description: "a worktree's common folder",
            make: "git init -q .; git commit -q --allow-empty -m x; git worktree add -q tree",
            attack: "cp -r .git x; echo \"$settings\" >> x/config; echo ../../../x > .git/worktrees/tree/commondir",
            place: "tree"
        ),
        Attempt(
            description: "a bare repository's settings",
            make: "git init -q --bare store/all.git",
            attack: "echo \"$settings\" >> store/all.git/config",
            place: "store/all.git"
        ),
        Attempt(
            description: "a repository in a further writable folder",
            make: "git init -q ../further/clone",
            attack: "echo \"$settings\" >> ../further/clone/.git/config",
            place: "../further/clone"
        ),
    ]

    private func scene(_ attempt: Attempt, _ caller: Caller) throws -> Scene {
        let scene = try Scene(caller)
        try scene.makeFolder(scene.folder + "/further")
        try scene.prepare(attempt.make)
        return scene
    }

    private func attack(_ attempt: Attempt, _ scene: Scene) -> [String] {
        let settings = """
            [core]
                fsmonitor = "touch \(scene.folder)/mark; false"
                sshCommand = "touch \(scene.folder)/mark; false"
            [remote "origin"]
                url = ssh://nowhere/x
            """
        return ["/bin/sh", "-c", "settings='\(settings)'; \(attempt.attack)"]
    }

    private func isObeyed(_ attempt: Attempt, _ scene: Scene) throws -> Bool {
        for words in [["status"], ["fetch", "origin"]] {
            let place = "\(scene.workspace)/\(attempt.place)"
            _ = try scene.run(["/usr/bin/git", "-C", place] + words, keeper: Caller.workerOptions)
        }
        return scene.exists(scene.folder + "/mark")
    }

    @Test(arguments: attempts) func gitObeysItOutside(attempt: Attempt) throws {
        let scene = try scene(attempt, .user)
        let result = try scene.run(attack(attempt, scene), keeper: Caller.workerOptions)
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(try isObeyed(attempt, scene))
    }

    @Test(arguments: attempts, Caller.available) func gitIsNotLedThere(attempt: Attempt, caller: Caller) throws {
        let scene = try scene(attempt, caller)
        let result = try scene.runInside(
            attack(attempt, scene),
            options: scene.resultOptions + ["--write", scene.folder + "/further"]
        )
        #expect(try !["refused", "not-executed"].contains(scene.report().outcome), "\(result.story)")
        #expect(try !isObeyed(attempt, scene), "\(result.story)")
        // Nothing of ours is left.
        let covers = try scene.prepare(
            "find .. \\( -path ../state -o -name x -o -name gone \\) -prune -o -name commondir -size -4c -print"
        ).outputText
        #expect(covers == "", "\(result.story)")
    }

    /// What is kept from a job does not keep it from working.
    @Test(arguments: Caller.available) func gitWorksInThem(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare(
            """
            git init -q .; git commit -q --allow-empty -m x; git worktree add -q tree; git init -q vendor/clone
            mkdir .git/modules; git init -q --separate-git-dir=.git/modules/sub sub
            """
        )
        let script = """
            set -e; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
            for place in . tree vendor/clone sub; do
                cd "$place"; echo x > file; git add file; git commit -q -m x; git checkout -q -b "o$(basename "$PWD")"; git gc -q
                git status --short >/dev/null; git log --oneline | head -1; cd - >/dev/null
            done
            """
        let result = try scene.runInside(["/bin/sh", "-c", script], options: scene.resultOptions)
        #expect(result.ending == .exited(0) && result.lines.count == 4, "\(result.story)")
        #expect(try scene.report().planted == [], "\(result.story)")
        #expect(!result.errorText.contains("not kept"), "\(result.story)")
        for place in [".", "tree", "vendor/clone", "sub"] { try scene.prepare("git -C \(place) fsck") }
    }

    // MARK: - What cannot be kept

    /// Folders with a repository's layout, `count` of them.
    private func many(_ count: Int) -> String {
        """
        for i in $(seq \(count)); do mkdir -p "many/$i/.git/objects" "many/$i/.git/refs" "many/$i/.git/hooks"
            echo 'ref: refs/heads/main' > "many/$i/.git/HEAD"; : > "many/$i/.git/config"; done
        """
    }

    @Test(arguments: Caller.available) func moreThanAreKeptAreTold(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare(many(66))
        let told = try scene.runInside(["/bin/true"])
        #expect(told.ending == .exited(0), "\(told.story)")
        #expect(told.errorText.contains("2 repositories are not kept from the job"), "\(told.story)")
        #expect(try scene.recordsHolding("2 repositories are not kept from the job").count == 1)
        for word in ["remove", "fail"] {
            let strict = try scene.policy("[filesystem]\non_new = \"\(word)\"\n")
            let refused = try scene.runInside(["/bin/true"], options: strict)
            #expect(refused.ending == .exited(125), "\(refused.story)")
            #expect(refused.errorText.contains("on_new = \"\(word)\""), "\(refused.story)")
        }
        try scene.prepare("rm -r many/1 many/2")
        let quiet = try scene.runInside(["/bin/true"])
        #expect(quiet.ending == .exited(0) && !quiet.errorText.contains("repositories"), "\(quiet.story)")
    }

    /// A folder of one's own that is closed may hold one; the job could open it.
    @Test func aClosedFolderIsTold() throws {
        let scene = try Scene(.user)
        try scene.prepare("mkdir closed; chmod 0 closed")
        let told = try scene.runInside(["/bin/true"])
        #expect(told.ending == .exited(0), "\(told.story)")
        #expect(
            told.errorText.contains("repositories in \(scene.workspace)/closed may not be kept from the job"),
            "\(told.story)"
        )
        try scene.prepare("chmod 755 closed")
    }

    /// A link cannot be mounted on: what replaces it is found afterwards.
    @Test(arguments: Caller.available) func whatReplacesALinkIsTold(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare("git init -q store; mkdir work; ln -s ../store/.git work/.git")
        let quiet = try scene.runInside(["/bin/true"], options: scene.resultOptions)
        #expect(try scene.report().planted == [], "\(quiet.story)")
        let result = try scene.runInside(
            ["/bin/sh", "-c", "rm work/.git; git init -q work"],
            options: scene.resultOptions
        )
        #expect(try scene.report().planted == ["\(scene.workspace)/work/.git"], "\(result.story)")
        // Where it led is a repository in the workspace.
        let held = try scene.runInside(["/bin/sh", "-c", "echo x >> store/.git/config || echo held"])
        #expect(held.lines == ["held"], "\(held.story)")
    }

    @Test(arguments: Caller.available) func aWorktreesOwnFolderIsNoWritableOne(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare("cd ../outside; git init -q .; git commit -q --allow-empty -m x; git worktree add -q tree")
        let folder = scene.outside + "/.git/worktrees/tree"
        let refused = try scene.runInside(["/bin/true"], options: ["--write", folder])
        #expect(refused.ending == .exited(125), "\(refused.story)")
        #expect(refused.errorText.contains("is itself a git repository (HEAD and commondir"), "\(refused.story)")
        let read = try scene.runInside(["/bin/true"], options: ["--read", folder])
        #expect(read.ending == .exited(0), "\(read.story)")
    }

    // MARK: - A worktree as the workspace

    /// What a file `.git` names is not mounted on its word; shown by hand, git works with it.
    @Test(arguments: Caller.available) func aWorktreeAsTheWorkspaceIsTold(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.prepare(
            """
            rmdir ../outside/nothing 2>/dev/null || true; mkdir ../main; cd ../main; git init -q .
            git commit -q --allow-empty -m first; git worktree add -q -f ../workspace 2>/dev/null || {
                rmdir ../workspace; git worktree add -q ../workspace; }
            """
        )
        let main = scene.folder + "/main/.git"
        let log = ["/usr/bin/git", "log", "--format=%s"]
        let outside = try scene.run(log, keeper: Caller.workerOptions)
        #expect(outside.ending == .exited(0) && outside.lines == ["first"], "\(outside.story)")
        let told = try scene.runInside(log)
        #expect(told.ending == .exited(128), "\(told.story)")
        #expect(told.errorText.contains("\(scene.workspace)/.git leads to \(main)/worktrees/"), "\(told.story)")
        #expect(told.errorText.contains("--read \(main) shows it"), "\(told.story)")
        // The remedy is one.
        let shown = try scene.runInside(log, options: ["--read", main])
        #expect(shown.ending == .exited(0) && shown.lines == ["first"], "\(shown.story)")
        #expect(!shown.errorText.contains("leads to"), "\(shown.story)")
        // The file stays what it is.
        let held = try scene.runInside(["/bin/sh", "-c", "echo gitdir: /x > .git || rm .git || mv .git x || echo held"])
        #expect(held.lines == ["held"], "\(held.story)")
    }
}
