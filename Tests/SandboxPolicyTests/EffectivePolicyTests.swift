import SandboxPlan
import Testing

@testable import SandboxPolicy

/// What a launch makes of policy, project, administrator and command line.
@Suite struct EffectivePolicyTests {
    private static let workspace: OSString = "/w"
    private static let digest = [UInt8](repeating: 1, count: 32)
    private static let files = [
        PolicyFile(kind: .file, name: "p.toml", path: "/p.toml", digest: digest),
        PolicyFile(kind: .project, name: ".codex-sandbox.toml", path: "/w/.codex-sandbox.toml", digest: digest),
        PolicyFile(kind: .ceiling, name: "policy.toml", path: "/etc/codex-sandbox/policy.toml", digest: digest),
    ]

    private func compiled(
        _ policy: Policy,
        project: PolicyStatement? = nil,
        ceiling: PolicyStatement? = nil
    ) -> CompiledPolicy {
        var compiled = CompiledPolicyCodingTests.standard
        compiled.policy = policy
        compiled.files = Self.files
        compiled.project = project
        compiled.ceiling = ceiling
        return compiled
    }

    private func statement(_ values: Policy, _ keys: [PolicyKey], file: UInt8) -> PolicyStatement {
        var line: UInt32 = 1
        return PolicyStatement(
            values: values,
            said: keys.map { key in
                line += 1
                return PolicyOrigin(key: key, file: file, line: line)
            }
        )
    }

    private func sandboxed(_ random: inout PolicyMeetTests.Random) -> Policy {
        var policy = PolicyMeetTests.policy(&random)
        policy.confinement = .sandbox
        policy.filesystem.coverMissing = []
        return policy
    }

    private func some(_ random: inout PolicyMeetTests.Random, of keys: [PolicyKey]) -> [PolicyKey] {
        keys.filter { _ in Int.random(in: 0..<6, using: &random) == 0 }
    }

    private func overrides(_ random: inout PolicyMeetTests.Random) -> PolicyOverrides {
        var overrides = PolicyOverrides()
        func sometimes() -> Bool { Int.random(in: 0..<4, using: &random) == 0 }
        if sometimes() { overrides.read = ["/a/b/c"] }
        if sometimes() { overrides.write = ["/e/f"] }
        if sometimes() { overrides.deny = ["/d/t"] }
        if sometimes() { overrides.passEnvironment = ["C"] }
        if sometimes() { overrides.setEnvironment = [EnvironmentEntry(name: "A", value: "9")] }
        if sometimes() { overrides.network = .host }
        if sometimes() { overrides.memory = .gibibytes(6) }
        if sometimes() { overrides.tasks = 500 }
        if sometimes() { overrides.cpuSeconds = 0 }
        if sometimes() { overrides.wall = .hours(2) }
        if sometimes() { overrides.tmpSize = .gibibytes(2) }
        return overrides
    }

    private static let sayable = PolicyKey.allCases.filter {
        ![.fullAccess, .landlockOnly, .container, .coverMissing].contains($0)
    }

    /// A bound of whoever launches for others cuts what the policy gives, and what the command line does; it gives nothing.
    @Test func aBoundOfTimeOnlyTakes() {
        var policy = CompiledPolicyCodingTests.standard.policy
        let cases: [(given: UInt64, flag: UInt64?, held: UInt64)] = [
            (3_600, nil, 1_800), (60, nil, 60), (60, 7_200, 1_800), (7_200, 5, 5),
        ]
        for (given, flag, held) in cases {
            policy.limits.wall = .seconds(given)
            var flags = PolicyOverrides()
            flags.wall = flag.map { .seconds($0) }
            flags.wallAtMost = .seconds(1_800)
            #expect(policy.applying(flags).limits.wall == .seconds(held))
        }
    }

    /// Whatever anybody says: an untrusted project and the administrator only ever take away.
    @Test(arguments: [40, 140, 340] as [UInt64]) func nothingIsWiderThanItMayBe(seed: UInt64) {
        var random = PolicyMeetTests.Random(state: seed)
        var (taken, refusedByProject, refusedByCeiling) = (0, 0, 0)
        for _ in 0..<6000 {
            let policy = sandboxed(&random)
            let flags = overrides(&random)
            let project = statement(sandboxed(&random), some(&random, of: Self.sayable), file: 1)
            let ceiling = statement(sandboxed(&random), some(&random, of: Self.sayable), file: 2)
            let asked = policy.applying(flags)
            let found: EffectivePolicy
            do throws(Refusal) {
                found = try EffectivePolicy(
                    compiled(policy, project: project, ceiling: ceiling),
                    flags,
                    workspace: Self.workspace,
                    trust: .untrusted(why: "")
                )
            } catch {
                let isCeiling = error.message.contains("administrator")
                if isCeiling { refusedByCeiling += 1 } else { refusedByProject += 1 }
                continue
            }
            taken += 1
            let bound = found.policy.saying(ceiling)
            for key in PolicyKey.allCases {
                if found.policy.exceeds(asked, in: key, workspace: Self.workspace) {
                    Issue.record("\(key.path) is wider than policy and command line: \(found.policy), \(asked)")
                    return
                }
                if ceiling.says(key) && found.policy.exceeds(bound, in: key, workspace: Self.workspace) {
                    Issue.record("\(key.path) exceeds the administrator's: \(found.policy), \(bound)")
                    return
                }
            }
        }
        #expect(taken > 100 && refusedByProject > 100 && refusedByCeiling > 100)
    }

    /// A trusted one widens, and stays within the administrator's bound.
    @Test func trustStopsAtTheCeiling() {
        var random = PolicyMeetTests.Random(state: 41)
        var wider = 0
        for _ in 0..<3000 {
            let policy = sandboxed(&random)
            let project = statement(sandboxed(&random), some(&random, of: Self.sayable), file: 1)
            let ceiling = statement(sandboxed(&random), some(&random, of: Self.sayable), file: 2)
            do throws(Refusal) {
                let found = try EffectivePolicy(
                    compiled(policy, project: project, ceiling: ceiling),
                    PolicyOverrides(),
                    workspace: Self.workspace,
                    trust: .trusted
                ).policy
                let bound = found.saying(ceiling)
                for key in PolicyKey.allCases {
                    if found.exceeds(policy, in: key, workspace: Self.workspace) { wider += 1 }
                    if ceiling.says(key) && found.exceeds(bound, in: key, workspace: Self.workspace) {
                        Issue.record("\(key.path): \(found), \(bound)")
                        return
                    }
                }
            } catch {
                Issue.record("without a command line nothing exceeds: \(error.message)")
                return
            }
        }
        #expect(wider > 1000)
    }

    private var plain: Policy {
        var policy = CompiledPolicyCodingTests.standard.policy
        policy.filesystem.read = []
        return policy
    }

    private func refusal(_ body: () throws(Refusal) -> EffectivePolicy) -> Refusal? {
        do throws(Refusal) {
            _ = try body()
            return nil
        } catch { return error }
    }

    @Test func everyKeyThatWouldWidenIsNamedInTheOrderOfTheFile() throws {
        var values = plain
        values.limits.tasks = 9000
        values.filesystem.write = ["/x"]
        values.limits.openFiles = 10
        let project = statement(values, [.tasks, .openFiles, .write], file: 1)
        let refusal = try #require(
            refusal { () throws(Refusal) in
                try EffectivePolicy(
                    compiled(plain, project: project),
                    PolicyOverrides(),
                    workspace: "/w",
                    trust: .untrusted(why: "it has changed since it was trusted")
                )
            }
        )
        let places = "\n  /w/.codex-sandbox.toml:2: limits.tasks\n  /w/.codex-sandbox.toml:4: filesystem.write"
        #expect(refusal.message.hasSuffix("is not trusted (it has changed since it was trusted):" + places))
        #expect(refusal.remedy.contains("codex-sandbox policy trust /w") && refusal.subject == "limits.tasks")
    }

    @Test func aLoopbackOnTheHostsNetworkIsNotPassedOver() {
        var policy = plain
        policy.network = .host
        var values = plain
        values.network = .off(loopback: false)
        for (keys, isTaken) in [([PolicyKey.networkLoopback], false), ([.networkMode, .networkLoopback], true)] {
            let found = refusal { () throws(Refusal) in
                try EffectivePolicy(
                    compiled(policy, project: statement(values, keys, file: 1)),
                    PolicyOverrides(),
                    workspace: "/w",
                    trust: .untrusted(why: "")
                )
            }
            #expect((found == nil) == isTaken)
        }
    }

    /// Who writes reads: a bound of one of the two bounds the other, too.
    @Test(
        arguments: [
            // What the administrator says may be read or written; what the policy shows; what is left.
            (["/srv"], nil, ["/srv/a", "/data"], [], ["/srv/a"], []),
            (["/srv"], nil, [], ["/srv/a", "/data"], [], ["/srv/a"]),
            ([], nil, ["/data"], ["/srv"], [], []),
            (nil, ["/srv"], ["/data", "/srv/b"], ["/srv/a", "/x"], ["/data", "/srv/b"], ["/srv/a"]),
            (nil, [], ["/data"], ["/srv"], ["/data"], []),
            (nil, ["/srv/in"], [], ["/srv"], [], ["/srv/in"]),
            (["/r"], ["/w2"], ["/w2/a"], ["/r/a", "/w2/b"], ["/w2/a", "/r/a"], ["/w2/b"]),
            (nil, nil, ["/data"], ["/srv"], ["/data"], ["/srv"]),
        ] as [([OSString]?, [OSString]?, [OSString], [OSString], [OSString], [OSString])]
    )
    func readingAndWritingAreBoundTogether(
        _ readBound: [OSString]?,
        _ writeBound: [OSString]?,
        _ read: [OSString],
        _ write: [OSString],
        _ leftToRead: [OSString],
        _ leftToWrite: [OSString]
    ) throws {
        var policy = plain
        (policy.filesystem.read, policy.filesystem.write) = (read, write)
        var values = plain
        (values.filesystem.read, values.filesystem.write) = (readBound ?? [], writeBound ?? [])
        let keys: [PolicyKey] = (readBound == nil ? [] : [.read]) + (writeBound == nil ? [] : [.write])
        let ceiling = keys.isEmpty ? nil : statement(values, keys, file: 2)
        let found = try EffectivePolicy(
            compiled(policy, ceiling: ceiling),
            PolicyOverrides(),
            workspace: "/w",
            trust: .untrusted(why: "")
        )
        #expect(Set(found.policy.filesystem.read) == Set(leftToRead))
        #expect(Set(found.policy.filesystem.write) == Set(leftToWrite))
        // The same by the command line is refused, where it is more.
        var flags = PolicyOverrides()
        (flags.read, flags.write) = (read, write)
        let refused = refusal { () throws(Refusal) in
            try EffectivePolicy(
                compiled(plain, ceiling: ceiling),
                flags,
                workspace: "/w",
                trust: .untrusted(why: "")
            )
        }
        let isMore = Set(leftToRead) != Set(read) || Set(leftToWrite) != Set(write)
        #expect((refused != nil) == isMore, "\(refused?.message ?? "taken")")
    }

    private static let confinements: [Confinement] = [.sandbox, .none, .landlockOnly, .container]

    /// What an administrator allows beside the sandbox allows that and nothing else.
    @Test(arguments: confinements, confinements)
    func aCeilingAllowsNoOtherProfile(allowed: Confinement, asked: Confinement) throws {
        var values = plain
        // What it permits it says, and asks for none of it.
        values.confinement = allowed == .sandbox ? .sandbox : .none
        let said: [PolicyKey] = allowed == .none ? [.fullAccess] : allowed.weakerKey.map { [$0] } ?? []
        var policy = plain
        policy.confinement = asked
        if asked == .landlockOnly { policy.filesystem.coverMissing = [] }
        let ceiling = statement(values, said, file: 2)
        let refused = refusal { () throws(Refusal) in try EffectivePolicy(compiled(policy, ceiling: ceiling)) }
        #expect((refused == nil) == (asked == .sandbox || asked == allowed), "\(refused?.message ?? "taken")")
    }

    /// Variables of a single process are bounded as those of the command line.
    @Test func variablesOfAProcessAreBounded() throws {
        var values = plain
        values.environment.set = [EnvironmentEntry(name: "MODE", value: "safe")]
        let bounded = try EffectivePolicy(compiled(plain, ceiling: statement(values, [.set], file: 2)))
        try bounded.check(variables: [
            EnvironmentEntry(name: "MODE", value: "safe"), EnvironmentEntry(name: "A", value: "1"),
        ])
        #expect(throws: Refusal.self) { try bounded.check(variables: [EnvironmentEntry(name: "MODE", value: "x")]) }
        try EffectivePolicy(compiled(plain)).check(variables: [EnvironmentEntry(name: "MODE", value: "x")])
    }

    /// A read-only folder in a writable one stays that, also where the administrator names it.
    @Test func whatACommandLineNarrowsStaysNarrow() throws {
        var policy = plain
        policy.filesystem.write = ["/a"]
        var values = plain
        values.filesystem.write = ["/a", "/a/b"]
        var flags = PolicyOverrides()
        flags.read = ["/a/b"]
        let found = try EffectivePolicy(
            compiled(policy, ceiling: statement(values, [.write], file: 2)),
            flags,
            workspace: "/w",
            trust: .untrusted(why: "")
        )
        #expect(found.policy.filesystem.read == ["/a/b"] && found.policy.filesystem.write == ["/a"])
    }

    @Test func moreNamesToCoverThanAPlaceTakesAreRefused() {
        var values = plain
        values.filesystem.coverMissing = ["a", "b", "c", "d"]
        let found = refusal { () throws(Refusal) in
            // .codex of the policy, and four of the administrator's.
            try EffectivePolicy(compiled(plain, ceiling: statement(values, [.coverMissing], file: 2)))
        }
        #expect(found?.message.contains("5 missing names") == true)
    }

    @Test func whereAValueComesFromIsSaidStepByStep() throws {
        var project = plain
        (project.limits.tasks, project.filesystem.deny) = (100, ["/p"])
        var ceiling = plain
        (ceiling.limits.openFiles, ceiling.filesystem.deny) = (20, ["/c"])
        var flags = PolicyOverrides()
        (flags.tasks, flags.deny) = (200, ["/f"])
        let origins = try EffectivePolicy(
            compiled(
                plain,
                project: statement(project, [.tasks, .deny], file: 1),
                ceiling: statement(ceiling, [.openFiles, .deny], file: 2)
            ),
            flags,
            workspace: "/w",
            trust: .untrusted(why: "")
        ).origins
        #expect(origins["limits.tasks"] == "--pids, narrowed by /w/.codex-sandbox.toml:2")
        #expect(origins["limits.open_files"] == "default, narrowed by /etc/codex-sandbox/policy.toml:2")
        let deny = "default, /etc/codex-sandbox/policy.toml:3, --deny, /w/.codex-sandbox.toml:3"
        #expect(origins["filesystem.deny"] == deny)
    }
}
