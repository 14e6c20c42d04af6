import Foundation
import SandboxTestSupport
import Testing

/// Threat A5: a name changes its meaning while the launcher works with it.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct RaceTests {
    /// A name that is exchanged with a link to the host's folder while launches are made.
    struct Race: Sendable, CustomStringConvertible {
        var description: String
        /// Of the name, below the scene's folder.
        var name: String
        /// Where the link leads, below the scene's folder.
        var target: String
        /// What the job then looks at, relative to the workspace or absolute below the scene's folder.
        var looks: [String]
        var options: @Sendable (Scene) -> [String] = { _ in [] }
    }

    static let races = [
        Race(
            description: "the workspace",
            name: "workspace",
            target: "outside",
            looks: ["secret"]
        ),
        Race(
            description: "a folder above the workspace",
            name: "above",
            target: "outside-above",
            looks: ["secret"]
        ),
        Race(description: "the repository", name: "workspace/.git", target: "outside", looks: [".git/secret"]),
        Race(
            description: "git's configuration",
            name: "workspace/.git/config",
            target: "outside/secret",
            looks: [".git/config"]
        ),
        Race(
            description: "a protected folder",
            name: "workspace/.codex",
            target: "outside",
            looks: [".codex/secret"]
        ),
        Race(
            description: "a folder that is shown",
            name: "shared",
            target: "outside",
            looks: ["FOLDER/shared/secret"],
            options: { ["--read", $0.folder + "/shared"] }
        ),
        Race(
            description: "a file that is shown",
            name: "shared-file",
            target: "outside/secret",
            looks: ["FOLDER/shared-file"],
            options: { ["--read", $0.folder + "/shared-file"] }
        ),
    ]

    /// The scene of a race; `name-link` is what it is exchanged with.
    private func scene(for race: Race, _ caller: Caller) throws -> Scene {
        let scene = try Scene(caller)
        try TrustAttempts.repository(in: scene)
        try scene.makeFolder(scene.folder + "/above")
        try scene.makeFolder(scene.folder + "/above/workspace")
        try scene.makeFolder(scene.folder + "/outside-above")
        try scene.link(scene.folder + "/outside-above/workspace", to: scene.outside)
        try scene.makeFolder(scene.workspace + "/.codex")
        try scene.makeFolder(scene.folder + "/shared")
        try scene.write("shared\n", to: scene.folder + "/shared-file")
        try scene.link("\(scene.folder)/\(race.name)-link", to: "\(scene.folder)/\(race.target)")
        return scene
    }

    private func swapper(for race: Race, in scene: Scene) throws -> KeptProcess {
        let path = "\(scene.folder)/\(race.name)"
        let process = try scene.start(
            [scene.program("hostile-files"), "swap", path, path + "-link"],
            keeper: Caller.workerOptions,
            in: scene.folder
        )
        try process.line("swapping=")
        return process
    }

    /// Check, then use: what a launcher that resolves names twice does.
    @Test(.runsAlone)
    func aLauncherThatResolvesTwiceLoses() throws {
        let scene = try scene(for: RaceTests.races[0], .user)
        let swapper = try swapper(for: RaceTests.races[0], in: scene)
        let naive = """
            i=0; while [ $i -lt 20000 ]; do i=$((i+1)); \
            [ ! -L \(scene.workspace) ] && [ -d \(scene.workspace)/.git ] && cat \(scene.workspace)/secret 2>/dev/null \
            && exit 0; done; exit 1
            """
        let process = try scene.start(["/bin/sh", "-c", naive], keeper: Caller.workerOptions, in: scene.folder)
        let result = try process.finish()
        _ = try swapper.finish()
        #expect(result.outputText.contains(scene.token), "no control: \(result.story)")
    }

    @Test(.runsAlone, arguments: races, Caller.available)
    func noExchangeOfNamesLeadsOut(race: Race, caller: Caller) throws {
        let scene = try scene(for: race, caller)
        let workspace = race.name == "above" ? scene.folder + "/above/workspace" : scene.workspace
        let swapper = try swapper(for: race, in: scene)
        let looks = race.looks.map { $0.replacingOccurrences(of: "FOLDER", with: scene.folder) }
        let script = "echo ran; for f in \(looks.joined(separator: " ")); do cat $f; done; : > escaped; true"
        var ran = 0
        var refused = 0
        for _ in 0..<40 {
            let process = try scene.start(
                [scene.workshop.launcher, "run", "--workspace", workspace] + race.options(scene)
                    + ["--", "/bin/sh", "-c", script],
                keeper: caller.keeperOptions,
                in: scene.folder
            )
            let result = try process.finish()
            #expect(!result.outputText.contains(scene.token), "\(result.story)")
            #expect(result.left == 0 && result.zombies == 0, "\(result.story)")
            if result.lines.first == "ran" { ran += 1 }
            if result.ending == .exited(125) { refused += 1 }
            #expect(result.lines.first == "ran" || result.ending == .exited(125), "\(result.story)")
        }
        let swaps = try swapper.finish().number("swaps") ?? 0
        #expect(swaps > 100, "the names were exchanged only \(swaps) times")
        #expect(try scene.secretIsUntouched())
        #expect(ran + refused == 40)
    }
}
