import CShims
import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

/// Leaves in a real cgroup2 tree, whatever controllers it has; to make one takes root, or a delegated group.
@Suite(.serialized, .enabled(if: CgroupTree.isThere, "only root has a cgroup2 tree that nobody delegates"))
struct LimitGroupTests {
    /// What is killed may leave its group later than within the two seconds for which a removal is tried.
    private func end(_ group: borrowing LimitGroup, _ tree: CgroupTree) {
        group.end()
        for _ in 0..<300 where tree.names != [] {
            for name in tree.names { _ = tree.path.appending(OSString(name)).withCString { rmdir($0) } }
            usleep(100_000)
        }
    }

    @Test func aLeafIsMadeAndRemoved() throws {
        let tree = try CgroupTree()
        let group = try LimitGroup.make(in: tree.subtree, for: "one")
        #expect(tree.names == ["codex-sandbox.one"])
        #expect(group.name == tree.name.appending("codex-sandbox.one"))
        #expect(try group.usage().memoryKills == 0)
        #expect(try group.value(of: "cgroup.type") == "domain")
        #expect(try group.value(of: "no.such.file") == nil)
        group.end()
        #expect(tree.names == [])
    }

    @Test func aDroppedLeafIsRemoved() throws {
        let tree = try CgroupTree()
        do {
            let group = try LimitGroup.make(in: tree.subtree, for: "one")
            #expect(tree.names.count == 1)
            _ = consume group
        }
        #expect(tree.names == [])
    }

    @Test func aProcessIsMovedAndKilledWithItsChildren() throws {
        let tree = try CgroupTree()
        let group = try LimitGroup.make(in: tree.subtree, for: "one")
        // What is born before the move would stay where it is: so nothing is, before we say so.
        let process = try Sleeper("kill -STOP $$; sleep 600 & exec sleep 600")
        try process.awaitStop()
        #expect(process.group != group.name)
        try group.enter(process.pid)
        #expect(process.group == group.name)
        kill(process.pid, SIGCONT)
        var processes = 0
        for _ in 0..<6000 where processes < 2 {
            usleep(10_000)
            processes = try group.value(of: "cgroup.procs")?.split(separator: "\n").count ?? 0
        }
        #expect(processes == 2)
        end(group, tree)
        #expect(tree.names == [])
        #expect(process.end() == SIGKILL)
    }

    @Test func anUnknownProcessIsAnError() throws {
        let tree = try CgroupTree()
        let group = try LimitGroup.make(in: tree.subtree, for: "one")
        let error = #expect(throws: SyscallError.self) { try group.enter(Int32.max) }
        #expect(error?.errno == ESRCH)
        group.end()
    }

    /// What nobody holds is removed with everything in it; what somebody holds, or what is not ours, stays.
    @Test func theNextLaunchRemovesWhatIsDead() throws {
        let tree = try CgroupTree()
        let dead = "codex-sandbox." + String(repeating: "0d", count: 16)
        let living = String(repeating: "1a", count: 16)
        let held = try LimitGroup.make(in: tree.subtree, for: living)
        try tree.makeFolder(OSString(dead))
        // One of a second attempt, and what only begins like ours.
        try tree.makeFolder(OSString(dead + "-2"))
        try tree.makeFolder("codex-sandbox.service")
        try tree.makeFolder("codex-sandbox.callers")
        try tree.makeFolder("other")
        let process = try Sleeper("exec sleep 600")
        try tree.write("\(process.pid)", to: OSString(dead + "/cgroup.procs"))
        var next = try LimitGroup.make(in: tree.subtree, for: "next")
        // What is killed takes its time to leave on a busy machine, and is left to the one after then.
        for _ in 0..<300 where tree.names.contains(dead) {
            next.end()
            usleep(100_000)
            next = try LimitGroup.make(in: tree.subtree, for: "next")
        }
        let stays = ["codex-sandbox." + living, "codex-sandbox.callers", "codex-sandbox.next", "codex-sandbox.service"]
        #expect(tree.names == stays + ["other"])
        #expect(process.end() == SIGKILL)
        held.end()
        next.end()
    }

    /// A server does the same before its first launch, and holds nothing then.
    @Test func aServerRemovesWhatIsDead() throws {
        let tree = try CgroupTree()
        let living = String(repeating: "1a", count: 16)
        let held = try LimitGroup.make(in: tree.subtree, for: living)
        try tree.makeFolder(OSString("codex-sandbox." + String(repeating: "0d", count: 16)))
        let left = try LimitGroup.prepare(tree.subtree)
        #expect(tree.names == ["codex-sandbox." + living])
        #expect(left.paths == [held.path])
        // What somebody holds is no left-over, however long it stays.
        #expect(left.remove(within: 1) == [])
        #expect(tree.names == ["codex-sandbox." + living])
        held.end()
    }

    /// A server waits for a job that ends slowly, or whose launcher has not let go yet, but not for ever; and says what stays.
    @Test func aServerWaitsForWhatDies() throws {
        let tree = try CgroupTree()
        let dead: OSString = OSString("codex-sandbox." + String(repeating: "0d", count: 16))
        // A group with another one in it is as busy as one whose processes do not end.
        try tree.makeFolder(dead)
        try tree.makeFolder(dead.appending("inner"))
        let inner = tree.path.appending(dead).appending("inner")
        let left = try LimitGroup.prepare(tree.subtree)
        #expect(left.paths == [tree.path.appending(dead)])
        #expect(left.remove(within: 50) == [tree.path.appending(dead)])
        let thread = Thread {
            usleep(100_000)
            _ = inner.withCString { rmdir($0) }
        }
        thread.start()
        #expect(left.remove(within: 60_000) == [])
        #expect(tree.names == [])
        // One that is let go while it is waited for.
        var held: LimitGroup? = try LimitGroup.make(in: tree.subtree, for: String(repeating: "1a", count: 16))
        let living = try LimitGroup.prepare(tree.subtree)
        #expect(living.paths == held.map { [$0.path] })
        held = nil
        #expect(living.remove(within: 60_000) == [])
    }

    /// Launches at the same time take nothing from each other.
    @Test func manyAtOnce() async throws {
        let tree = try CgroupTree()
        let subtree = tree.subtree
        let made = await withTaskGroup(of: Int.self) { tasks in
            for worker in 0..<8 {
                tasks.addTask {
                    var made = 0
                    for turn in 0..<40 {
                        do {
                            let group = try LimitGroup.make(in: subtree, for: "\(worker)-\(turn)")
                            if try group.value(of: "cgroup.type") != nil { made += 1 }
                            group.end()
                        } catch { Issue.record("\(worker)-\(turn): \(error)") }
                    }
                    return made
                }
            }
            return await tasks.reduce(0, +)
        }
        #expect(made == 320)
        #expect(tree.names == [])
    }

    /// pid 1 of a place is born where it is to be (clone3(2), CLONE_INTO_CGROUP), the way over another uid included.
    @Test(arguments: [false, true]) func aPlaceIsBornInItsGroup(dropsFromRoot: Bool) throws {
        let tree = try CgroupTree()
        let group = try LimitGroup.make(in: tree.subtree, for: "place")
        try #require(cs_block_all_signals() == 0)
        let identity = IdentityPlan(
            uid: dropsFromRoot ? 65534 : geteuid(),
            gid: dropsFromRoot ? 65534 : getegid(),
            dropsFromRoot: dropsFromRoot,
            keptGroups: []
        )
        let launcher = try #require(CgroupTree.launcher)
        for group in [nil, group] {
            var place = try PlaceProcess(
                identity: identity,
                namespaces: [.userNamespace, .pidNamespace, .mountNamespace],
                executable: launcher,
                group: group
            )
            try place.started()
            let name = CgroupName.of(try FileReading.read(OSString("/proc/\(place.pid)/cgroup")))
            // The control: without one it is where we are.
            let own = CgroupName.of(try FileReading.read("/proc/self/cgroup"))
            #expect(name == (group?.name ?? own))
            place.end()
        }
        end(group, tree)
        #expect(tree.names == [])
    }
}

/// A folder of a test's own in the cgroup2 tree of this host.
final class CgroupTree {
    /// Where the tree is mounted, and the group below which tests may make theirs.
    private static let place: (mount: OSString, name: OSString)? = {
        do {
            let table = try #require(MountTable(parsing: try FileReading.read("/proc/self/mountinfo", limit: 16 << 20)))
            let own = try #require(CgroupName.of(try FileReading.read("/proc/self/cgroup")))
            guard let mount = table.entries.last(where: { $0.type == "cgroup2" && $0.root == "/" })?.target else {
                return nil
            }
            let path = own == "/" ? mount : OSString(mount.bytes + own.bytes)
            let isOurs = path.appending("cgroup.procs").withCString { faccessat(AT_FDCWD, $0, W_OK, AT_EACCESS) } == 0
            return isOurs ? (mount, own) : nil
        } catch { return nil }
    }()

    static var isThere: Bool { place != nil }

    /// The launcher that the other tests start.
    static var launcher: OSString? { ProcessInfo.processInfo.environment["CODEX_SANDBOX_BINARY"].map { OSString($0) } }

    let path: OSString
    let name: OSString
    var subtree: CgroupSubtree { CgroupSubtree(path: path, name: name, controllers: [], movesProcesses: false) }

    init() throws {
        let place = try #require(CgroupTree.place)
        let own: OSString = OSString("test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
        name = place.name.appending(own)
        path = (place.name == "/" ? place.mount : OSString(place.mount.bytes + place.name.bytes)).appending(own)
        try #require(path.withCString { mkdir($0, 0o755) } == 0)
    }

    deinit {
        for name in names { _ = path.appending(OSString(name)).withCString { rmdir($0) } }
        let result = path.withCString { rmdir($0) }
        if result != 0 { Issue.record("\(path) is left: errno \(errno)") }
    }

    /// Groups in it, in order.
    var names: [String] {
        var names: [String] = []
        do {
            let folder = try FileReading.open(path)
            try FolderEntries.each(in: folder.number, named: path) { (entry) throws(SyscallError) in
                if entry.kind == UInt8(DT_DIR) { names.append(entry.copy.description) }
                return true
            }
        } catch { Issue.record("\(path): \(error)") }
        return names.sorted()
    }

    func makeFolder(_ name: OSString) throws {
        try #require(path.appending(name).withCString { mkdir($0, 0o755) } == 0)
    }

    func write(_ text: String, to file: OSString) throws {
        let folder = try FileReading.folder(path)
        try CgroupFile.write(text, to: file, in: folder.number)
    }
}

/// A shell that does nothing, in our own group at first.
///
/// Started and waited for by hand: Foundation waits for a socket to close that other children of this process may have.
private final class Sleeper {
    private(set) var pid: pid_t = 0
    private var isWaitedFor = false

    init(_ script: String) throws {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(script), nil]
        defer { words.forEach { free($0) } }
        try #require(posix_spawn(&pid, "/bin/sh", nil, &attributes, words, environ) == 0)
    }

    deinit {
        if isWaitedFor { return }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    var group: OSString? {
        do { return CgroupName.of(try FileReading.read(OSString("/proc/\(pid)/cgroup"))) } catch { return nil }
    }

    /// Waits until it has stopped itself.
    func awaitStop() throws {
        var status: Int32 = 0
        try #require(waitpid(pid, &status, WUNTRACED) == pid && status & 0xFF == 0x7F)
    }

    /// The signal that ended it; it must have ended or be about to.
    func end() -> Int32 {
        var status: Int32 = 0
        for _ in 0..<6000 {
            if waitpid(pid, &status, WNOHANG) == pid {
                isWaitedFor = true
                return status & 0x7F
            }
            usleep(10_000)
        }
        return -1
    }
}
