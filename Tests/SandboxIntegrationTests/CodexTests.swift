import Foundation
import ProjectTree
import SandboxTestSupport
import Testing

/// The real Codex CLI as the worker, with a scripted model in the same sandbox: what people run this for.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct CodexTests {
    private static let root = ProjectTree.url(#filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The tests' own copy (`Support/codex/install`); without it there is nothing to be shown, which is a failure.
    private static func cli() throws -> URL {
        let folder = root.appending(path: ".build/codex-cli/codex_cli_bin")
        let path = folder.appending(path: "bin/codex").path(percentEncoded: false)
        try #require(
            FileManager.default.isExecutableFile(atPath: path),
            "no \(path): Tests/Support/codex/install .build/codex-cli"
        )
        return folder
    }

    @Test(arguments: Caller.available)
    func aSessionWithCommandsPatchesAndABackgroundTerminal(caller: Caller) throws {
        let cli = try Self.cli()
        let scene = try Scene(caller)
        for name in ["session.py", "mock_responses_api.py"] {
            let path = Self.root.appending(path: "Tests/Support/codex/\(name)")
            try scene.write(try String(contentsOf: path, encoding: .utf8), to: scene.folder + "/" + name)
        }
        try scene.write("old line\n", to: scene.workspace + "/kept.txt")
        let made = try scene.run(["git", "init", "-q", scene.workspace], keeper: Caller.workerOptions)
        try #require(made.ending == .exited(0), "\(made.story)")
        let show = ["session.py", "mock_responses_api.py"].flatMap { ["--read", scene.folder + "/" + $0] }
        let user = [
            "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A",
            "GIT_COMMITTER_EMAIL=a@example.org",
        ].flatMap { ["--env", $0] }
        let done = try scene.runInside(
            [
                "python3", scene.folder + "/session.py", cli.appending(path: "bin/codex").path(percentEncoded: false),
                scene.folder + "/mock_responses_api.py", scene.workspace,
            ],
            options: ["--read", cli.path(percentEncoded: false)] + show + user
        )
        #expect(done.ending == .exited(0) && done.outputText.contains("session: 0\n"), "\(done.story)")
        #expect(done.outputText.contains("All done."), "\(done.story)")
        // Judged by what stands on the host.
        #expect(try scene.text(of: scene.workspace + "/kept.txt") == "new line\n")
        #expect(try scene.text(of: scene.workspace + "/added.py").contains("return 2 * x"))
        let log = try scene.run(
            ["git", "-C", scene.workspace, "log", "--format=%s", "--name-only"],
            keeper: Caller.workerOptions
        )
        #expect(log.outputText.contains("work\n") && log.outputText.contains("added.py"), "\(log.story)")
        // And by what the model was told.
        let told = try scene.text(of: scene.workspace + "/requests.jsonl")
        for words in ["hello from \(scene.workspace)", "/dev/pts/", "got:abc", "double: 42", "committed"] {
            #expect(told.contains(words), "the model was not told \(words)")
        }
    }
}
