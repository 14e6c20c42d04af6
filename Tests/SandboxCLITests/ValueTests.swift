import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct ValueTests {
    private func run(_ words: [OSString]) throws -> RunOptions {
        guard case .run(let options) = try Command.parse(["run"] + words + ["true"]) else {
            throw UsageError(.noCommand)
        }
        return options
    }

    @Test(arguments: [
        ("--memory", "0"), ("--memory", "4"), ("--memory", "1048575"), ("--memory", "4 GiB"), ("--memory", "-1"),
        ("--memory", "1e9"), ("--memory", "9223372036854775808"), ("--memory", "99999999999TiB"), ("--memory", "4X"),
        ("--memory", ""), ("--memory", "４GiB"), ("--tmp-size", "4095"), ("--file-size", "0"), ("--pids", "0"),
        ("--pids", "1000001"), ("--pids", "1k"), ("--pids", "+5"), ("--pids", "99999999999999999999"), ("--pids", ""),
        ("--cpu", "500ms"), ("--cpu", "1500ms"), ("--cpu", "0"), ("--cpu", "1h30m"), ("--timeout", "0"),
        ("--timeout", "11y"), ("--timeout", "4000d"), ("--timeout", "forever"), ("--grace", "0s"), ("--grace", "-1s"),
        ("--network", "on"), ("--network", "HOST"), ("--network", ""), ("--workspace", ""), ("--cwd", ""),
        ("--read", ""), ("--write", ""), ("--deny", ""), ("--evidence", ""), ("--state-dir", ""), ("--result", ""),
        ("--result", "0"), ("--result", "2147483648"), ("--result", "99999999999999999999"), ("--env", ""),
        ("--env", "=x"), ("--env", "A B=1"), ("--env", "BASH_FUNC_x%%=() {"), ("--env", "ä=1"), ("--policy", ""),
        ("--policy", ".."), ("--policy", "-x"), ("--policy", "a b"), ("--policy", "ä"),
        ("--policy", "0123456789012345678901234567890123456789012345678901234567890123x"),
    ])
    func aBadValueIsAnError(_ option: String, _ value: String) throws {
        let error = #expect(throws: UsageError.self) { try run([OSString("\(option)=\(value)")]) }
        guard case .badValue(let name, let word, let why) = try #require(error).problem else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(name == option)
        #expect(word == OSString(value))
        #expect(why.hasSuffix("."))
        #expect(try #require(error).exitStatus == 2)
    }

    @Test func aNULIsNoPartOfAPathOrValue() {
        for word in ["--workspace=a\0b", "--env=A=\0", "--policy=/\0", "--result=\0"] {
            #expect(throws: UsageError.self) { try run([OSString(word)]) }
        }
    }

    @Test func bytesThatAreNotTextAreNoNumbers() {
        for option in ["--memory", "--pids", "--cpu", "--timeout", "--network"] {
            #expect(throws: UsageError.self) { try run([OSString(option.utf8 + [UInt8(ascii: "="), 0x31, 0xFF])]) }
        }
    }

    @Test(
        arguments: [
            ("a", PolicySource.named("a")), ("read-only", .named("read-only")),
            ("my_policy.v2", .named("my_policy.v2")),
            ("x.toml", .file("x.toml")), (".toml", .file(".toml")), ("a/b", .file("a/b")), ("/", .file("/")),
            ("./x", .file("./x")), ("toml", .named("toml")),
        ] as [(OSString, PolicySource)]
    )
    func aPolicyIsANameOrAFile(_ word: OSString, _ source: PolicySource) {
        #expect(PolicySource(word) == source)
    }

    @Test(
        arguments: [
            ("1", ResultTarget.descriptor(1)), ("003", .descriptor(3)), ("2147483647", .descriptor(.max)),
            ("./3", .file("./3")), ("3x", .file("3x")), ("-1", .file("-1")),
        ] as [(OSString, ResultTarget)]
    )
    func aResultGoesToAFileOrADescriptor(_ word: OSString, _ target: ResultTarget) throws {
        #expect(try ResultTarget.parse(word) == target)
    }

    @Test func theLeastValuesAreAccepted() throws {
        let options = try run([
            "--memory=1MiB", "--tmp-size=4KiB", "--file-size=1", "--pids=1", "--cpu=1", "--grace=1ms",
        ])
        #expect(options.overrides.memory == .mebibytes(1))
        #expect(options.overrides.tmpSize == ByteCount(bytes: 4096))
        #expect(options.overrides.cpuSeconds == 1)
        #expect(try run(["--pids=1000000"]).overrides.tasks == 1_000_000)
    }
}
