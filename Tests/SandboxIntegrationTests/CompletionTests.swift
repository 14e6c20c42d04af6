import Foundation
import ProjectTree
import SandboxTestSupport
import Testing

/// The shells themselves complete command lines with the scripts that the release executable prints.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct CompletionTests {
    private static let shells = ["bash", "zsh", "fish"]

    /// Words, and what the last becomes where it can be only one thing.
    private static let lines: [(words: [String], last: String)] = [
        (["codex-sandbox", "doc"], "doctor"),
        (["codex-sandbox", "veri"], "verify"),
        (["codex-sandbox", "gc", "--older"], "--older-than"),
        (["codex-sandbox", "evidence", "verify", "--complete"], "--complete-since"),
        (["codex-sandbox", "run", "--workspace", "a"], "app"),
        (["codex-sandbox", "run", "--network", "h"], "host"),
        (["codex-sandbox", "run", "--policy", "read"], "read-only"),
        (["codex-sandbox", "run", "--policy", "loos"], "loose.toml"),
        (["codex-sandbox", "run", "--quiet", "unheard-"], "unheard-of-tool"),
        (["codex-sandbox", "run", "--workspace", "app", "--", "unheard-"], "unheard-of-tool"),
        (["codex-sandbox", "explain", "--memory", "1GiB", "cat", "loos"], "loose.toml"),
        (["codex-sandbox", "policy", "sh"], "show"),
        (["codex-sandbox", "policy", "show", "read"], "read-only"),
        (["codex-sandbox", "policy", "check", "loos"], "loose.toml"),
        (["codex-sandbox", "completions", "fi"], "fish"),
        (["codex-sandbox", "help", "exp"], "explain"),
        (["codex-sandbox", "evidence", "list", "--lim"], "--limit"),
    ]

    private static func driver(_ shell: String) -> String {
        let tests = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        return tests.appending(path: "Support/completions/complete.\(shell)").path(percentEncoded: false)
    }

    private func scene(_ shell: String) throws -> Scene {
        let scene = try Scene(.user)
        try scene.makeFolder(scene.workspace + "/app")
        try scene.write("version = 1\n", to: scene.workspace + "/loose.toml")
        try scene.makeFolder(scene.folder + "/bin")
        let script = "#!/bin/sh\nexec \(scene.workshop.launcher) \"$@\"\n"
        try scene.write(script, to: scene.folder + "/bin/codex-sandbox", mode: 0o755)
        try scene.write("#!/bin/sh\n", to: scene.folder + "/bin/unheard-of-tool", mode: 0o755)
        scene.environment = ["PATH": "\(scene.folder)/bin:/usr/bin:/bin", "HOME": scene.home]
        let printed = try scene.run(["codex-sandbox", "completions", shell], keeper: Caller.workerOptions)
        try #require(printed.ending == .exited(0), "\(printed.story)")
        try scene.write(printed.outputText, to: scene.folder + "/script", mode: 0o644)
        try scene.write("", to: scene.folder + "/nothing", mode: 0o644)
        try scene.write(
            try String(contentsOfFile: Self.driver(shell), encoding: .utf8),
            to: scene.folder + "/driver",
            mode: 0o644
        )
        return scene
    }

    private func completed(_ scene: Scene, _ shell: String, _ script: String, _ words: [String]) throws -> [String] {
        let options = ["bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]][shell] ?? []
        let command = [shell] + options + ["\(scene.folder)/driver", "\(scene.folder)/\(script)"] + words
        let result = try scene.run(command, keeper: Caller.workerOptions)
        if script == "script" { #expect(result.ending == .exited(0), "\(words): \(result.story)") }
        return result.outputText.split(separator: "\n").map(String.init)
    }

    @Test(arguments: shells) func wordsAreCompleted(_ shell: String) throws {
        let scene = try scene(shell)
        for line in Self.lines {
            let found = try completed(scene, shell, "script", line.words)
            let last = found.last.map { $0.hasSuffix("/") || $0.hasSuffix("=") ? String($0.dropLast()) : $0 }
            #expect(last == line.last, "\(shell): \(line.words) became \(found)")
            if shell != "zsh" { #expect(found.count == 1, "\(shell): \(line.words) became \(found)") }
        }
        // The control: what is completed above is so by the script.
        let words = ["codex-sandbox", "run", "--network", "h"]
        #expect(try completed(scene, shell, "nothing", words).last != "host")
    }

    /// Help, completions and the parser of the other executable have one table.
    @Test func optionsOfEvidenceAreThoseOfItsHelp() throws {
        let scene = try scene("bash")
        let help = try scene.run(["codex-sandbox", "evidence", "--help"], keeper: Caller.workerOptions).outputText
        let words = help.split { !($0.isLetter || $0 == "-") }.filter { $0.hasPrefix("--") && $0.count > 2 }.map(
            String.init
        )
        let offered = try completed(scene, "bash", "script", ["codex-sandbox", "evidence", "show", "--"])
        #expect(Set(words).subtracting(["--help"]) == Set(offered).subtracting(["--help"]), "\(help)")
    }
}
