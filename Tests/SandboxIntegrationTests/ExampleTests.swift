import Foundation
import ProjectTree
import SandboxTestSupport
import Testing

/// What help and README tell people to type works when it is typed.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ExampleTests {
    /// The lines of a text that call the launcher for something that ends by itself and starts no job.
    private static func examples(in text: String) -> [String] {
        var examples: [String] = []
        for line in text.split(separator: "\n") {
            var line = String(line.drop { $0 == " " })
            let built = ".build/release/"
            if line.hasPrefix(built) { line = String(line.dropFirst(built.count)) }
            let commands = ["codex-sandbox run ", "codex-sandbox explain ", "codex-sandbox policy "]
            // The forms of a command have names in capitals where an example has something real.
            let isForm = line.contains("COMMAND") || line.contains("FILE")
            guard !isForm, commands.contains(where: { line.hasPrefix($0) }) else { continue }
            examples.append(line)
        }
        return examples
    }

    /// The README of the package.
    private static func readme() throws -> String {
        let folder = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.deletingLastPathComponent().appendingPathComponent("README.md")
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// A shell reads each line, as a person's would, with what the line names at its place; `explain` stands for `run`.
    @Test func everyExampleHasAPlan() throws {
        let scene = try Scene(.user)
        for path in ["app", "data"] { try scene.makeFolder("\(scene.workspace)/\(path)") }
        for path in ["shared", "fixtures", "src", "src/app"] { try scene.makeFolder("\(scene.home)/\(path)") }
        try scene.write("version = 1\n", to: scene.workspace + "/strict.toml")
        try scene.makeFolder(scene.folder + "/bin")
        let script = """
            #!/bin/sh
            if [ "$1" = run ]; then shift; exec \(scene.workshop.launcher) explain "$@"; fi
            exec \(scene.workshop.launcher) "$@"
            """
        try scene.write(script + "\n", to: scene.folder + "/bin/codex-sandbox", mode: 0o755)
        scene.environment = ["PATH": "\(scene.folder)/bin:/usr/bin:/bin"]
        var lines = Self.examples(in: try Self.readme())
        #expect(lines.count >= 6, "\(lines)")
        for page in [[], ["run"], ["explain"], ["policy"], ["doctor"]] {
            let help = try scene.run([scene.workshop.launcher] + page + ["--help"], keeper: Caller.workerOptions)
            lines += Self.examples(in: help.outputText)
        }
        #expect(lines.count >= 17, "\(lines)")
        for line in lines {
            let result = try scene.run(["/bin/sh", "-c", line], keeper: Caller.workerOptions)
            let words = result.errorText.split(separator: "\n")
            #expect(words.allSatisfy { $0.hasPrefix("codex-sandbox: note: ") }, "\(line): \(result.story)")
            #expect(result.ending == .exited(0), "\(line): \(result.story)")
        }
    }
}
