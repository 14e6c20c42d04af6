import Foundation
import ProjectTree
import SandboxTestSupport
import Testing

/// A person at the keyboard (`Support/terminal/scenes.py`), the release executable, and what both make of it.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct TerminalTests {
    private static let scenes = [
        "plain", "piped", "choice", "two", "stops", "inner", "size", "programs", "endings", "answers", "binary",
        "captive", "stopped_and_watched", "flood", "pipelines", "unread", "unowned", "late", "guarded", "doors", "told",
        "apart", "pagers", "unanswered", "background", "silenced", "unconfined",
        "suspended",
    ]

    private static let player: String = {
        let tests = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        return tests.appending(path: "Support/terminal/scenes.py").path(percentEncoded: false)
    }()

    @Test(arguments: scenes, Caller.available)
    func theTerminalIsAsAPersonExpects(name: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let text = try String(contentsOfFile: Self.player, encoding: .utf8)
        try scene.write(text, to: scene.folder + "/scenes.py", mode: 0o644)
        let folder = scene.folder + "/left"
        try scene.makeFolder(folder)
        let command = ["python3", scene.folder + "/scenes.py", name, scene.workshop.launcher, folder]
        let played = try scene.run(command, keeper: caller.keeperOptions + ["--deadline", "1500000"])
        #expect(played.ending == .exited(0), "\(played.story)")
        let lines = played.outputText.split(separator: "\n")
        #expect(!lines.isEmpty && lines.allSatisfy { $0.hasPrefix("ok ") }, "\(played.story)")
    }
}
