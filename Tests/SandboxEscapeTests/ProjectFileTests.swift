import Foundation
import SandboxTestSupport
import Testing

/// Whatever a project file or an option says: nothing that is protected comes open by it.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ProjectFileTests {
    private static let lines = [
        #"write = ["W/.codex-sandbox.toml"]"#, #"write = ["W/.git/hooks"]"#, #"write = ["W/.git/config"]"#,
        #"write = ["W/.codex"]"#, #"write = ["W/.codex/sub"]"#, #"protect = [".git/hooks/x", ".codex/config.toml"]"#,
        #"protect = [".git/refs/heads/zz"]"#, #"deny = ["W/.git/hooks/pre-commit.sample"]"#,
        #"deny = ["W/.codex/config.toml"]"#, #"read = ["W/.git/hooks/pre-commit.sample"]"#,
        #"read = ["W/.codex/config.toml"]"#, #"deny = ["W/.envrc", "W/.mcp.json"]"#,
        #"deny_globs = ["**/config.toml"]"#,
    ]

    private static let attempts = """
        for name in .git/hooks/new .git/config .codex/new .codex/sub/new .codex-sandbox.toml .envrc/new .envrc .mcp.json; do
            if (echo changed >>$name) 2>/dev/null; then echo "wrote $name"; fi
        done
        if mv .git/hooks .git/other 2>/dev/null; then echo "moved hooks"; fi
        if mkdir .envrc .mcp.json 2>/dev/null; then echo "made names"; fi
        echo fine >ordinary && echo "ordinary"
        """

    private func scene(_ caller: Caller) throws -> Scene {
        let scene = try Scene(caller)
        let made = try scene.run(["git", "init", "-q", scene.workspace], keeper: Caller.workerOptions)
        try #require(made.ending == .exited(0), "\(made.story)")
        try scene.makeFolder(scene.workspace + "/.codex")
        try scene.makeFolder(scene.workspace + "/.codex/sub")
        try scene.write("a = 1\n", to: scene.workspace + "/.codex/config.toml")
        return scene
    }

    private func check(_ result: RunResult, _ scene: Scene) {
        // A refusal keeps everything, too.
        if result.ending == .exited(125) { return }
        #expect(result.outputText == "ordinary\n", "\(result.story)")
    }

    @Test(arguments: lines, Caller.available)
    func aProjectFileOpensNothing(line: String, caller: Caller) throws {
        for header in ["version = 1\n", "version = 1\nworkspace.access = \"read-only\"\n"] {
            let scene = try scene(caller)
            let text = header + "[filesystem]\n" + line.replacing("W/", with: scene.workspace + "/") + "\n"
            try scene.write(text, to: scene.workspace + "/.codex-sandbox.toml")
            let result = try scene.runInside(["/bin/sh", "-c", Self.attempts])
            if header.contains("read-only") {
                #expect(!result.outputText.contains("wrote") && !result.outputText.contains("m"), "\(result.story)")
            } else {
                check(result, scene)
            }
        }
    }

    @Test(arguments: Caller.available)
    func anOptionOpensNothing(caller: Caller) throws {
        for (option, path) in [
            ("--deny", ".codex/config.toml"), ("--read", ".codex/config.toml"), ("--write", ".codex"),
            ("--write", ".git/hooks"), ("--deny", ".git/hooks/pre-commit.sample"), ("--deny", ".envrc"),
        ] {
            let scene = try scene(caller)
            let result = try scene.runInside(
                ["/bin/sh", "-c", Self.attempts],
                options: [option, scene.workspace + "/" + path]
            )
            check(result, scene)
        }
        // The control: without a sandbox each of them is written.
        let scene = try scene(caller)
        let outside = try scene.run(
            ["/bin/sh", "-c", "cd \(scene.workspace); " + Self.attempts],
            keeper: Caller.workerOptions
        )
        for word in ["wrote .git/hooks/new", "wrote .git/config", "wrote .codex/new", "wrote .envrc", "ordinary"] {
            #expect(outside.outputText.contains(word), "\(outside.story)")
        }
    }
}
