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
        ("--memory", "0"), ("--memory", "4"), ("--memory", "16777215"),
        ("--memory", "1MiB"), ("--memory", "4 GiB"), ("--memory", "-1"),
        ("--memory", "1e9"), ("--memory", "9223372036854775808"), ("--memory", "99999999999TiB"), ("--memory", "4X"),
        ("--memory", ""), ("--memory", "４GiB"), ("--tmp-size", "65535"), ("--file-size", "0"), ("--pids", "0"),
        ("--pids", "1"),
        ("--pids", "1000001"), ("--pids", "1k"), ("--pids", "+5"), ("--pids", "99999999999999999999"), ("--pids", ""),
        ("--cpus", "0.009"), ("--cpus", "1001"), ("--cpus", "1.2345"), ("--cpus", ""), ("--cpus", "-1"),
        ("--cpus", "two"),
        ("--name", ""), ("--name", ".a"), ("--name", "-a"), ("--name", "a b"), ("--name", "a/b"), ("--name", "ä"),
        ("--name", "01234567890123456789012345678901234567890123456789012345678901234"),
        ("--cpu", "500ms"), ("--cpu", "1500ms"), ("--cpu", "3651d"), ("--cpu", "1h30m"), ("--timeout", "0"),
        ("--timeout", "11y"), ("--timeout", "4000d"), ("--timeout", "forever"), ("--timeout", "0s"),
        ("--grace", "3600001ms"), ("--grace", "2h"), ("--grace", "-1s"),
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

    @Test func theEndsOfTheRangesAreAccepted() throws {
        let least = try run([
            "--memory=16MiB", "--tmp-size=64KiB", "--file-size=1", "--cpu=0", "--grace=0", "--timeout=1ms",
            OSString("--pids=\(PolicyRange.tasks.lowerBound)"),
        ]).overrides
        #expect(least.memory?.bytes == PolicyRange.memory.lowerBound)
        #expect(least.tmpSize?.bytes == PolicyRange.tmpSize.lowerBound)
        #expect(least.fileSize?.bytes == PolicyRange.fileSize.lowerBound)
        #expect(least.tasks == PolicyRange.tasks.lowerBound)
        #expect(least.cpuSeconds == PolicyRange.cpuSeconds.lowerBound)
        #expect(least.grace?.milliseconds == PolicyRange.grace.lowerBound)
        #expect(least.wall?.milliseconds == PolicyRange.wall.lowerBound)
        let greatest = try run([
            "--memory=9223372036854775807", "--tmp-size=9223372036854775807", "--file-size=9223372036854775807",
            "--pids=1000000", "--cpu=3650d", "--grace=1h", "--timeout=3650d",
        ]).overrides
        #expect(greatest.memory?.bytes == PolicyRange.memory.upperBound)
        #expect(greatest.tmpSize?.bytes == PolicyRange.tmpSize.upperBound)
        #expect(greatest.fileSize?.bytes == PolicyRange.fileSize.upperBound)
        #expect(greatest.tasks == PolicyRange.tasks.upperBound)
        #expect(greatest.cpuSeconds == PolicyRange.cpuSeconds.upperBound)
        #expect(greatest.grace?.milliseconds == PolicyRange.grace.upperBound)
        #expect(greatest.wall?.milliseconds == PolicyRange.wall.upperBound)
    }

    /// Whoever is told that a value is none is told which ones are.
    @Test(arguments: [
        ("--memory", "1MiB", "16 MiB to 8 EiB - 1"), ("--tmp-size", "8KiB", "64 KiB to 8 EiB - 1"),
        ("--file-size", "0", "1 B to 8 EiB - 1"), ("--cpu", "1500ms", "0 to 10 years in whole seconds"),
        ("--timeout", "0", "1 ms to 10 years"), ("--grace", "2h", "0 to 1 h"),
        ("--pids", "1", "2 to 1000000: pid 1 of the sandbox counts too"),
    ])
    func aValueOutOfRangeIsToldTheRange(_ option: String, _ value: String, _ range: String) throws {
        let error = #expect(throws: UsageError.self) { try run([OSString("\(option)=\(value)")]) }
        #expect(try #require(error).message.contains(range))
    }
}
