import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct LiveSuiteOptionsTests {
    private func parsed(_ words: OSString...) throws -> LiveSuiteOptions {
        try #require(try LiveSuiteOptions.parse(words[...]))
    }

    private func problem(_ words: OSString...) -> UsageError.Problem? {
        do {
            _ = try LiveSuiteOptions.parse(words[...])
            return nil
        } catch { return error.problem }
    }

    @Test func withoutWordsEverythingIsAsTheSeedsRunner() throws {
        let options = try parsed()
        #expect(options == LiveSuiteOptions())
        #expect(options.timeout == .seconds(300))
        #expect(LiveSuiteOptions.defaultAddress.description == "http://localhost:8000")
    }

    @Test func everyOptionIsRead() throws {
        let options = try parsed(
            "--base-url",
            "unix:/run/a.sock",
            "--out",
            "o",
            "--mocked",
            "--token-file=t",
            "--workspace-root",
            "w",
            "--state-dir",
            "s",
            "--timeout",
            "90s"
        )
        #expect(options.address == .unix("/run/a.sock"))
        #expect(options.out == "o")
        #expect(options.mocked)
        #expect(options.tokenFile == "t")
        #expect(options.workspaceRoot == "w")
        #expect(options.stateDirectory == "s")
        #expect(options.timeout == .seconds(90))
    }

    @Test(
        arguments: [
            ("http://localhost:8000", true), ("http://LOCALHOST", true), ("http://127.0.0.1:1", true),
            ("http://127.9.9.9", true), ("http://[::1]:80/api", true), ("http://[::ffff:127.0.0.1]", true),
            ("unix:/run/a.sock", true), ("http://example.test", false), ("http://127.0.0.1.example.test", false),
            ("http://10.0.0.1", false), ("http://[::2]", false), ("http://[::ffff:10.0.0.1]", false),
            ("http://localhost.example.test", false),
        ] as [(OSString, Bool)]
    )
    func addressesOfThisMachine(address: OSString, isOfThisMachine: Bool) throws {
        #expect(try LiveSuiteAddress(address).isOfThisMachine == isOfThisMachine)
    }

    @Test func helpIsNil() throws {
        #expect(try LiveSuiteOptions.parse(["--help"]) == nil)
    }

    @Test func otherWordsAreRefused() {
        #expect(problem("L01") == .unexpectedArgument("L01"))
        #expect(problem("--mocked", "--mocked") == .duplicateOption("--mocked"))
        guard case .unknownOption = problem("--mock") else {
            Issue.record("--mock is an option")
            return
        }
    }

    @Test(arguments: [("999ms", false), ("1000ms", true), ("24h", true), ("86400001ms", false), ("0", false)])
    func timeoutsHaveEdges(_ word: String, _ isTaken: Bool) {
        #expect((problem("--timeout", OSString(word)) == nil) == isTaken)
    }

    @Test(arguments: [
        ("http://localhost", "http://localhost:80"), ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:65535", "http://[::1]:65535"), ("http://h:1/a/b//", "http://h:1/a/b"),
        ("unix:/run/x.sock", "unix:/run/x.sock"),
    ])
    func addressesAreRead(_ word: String, _ text: String) throws {
        #expect(try LiveSuiteAddress(OSString(word)).description == text)
    }

    @Test(arguments: [
        "", "localhost:8000", "https://localhost", "http://", "http://:80", "http://h:0", "http://h:65536",
        "http://h:+1",
        "http://h:", "http://u@h", "http://h?x", "http://h#x", "http://h/ x", "http://h/\r\nX: y", "http://[::1",
        "http://[]",
        "http://[h]", "http://[::1]x", "unix:", "unix:relative", "HTTP://h",
    ])
    func otherAddressesAreRefused(_ word: String) {
        #expect(throws: LiveSuiteAddress.Problem.self) { try LiveSuiteAddress(OSString(word)) }
    }

    @Test func aSocketPathHasALongestLength() throws {
        let longest = "unix:/" + String(repeating: "a", count: LiveSuiteAddress.longestSocketPath - 1)
        #expect(try LiveSuiteAddress(OSString(longest)) != .unix("/"))
        #expect(throws: LiveSuiteAddress.Problem.self) { try LiveSuiteAddress(OSString(longest + "a")) }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: LiveSuiteAddress.Problem.self) {
            try LiveSuiteAddress(OSString(Array("http://h/".utf8) + [0xFF]))
        }
    }

    @Test func aHostFieldHasHostAndPort() throws {
        #expect(try LiveSuiteAddress("http://[::1]:8000/x").hostField == "[::1]:8000")
        #expect(try LiveSuiteAddress("http://[::1]:8000/x").prefix == "/x")
        #expect(try LiveSuiteAddress("unix:/s").hostField == "localhost")
    }

    @Test func helpNamesEveryOption() {
        let text = HelpText.text(.liveSuite)
        for option in LiveSuiteOptions.table { #expect(text.contains(option.info.name)) }
        #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 120 })
    }
}
