import Foundation
import SandboxTestSupport
import Testing

/// A policy that is full access, in a file or under an own name: only with the flag, and the flag only with such a one.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct FullAccessPolicyTests {
    private static let texts = [
        "version = 1\n[danger]\nfull_access = true\n",
        "version = 1\n[codex]\nsandbox_mode = \"danger-full-access\"\nfs_isolation = false\n",
        "version = 1\n[codex]\nfs_isolation = false\n",
    ]
    private let worker = ["/bin/sh", "-c", "cat \"$0\"; : > ran", "SECRET"]
    private static let flag = "--danger-full-access"

    private func scene(_ text: String, own name: String = "mine", _ caller: Caller = .user) throws -> Scene {
        let scene = try Scene(caller)
        let folders = ["/config", "/config/codex-sandbox", "/config/codex-sandbox/policies"].map { scene.folder + $0 }
        for folder in folders { try scene.makeFolder(folder) }
        let files = [scene.folder + "/full.toml", folders[2] + "/\(name).toml"]
        for file in files { try scene.write(text, to: file) }
        // A policy that somebody else could change is none.
        if caller == .root { for path in folders + files { try #require(lchown(path, 0, 0) == 0) } }
        scene.environment["XDG_CONFIG_HOME"] = scene.folder + "/config"
        return scene
    }

    private func run(_ scene: Scene, _ options: [String]) throws -> RunResult {
        let words = options.map { $0 == "FILE" ? scene.folder + "/full.toml" : $0 }
        return try scene.runInside(worker.map { $0 == "SECRET" ? scene.secret : $0 }, options: words)
    }

    private func isRefused(_ result: RunResult, _ scene: Scene, _ words: [String]) -> Bool {
        result.ending == .exited(125) && result.output == [] && !scene.exists(scene.workspace + "/ran")
            && words.allSatisfy(result.errorText.contains)
    }

    @Test(arguments: texts, Caller.available)
    func itRunsWithTheFlagAndOnlyThen(text: String, caller: Caller) throws {
        for source in ["FILE", "mine"] {
            let scene = try scene(text, caller)
            let without = try run(scene, ["--policy", source])
            #expect(isRefused(without, scene, ["confines nothing", "add \(Self.flag)"]), "\(without.story)")
            let result = try run(scene, ["--policy", source, Self.flag])
            #expect(result.ending == .exited(0) && result.outputText.contains(scene.token), "\(result.story)")
        }
    }

    /// By the variable, too.
    @Test func theVariableNeedsTheFlagAsWell() throws {
        let scene = try scene(Self.texts[0])
        scene.environment["CODEX_SANDBOX_POLICY"] = scene.folder + "/full.toml"
        let without = try run(scene, [])
        #expect(isRefused(without, scene, ["confines nothing"]), "\(without.story)")
        #expect(try run(scene, [Self.flag]).outputText.contains(scene.token))
    }

    @Test func aSandboxBesideTheFlagIsRefused() throws {
        let scene = try scene("version = 1\n[limits]\ntasks = 64\n")
        for source in ["FILE", "mine", "workspace-write", "strict", "container", "landlock-only"] {
            let result = try run(scene, ["--policy", source, Self.flag])
            #expect(isRefused(result, scene, ["would not hold", "leave one of the two out"]), "\(result.story)")
        }
        // The control: each of the two alone runs, the one in a sandbox, the other not.
        let inside = try run(scene, ["--policy", "FILE"])
        #expect(scene.exists(scene.workspace + "/ran") && !inside.outputText.contains(scene.token), "\(inside.story)")
        #expect(try run(scene, [Self.flag]).outputText.contains(scene.token))
    }

    /// Who types the name of a built-in sandbox, or none, gets one.
    @Test(arguments: ["workspace-write", "strict", "container"])
    func noFileMakesABuiltInSandboxFullAccess(name: String) throws {
        let scene = try scene(Self.texts[0], own: name)
        for options in [["--policy", name], ["--policy", name, Self.flag]] {
            let result = try run(scene, options)
            #expect(isRefused(result, scene, ["\(name) is a built-in sandbox"]), "\(result.story)")
        }
        if name == "workspace-write" { #expect(isRefused(try run(scene, []), scene, ["is a built-in sandbox"])) }
    }

    /// An own file under the built-in's name that is a sandbox is no full access either.
    @Test func aSandboxUnderItsNameIsRefused() throws {
        let scene = try scene("version = 1\n", own: "danger-full-access")
        let result = try run(scene, [Self.flag])
        #expect(isRefused(result, scene, ["would not hold"]), "\(result.story)")
    }

    /// The project's file says it neither as a project's nor as the policy that is named.
    @Test(arguments: texts) func aProjectCannotSayIt(text: String) throws {
        let scene = try scene(text)
        let file = scene.workspace + "/.codex-sandbox.toml"
        try scene.write(text, to: file)
        for options in [[], [Self.flag], ["--policy", "FILE", Self.flag], ["--policy", file, Self.flag]] {
            let result = try run(scene, options)
            #expect(isRefused(result, scene, ["no project can ask for that"]), "\(result.story)")
        }
    }
}
