import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct RunOptionsTests {
    /// A right value for every option that has one, and what it does.
    static let examples: [(name: String, value: OSString, set: @Sendable (inout RunOptions) -> Void)] = [
        ("--workspace", "/w", { $0.workspace = "/w" }),
        ("--cwd", "sub", { $0.workingDirectory = "sub" }),
        ("--read", "/r", { $0.overrides.read = ["/r"] }),
        ("--write", "/o", { $0.overrides.write = ["/o"] }),
        ("--deny", "/d", { $0.overrides.deny = ["/d"] }),
        ("--policy", "read-only", { $0.policy = .named("read-only") }),
        ("--env", "CI=1", { $0.overrides.setEnvironment = [EnvironmentEntry(name: "CI", value: "1")] }),
        ("--network", "off", { $0.overrides.network = .off(loopback: true) }),
        ("--memory", "512MiB", { $0.overrides.memory = .mebibytes(512) }),
        ("--pids", "64", { $0.overrides.tasks = 64 }),
        ("--cpu", "2m", { $0.overrides.cpuSeconds = 120 }),
        ("--cpus", "1.5", { $0.overrides.cpuThousandths = 1500 }),
        ("--name", "a.b", { $0.name = JobName("a.b") }),
        ("--timeout", "500ms", { $0.overrides.wall = TimeSpan(milliseconds: 500) }),
        ("--grace", "3", { $0.overrides.grace = .seconds(3) }),
        ("--tmp-size", "64MiB", { $0.overrides.tmpSize = .mebibytes(64) }),
        ("--file-size", "1", { $0.overrides.fileSize = ByteCount(bytes: 1) }),
        ("--evidence", "record.json", { $0.evidence = "record.json" }),
        ("--result", "3", { $0.result = .descriptor(3) }),
        ("--state-dir", "/s", { $0.stateDirectory = "/s" }),
    ]

    static let flags: [(name: String, set: @Sendable (inout RunOptions) -> Void)] = [
        ("--allow-root-owned-workspace", { $0.allowRootOwnedWorkspace = true }),
        ("--quiet", { $0.quiet = true }), ("--tty", { $0.wantsTerminal = true }),
        ("--no-tty", { $0.refusesTerminal = true }), ("--durable", { $0.durable = true }),
        ("--report-denials", { $0.reportsDenials = true }),
        (
            "--danger-full-access",
            {
                $0.dangerFullAccess = true
                $0.policy = .named("danger-full-access")
            }
        ),
    ]

    private func run(_ words: [OSString]) throws -> RunOptions {
        guard case .run(let options) = try Command.parse(["run"] + words) else {
            throw UsageError(.noCommand)
        }
        return options
    }

    @Test func theTableHasNoOptionWithoutATest() {
        // --danger-host-network is only right together with --network host: `DangerTests`.
        let tested = Self.examples.map(\.name) + Self.flags.map(\.name) + ["--danger-host-network"]
        #expect(Set(tested) == Set(RunOptions.table.map(\.info.name)))
        #expect(Set(tested).count == RunOptions.table.count)
    }

    @Test(arguments: examples.indices) func aValueMayFollowOrBeAttached(_ index: Int) throws {
        let (name, value, set) = Self.examples[index]
        var expected = RunOptions()
        expected.command = ["true"]
        set(&expected)
        #expect(try run([OSString(name), value, "true"]) == expected)
        #expect(try run([OSString(name.utf8 + [UInt8(ascii: "=")] + value.bytes), "true"]) == expected)
        #expect(try run([OSString(name), value, "--", "true"]) == expected)
    }

    @Test(arguments: flags.indices) func aFlagStandsAlone(_ index: Int) throws {
        let (name, set) = Self.flags[index]
        var expected = RunOptions()
        expected.command = ["true"]
        set(&expected)
        #expect(try run([OSString(name), "true"]) == expected)
        let attached = OSString("\(name)=1")
        #expect(throws: UsageError(.unexpectedValue(option: name), command: .run)) { try run([attached, "true"]) }
        #expect(throws: UsageError(.duplicateOption(name), command: .run)) {
            try run([OSString(name), OSString(name), "true"])
        }
    }

    @Test(arguments: examples.indices) func aMissingValueIsAnError(_ index: Int) throws {
        let (name, value, _) = Self.examples[index]
        let info = try #require(RunOptions.table.first { $0.info.name == name }).info
        let placeholder = try #require(info.value).placeholder
        #expect(throws: UsageError(.missingValue(option: name, placeholder: placeholder), command: .run)) {
            try run([OSString(name)])
        }
        #expect(throws: UsageError(.optionAsValue(option: name, word: "--quiet"), command: .run)) {
            try run([OSString(name), "--quiet", "true"])
        }
        #expect(throws: UsageError(.optionAsValue(option: name, word: "--"), command: .run)) {
            try run([OSString(name), "--", "true"])
        }
        let twice = [OSString(name), value, OSString(name), value, "true"]
        if info.isRepeatable {
            #expect(throws: Never.self) { try run(twice) }
        } else {
            #expect(throws: UsageError(.duplicateOption(name), command: .run)) { try run(twice) }
        }
    }

    @Test func repeatedOptionsKeepTheirOrder() throws {
        let options = try run([
            "--read", "/b", "--env", "X", "--read=/a", "--env=Y=", "--env", "X=1=2", "--env", "Z", "true",
        ])
        #expect(options.overrides.read == ["/b", "/a"])
        #expect(options.overrides.passEnvironment == ["X", "Z"])
        #expect(
            options.overrides.setEnvironment == [
                EnvironmentEntry(name: "Y", value: ""), EnvironmentEntry(name: "X", value: "1=2"),
            ]
        )
    }

    @Test func valuesOfAnyBytesAreKept() throws {
        let odd = OSString([0x2F, 0xFF, 0x0A, 0x1B, 0x20])
        let options = try run([
            "--workspace", odd, "--deny", odd, "--policy", odd, "--env", OSString("A=".utf8 + odd.bytes), odd,
        ])
        #expect(options.workspace == odd)
        #expect(options.overrides.deny == [odd])
        #expect(options.policy == .file(odd))
        #expect(options.overrides.setEnvironment == [EnvironmentEntry(name: "A", value: odd)])
        #expect(options.command == [odd])
    }

    @Test(
        arguments: [
            ["--", "--help"], ["--", "--", "--"], ["--", "--network", "host"], ["ls", "--help", "--", "--quiet"],
            ["-", "--version"], ["--", "-h"], ["ls", "--workspace"], ["--", ""], ["", "--deny"], ["--", "--policy=x"],
        ] as [[OSString]]
    )
    func nothingAfterTheCommandIsParsed(_ words: [OSString]) throws {
        var expected = RunOptions()
        expected.command = words.first == "--" ? Array(words.dropFirst()) : words
        #expect(try run(words) == expected)
        expected.quiet = true
        #expect(try run(["--quiet"] + words) == expected)
    }

    @Test func aValueMayBeginWithOneDash() throws {
        #expect(try run(["--workspace", "-x", "true"]).workspace == "-x")
        #expect(try run(["--workspace=--x", "true"]).workspace == "--x")
    }

    @Test func aCommandIsNeeded() {
        for words in [[], ["--quiet"], ["--"], ["--quiet", "--"]] as [[OSString]] {
            #expect(throws: UsageError(.missingArgument("COMMAND"), command: .run)) { try run(words) }
        }
    }
}
