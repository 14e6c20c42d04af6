import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// The weaker profile: who can ask for it, what it refuses, and what it says.
@Suite struct LandlockOnlyTests {
    private static let asking = "version = 1\n[danger]\nlandlock_only = true\n"
    private static let whole = """
        version = 1
        [danger]
        landlock_only = true
        [filesystem]
        cover_missing = []
        [network]
        mode = "off"
        loopback = false

        """

    private func problems(_ text: String, extending texts: Texts = [:], project: String? = nil) -> String {
        do throws(PolicyError) {
            _ = try compiled("top", text, extending: texts, project: project)
            return ""
        } catch {
            return error.description
        }
    }

    private func plan(
        _ text: String,
        abi: UInt32 = 7,
        uid: UInt32 = 1000,
        extending texts: Texts = [:],
        entries: [OSString: HostEntry] = [:],
        _ change: (inout LaunchRequest) -> Void = { _ in }
    ) throws -> LaunchPlan {
        let compiled = try compiled("top", text, extending: texts)
        let policy = try EffectivePolicy(compiled).policy
        var host = SampleHost.facts(policy)
        host.landlockABI = abi
        host.caller.uid = uid
        for (path, entry) in entries { host.entries[path] = entry }
        var request = SampleHost.request
        change(&request)
        return try LaunchPlanner.plan(compiled, policy: policy, request: request, host: host)
    }

    private func refusal(
        _ text: String,
        abi: UInt32 = 7,
        uid: UInt32 = 1000,
        extending texts: Texts = [:],
        entries: [OSString: HostEntry] = [:],
        _ change: (inout LaunchRequest) -> Void = { _ in }
    ) throws -> Refusal? {
        do {
            _ = try plan(text, abi: abi, uid: uid, extending: texts, entries: entries, change)
            return nil
        } catch let refusal as Refusal { return refusal }
    }

    // MARK: - Who asks

    @Test func theFileThatIsNamedHasToSaySo() throws {
        #expect(try compiled("top", Self.asking).policy.confinement == .landlockOnly)
        #expect(try compiled("top", "version = 1\n").policy.confinement == .sandbox)
        let text = "version = 1\nextends = \"base\"\n"
        #expect(problems(text, extending: ["base": Self.asking]).contains("nobody gets without saying so"))
        let between = "version = 1\nextends = \"base\"\n[danger]\nlandlock_only = true\n"
        let chain: Texts = ["base": "version = 1\n", "middle": between]
        let top = problems("version = 1\nextends = \"middle\"\n", extending: chain)
        #expect(top.contains("landlock_only = true here too"))
        let no = "version = 1\nextends = \"base\"\n[danger]\nlandlock_only = false\n"
        #expect(problems(no, extending: ["base": Self.asking]).contains("nobody gets without saying so"))
        let found = try compiled("top", between, extending: ["base": "version = 1\n[limits]\ntasks = 10\n"])
        #expect(found.policy.confinement == .landlockOnly && found.policy.limits.tasks == 10)
    }

    @Test func noProjectAsksForIt() throws {
        #expect(problems("version = 1\n", project: Self.asking).contains("no project can ask for that"))
        #expect(problems(Self.asking, project: Self.asking).contains("no project can ask for that"))
        #expect(problems("version = 1\n", project: "version = 1\n[danger]\nlandlock_only = false\n") == "")
    }

    /// A trusted one neither: it may only take it back.
    @Test(arguments: [EffectivePolicy.Trust.trusted, .untrusted(why: "")])
    func aProjectCanOnlyTakeItBack(trust: EffectivePolicy.Trust) throws {
        let project = "version = 1\n[danger]\nlandlock_only = false\n"
        let compiled = try compiled("top", Self.asking, project: project)
        let effective = try EffectivePolicy(compiled, PolicyOverrides(), workspace: "/w", trust: trust)
        #expect(effective.policy.confinement == .sandbox)
    }

    @Test func itIsOneConfinement() {
        let both = problems(Self.asking + "full_access = true\n")
        #expect(both.contains("landlock_only: true beside danger.full_access"))
        #expect(
            problems(Self.asking + "host_network = true\n[network]\nmode = \"host\"\n")
                .contains("landlock_only: true beside danger.host_network")
        )
    }

    @Test func theAdministratorHasToAllowIt() throws {
        func confinement(ceiling: String, _ text: String = Self.asking) throws -> Confinement {
            try EffectivePolicy(try compiled("top", text, ceiling: ceiling)).policy.confinement
        }
        for ceiling in ["version = 1\n", "version = 1\n[danger]\nlandlock_only = false\n"] {
            #expect(throws: Refusal.self) { _ = try confinement(ceiling: ceiling) }
        }
        #expect(try confinement(ceiling: Self.asking) == .landlockOnly)
        // Allowed is not asked for.
        #expect(try confinement(ceiling: Self.asking, "version = 1\n") == .sandbox)
    }

    @Test func theMeetIsTheStronger() {
        let all: [Confinement] = [.none, .landlockOnly, .container, .sandbox]
        for (index, one) in all.enumerated() {
            for (other, two) in all.enumerated() {
                var (left, right) = (PolicyDefaults.policy(named: "a"), PolicyDefaults.policy(named: "b"))
                (left.confinement, right.confinement) = (one, two)
                #expect(left.meet(right).confinement == all[max(index, other)])
                let keys: [PolicyKey] = [.fullAccess, .landlockOnly, .container]
                let exceeds = keys.contains { left.exceeds(right, in: $0) }
                #expect(exceeds == (index < other))
            }
        }
    }

    // MARK: - What is refused

    @Test(arguments: [
        ("[landlock]\nrequirement = \"best-effort\"\n", "landlock.requirement"),
        ("[filesystem]\ndeny_globs = [\"*.pem\"]\n", "filesystem.deny_globs"),
        ("[filesystem]\non_new = \"fail\"\n", "filesystem.on_new"),
        ("[filesystem]\nexcept = [\".codex/result.json\"]\n", "filesystem.except"),
        ("[filesystem]\nunix_sockets = [\"/home/ann/project/s\"]\n", "filesystem.unix_sockets"),
        ("[workspace]\ngit = \"create\"\n", "workspace.git"), ("[limits]\nworkspace = \"1GiB\"\n", "limits.workspace"),
        ("[filesystem]\ndeny = [\"/home/ann/project/secret\"]\n", "Landlock cannot take back"),
        ("[filesystem]\ndeny = [\"/usr/share\"]\n", "Landlock cannot take back"),
        ("[landlock]\nminimum_abi = 8\n", "needs ABI 8"), ("[limits]\nrequire_kernel = [\"memory\"]\n", "cgroup"),
    ]) func whatCannotBeHeldIsRefused(text: String, word: String) throws {
        var text = text
        var whole = Self.whole
        if text.hasPrefix("[filesystem]\n") {
            whole = whole.replacing("[filesystem]\n", with: text)
            text = ""
        }
        let found = try #require(try refusal(whole + text))
        #expect((found.subject + found.message + found.remedy).contains(word), "\(found)")
        #expect(!found.remedy.isEmpty)
    }

    @Test func loopbackAndCoversAreRefused() throws {
        #expect(try refusal(Self.asking)?.subject == "network.loopback")
        let noLoopback = Self.asking + "[network]\nmode = \"off\"\nloopback = false\n"
        #expect(try refusal(noLoopback)?.subject == "filesystem.cover_missing")
        #expect(try refusal(Self.whole) == nil)
    }

    @Test func whoAndWhereIsRefused() throws {
        #expect(try refusal(Self.whole, uid: 0)?.message.contains("not for root") == true)
        #expect(try refusal(Self.whole, abi: 0)?.layer == .landlock)
        #expect(try refusal(Self.whole, abi: 1) == nil)
        #expect(try refusal(Self.whole) { $0.reportsDenials = true }?.subject == "--report-denials")
        #expect(try refusal(Self.whole) { $0.terminals = [[0, 1, 2]] }?.subject == "--tty")
        #expect(try refusal(Self.whole) { $0.workspaceInside = "/workspace" } != nil)
        #expect(try refusal(Self.whole + "[limits]\ntasks = 10\n") == nil)
        // What is nowhere shown is denied already.
        let denied = Self.whole.replacing("cover_missing", with: "deny = [\"/srv/secret\"]\ncover_missing")
        #expect(try refusal(denied) == nil)
    }

    private static let own = FileIdentity(device: 1, inode: 3, uid: 1000, gid: 1000)

    /// `Self.whole` with more keys of `[filesystem]`.
    private func showing(_ keys: String) -> String {
        Self.whole.replacing("[filesystem]\n", with: "[filesystem]\n\(keys)\n")
    }

    /// By its text a denied path says nothing when it is, or leads through, a link, or when something is shown in it.
    @Test func whatIsDeniedByAnotherNameIsRefused() throws {
        let deny = showing("deny = [\"/srv/secret\"]")
        for entry in [HostEntry.absent, .directory(Self.own), .file(Self.own), .unreadable(errno: 13)] {
            #expect(try refusal(deny, entries: ["/srv/secret": entry]) == nil)
        }
        let through = HostEntry.throughLink(resolved: SampleHost.workspace.appending("secret"))
        let found = try #require(try refusal(deny, entries: ["/srv/secret": through]))
        #expect(found.subject == "/srv/secret" && found.remedy.contains("\(SampleHost.workspace)/secret"), "\(found)")
        let link = try #require(try refusal(deny, entries: ["/srv/secret": .symlink(target: "/home/ann/project")]))
        #expect(link.message.contains("symbolic link"), "\(link)")
        // Around the workspace, a root, what every job is shown, and the folder of the launch.
        for path in ["/home", "/home/ann", "/tmp", "/etc", "/dev", "/usr"] as [OSString] {
            let around = showing("deny = [\"\(path)\"]")
            #expect(try refusal(around, entries: [path: .directory(Self.own)]) != nil, "\(path)")
        }
        let root = showing("read = [\"/srv/a/b\"]\ndeny = [\"/srv/a\"]")
        let rooted = try #require(
            try refusal(root, entries: ["/srv/a": .directory(Self.own), "/srv/a/b": .directory(Self.own)])
        )
        #expect(rooted.message.contains("/srv/a/b, which is shown, lies in /srv/a"), "\(rooted)")
        #expect(try plan(deny).notes.contains("deny /srv/secret: nothing of it is shown"))
    }

    /// Landlock's rules add up.
    @Test func whatIsReadOnlyInAWritableFolderIsRefused() throws {
        let sub = SampleHost.workspace.appending("sub")
        let inner = showing("read = [\"\(sub)\"]")
        let found = try #require(try refusal(inner, entries: [sub: .directory(Self.own)]))
        #expect(found.subject == sub.description && found.message.contains("add up"), "\(found)")
        let both = showing("read = [\"\(SampleHost.workspace)\"]")
        #expect(try refusal(both)?.remedy == "name it once")
        let system = showing("system = [\"/usr\", \"/srv/x/tools\"]\nwrite = [\"/srv/x\"]")
        let entries: [OSString: HostEntry] = ["/srv/x": .directory(Self.own), "/srv/x/tools": .directory(Self.own)]
        #expect(try refusal(system, entries: entries)?.subject == "/srv/x/tools")
        // A read-only workspace in a writable folder is one, too; what is writable in a read-only one is not.
        let project = SampleHost.workspace
        let outer = showing("write = [\"/home/ann/project\"]") + "[workspace]\naccess = \"read-only\"\n"
        #expect(try refusal(outer)?.subject == project.description)
        let good = showing("write = [\"\(sub)\"]") + "[workspace]\naccess = \"read-only\"\n"
        #expect(try refusal(good, entries: [sub: .directory(Self.own)]) == nil)
        #expect(try refusal(showing("read = [\"/srv/x\"]"), entries: ["/srv/x": .directory(Self.own)]) == nil)
    }

    /// Nothing could keep the file as it is: the next launch would be the job's to decide about.
    @Test func aPolicyWhereTheJobWritesIsRefused() throws {
        let file = SampleHost.workspace.appending("mine.toml")
        let found = try #require(try refusal(Self.whole) { $0.policyFiles = ["/home/ann/other.toml", file] })
        #expect(found.subject == file.description && found.remedy.contains("--policy"), "\(found)")
        #expect(try refusal(Self.whole) { $0.policyFiles = ["/home/ann/other.toml"] } == nil)
        let readOnly = Self.whole + "[workspace]\naccess = \"read-only\"\n"
        #expect(try refusal(readOnly) { $0.policyFiles = [file] } == nil)
        let itself = showing("write = [\"/srv/mine.toml\"]")
        let entries: [OSString: HostEntry] = ["/srv/mine.toml": .file(Self.own)]
        #expect(try refusal(itself, entries: entries) { $0.policyFiles = ["/srv/mine.toml"] } != nil)
    }

    /// As in a sandbox.
    @Test(arguments: [["HEAD", "objects", "refs"], ["HEAD", "commondir"]] as [[OSString]])
    func aRootThatIsARepositoryIsRefused(names: [OSString]) throws {
        var entries: [OSString: HostEntry] = [:]
        for name in names {
            entries[SampleHost.workspace.appending(name)] =
                name == "HEAD" || name == "commondir" ? .file(Self.own) : .directory(Self.own)
        }
        let found = try #require(try refusal(Self.whole, entries: entries))
        #expect(found.message.contains("is itself a git repository"), "\(found)")
        #expect(try refusal(Self.whole + "[workspace]\naccess = \"read-only\"\n", entries: entries) == nil)
    }

    /// What somebody says and nothing would act on; the defaults are the default policy's words, too.
    @Test(arguments: ["tmp_size = \"1GiB\"", "tmp_inodes = 100_000", "hostname = \"sandbox\""])
    func whatWouldNotActIsRefused(key: String) throws {
        let isProcess = key.hasPrefix("hostname")
        let section = isProcess ? "process" : "filesystem"
        let path = "\(section).\(key.prefix { $0 != " " })"
        let text = isProcess ? Self.whole + "[process]\n\(key)\n" : showing(key)
        #expect(try refusal(text)?.subject == path)
        let base = "version = 1\n[\(section)]\n\(key)\n"
        let extending = Self.whole.replacing("version = 1\n", with: "version = 1\nextends = \"base\"\n")
        #expect(try refusal(extending, extending: ["base": base])?.subject == path)
        #expect(try refusal(extending, extending: ["base": "version = 1\n"]) == nil)
    }

    // MARK: - What is said

    @Test func whatIsNotHeldFollowsTheKernel() throws {
        let promises = try plan(Self.whole).weaker.map { $0.notHeld.map(\.promise) }
        let old = try plan(Self.whole, abi: 5).weaker.map { $0.notHeld.map(\.promise) }
        #expect(promises?.contains(.signals) == false && promises?.contains(.protectedNames) == true)
        // Both of those that watch can be killed from outside, on every kernel.
        #expect(promises?.contains(.jobEnd) == true)
        // The others are of the profile container.
        let others: [WeakerPromise] = [.processDetails, .ownProc, .namespaceCount]
        #expect(old == WeakerPromise.allCases.filter { !others.contains($0) })
        #expect(promises == LandlockOnlyPlanner.promises(abi: 7) && old == LandlockOnlyPlanner.promises(abi: 5))
        #expect(try plan("version = 1\n").weaker == nil)
    }

    @Test(arguments: 1...7 as ClosedRange<UInt32>) func nothingAboveWhatIsShownIsARule(abi: UInt32) throws {
        let plan = try plan(Self.whole, abi: abi)
        let paths = plan.landlock.rules.map(\.path)
        for path in ["/", "/home", "/home/ann", "/tmp", "/proc", "/etc", "/dev", "/run", "/var"] as [OSString] {
            #expect(!paths.contains(path))
        }
        #expect(paths.contains(SampleHost.workspace) && paths.contains("/usr"))
        let writable = plan.landlock.rules.filter { $0.access & LandlockRight.makeReg != 0 }.map(\.path)
        #expect(writable == [SampleHost.workspace, "/tmp/codex-sandbox-XXXXXX/home", "/tmp/codex-sandbox-XXXXXX/tmp"])
        #expect(LandlockOnlyPlanner.writable(plan) == writable)
        #expect(plan.landlock.handledFilesystem == LandlockRight.filesystem(abi: abi))
        #expect((plan.landlock.scoped == 3) == (abi >= 6))
        #expect(plan.namespaces.isEmpty && plan.placeholders.isEmpty)
    }

    /// Where no result may lie: files have no right to make one.
    @Test(arguments: [1, 7] as [UInt32]) func aWritableFileIsAWritableRoot(abi: UInt32) throws {
        let text = showing("write = [\"/srv/file\"]")
        let writable = LandlockOnlyPlanner.writable(
            try plan(text, abi: abi, entries: ["/srv/file": .file(Self.own)])
        )
        #expect(writable.contains("/srv/file") && writable.contains(SampleHost.workspace))
        #expect(!writable.contains { $0.isWithin("/dev") })
    }

    /// By the filter that the worker gets: calls that Landlock has nothing for.
    @Test func theFilterRefusesWhatLandlockCannotTell() throws {
        let compiled = try compiled("top", Self.whole)
        let weaker = try #require(try plan(Self.whole).weaker?.landlockOnly)
        let filter = compiled.processFilter.refusing(
            weaker.refusedCalls,
            weaker.argumentRules,
            unsupported: weaker.unsupportedCalls
        )
        func errno(_ number: Int32, _ arguments: [UInt64] = []) -> Int32? {
            let all = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
            let call = SeccompProgram.Call(
                number: number,
                architecture: 0xC000_003E,
                instructionPointer: 0,
                arguments: all
            )
            return filter.answer(to: call).flatMap { SeccompProgram.errno(of: $0) }
        }
        // chmod, fchmodat, chown, truncate, utime, setxattr, inotify_add_watch, shmget, mq_open, socket, connect.
        for number in [90, 268, 92, 76, 132, 188, 254, 29, 240, 41, 42] as [Int32] { #expect(errno(number) == 1) }
        // getxattr, lgetxattr, listxattr, llistxattr; of what is open they are let through.
        for number in [191, 192, 194, 195] as [Int32] { #expect(errno(number) == 95) }
        for number in [193, 196] as [Int32] { #expect(errno(number) == nil) }
        // utimensat by a path; of what is open it is let through. prlimit64 of another process.
        #expect(errno(280, [0, 1]) == 1 && errno(280, [3, 0]) == nil)
        #expect(errno(302, [7]) == 1 && errno(302, [0]) == nil)
        // socketpair of datagrams; read, openat and kill are let through.
        #expect(errno(53, [1, 2]) == 1 && errno(53, [1, 1]) == nil)
        for number in [0, 257, 62] as [Int32] { #expect(errno(number) == nil) }
    }
}
