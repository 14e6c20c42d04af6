import Foundation
import SandboxTestSupport
import Testing

/// Threats B2 and B3: what could not be kept from the job is told afterwards.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct PlantedNamesTests {
    @Test(arguments: Caller.available)
    func namesThatTheJobMadeAreListed(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.makeFolder(scene.workspace + "/.idea")
        let script = "mkdir -p .claude .git/hooks; : > .gitmodules; ln -s /nowhere .vscode; : > .idea/x; : > other"
        let result = try scene.runInside(["/bin/sh", "-c", script], options: scene.resultOptions)
        let made = [".git", ".gitmodules", ".claude", ".vscode"]
        let report = try scene.report()
        #expect(report.outcome == "exited", "\(result.story)")
        #expect(report.planted == made.map { "\(scene.workspace)/\($0)" })
        let told = result.errorText.split(separator: "\n").filter { $0.contains("tools trust") }
        #expect(told.count == made.count, "\(result.story)")
        for name in made {
            #expect(told.contains { $0.hasPrefix("codex-sandbox: ") && $0.contains("\(scene.workspace)/\(name),") })
            #expect(scene.exists("\(scene.workspace)/\(name)"), "\(name) is the job's own")
        }
        #expect(try scene.recordsHolding("\"planted\":[\"\(scene.workspace)/.git\"").count == 1)
    }

    /// Nothing that was there, nothing that was covered, and nothing that does not matter.
    @Test(arguments: Caller.available)
    func aQuietJobHasMadeNothing(caller: Caller) throws {
        let scene = try Scene(caller)
        try TrustAttempts.repository(in: scene)
        try scene.makeFolder(scene.workspace + "/.claude")
        let result = try scene.runInside(
            ["/bin/sh", "-c", ": > .claude/x; mkdir .codex .envrc; : > other; mkdir -p a/.git"],
            options: scene.resultOptions
        )
        #expect(try scene.report().planted == [], "\(result.story)")
        #expect(!result.errorText.contains("tools trust"), "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/.codex"))
    }

    /// Further writable folders are looked at as the workspace is.
    @Test(arguments: Caller.available)
    func furtherWritableFoldersAreLookedAt(caller: Caller) throws {
        let scene = try Scene(caller)
        let further = scene.folder + "/further"
        try scene.makeFolder(further)
        let result = try scene.runInside(
            ["/bin/sh", "-c", "mkdir '\(further)/.vscode'"],
            options: scene.resultOptions + ["--write", further]
        )
        #expect(try scene.report().planted == ["\(further)/.vscode"], "\(result.story)")
    }

    /// Of what a job has hidden nothing is claimed that was not seen: a folder of ours is opened again first.
    @Test(arguments: Caller.available)
    func aClosedFolderHasNothingMadeUp(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(
            ["/bin/sh", "-c", "mkdir .vscode; chmod 0 ."],
            options: scene.resultOptions
        )
        #expect(try scene.report().planted == [scene.workspace + "/.vscode"], "\(result.story)")
        let told = result.errorText.split(separator: "\n").filter { $0.contains("tools trust") }
        #expect(told.count == 1, "\(result.story)")
        #expect(chmod(scene.workspace, 0o755) == 0)
        #expect(try scene.names(in: scene.workspace) == [".vscode"])
    }
}
