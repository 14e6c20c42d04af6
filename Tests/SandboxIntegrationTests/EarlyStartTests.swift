import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// pid 1 begins before the launcher does, with the first steps of the last launch: whatever lies there, the place is the same.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct EarlyStartTests {
    /// A scene with a cache of its own, so that nobody else writes there.
    private func scene(_ caller: Caller) throws -> Scene {
        let scene = try Scene(caller)
        let cache = scene.folder + "/cache"
        try scene.makeFolder(cache)
        if caller == .root { #expect(lchown(cache, 0, 0) == 0) }
        #expect(chmod(cache, 0o700) == 0)
        scene.environment = ["CODEX_SANDBOX_CACHE_DIR": cache]
        return scene
    }

    private func path(_ scene: Scene) -> String {
        "\(scene.folder)/cache/first-steps/\(Caller.worker.uid)-\(Caller.worker.gid)"
    }

    /// Mount points with their options and file systems, `/etc/hosts`, and the host name.
    private let look = [
        "/bin/sh", "-c",
        "cut -d' ' -f4-6 /proc/self/mountinfo | sort; cat /etc/hosts /etc/passwd; cat /proc/sys/kernel/hostname",
    ]

    @Test(arguments: Caller.available)
    func theyAreKeptAndUsedAgain(caller: Caller) throws {
        let scene = try scene(caller)
        let first = try scene.runInside(look)
        #expect(first.ending == .exited(0), "\(first.story)")
        let kept = try scene.status(of: path(scene))
        #expect(kept.mode & 0o7777 == 0o600 && kept.links == 1)
        #expect(kept.owner == (caller == .root ? 0 : Caller.worker.uid))
        let second = try scene.runInside(look)
        #expect(second.outputText == first.outputText, "\(second.story)")
        // What is not used is written anew.
        #expect(try scene.status(of: path(scene)).inode == kept.inode)
    }

    @Test(arguments: Caller.available)
    func optionsThatChangeThemAreObeyed(caller: Caller) throws {
        let scene = try scene(caller)
        _ = try scene.runInside(["/bin/true"])
        let result = try scene.runInside(
            ["/bin/df", "--output=size", "-B1M", "/tmp"],
            options: ["--tmp-size", "7MiB"]
        )
        #expect(result.ending == .exited(0) && result.lines.last?.contains("7") == true, "\(result.story)")
        let other = try scene.runInside(look, options: ["--policy", "read-only"])
        #expect(other.ending == .exited(0), "\(other.story)")
    }

    enum Damage: String, CaseIterable, Sendable {
        case garbage, empty, truncated, tooLarge, otherContents, otherMagic, otherMode, secondName, symbolicLink,
            folder, fifo
    }

    @Test(arguments: Damage.allCases, Caller.available)
    func whatIsWrongWithThemChangesNothing(damage: Damage, caller: Caller) throws {
        let scene = try scene(caller)
        let clean = try scene.runInside(look)
        let file = path(scene)
        let good = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(unlink(file) == 0)
        switch damage {
        case .garbage: try put(Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }), scene)
        case .empty: try put(Data(), scene)
        case .truncated: try put(good.prefix(good.count / 2), scene)
        case .tooLarge: try put(good + Data(count: 300 << 10), scene)
        case .otherContents:
            var bytes = good
            let name = try #require(bytes.range(of: Data("127.0.0.1 localhost".utf8)))
            bytes.replaceSubrange(name, with: Data("127.0.0.1 evilhosts".utf8))
            try put(bytes, scene)
        case .otherMagic: try put(Data([0x58]) + good.dropFirst(), scene)
        case .otherMode: try put(good, scene, mode: 0o644)
        case .secondName:
            try put(good, scene)
            #expect(link(file, scene.folder + "/second") == 0)
        case .symbolicLink:
            try put(good, scene)
            #expect(rename(file, scene.folder + "/elsewhere") == 0)
            #expect(symlink(scene.folder + "/elsewhere", file) == 0)
        case .folder: #expect(mkdir(file, 0o700) == 0)
        case .fifo: #expect(mkfifo(file, 0o600) == 0)
        }
        if lchown(file, caller == .root ? 0 : Caller.worker.uid, Caller.worker.gid) != 0 {
            Issue.record("chown: errno \(errno)")
        }
        let before = try scene.status(of: file).inode
        for _ in 0..<2 {
            let result = try scene.runInside(look)
            #expect(result.ending == .exited(0) && result.left == 0 && result.zombies == 0, "\(result.story)")
            #expect(result.outputText == clean.outputText, "\(result.story)")
        }
        if damage == .folder { return }  // nothing of ours: it stays
        #expect(try scene.status(of: file).inode != before)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == good)
    }

    private func put(_ bytes: Data, _ scene: Scene, mode: UInt32 = 0o600) throws {
        let file = path(scene)
        try bytes.write(to: URL(fileURLWithPath: file))
        #expect(chmod(file, mode) == 0)
        #expect(lchown(file, scene.caller == .root ? 0 : Caller.worker.uid, Caller.worker.gid) == 0)
    }

    @Test(
        arguments: [
            "--no-such-option", "--memory=many", "--workspace=/no/such/folder", "--policy=/no/such/folder/policy.toml",
        ],
        Caller.available
    )
    func aLaunchThatComesToNothingLeavesNothing(option: String, caller: Caller) throws {
        let scene = try scene(caller)
        let launcher = scene.sandboxed([])[0]
        for _ in 0..<5 {
            let result = try scene.start([launcher, "run", option, "--", "/bin/true"], keeper: caller.keeperOptions)
                .finish()
            #expect(result.ending == .exited(option.contains("folder") ? 125 : 2), "\(result.story)")
            #expect(result.left == 0 && result.zombies == 0 && !result.tookTooLong, "\(result.story)")
        }
    }

    /// A number that the caller has not opened must not turn out to be a descriptor of ours.
    @Test(arguments: 3...12, Caller.available)
    func aResultDescriptorThatIsNotOpenIsRefused(number: Int, caller: Caller) throws {
        let scene = try scene(caller)
        let result = try scene.runInside(["/bin/true"], options: ["--result", "\(number)"])
        #expect(result.ending == .exited(125) && !result.tookTooLong, "\(result.story)")
        #expect(result.errorText.contains("descriptor \(number)"), "\(result.story)")
    }
}
