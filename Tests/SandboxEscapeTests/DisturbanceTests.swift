import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// Threats B1 and B3 while the host goes on: people use git in a workspace in which a job runs, and several jobs share one.
///
/// What is protected stays so, or the job is ended and the verdict says that it was lost; never neither.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct DisturbanceTests {
    /// What a job writes where the host would obey it, over and over for half a second, once it has read a line.
    private static let planting = """
        echo ready; read line; i=0
        while [ $i -lt 10 ]; do
        { printf '[core]\\n\\tfsmonitor = /planted\\n' >> .git/config; mkdir -p .git/hooks; echo planted > .git/hooks/pre-commit
        echo planted > .mcp.json; echo planted > .envrc; mkdir -p .codex && echo planted > .codex/config.toml; } 2> /dev/null
        sleep 0.05; i=$((i+1)); done; echo done
        """

    /// Files that hold what the job planted, in the folder that the host sees.
    private func planted(in scene: Scene) throws -> [String] {
        try [".git/config", ".git/hooks/pre-commit", ".mcp.json", ".envrc", ".codex/config.toml"].filter { name in
            let path = scene.workspace + "/" + name
            guard scene.exists(path), try scene.status(of: path).mode & S_IFMT == S_IFREG else { return false }
            return try scene.text(of: path).contains("planted")
        }
    }

    private func repository(_ caller: Caller, withHooks: Bool) throws -> Scene {
        let scene = try Scene(caller)
        let script = """
            git -c init.defaultBranch=main init -q . && git config user.name a && git config user.email a@example.invalid
            echo x > file && git add file && git commit -qm first
            """
        let made = try host(script + (withHooks ? "" : "; rm -r .git/hooks"), scene)
        try #require(made.ending == .exited(0), "\(made.story)")
        return scene
    }

    /// A script of the person whose workspace it is.
    private func host(_ script: String, _ scene: Scene) throws -> RunResult {
        try scene.run(["/bin/sh", "-c", script], keeper: Caller.workerOptions)
    }

    private func verify(_ scene: Scene) throws {
        let result = try scene.run(
            [scene.workshop.launcher, "evidence", "verify", "--workspace", scene.workspace],
            keeper: scene.caller.keeperOptions
        )
        #expect(result.ending == .exited(0), "\(result.story)")
    }

    @Test func withoutASandboxEverythingIsPlanted() throws {
        for withHooks in [true, false] {
            let scene = try repository(.user, withHooks: withHooks)
            let result = try scene.run(["/bin/sh", "-c", Self.planting], keeper: Caller.workerOptions, input: [10])
            #expect(result.lines == ["ready", "done"], "\(result.story)")
            #expect(try planted(in: scene).count == 5)
        }
    }

    // MARK: - git of the host

    /// What people do meanwhile, and whether it takes a protection away: a file that is replaced takes its mount along.
    private static let acts = [
        ("git config core.abbrev 12", true),
        ("git config --unset user.name", true),
        ("git remote add origin /nowhere", true),
        ("git config core.abbrev 12; git config --unset core.abbrev", true),
        ("git branch --set-upstream-to=main 2> /dev/null; git branch other; git config branch.other.remote .", true),
        ("mv .git/config .git/saved && cp .git/saved .git/config", true),
        ("mv .git/hooks .git/other && mkdir .git/hooks", true),
        ("mv .git away && cp -r away .git", true),
        ("echo y > file && git commit -qam second", false),
        ("git checkout -q -b other && git checkout -q main", false),
        ("echo z > file && git stash -q && git stash pop -q", false),
        ("git gc -q --prune=now", false),
        ("git tag one && git reset -q --hard", false),
        ("git status && git log && git fsck", false),
    ]

    @Test(arguments: acts.flatMap { act in [true, false].map { (act.0, act.1, $0) } }, Caller.available)
    func gitOfTheHostTakesNothingAwayInSilence(act: (String, Bool, Bool), caller: Caller) throws {
        let (script, isLost, withHooks) = act
        let scene = try repository(caller, withHooks: withHooks)
        let job = try scene.startInside(["/bin/sh", "-c", Self.planting], options: scene.resultOptions)
        try job.line("ready")
        let done = try host(script, scene)
        #expect(done.ending == .exited(0), "\(done.story)")
        job.write("\n".utf8)
        let result = try job.finish()
        let report = try scene.report()
        #expect(report.outcome == (isLost ? "protection-lost" : "exited"), "\(script): \(result.story)")
        #expect(result.left == 0, "\(result.story)")
        if !isLost {
            #expect(result.lines.last == "done" && result.ending == .exited(0), "\(result.story)")
            #expect(try planted(in: scene) == [], "\(script): \(result.story)")
        }
        try verify(scene)
    }

    // MARK: - Two runs

    /// How a run ends.
    enum End: String, CaseIterable, Sendable {
        case itself, terminated, killed
    }

    struct Order: Sendable, CustomStringConvertible {
        /// Which of the two, in the order of their beginnings, ends first.
        var first: Int
        var ends: [End]
        var description: String { "run \(first + 1) \(ends[0]), then the other \(ends[1])" }
    }

    static let orders = [0, 1].flatMap { first in
        End.allCases.flatMap { one in End.allCases.map { Order(first: first, ends: [one, $0]) } }
    }

    private func end(_ run: KeptProcess, _ how: End) throws -> RunResult {
        switch how {
        case .itself: run.write("\n".utf8)
        case .terminated: try run.signal(SIGTERM)
        case .killed: try run.signal(SIGKILL)
        }
        let result = try run.finish()
        #expect(result.left == 0 || how == .killed, "\(how): \(result.story)")
        // How soon is for `ProcessTests`, which run alone.
        #expect(result.stuck == [], "\(how): \(result.story)")
        return result
    }

    @Test(arguments: orders, Caller.available)
    func whicheverOfTwoRunsEndsFirstTheOtherStaysProtected(order: Order, caller: Caller) throws {
        let scene = try repository(caller, withHooks: false)
        let before = try scene.names(in: scene.workspace) + scene.names(in: scene.workspace + "/.git")
        let wait = ["/bin/sh", "-c", "echo ready; read line"]
        // The one that ends first only waits; the other one plants afterwards.
        let results = ["--result", scene.folder + "/first.json"]
        var runs: [KeptProcess] = []
        for index in 0..<2 {
            let run =
                try index == order.first
                ? scene.startInside(wait, options: results)
                : scene.startInside(["/bin/sh", "-c", Self.planting + "; read line"], options: scene.resultOptions)
            try run.line("ready")
            runs.append(run)
        }
        #expect(scene.exists(scene.workspace + "/.envrc"), "nothing is covered")
        _ = try end(runs[order.first], order.ends[0])
        let other = runs[1 - order.first]
        other.write("\n".utf8)
        try other.line("done")
        // Read before its end, which would take away what stands there.
        #expect(try planted(in: scene) == [], "after the first's end")
        let result = try end(other, order.ends[1])
        if order.ends[1] == .itself { #expect(try scene.report().outcome == "exited", "\(result.story)") }
        let next = try scene.runInside(["/bin/true"])
        #expect(next.ending == .exited(0) && next.errors == [], "\(next.story)")
        let after = try scene.names(in: scene.workspace) + scene.names(in: scene.workspace + "/.git")
        #expect(after == before, "\(order)")
        try verify(scene)
    }
}
