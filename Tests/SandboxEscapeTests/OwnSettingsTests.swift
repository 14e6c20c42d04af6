import Foundation
import SandboxTestSupport
import Testing

/// Settings of the user's own hold, or nothing runs: what would be passed over in silence is a wider policy than was meant.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct OwnSettingsTests {
    private static let variable = "CODEX_SANDBOX_CONFIG"
    private let worker = ["/bin/sh", "-c", "grep processes /proc/self/limits | tr -s ' ' | cut -d ' ' -f 3; : > ran"]

    /// `cf/policies/workspace-write.toml` beside the workspace.
    private func scene(_ caller: Caller = .user) throws -> Scene {
        let scene = try Scene(caller)
        let folders = ["/cf", "/cf/policies"].map { scene.folder + $0 }
        for folder in folders { try scene.makeFolder(folder) }
        let file = folders[1] + "/workspace-write.toml"
        try scene.write("version = 1\n[limits]\ntasks = 50\n", to: file)
        if caller == .root { for path in folders + [file] { try #require(lchown(path, 0, 0) == 0) } }
        return scene
    }

    private func run(_ scene: Scene, _ value: String? = nil, options: [String] = [], in folder: String? = nil) throws
        -> RunResult
    {
        scene.environment[Self.variable] = value
        let command = scene.sandboxed(worker, options: options)
        let process = try scene.start(command, keeper: scene.caller.keeperOptions, in: folder)
        process.write([])
        return try process.finish()
    }

    private func isRefused(_ result: RunResult, _ scene: Scene, _ words: [String]) -> Bool {
        result.ending == .exited(125) && result.output == [] && !scene.exists(scene.workspace + "/ran")
            && words.allSatisfy(result.errorText.contains)
    }

    /// The commands that say what a launch would do say the same.
    private func isRefusedEverywhere(_ scene: Scene, _ words: [String]) throws {
        for command in [["policy", "show", "workspace-write"], ["policy", "list"]] {
            let result = try scene.run([scene.workshop.launcher] + command, keeper: scene.caller.keeperOptions)
            #expect(result.ending == .exited(1) && words.allSatisfy(result.errorText.contains), "\(result.story)")
        }
    }

    @Test(arguments: Caller.available) func aFolderThatIsNamedHolds(caller: Caller) throws {
        let scene = try scene(caller)
        #expect(try run(scene, scene.folder + "/cf").lines == ["50"])
        #expect(try run(scene, scene.folder + "//cf/./").lines == ["50"])
        // Set to nothing is not set.
        let free = try run(scene, "")
        #expect(free.ending == .exited(0) && free.lines != ["50"], "\(free.story)")
    }

    @Test(arguments: [
        "cf", "./cf", "../cf", "FOLDER/workspace/../cf", "/", "FOLDER/none", "FOLDER/outside/secret", "FOLDER/dangling",
    ])
    func aVariableThatNamesNoFolderIsARefusal(value: String) throws {
        let scene = try scene()
        try scene.link(scene.folder + "/dangling", to: scene.folder + "/nowhere")
        let path = value.replacing("FOLDER", with: scene.folder)
        let result = try run(scene, path, in: scene.folder)
        #expect(isRefused(result, scene, [Self.variable]), "\(result.story)")
        let named = try run(scene, path, options: ["--policy", "strict"], in: scene.folder)
        #expect(isRefused(named, scene, [Self.variable]), "\(named.story)")
        try isRefusedEverywhere(scene, [Self.variable])
    }

    @Test(arguments: ["cache", "./cache", "FOLDER/workspace/../cache", "/"])
    func soIsOneOfTheCache(value: String) throws {
        let scene = try scene()
        scene.environment["CODEX_SANDBOX_CACHE_DIR"] = value.replacing("FOLDER", with: scene.folder)
        #expect(isRefused(try run(scene, in: scene.folder), scene, ["CODEX_SANDBOX_CACHE_DIR"]))
        scene.environment["CODEX_SANDBOX_CACHE_DIR"] = scene.folder + "/new-cache"
        #expect(try run(scene).ending == .exited(0))
    }

    /// XDG's own rule: one that is relative counts as unset.
    ///
    /// One with `..` in it would hide settings that are there.
    @Test func variablesOfXDGKeepTheirRule() throws {
        let scene = try scene()
        try scene.makeFolder(scene.home + "/.config")
        try #require(rename(scene.folder + "/cf", scene.home + "/.config/codex-sandbox") == 0)
        for value in ["relative", ""] {
            scene.environment["XDG_CONFIG_HOME"] = value
            #expect(try run(scene).lines == ["50"])
        }
        scene.environment["XDG_CONFIG_HOME"] = scene.home + "/../home/.config"
        let ran = scene.workspace + "/ran"
        try #require(unlink(ran) == 0)
        #expect(isRefused(try run(scene), scene, ["XDG_CONFIG_HOME"]))
    }

    @Test(
        arguments: ["policies dangles", "policies is a file", "the policy dangles", "the folder dangles"],
        [true, false]
    )
    func whatStandsInTheWayIsARefusal(kind: String, isNamed: Bool) throws {
        let scene = try scene()
        let settings = scene.folder + "/cf/codex-sandbox"
        try scene.makeFolder(settings)
        func lead(_ name: String) throws -> String {
            let path = settings + name
            try scene.link(path, to: scene.folder + "/nowhere")
            return path
        }
        let path: String
        switch kind {
        case "policies dangles": path = try lead("/policies")
        case "policies is a file":
            path = settings + "/policies"
            try scene.write("", to: path)
        case "the policy dangles":
            try scene.makeFolder(settings + "/policies")
            path = try lead("/policies/workspace-write.toml")
        default:
            try #require(rmdir(settings) == 0)
            path = try lead("")
        }
        if !isNamed { scene.environment["XDG_CONFIG_HOME"] = scene.folder + "/cf" }
        let result = try run(scene, isNamed ? settings : nil)
        #expect(isRefused(result, scene, [path == settings && isNamed ? Self.variable : path]), "\(result.story)")
        if kind == "the policy dangles" { return }
        try isRefusedEverywhere(scene, [settings])
        // Mended, it runs.
        try #require(unlink(path) == 0)
        try scene.makeFolder(path)
        let mended = try run(scene, isNamed ? settings : nil)
        #expect(mended.ending == .exited(0), "\(mended.story)")
    }

    /// An account without a home has no settings, and is no fault.
    @Test(arguments: ["/dev/null", "/nonexistent"]) func noHomeIsNoSettings(home: String) throws {
        let scene = try scene()
        scene.environment["HOME"] = home
        let result = try run(scene)
        #expect(result.ending == .exited(0) && result.lines != ["50"], "\(result.story)")
    }

    /// Somebody else's home, or one that a service does not see: a policy that is named by its file needs nothing of it.
    @Test func aFolderThatNobodyMayLookIntoIsNoSettingsForAFile() throws {
        let scene = try scene()
        let closed = scene.folder + "/closed"
        try scene.makeFolder(closed)
        scene.environment["XDG_CONFIG_HOME"] = closed
        try #require(chmod(closed, 0) == 0)
        defer { _ = chmod(closed, 0o700) }
        let file = try scene.policy("[limits]\ntasks = 60\n")
        let result = try run(scene, options: file)
        #expect(result.ending == .exited(0) && result.lines == ["60"], "\(result.story)")
        let shown = try scene.run(
            [scene.workshop.launcher, "policy", "show", file[1]],
            keeper: scene.caller.keeperOptions
        )
        #expect(shown.ending == .exited(0), "\(shown.story)")
        try #require(unlink(scene.workspace + "/ran") == 0)
        // A policy by its name may stand there, and so may one that the file extends; and a folder that is named has to hold.
        let words = ["\(closed)/codex-sandbox", "HOME", "XDG_CONFIG_HOME", Self.variable]
        #expect(isRefused(try run(scene), scene, words))
        #expect(isRefused(try run(scene, options: ["--policy", "strict"]), scene, words))
        try isRefusedEverywhere(scene, words)
        #expect(isRefused(try run(scene, closed + "/codex-sandbox", options: file), scene, [Self.variable]))
        let extending = try scene.policy("extends = \"strict\"\n")
        #expect(isRefused(try run(scene, options: extending), scene, ["\(closed)/codex-sandbox/policies/strict.toml"]))
    }

    /// No version reads it, and what is in it would not hold.
    @Test(arguments: ["policy = \"strict\"\n", "junk", ""], [true, false])
    func aFileOfSettingsThatNobodyReadsIsARefusal(text: String, isNamed: Bool) throws {
        let scene = try scene()
        let folder = isNamed ? scene.folder + "/cf" : scene.home + "/.config/codex-sandbox"
        if !isNamed { for path in [scene.home + "/.config", folder] { try scene.makeFolder(path) } }
        let file = folder + "/config.toml"
        try scene.write(text, to: file)
        let value = isNamed ? folder : nil
        for options in [[], ["--policy", "strict"], ["--danger-full-access"]] {
            let result = try run(scene, value, options: options)
            #expect(isRefused(result, scene, [file, "policies/NAME.toml"]), "\(result.story)")
        }
        try isRefusedEverywhere(scene, [file])
        try #require(unlink(file) == 0)
        try scene.link(file, to: scene.folder + "/nowhere")
        #expect(isRefused(try run(scene, value), scene, [file]))
        try #require(unlink(file) == 0)
        #expect(try run(scene, value).ending == .exited(0))
    }
}
