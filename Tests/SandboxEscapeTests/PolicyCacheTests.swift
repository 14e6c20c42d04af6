import Foundation
import SandboxTestSupport
import Testing

/// What lies in the policy cache decides nothing: an entry is used only where a new compilation would say the same.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct PolicyCacheTests {
    private let worker = ["/bin/sh", "-c", "grep processes /proc/self/limits | tr -s ' ' | cut -d ' ' -f 3"]

    private struct Place {
        let scene: Scene
        let cache: String
        var folder: String { cache + "/codex-sandbox/policies" }
        var strict: String { scene.folder + "/strict.toml" }
        var loose: String { scene.folder + "/loose.toml" }
    }

    private func place() throws -> Place {
        let scene = try Scene(.user)
        let place = Place(scene: scene, cache: scene.folder + "/own-cache")
        try scene.makeFolder(place.cache)
        scene.environment["XDG_CACHE_HOME"] = place.cache
        try scene.write("version = 1\n[limits]\ntasks = 50\n", to: place.strict)
        try scene.write("version = 1\n[limits]\ntasks = 900\n", to: place.loose)
        return place
    }

    private func tasks(_ place: Place, _ policy: String, sourceLocation: SourceLocation = #_sourceLocation) throws
        -> String
    {
        let result = try place.scene.runInside(worker, options: ["--policy", policy])
        #expect(result.ending == .exited(0), "\(result.story)", sourceLocation: sourceLocation)
        return result.lines.joined()
    }

    private func entries(_ place: Place) throws -> Set<String> { Set(try place.scene.names(in: place.folder)) }

    /// The entry of a policy, made by a launch with it.
    private func entry(_ place: Place, of policy: String, _ expected: String) throws -> String {
        let before = place.scene.exists(place.folder) ? try entries(place) : []
        #expect(try tasks(place, policy) == expected)
        let new = try entries(place).subtracting(before)
        return try place.folder + "/" + #require(new.count == 1 ? new.first : nil)
    }

    private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    private func put(_ bytes: [UInt8], at path: String, _ scene: Scene, mode: UInt32 = 0o600) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try #require(chmod(path, mode) == 0)
        try scene.own(path)
    }

    @Test func aSecondLaunchUsesTheEntry() throws {
        let place = try place()
        let entry = try entry(place, of: place.strict, "50")
        let inode = try place.scene.status(of: entry).inode
        #expect(try tasks(place, place.strict) == "50" && place.scene.status(of: entry).inode == inode)
    }

    /// With an entry, nothing is compiled: a launcher that has no compiler beside it launches all the same.
    @Test func aLaunchWithAnEntryNeedsNoCompiler() throws {
        let place = try place()
        try place.scene.makeFolder(place.scene.folder + "/alone")
        let alone = place.scene.folder + "/alone/codex-sandbox"
        try ProgramFile.copy(place.scene.workshop.launcher, to: alone)
        let compiler = place.scene.folder + "/alone/codex-sandboxd"
        try ProgramFile.copy(place.scene.workshop.launcher + "d", to: compiler)
        // There, and not to be executed: nothing is known of it but which one it is.
        try #require(chmod(compiler, 0o644) == 0)
        try place.scene.write("version = 1\nextends = \"strict.toml\"\n", to: place.scene.folder + "/top.toml")
        try place.scene.write("version = 1\n[limits]\ntasks = 40\n", to: place.scene.workspace + "/.codex-sandbox.toml")
        func launch() throws -> RunResult {
            let words = [
                "run", "--workspace", place.scene.workspace, "--policy", place.scene.folder + "/top.toml", "--",
            ]
            return try place.scene.run([alone] + words + worker, keeper: place.scene.caller.keeperOptions)
        }
        let without = try launch()
        #expect(without.ending == .exited(125) && without.errorText.contains("codex-sandboxd"), "\(without.story)")
        try #require(chmod(compiler, 0o755) == 0)
        #expect(try launch().lines == ["40"])
        try #require(chmod(compiler, 0o644) == 0)
        let with = try launch()
        #expect(with.ending == .exited(0) && with.lines == ["40"], "\(with.story)")
    }

    /// Twenty thousand problems are told as what they are.
    @Test func moreProblemsThanAnybodyReadsAreCounted() throws {
        let scene = try Scene(.user)
        let file = scene.folder + "/many.toml"
        try scene.write("version = 1\n" + (0..<20_000).map { "k\($0) = 1\n" }.joined(), to: file)
        let result = try scene.runInside(["/bin/true"], options: ["--policy", file])
        #expect(result.ending == .exited(125), "\(result.story.prefix(2000))")
        #expect(result.errorText.contains("many.toml:2:1: k0"), "\(result.story.prefix(2000))")
        #expect(result.errorText.contains("and 19900 more problems"), "\(result.story.suffix(2000))")
    }

    /// Another build of one of the two executables takes nothing that this one has left.
    @Test(arguments: ["codex-sandbox", "codex-sandboxd"]) func anotherBuildCompilesAnew(changed: String) throws {
        let place = try place()
        let own = place.scene.folder + "/own"
        try place.scene.makeFolder(own)
        let from = URL(filePath: place.scene.workshop.launcher).deletingLastPathComponent().path(percentEncoded: false)
        for name in ["codex-sandbox", "codex-sandboxd"] {
            try ProgramFile.copy("\(from)/\(name)", to: "\(own)/\(name)")
        }
        func launch() throws -> RunResult {
            let words = ["run", "--workspace", place.scene.workspace, "--policy", place.strict, "--"]
            return try place.scene.run(
                ["\(own)/codex-sandbox"] + words + worker,
                keeper: place.scene.caller.keeperOptions
            )
        }
        let first = try launch()
        #expect(first.ending == .exited(0) && first.lines == ["50"], "\(first.story)")
        let before = try entries(place)
        #expect(try launch().ending == .exited(0) && entries(place) == before)
        // The same bytes, as an installation of them would put them there.
        try FileManager.default.removeItem(atPath: "\(own)/\(changed)")
        try ProgramFile.copy("\(from)/\(changed)", to: "\(own)/\(changed)")
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, "\(own)/\(changed)", &times, 0) == 0)
        let second = try launch()
        #expect(second.ending == .exited(0) && second.lines == ["50"], "\(second.story)")
        #expect(try entries(place).subtracting(before).count == 1)
    }

    /// Each is seen by the entry being made anew, and by what the job gets.
    @Test(arguments: [
        "another's", "a flipped byte", "shorter", "empty", "writable by others", "a link", "a folder", "garbage",
    ]) func anEntryThatWasPutThereIsNotUsed(kind: String) throws {
        let place = try place()
        let loose = try entry(place, of: place.loose, "900")
        let strict = try entry(place, of: place.strict, "50")
        let (own, other) = (try bytes(strict), try bytes(loose))
        try #require(unlink(strict) == 0)
        switch kind {
        case "another's": try put(other, at: strict, place.scene)
        case "a flipped byte":
            // 50 as it lies there, with its neighbours.
            var changed = own
            let wanted: [UInt8] = [50, 0, 0, 0, 0, 0, 0, 0]
            let at = try #require(changed.indices.first { Array(changed[$0...].prefix(8)) == wanted })
            changed[at] = 200
            try put(changed, at: strict, place.scene)
        case "shorter": try put(Array(own.dropLast()), at: strict, place.scene)
        case "empty": try put([], at: strict, place.scene)
        case "writable by others": try put(other, at: strict, place.scene, mode: 0o622)
        case "a link": try place.scene.link(strict, to: loose)
        case "a folder": try place.scene.makeFolder(strict)
        default: try put(Array(repeating: 0x41, count: 5000), at: strict, place.scene)
        }
        #expect(try tasks(place, place.strict) == "50")
        #expect(try tasks(place, place.loose) == "900")
        if kind != "a folder" { #expect(try bytes(strict) == own) }
    }

    @Test(arguments: [0o777, 0o770, 0o755]) func aFolderThatOthersMayEnterIsNotUsed(mode: mode_t) throws {
        let place = try place()
        let loose = try entry(place, of: place.loose, "900")
        let strict = try entry(place, of: place.strict, "50")
        try put(try bytes(loose), at: strict, place.scene)
        try #require(chmod(place.folder, mode) == 0)
        let result = try place.scene.runInside(worker, options: ["--policy", place.strict])
        #expect(result.lines == ["50"] && result.errorText.contains("policies are not cached"), "\(result.story)")
    }

    /// What a policy extends is not in the name of its entry; each change must be seen all the same.
    @Test func aBaseThatChangesIsSeen() throws {
        let place = try place()
        let top = place.scene.folder + "/top.toml"
        try place.scene.write("version = 1\nextends = \"strict.toml\"\n", to: top)
        #expect(try tasks(place, top) == "50")
        try place.scene.write("version = 1\n[limits]\ntasks = 60\n", to: place.strict)
        #expect(try tasks(place, top) == "60")
        // Two steps away.
        try place.scene.write("version = 1\nextends = \"./loose.toml\"\n", to: place.strict)
        #expect(try tasks(place, top) == "900")
        try place.scene.write("version = 1\n[limits]\ntasks = 70\n", to: place.loose)
        #expect(try tasks(place, top) == "70")
        try #require(unlink(place.loose) == 0)
        let gone = try place.scene.runInside(worker, options: ["--policy", top])
        #expect(gone.ending == .exited(125) && gone.errorText.contains("strict.toml:2:11: extends"), "\(gone.story)")
        // Somebody else may write to it: it is not obeyed, though its bytes are the same.
        try place.scene.write("version = 1\n[limits]\ntasks = 70\n", to: place.loose, mode: 0o666)
        let open = try place.scene.runInside(worker, options: ["--policy", top])
        #expect(open.ending == .exited(125) && open.errorText.contains("others may write"), "\(open.story)")
        try #require(chmod(place.loose, 0o644) == 0)
        #expect(try tasks(place, top) == "70")
    }

    /// A user's own policy hides the built-in one, also one that appears when the entry is there already.
    @Test func aNameThatMeansAnotherPolicyIsSeen() throws {
        let place = try place()
        let top = place.scene.folder + "/top.toml"
        try place.scene.write("version = 1\nextends = \"workspace-write\"\n", to: top)
        #expect(try tasks(place, top) == "1024")
        var folder = place.scene.home
        for name in [".config", "codex-sandbox", "policies"] {
            folder += "/" + name
            try place.scene.makeFolder(folder)
        }
        try place.scene.write("version = 1\n[limits]\ntasks = 33\n", to: folder + "/workspace-write.toml")
        #expect(try tasks(place, top) == "33")
        try #require(unlink(folder + "/workspace-write.toml") == 0)
        #expect(try tasks(place, top) == "1024")
    }

    /// A file that the policy extends decides about the next launch, too: where the job can write, it is kept from it.
    @Test func whatIsExtendedIsNotTheJobsToChange() throws {
        let scene = try Scene(.user)
        try scene.makeFolder(scene.workspace + "/rules")
        try scene.write("version = 1\nextends = \"base.toml\"\n", to: scene.workspace + "/rules/top.toml")
        try scene.write("version = 1\n", to: scene.workspace + "/rules/base.toml")
        try scene.write("", to: scene.workspace + "/rules/free.toml")
        let script = """
            cd rules; for name in top base free; do echo '#' >>$name.toml && echo wrote $name; done
            mv base.toml other.toml && echo moved; mv ../rules ../elsewhere && echo moved folder
            """
        let result = try scene.runInside(["/bin/sh", "-c", script], options: ["--policy", "rules/top.toml"])
        #expect(result.lines == ["wrote free"], "\(result.story)")
        #expect(try scene.text(of: scene.workspace + "/rules/base.toml") == "version = 1\n")
    }

    /// The project's file and its approval are in what the entry goes by.
    @Test func aProjectsFileThatChangesIsSeen() throws {
        let place = try place()
        let file = place.scene.workspace + "/.codex-sandbox.toml"
        #expect(try tasks(place, place.loose) == "900")
        for tasks in ["40", "41", "40"] {
            try place.scene.write("version = 1\n[limits]\ntasks = \(tasks)\n", to: file)
            #expect(try self.tasks(place, place.loose) == tasks)
        }
        try #require(unlink(file) == 0)
        #expect(try tasks(place, place.loose) == "900")
    }
}
