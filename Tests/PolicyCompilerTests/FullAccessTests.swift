import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// Full access: nothing beside it in a policy, since nobody would act on it; in the administrator's text a permission beside the rest.
@Suite struct FullAccessTests {
    private static let ways = [
        "[danger]\nfull_access = true\n", "[codex]\nfs_isolation = false\nsandbox_mode = \"danger-full-access\"\n",
        "[codex]\nfs_isolation = false\n",
    ]

    private func effective(_ text: String = "", ceiling: String? = nil) throws -> Policy {
        try EffectivePolicy(
            try compiled("top", "version = 1\n\(text)", ceiling: ceiling.map { "version = 1\n\($0)" })
        ).policy
    }

    @Test(arguments: ways) func asAPermissionItBoundsNothing(way: String) throws {
        #expect(try effective(ceiling: way) == effective())
        let strict = "[filesystem]\nsystem = [\"/usr\"]\n[environment]\ninherit = \"none\"\n[limits]\ntasks = 9\n"
        #expect(try effective(strict, ceiling: way) == effective(strict))
        #expect(try effective(way, ceiling: way).confinement == .none)
    }

    @Test(arguments: ways) func whatTheAdministratorSaysBesideItBounds(way: String) throws {
        let rest =
            "[filesystem]\ndeny = [\"/srv/x\"]\nwrite = []\n[limits]\ntasks = 64\nwall = \"1h\"\ngrace = \"1s\"\n"
        // The words of Codex stand for filesystem.write.
        let bound = way.utf8.starts(with: "[codex]".utf8) ? rest.replacing("write = []\n", with: "") : rest
        for text in ["", "[limits]\ntasks = 9000\nwall = \"9h\"\n", "[filesystem]\nwrite = [\"/srv/y\"]\n"] {
            #expect(try effective(text, ceiling: way + bound) == effective(text, ceiling: bound))
        }
        #expect(try effective(ceiling: way + bound).limits.tasks == 64)
        // Of full access only the times are held.
        let full = try effective(way, ceiling: way + bound)
        #expect(full.limits.wall == .seconds(3600) && full.limits.grace == .seconds(1))
        #expect(try effective(way).limits.wall > .seconds(3600))
    }

    @Test(arguments: ways) func whatIsNotPermittedIsRefused(way: String) throws {
        for ceiling in ["", "[limits]\ntasks = 64\n", "[danger]\nfull_access = false\n"] {
            #expect(throws: Refusal.self) { try effective(way, ceiling: ceiling) }
        }
    }

    /// It would be passed over: no layer is there to hold it.
    @Test(
        arguments: ways,
        [
            "[limits]\ntasks = 5\n", "[filesystem]\ndeny = [\"/srv\"]\n", "[seccomp]\nwithout = [\"debug\"]\n",
            "[no-section]\n",
        ]
    )
    func aPolicySaysNothingBesideIt(way: String, rest: String) throws {
        #expect(throws: PolicyError.self) { try compiled("top", "version = 1\n\(way)\(rest)") }
        #expect(try compiled("top", "version = 1\ndescription = \"d\"\n\(way)").policy.confinement == .none)
    }

    @Test(arguments: ["[danger]\nlandlock_only = true\n", "[danger]\ncontainer = true\n", "network_access = false\n"])
    func codexWordsForItContradict(rest: String) throws {
        let way = "[codex]\nfs_isolation = false\n"
        #expect(throws: PolicyError.self) { try compiled("top", "version = 1\n\(way)\(rest)") }
        // A bound asks for none of them, but what is said of the network beside it contradicts there, too.
        if rest.utf8.starts(with: "network".utf8) {
            #expect(throws: PolicyError.self) { try effective(ceiling: way + rest) }
        } else {
            #expect(try effective(ceiling: way + rest).confinement == .sandbox)
        }
    }

    /// Permissions stand beside each other, and each for itself alone.
    @Test func anAdministratorPermitsSeveralConfinements() throws {
        let asking: [(Confinement, String, String)] = [
            (.none, "full_access", "[danger]\nfull_access = true\n"),
            (.landlockOnly, "landlock_only", "[danger]\nlandlock_only = true\n"),
            (.container, "container", "[danger]\ncontainer = true\n"),
        ]
        for allowed in 0..<8 {
            let said = asking.indices.map { "\(asking[$0].1) = \(allowed & 1 << $0 != 0)\n" }.joined()
            let ceiling = "[danger]\n\(said)"
            for (index, (confinement, _, text)) in asking.enumerated() {
                if allowed & 1 << index != 0 {
                    #expect(try effective(text, ceiling: ceiling).confinement == confinement, "\(said)")
                } else {
                    #expect(throws: Refusal.self, "\(said)") { try effective(text, ceiling: ceiling) }
                }
            }
            #expect(try effective(ceiling: ceiling).confinement == .sandbox)
        }
    }

    @Test(arguments: ways) func noProjectCanSayIt(way: String) throws {
        #expect(throws: PolicyError.self) { try compiled("top", "version = 1\n\(way)", project: "version = 1\n\(way)") }
        #expect(throws: PolicyError.self) { try compiled("top", "version = 1\n", project: "version = 1\n\(way)") }
    }
}
