import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct CommandTests {
    @Test(arguments: CommandName.allCases) func everyCommandHasHelp(_ name: CommandName) throws {
        let command = try Command.parse([OSString(name.rawValue), "--help"])
        #expect(command == .help(name == .help ? .overview : name.page))
    }

    @Test(
        arguments: [
            (["--help"], HelpPage.overview), (["-h"], .overview), (["help"], .overview),
            (["help", "--help"], .overview),
            (["help", "run"], .run), (["--help", "run"], .run), (["help", "policy", "show"], .policy),
            (["run", "--help"], .run), (["run", "-h", "--no-such-thing"], .run), (["run", "--quiet", "--help"], .run),
            (["explain", "--help"], .explain), (["doctor", "--help"], .doctor),
            (["policy", "show", "--help"], .policy),
            (["help", "help"], .help),
        ] as [([OSString], HelpPage)]
    )
    func helpIsFound(_ words: [OSString], _ page: HelpPage) throws {
        #expect(try Command.parse(words) == .help(page))
    }

    @Test func versionIsAlone() throws {
        #expect(try Command.parse(["--version"]) == .version)
        #expect(HelpText.version == "codex-sandbox 0.1.0\n")
        #expect(throws: UsageError(.unexpectedArgument("x"))) { try Command.parse(["--version", "x"]) }
    }

    @Test func delegatedWordsAreKeptByteForByte() throws {
        let words: [OSString] = ["evidence", "list", "--workspace", OSString([0xFF, 0x1B]), "--limit=3"]
        #expect(try Command.parse(words) == .delegate(words))
        let removal: [OSString] = ["gc", "--keep", "3", "--state-dir", OSString([0xFF])]
        #expect(try Command.parse(removal) == .delegate(removal))
        #expect(try Command.parse(["help", "evidence"]) == .help(.evidence))
        #expect(try Command.parse(["help", "evidence", "verify"]) == .help(.evidence))
        #expect(try Command.parse(["evidence", "help"]) == .help(.evidence))
        #expect(try Command.parse(["--help", "gc"]) == .help(.gc))
        #expect(try Command.parse(["status", "--json", "a.b"]) == .delegate(["status", "--json", "a.b"]))
        #expect(throws: UsageError.self) { try Command.parse(["status", "a", "b"]) }
        #expect(throws: UsageError.self) { try Command.parse(["status", "../a"]) }
    }

    @Test func doctorReadsItsOptions() throws {
        var options = DoctorOptions()
        #expect(try Command.parse(["doctor"]) == .doctor(options))
        options.json = true
        options.stateDirectory = "/s"
        #expect(try Command.parse(["doctor", "--state-dir", "/s", "--json"]) == .doctor(options))
        var profile = DoctorOptions()
        profile.apparmorProfile = true
        #expect(try Command.parse(["doctor", "--apparmor-profile"]) == .doctor(profile))
        #expect(throws: UsageError.self) { try Command.parse(["doctor", "--apparmor-profile", "--json"]) }
    }

    @Test func verifyPassesOptionsOfRunOn() throws {
        var options = VerifyOptions()
        #expect(try Command.parse(["verify"]) == .verify(options))
        options.json = true
        options.runOptions = ["--policy", "read-only", "--network=off"]
        let words: [OSString] = ["verify", "--json", "--", "--policy", "read-only", "--network=off"]
        #expect(try Command.parse(words) == .verify(options))
        options = VerifyOptions()
        options.attempt = ["read", "/x"]
        #expect(try Command.parse(["verify", "--attempt", "read", "/x"]) == .verify(options))
    }

    @Test func policyActionsAreRead() throws {
        #expect(try Command.parse(["policy", "list"]) == .policy(.list))
        #expect(try Command.parse(["policy", "show", "read-only"]) == .policy(.show(.named("read-only"))))
        #expect(try Command.parse(["policy", "show", "./a"]) == .policy(.show(.file("./a"))))
        #expect(try Command.parse(["policy", "check", "a"]) == .policy(.check(.named("a"))))
        #expect(try Command.parse(["policy", "check", "./a"]) == .policy(.check(.file("./a"))))
        #expect(try Command.parse(["policy", "check", "a.toml"]) == .policy(.check(.file("a.toml"))))
        #expect(try Command.parse(["policy", "check", "--", "--a"]) == .policy(.check(.file("--a"))))
    }

    @Test func approvalsAreRead() throws {
        var trust = PolicyOptions.Trust()
        #expect(try Command.parse(["policy", "trust"]) == .policy(.trust(trust)))
        #expect(try Command.parse(["policy", "untrust"]) == .policy(.untrust(trust)))
        #expect(try Command.parse(["policy", "trust", "--list"]) == .policy(.trusted(trust)))
        trust.stateDirectory = "/s"
        #expect(try Command.parse(["policy", "--state-dir=/s", "trust", "--list"]) == .policy(.trusted(trust)))
        trust.place = "a b"
        #expect(try Command.parse(["policy", "untrust", "a b", "--state-dir", "/s"]) == .policy(.untrust(trust)))
        trust.isAgreed = true
        trust.policy = .named("read-only")
        let words: [OSString] = ["policy", "trust", "--yes", "a b", "--policy", "read-only", "--state-dir", "/s"]
        #expect(try Command.parse(words) == .policy(.trust(trust)))
    }

    @Test(
        arguments: [
            ["list", "--yes"], ["untrust", "--yes"], ["show", "read-only", "--list"], ["trust", "--list", "--yes"],
            ["trust", "--list", "."], ["trust", "a", "b"], ["check", "a", "--policy", "read-only"],
            ["untrust", "--list"],
            ["trust", ""], ["trust", "--yes", "--yes"],
        ] as [[OSString]]
    )
    func approvalsTakeNothingElse(words: [OSString]) {
        #expect(throws: UsageError.self) { try Command.parse(["policy"] + words) }
    }

    @Test func explainTakesEveryOptionOfRun() throws {
        let words: [OSString] = ["--deny", "/x", "--quiet", "--result", "3", "--", "ls", "--json"]
        guard case .run(let run) = try Command.parse(["run"] + words) else {
            Issue.record("run was not read as run")
            return
        }
        var options = ExplainOptions()
        options.run = run
        #expect(try Command.parse(["explain"] + words) == .explain(options))
        options.json = true
        #expect(try Command.parse(["explain", "--json"] + words) == .explain(options))
    }
}
