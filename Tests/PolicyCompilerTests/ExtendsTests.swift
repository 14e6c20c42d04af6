import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

@Suite struct ExtendsTests {
    private func problems(_ text: String, _ texts: Texts) -> [String] {
        do throws(PolicyError) {
            _ = try compiled("top", text, extending: texts)
            return []
        } catch {
            return error.description.split(separator: "\n").map(String.init)
        }
    }

    /// The words of `policy show`.
    private func origins(_ policy: CompiledPolicy) throws -> [String: String] { try EffectivePolicy(policy).origins }

    @Test func whatIsNotSaidIsTheBases() throws {
        let base =
            "version = 1\ndescription = \"Base.\"\n[limits]\ntasks = 10\nwall = \"1h\"\n[workspace]\naccess = \"read-only\"\n"
        let found = try compiled(
            "top",
            "version = 1\nextends = \"base\"\n[limits]\nwall = \"2h\"\n",
            extending: ["base": base]
        )
        #expect(found.policy.limits.tasks == 10 && found.policy.limits.wall == .hours(2))
        #expect(found.policy.workspace == .readOnly && found.policy.limits.openFiles == 4096)
        // A description describes the one text.
        #expect(found.policy.name == "top" && found.policy.summary == "")
        #expect(found.files.map(\.name) == ["top", "base"])
    }

    @Test func listsThatGiveAreReplacedAndListsThatKeepBackGrow() throws {
        let base = """
            version = 1
            [filesystem]
            read = ["/a"]
            deny = ["/a/secret"]
            protect = ["x"]
            etc = ["fonts"]
            [environment]
            pass = ["A"]
            exclude = ["B"]
            set = { C = "base", D = "base" }
            [limits]
            require_kernel = ["tasks"]
            [seccomp]
            without = ["debug"]
            """
        let top = """
            version = 1
            extends = "base"
            [filesystem]
            read = ["/b"]
            deny = ["/b/secret"]
            protect = ["y", "x"]
            etc = []
            [environment]
            pass = ["E"]
            exclude = ["F"]
            set = { C = "top" }
            [limits]
            require_kernel = ["cpu"]
            [seccomp]
            without = ["aio"]
            """
        let policy = try compiled("top", top, extending: ["base": base]).policy
        #expect(policy.filesystem.read == ["/b"] && policy.filesystem.etc == [] && policy.environment.pass == ["E"])
        #expect(policy.filesystem.deny == ["/a/secret", "/b/secret"])
        #expect(policy.filesystem.protect == PolicyDefaults.protect + ["x", "y"])
        #expect(policy.environment.exclude == PolicyDefaults.exclude + ["B", "F"])
        #expect(
            policy.environment.set
                == [EnvironmentEntry(name: "C", value: "top"), EnvironmentEntry(name: "D", value: "base")]
        )
        #expect(policy.limits.requireKernel == [.tasks, .cpu] && policy.seccomp.without == ["aio", "debug"])
    }

    @Test func theFilterLeavesOutWhatAnyTextLeavesOut() throws {
        let both = try compiled(
            "top",
            "version = 1\nextends = \"base\"\n[seccomp]\nwithout = [\"aio\"]\n",
            extending: ["base": "version = 1\n[seccomp]\nwithout = [\"debug\"]\n"]
        )
        let alone = try compiled("top", "version = 1\n[seccomp]\nwithout = [\"aio\", \"debug\"]\n")
        let less = try compiled("top", "version = 1\n[seccomp]\nwithout = [\"aio\"]\n")
        #expect(both.processFilter == alone.processFilter && both.processFilter != less.processFilter)
        let further = try compiled(
            "top",
            "version = 1\n",
            project: "version = 1\n[seccomp]\nwithout = [\"aio\"]\n",
            ceiling: "version = 1\n[seccomp]\nwithout = [\"debug\"]\n"
        )
        #expect(further.processFilter == alone.processFilter)
    }

    @Test func everyValueKnowsWhereItIsSaid() throws {
        let base = "version = 1\n[limits]\ntasks = 10\nwall = \"1h\"\n[filesystem]\ndeny = [\"/a\"]\n"
        let top =
            "version = 1\nextends = \"base\"\n[limits]\nwall = \"2h\"\n[filesystem]\nprotect = [\"x\"]\ndeny = [\"/b\"]\n"
        let words = try origins(try compiled("top", top, extending: ["base": base]))
        #expect(words["limits.tasks"] == "/base:3" && words["limits.wall"] == "built-in top:4")
        #expect(words["filesystem.deny"] == "/base:6, built-in top:7")
        #expect(words["filesystem.protect"] == "default, built-in top:6" && words["limits.memory"] == "default")
        #expect(Set(words.keys) == Set(PolicyKey.allCases.map(\.path)))
    }

    /// Over what it extends it is compared with what stands in the end; whoever is put over any policy is judged by itself.
    @Test func whereMemoryIsSlowedDownIsComparedWithWhatStands() throws {
        let base = "version = 1\n[limits]\nmemory = \"2GiB\"\nmemory_high = \"1GiB\"\n"
        func top(_ lines: String) -> String { "version = 1\nextends = \"base\"\n[limits]\n\(lines)\n" }
        #expect(
            problems(top("memory = \"512MiB\""), ["base": base]) == [
                "top:4:1: limits.memory: 512 MiB, limits.memory_high, which must not exceed it, is 1 GiB in what this "
                    + "extends; lower limits.memory_high here, too"
            ]
        )
        #expect(
            problems(top("memory_high = \"3GiB\""), ["base": base]) == [
                "top:4:1: limits.memory_high: 3 GiB, it must not exceed limits.memory, which is 2 GiB; write a smaller "
                    + "size, or raise limits.memory"
            ]
        )
        let policy = try compiled("top", top("memory = \"512MiB\"\nmemory_high = 0"), extending: ["base": base]).policy
        #expect(policy.limits.memory == .exactly(.mebibytes(512)) && policy.limits.memoryHigh.bytes == 0)
        let over = "version = 1\n[limits]\nmemory_high = \"3GiB\"\n"
        let further = try compiled("top", top(""), extending: ["base": base], project: over, ceiling: over)
        #expect(further.project?.values.limits.memoryHigh == .gibibytes(3))
        #expect(throws: PolicyError.self) {
            try compiled("top", top(""), extending: ["base": base], project: over + "memory = \"1GiB\"\n")
        }
    }

    @Test func aCircleIsRefusedWhereItCloses() {
        let texts = ["a": "version = 1\nextends = \"b\"\n", "b": "version = 1\n\nextends =   \"a\"\n"]
        #expect(
            problems("version = 1\nextends = \"a\"\n", texts) == [
                "/b:3:13: extends: \"a\", the policies extend each other in a circle: /a → /b → /a; "
                    + "take one `extends` out of it"
            ]
        )
        #expect(problems("version = 1\nextends = \"a\"\n", ["a": "version = 1\nextends = \"a\"\n"]).count == 1)
    }

    @Test func eightPoliciesCanBeBuiltOnAndNoMore() {
        var texts: Texts = [:]
        for index in 1..<20 { texts["p\(index)"] = "version = 1\nextends = \"p\(index + 1)\"\n" }
        texts["p9"] = "version = 1\n"
        let deep = problems("version = 1\nextends = \"p1\"\n", texts)
        #expect(
            deep == [
                "/p8:2:11: extends: \"p9\", a policy builds on at most 8 others; write what they say into fewer files"
            ]
        )
        texts["p8"] = "version = 1\n"
        #expect(problems("version = 1\nextends = \"p1\"\n", texts) == [])
    }

    @Test(arguments: [
        ("extends = \"none\"", "top:2:11: extends: \"none\", there is none; write one"),
        ("extends = 7", "top:2:11: extends: an integer, it must be a string; change the value"),
        ("extends = \"open\"", "top:2:11: extends: \"open\", a policy without confinement leaves nothing to build on"),
        ("extends = \"bad\"", "/bad:2:16: limits.tasks: 1, it is out of range"),
        (
            "extends = \"host\"\n[network]\nloopback = false",
            "top:4:12: network.loopback: given where the extended policy"
        ),
        ("extends = \"paths\"\n[filesystem]\nwrite = [\"/r\"]", "top:4:10: filesystem.write[0]: \"/r\" stands in"),
        ("extends = \"paths\"\n[filesystem]\nread = [\"/d\"]", "top:4:9: filesystem.read[0]: \"/d\" stands in"),
        ("extends = \"paths\"\n[filesystem]\ndeny = [\"/w\"]", "top:4:9: filesystem.deny[0]: \"/w\" stands in"),
    ]) func whatCannotBeExtendedIsSaidWithItsPlace(text: String, problem: String) {
        let texts = [
            "open": "version = 1\n[danger]\nfull_access = true\n", "bad": "version = 1\nlimits.tasks = 1\n",
            "host": "version = 1\n[network]\nmode = \"host\"\n[danger]\nhost_network = true\n",
            "paths": "version = 1\n[filesystem]\nread = [\"/r\"]\nwrite = [\"/w\"]\ndeny = [\"/d\"]\n",
        ]
        let found = problems("version = 1\n\(text)\n", texts)
        #expect(found.count == 1 && found.first?.hasPrefix(problem) == true, "\(found)")
    }

    @Test func aBasesHostNetworkCanBeTakenBack() throws {
        let host = "version = 1\n[network]\nmode = \"host\"\n[danger]\nhost_network = true\n"
        func network(_ text: String) throws -> NetworkPolicy {
            try compiled("top", "version = 1\nextends = \"host\"\n\(text)", extending: ["host": host]).policy.network
        }
        #expect(try network("") == .host)
        #expect(try network("[network]\nmode = \"off\"\n") == .off(loopback: true))
        #expect(try network("[network]\nmode = \"off\"\nloopback = false\n") == .off(loopback: false))
    }

    @Test(arguments: ["project", "ceiling"]) func whatIsPutOverAnyPolicyExtendsNone(kind: String) {
        let text = "version = 1\nextends = \"base\"\n"
        #expect(throws: PolicyError.self) {
            _ = try compiled(
                "top",
                "version = 1\n",
                extending: ["base": "version = 1\n"],
                project: kind == "project" ? text : nil,
                ceiling: kind == "ceiling" ? text : nil
            )
        }
    }

    @Test func noProjectAsksForFullAccess() {
        #expect(throws: PolicyError.self) {
            _ = try compiled("top", "version = 1\n", project: "version = 1\n[danger]\nfull_access = true\n")
        }
        #expect(throws: Never.self) {
            _ = try compiled("top", "version = 1\n", project: "version = 1\n[danger]\nfull_access = false\n")
        }
    }

    @Test func aListThatGrowsTooLongIsRefused() {
        var texts: Texts = [:]
        func names(_ start: Int) -> String {
            (start..<start + 256).map { "\"n\($0)\"" }.joined(separator: ",")
        }
        for index in 1...4 {
            let base = index == 4 ? "" : "extends = \"p\(index + 1)\"\n"
            texts["p\(index)"] = "version = 1\n\(base)[filesystem]\nprotect = [\(names(index * 1000))]\n"
        }
        let found = problems("version = 1\nextends = \"p1\"\n", texts)
        #expect(found.count == 1 && found.first?.contains("1035 entries") == true, "\(found)")
    }
}
