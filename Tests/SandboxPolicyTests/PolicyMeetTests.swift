import SandboxPlan
import Testing

@testable import SandboxPolicy

/// The order of every key, and that the meet is never wider than one of the two.
@Suite struct PolicyMeetTests {
    /// Numbers that are the same in each run: a case that fails can be looked at again.
    struct Random: RandomNumberGenerator {
        var state: UInt64

        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    static let workspace: OSString = "/w"

    /// A policy over small sets of values, so that two of them often have something in common.
    static func policy(_ random: inout Random) -> Policy {
        func some<Element>(_ all: [Element]) -> [Element] {
            all.filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
        }
        func one<Element>(_ all: [Element]) -> Element { all[Int.random(in: all.indices, using: &random)] }
        let paths: [OSString] = ["/a", "/a/b", "/a/b/c", "/a/bc", "/d", "/w/x", "/w/x/y", "/e"]
        let read = some(paths)
        return Policy(
            name: one(["n", "m"]),
            summary: one(["s", "t"]),
            confinement: one([.sandbox, .container, .landlockOnly, .none]),
            workspace: one([.readOnly, .readWrite]),
            git: one(GitPolicy.allCases),
            filesystem: FilesystemPolicy(
                system: some(["/usr", "/bin", "/lib"]),
                etc: some(["fonts", "services", "ssl/certs"]),
                read: read,
                write: some(paths).filter { !read.contains($0) },
                deny: some(["/a/s", "/a/s/t", "/d/s"]),
                denyGlobs: some(["*.pem", "x/*"]),
                protect: some([".git", ".git/config", ".codex", "x/y"]),
                except: some([".codex/a", ".codex/b"]),
                coverMissing: some([".codex", ".envrc", ".mcp.json"]),
                onNew: one(OnNew.allCases),
                unixSockets: some(["/s", "/t"]),
                tmpSize: ByteCount(bytes: one([1 << 16, 1 << 20, 1 << 30])),
                tmpInodes: one([16, 1000])
            ),
            network: one([.off(loopback: true), .off(loopback: false), .host]),
            environment: EnvironmentPolicy(
                inherit: one([.none, .core, .all]),
                exclude: some(["*KEY*", "A", "LD_*"]),
                pass: some(["A", "B", "C"]),
                set: some([
                    EnvironmentEntry(name: "A", value: "1"), EnvironmentEntry(name: "B", value: one(["1", "2"])),
                ])
            ),
            limits: LimitPolicy(
                tasks: one([2, 100, 1000]),
                memory: one([.upToHalfOfRAM(.gibibytes(4)), .exactly(.gibibytes(2)), .exactly(.gibibytes(8))]),
                memoryHigh: ByteCount(bytes: one([0, 1 << 24, 1 << 30])),
                openFiles: one([16, 4096]),
                fileSize: ByteCount(bytes: one([1, 1 << 30])),
                cpuSeconds: one([0, 1, 60]),
                cpuThousandths: one([0, 10, 500, 2000]),
                workspace: ByteCount(bytes: one([0, 1 << 20, 1 << 30])),
                output: ByteCount(bytes: one([0, 1, 1 << 20])),
                wall: one([.seconds(1), .hours(1)]),
                grace: one([.seconds(0), .seconds(2)]),
                requireKernel: Set(some(LimitPolicy.Kind.allCases))
            ),
            seccomp: SeccompPolicy(without: some(["aio", "debug", "sysv-ipc"]).sorted()),
            landlock: LandlockPolicy(minimumABI: one([1, 5]), requirement: one([.required, .bestEffort])),
            process: ProcessPolicy(umask: one([0o022, 0o077, 0o700]), hostname: one(["a", "b"])),
            worker: WorkerPolicy(command: one([[], ["/x"], ["/x", "a"]]))
        )
    }

    private static func pairs(_ count: Int) -> [(Policy, Policy)] {
        var random = Random(state: 20_251_122)
        return (0..<count).map { _ in (policy(&random), policy(&random)) }
    }

    @Test(arguments: [nil, workspace] as [OSString?])
    func theMeetIsInNoKeyWiderThanOneOfTheTwo(workspace: OSString?) {
        var narrower = Set<PolicyKey>()
        for (left, right) in Self.pairs(4000) {
            let meet = left.meet(right, workspace: workspace)
            for key in PolicyKey.allCases {
                let isWider =
                    meet.exceeds(left, in: key, workspace: workspace)
                    || meet.exceeds(right, in: key, workspace: workspace)
                if isWider {
                    Issue.record("\(key.path): \(left) and \(right) meet in \(meet)")
                    return
                }
                if left.exceeds(meet, in: key, workspace: workspace) { narrower.insert(key) }
            }
        }
        // Each key has cases in which it decides something, or the test shows nothing about it.
        #expect(narrower == Set(PolicyKey.allCases).subtracting([.description, .hostname]))
    }

    @Test func aPolicyMeetsItselfInItself() {
        for (policy, _) in Self.pairs(1000) where policy.meet(policy, workspace: Self.workspace) != policy {
            Issue.record("\(policy)")
            return
        }
    }

    /// But for the order of lists and for the labels, it does not matter which of the two is asked.
    @Test func theMeetIsTheSameTurnedRound() {
        for (left, right) in Self.pairs(2000) {
            let (one, other) = (left.meet(right), right.meet(left))
            for key in PolicyKey.allCases where ![.description, .hostname].contains(key) {
                if one.exceeds(other, in: key) || other.exceeds(one, in: key) {
                    Issue.record("\(key.path): \(left) and \(right)")
                    return
                }
            }
        }
    }

    /// In its effect, for those keys that have one which can be worked out here.
    @Test func whatIsGivenInTheEndIsNotMoreEither() {
        let machines: [UInt64] = [1, 2, 3, 16, 64].map { $0 << 30 }
        func memory(_ policy: Policy, _ machine: UInt64) -> UInt64 {
            switch policy.limits.memory {
            case .exactly(let amount): amount.bytes
            case .upToHalfOfRAM(let amount): min(amount.bytes, machine / 2)
            }
        }
        func variables(_ policy: Policy) -> Set<OSString> {
            let request = LaunchRequest(
                workspace: "/w",
                workingDirectory: "/w",
                arguments: ["true"],
                callerEnvironment: ["A=caller", "C=caller", "MY_KEY=x", "PATH=/bin"],
                allowRootOwnedWorkspace: false,
                ownFolders: [],
                homes: [],
                policyFiles: []
            )
            let entries = EnvironmentPlanner.planned(policy, request)
            return Set(entries.map { OSString($0.name.bytes + [0x3D] + $0.value.bytes) })
        }
        let own: Set<OSString> = [
            OSString("PATH=\(EnvironmentPlanner.defaultPath)"), "CODEX_SANDBOX_NETWORK_DISABLED=1",
        ]
        let paths: [OSString] = [
            "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/bc", "/d", "/w", "/w/x", "/w/x/y/z", "/e/f", "/",
        ]
        for (left, right) in Self.pairs(2000) {
            let meet = left.meet(right, workspace: Self.workspace)
            for policy in [left, right] {
                for machine in machines where memory(meet, machine) > memory(policy, machine) {
                    Issue.record("memory of \(left) and \(right)")
                    return
                }
                if !variables(meet).subtracting(own).isSubset(of: variables(policy)) {
                    Issue.record("environment of \(left) and \(right): \(variables(meet)), \(variables(policy))")
                    return
                }
                let rights = (PathRights(meet, workspace: "/w"), PathRights(policy, workspace: "/w"))
                for path in paths where rights.0.right(at: path) > rights.1.right(at: path) {
                    Issue.record("\(path) of \(left) and \(right)")
                    return
                }
            }
        }
    }

    // MARK: - Every key

    /// A stored property that no key stands for has no order: it must have one before it can be said.
    @Test func everyStoredValueOfAPolicyBelongsToAKey() throws {
        let policy = CompiledPolicyCodingTests.standard.policy
        var found: [String] = []
        for member in Mirror(reflecting: policy).children {
            let section = try #require(member.label)
            let inner = Mirror(reflecting: member.value)
            if inner.displayStyle == .struct {
                found += inner.children.compactMap(\.label).map { "\(section).\($0)" }
            } else {
                found.append(section)
            }
        }
        #expect(found == Self.stored.map(\.property))
        #expect(Set(Self.stored.flatMap(\.keys)) == Set(PolicyKey.allCases))
    }

    private static let stored: [(property: String, keys: [PolicyKey])] = [
        // Not said in a text: what it is asked for by.
        ("name", []),
        ("summary", [.description]), ("confinement", [.fullAccess, .landlockOnly, .container]),
        ("workspace", [.workspaceAccess]),
        ("git", [.git]),
        ("filesystem.system", [.system]), ("filesystem.etc", [.etc]), ("filesystem.read", [.read]),
        ("filesystem.write", [.write]), ("filesystem.deny", [.deny]), ("filesystem.denyGlobs", [.denyGlobs]),
        ("filesystem.protect", [.protect]),
        ("filesystem.except", [.except]), ("filesystem.coverMissing", [.coverMissing]),
        ("filesystem.onNew", [.onNew]),
        ("filesystem.unixSockets", [.unixSockets]),
        ("filesystem.tmpSize", [.tmpSize]), ("filesystem.tmpInodes", [.tmpInodes]),
        ("network", [.networkMode, .networkLoopback]),
        ("environment.inherit", [.inherit]), ("environment.exclude", [.exclude]), ("environment.pass", [.pass]),
        ("environment.set", [.set]),
        ("limits.tasks", [.tasks]), ("limits.memory", [.memory]), ("limits.memoryHigh", [.memoryHigh]),
        ("limits.openFiles", [.openFiles]),
        ("limits.fileSize", [.fileSize]), ("limits.cpuSeconds", [.cpu]), ("limits.cpuThousandths", [.cpus]),
        ("limits.workspace", [.workspaceSize]), ("limits.output", [.output]),
        ("limits.wall", [.wall]),
        ("limits.grace", [.grace]), ("limits.requireKernel", [.requireKernel]),
        ("seccomp.without", [.without]),
        ("landlock.minimumABI", [.minimumABI]), ("landlock.requirement", [.landlockRequirement]),
        ("process.umask", [.umask]), ("process.hostname", [.hostname]), ("worker.command", [.workerCommand]),
    ]

    /// What is said by one key changes just that key.
    @Test func aKeyThatIsSaidIsTheOneThatChanges() {
        for (base, values) in Self.pairs(500) where base.confinement == .sandbox {
            var values = values
            values.confinement = .sandbox
            for key in PolicyKey.allCases {
                let said = base.saying(
                    PolicyStatement(values: values, said: [PolicyOrigin(key: key, file: 0, line: 1)])
                )
                let network: [PolicyKey] = [.networkMode, .networkLoopback]
                for other in PolicyKey.allCases
                where other != key && !(network.contains(key) && network.contains(other)) {
                    if !said.agrees(with: base, in: other) {
                        Issue.record("\(key.path) changes \(other.path)")
                        return
                    }
                }
                if !key.grows && !network.contains(key) && !said.agrees(with: values, in: key) {
                    Issue.record("\(key.path) is not what was said")
                    return
                }
                // What keeps something back is never taken away from.
                if key.grows && key != .set && said.exceeds(base, in: key) {
                    Issue.record("\(key.path) has become wider")
                    return
                }
            }
        }
    }

    // MARK: - Single cases

    private static var plain: Policy {
        var random = Random(state: 1)
        var policy = policy(&random)
        policy.confinement = .sandbox
        policy.workspace = .readWrite
        (policy.filesystem.read, policy.filesystem.write) = ([], [])
        return policy
    }

    @Test func aFolderThatIsReadInsideAWritableOneNarrows() {
        var outer = Self.plain
        outer.filesystem.write = ["/d"]
        var inner = outer
        inner.filesystem.read = ["/d/keep"]
        #expect(!inner.exceeds(outer, in: .read) && !inner.exceeds(outer, in: .write))
        // The other way round it is opened, and the list that lost it is named.
        #expect(outer.exceeds(inner, in: .read) && !outer.exceeds(inner, in: .write))
        #expect(outer.meet(inner).filesystem.read == ["/d/keep"] && outer.meet(inner).filesystem.write == ["/d"])
        var workspace = Self.plain
        workspace.filesystem.read = ["/w/vendor"]
        #expect(!workspace.exceeds(Self.plain, in: .read, workspace: "/w"))
        #expect(workspace.exceeds(Self.plain, in: .read))
    }

    @Test func aFolderInOneThatIsShownIsNoMore() {
        var outer = Self.plain
        outer.filesystem.read = ["/data"]
        var inner = Self.plain
        inner.filesystem.read = ["/data/part"]
        #expect(!inner.exceeds(outer, in: .read) && outer.exceeds(inner, in: .read))
        #expect(outer.meet(inner).filesystem.read == ["/data/part"])
        inner.filesystem.read = ["/database"]
        #expect(inner.exceeds(outer, in: .read) && outer.meet(inner).filesystem.read == [])
        inner.filesystem = Self.plain.filesystem
        inner.filesystem.write = ["/data/part"]
        #expect(inner.exceeds(outer, in: .write))
        #expect(outer.meet(inner).filesystem.write == [] && outer.meet(inner).filesystem.read == ["/data/part"])
    }

    @Test func aVariableThatIsNotSetAnyMoreDoesNotComeFromTheCallerInstead() {
        var own = Self.plain
        own.environment = EnvironmentPolicy(
            inherit: .all,
            exclude: [],
            pass: ["MODE"],
            set: [EnvironmentEntry(name: "MODE", value: "safe")]
        )
        var other = own
        other.environment.set = []
        let meet = own.meet(other).environment
        #expect(meet.set == [] && meet.pass == [] && meet.exclude == ["MODE"])
    }
}
