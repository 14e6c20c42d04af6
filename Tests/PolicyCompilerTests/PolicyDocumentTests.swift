import Foundation
import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

@Suite struct PolicyDocumentTests {
    static func problems(_ text: String) -> [PolicyProblem] {
        do {
            _ = try PolicyDocument(name: "test.toml", text: text).validated()
            return []
        } catch {
            guard case .invalid(let problems) = error else { return [] }
            return problems
        }
    }

    /// The whole policy of a text that must be right.
    static func policy(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Policy {
        try PolicyDocument(name: "test.toml", text: "version = 1\n" + text).validated()
    }

    @Test func theSmallestDocumentIsTheDefaults() throws {
        #expect(try Self.policy("") == PolicyDefaults.policy(named: "test.toml"))
    }

    @Test func allProblemsAreReportedAtOnceWithTheirPlaces() throws {
        let text = try String(contentsOf: fixture("many-mistakes.toml"), encoding: .utf8)
        let found = Self.problems(text).map { "\($0.position.line):\($0.position.column) \($0.key): \($0.what)" }
        let wanted = try String(contentsOf: fixture("many-mistakes.problems.txt"), encoding: .utf8)
        #expect(found == wanted.split(separator: "\n").map(String.init))
    }

    @Test func aProblemIsOneLineThatSaysWhereWhatWhyAndWhatToDo() throws {
        let problems = Self.problems("version = 1\n[limits]\ntaks = 10\n")
        #expect(
            problems.map(\.description) == [
                "test.toml:3:1: limits.taks: unknown key, nothing would act on it; did you mean tasks?"
            ]
        )
    }

    @Test func aRangeThatDoesNotSayItselfHasItsReason() throws {
        let problem = try #require(Self.problems("version = 1\n[limits]\ntasks = 1\n").first)
        #expect(problem.remedy == "write a value from 2 to 1000000 (pid 1 of the sandbox counts too)")
        let memory = try #require(Self.problems("version = 1\n[limits]\nmemory = \"2MiB\"\n").first)
        #expect(memory.remedy == "write a value from 16 MiB to 8 EiB - 1, as \"512MiB\" or in bytes")
    }

    /// The parser escapes what it quotes; a second time, nobody would know it again.
    @Test func whatTheParserSawIsEscapedOnce() throws {
        let problem = try #require(Self.problems("[limits\n").first)
        #expect(problem.description.contains(#"saw '\n'"#) && !problem.description.contains(#"\\n"#))
    }

    @Test func controlCharactersDoNotReachTheTerminal() {
        let problems = Self.problems("version = 1\n\"a\\u001b[31m\\nb\" = 1\n")
        #expect(problems.count == 1)
        #expect(problems.allSatisfy { $0.description.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } })
    }

    @Test(arguments: [
        ("a = 1\nb = = 2", 2 as UInt32, 5 as UInt32), ("version = 1\nversion = 1", 2, 11), ("[a]\n[a]", 2, 1),
        ("a = \"", 1, 6),
        ("[=", 1, 2), ("a = \u{7}", 1, 5), ("a = [", 1, 6),
    ]) func textThatIsNotTOMLIsRefusedWithItsPlace(text: String, line: UInt32, column: UInt32) throws {
        let problems = Self.problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.position.line == line)
        #expect(abs(Int64(problems.first?.position.column ?? 0) - Int64(column)) <= 1)
    }

    @Test func boundsAreHeld() {
        #expect(
            Self.problems(String(repeating: "#", count: 262_145)).first?.what == "the text is longer than 262144 bytes"
        )
        let deep = String(repeating: "a.", count: 16) + "a = 1"
        #expect(Self.problems(deep).first?.what == "a dotted key has more than 16 parts")
        #expect(
            Self.problems(String(repeating: "\"=\".", count: 17) + "a = 1").first?.what.contains("16 parts") == true
        )
        #expect(Self.problems("a = " + String(repeating: "[", count: 40)).first?.what.contains("nested") == true)
        // Dots in strings and comments are no keys.
        let dots = String(repeating: ".", count: 40)
        #expect(Self.problems("version = 1\ndescription = \"\(dots)\" # \(dots)\n") == [])
    }

    @Test(arguments: [
        ("", "version"), ("version = \"1\"", "version"), ("version = 1.0", "version"), ("version = 3", "version"),
    ]) func versionOneIsRequired(text: String, key: String) {
        #expect(Self.problems(text).map(\.key) == [key])
    }

    @Test func otherCharactersThanASCIIAreRead() throws {
        #expect(try Self.policy("description = \"größer あ\"").summary == "größer あ")
    }

    @Test(arguments: [
        "description = \"a\\nb\"", "workspace = 1", "[filesystem]\nread = \"/a\"", "[filesystem]\nread = [[\"/a\"]]",
        "[filesystem]\nread = [\"/a\\u0000\"]", "[filesystem]\netc = [\"/etc/passwd\"]",
        "[filesystem]\netc = [\"ssl/../shadow\"]", "[filesystem]\netc = [\"hosts\"]",
        "[filesystem]\netc = [\"./gitconfig\"]", "[filesystem]\netc = [\"mtab\"]",
        "[filesystem]\nunix_sockets = [\"run/x\"]", "[filesystem]\ncover_missing = [\"a\"]\nprotect = []",
        "[filesystem]\ncover_missing = [\".codex\", \".claude\", \".vscode\", \".idea\", \".envrc\"]",
        "[filesystem]\nread = [\"/a\"]\nwrite = [\"/a/\"]", "[filesystem]\ntmp_size = 0",
        "[filesystem]\ntmp_inodes = 1",
        "[network]\nmode = \"host\"", "[network]\nmode = \"proxy\"", "[danger]\nhost_network = true",
        "[danger]\nhost_network = \"yes\"", "[danger]\nfull_access = true\n[limits]", "[danger]\nfull-access = true",
        "[danger]\nfull_access = true\nhost_network = true", "[environment]\npass = [\"A*\"]",
        "[environment.set]\nA = 1",
        "[environment.set]\n\"\" = \"x\"", "[limits]\nmemory = \"1MiB\"", "[limits]\nmemory = -5",
        "[limits]\nmemory = \"4gib\"",
        "[limits]\ntasks = 1", "[limits]\ntasks = 1_000_001", "[limits]\nopen_files = 15",
        "[limits]\nfile_size = \"0\"",
        "[limits]\ncpu = \"1ms\"",
        "[limits]\nwall = 0", "[limits]\nwall = \"11y\"", "[limits]\ngrace = \"2h\"", "[limits]\ngrace = -1",
        "[landlock]\nminimum_abi = 100", "[process]\numask = \"0888\"", "[process]\numask = \"01000\"",
        "[process]\numask = \"7\"", "[process]\numask = \"0777\"", "[process]\numask = \"0100\"",
        "[process]\numask = \"200\"", "[process]\numask = \"0477\"",
        "[process]\nhostname = \"\"", "[process]\nhostname = \"a b\"",
        "[process]\nhostname = \"\(String(repeating: "a", count: 65))\"",
        "[filesystem]\ndeny_globs = [\"**\"]", "[filesystem]\ndeny_globs = [\"a/../b\"]",
        "[filesystem]\ndeny_globs = [\"\"]", "[filesystem]\ndeny_globs = [\"a/**b\"]",
        "[filesystem]\ntoolchains = [\"rusty\"]", "[filesystem]\ntoolchains = \"nvm\"", "filesystem = 1",
        "[workspace]\ngit = true", "[workspace]\ngit = \"forbid\"", "[filesystem]\non_new = \"ignore\"",
        "[filesystem]\nexcept = [\"a/b\"]", "[filesystem]\nexcept = [\".codex\"]",
        "[worker]\ncommand = \"/x\"", "[worker]\ncommand = [\"x\"]", "[worker]\ncommand = [\"/a/../x\"]",
        "[worker]\ncommand = [\"/\"]", "[worker]\ncommand = [\"\"]", "[worker]\ncommand = [\"/x\", 1]",
        "[worker]\ncommand = [\"/x\", \"\\u0000\"]", "[worker]\ncommands = []",
        "[danger]\nfull_access = true\n[worker]", "[seccomp]\nwithout = [\"files\"]",
        "[seccomp]\nwithout = [\"debug\", \"debug\"]",
    ]) func isRefused(text: String) {
        #expect(Self.problems("version = 1\n" + text).count == 1, "\(Self.problems("version = 1\n" + text))")
    }

    /// The worker owns what it makes: of a umask only the bits of others are its to take.
    @Test func aUmaskThatTakesTheOwnersRightsIsRefusedWithTheReason() throws {
        for text in ["0000", "000", "0077", "027"] {
            #expect(try Self.policy("[process]\numask = \"\(text)\"").process.umask == UInt32(text, radix: 8))
        }
        let said = Self.problems("version = 1\n[process]\numask = \"0777\"")
        #expect(said.count == 1 && "\(said)".contains("owner") && "\(said)".contains("0077"), "\(said)")
        #expect(!"\(Self.problems("version = 1\n[process]\numask = \"0778\""))".contains("owner"))
    }

    @Test func valuesAreTaken() throws {
        let policy = try Self.policy(
            """
            description = "All keys."
            [workspace]
            access = "read-only"
            [filesystem]
            read = ["/a//b/./c/"]
            write = ["/w"]
            deny = ["/a/b/c/secret"]
            protect = ["a//b", ".codex"]
            cover_missing = [".codex"]
            system = ["/usr"]
            etc = ["ssl/certs"]
            unix_sockets = ["/a/s"]
            tmp_size = "64MiB"
            tmp_inodes = 1000
            [network]
            loopback = false
            [environment]
            inherit = "all"
            exclude = ["FOO_*", "*KEY*"]
            pass = ["MY_KEY"]
            set = { B = "2", A = "" }
            [limits]
            tasks = 10
            memory = "512MiB"
            memory_high = "256MiB"
            open_files = 100
            file_size = 1000
            cpu = "2m"
            cpus = "1.5"
            wall = 30
            grace = 0
            require_kernel = ["cpu", "tasks"]
            [landlock]
            minimum_abi = 6
            requirement = "best-effort"
            [seccomp]
            without = ["sysv-ipc", "debug"]
            [process]
            umask = "077"
            hostname = "box-1.example"
            [worker]
            command = ["/srv/agent", "--fast", "--fast", ""]
            """
        )
        #expect(policy.summary == "All keys." && policy.workspace == .readOnly && policy.confinement == .sandbox)
        #expect(policy.filesystem.read == ["/a/b/c"] && policy.filesystem.write == ["/w"])
        #expect(policy.filesystem.deny == ["/a/b/c/secret"] && policy.filesystem.unixSockets == ["/a/s"])
        #expect(policy.filesystem.protect == PolicyDefaults.protect + ["a/b"])
        #expect(policy.filesystem.coverMissing == [".codex"])
        #expect(policy.filesystem.system == ["/usr"] && policy.filesystem.etc == ["ssl/certs"])
        #expect(policy.filesystem.tmpSize == .mebibytes(64) && policy.filesystem.tmpInodes == 1000)
        #expect(policy.network == .off(loopback: false))
        #expect(policy.environment.inherit == .all && policy.environment.pass == ["MY_KEY"])
        #expect(policy.environment.exclude == PolicyDefaults.exclude + ["FOO_*"])
        #expect(
            policy.environment.set == [EnvironmentEntry(name: "A", value: ""), EnvironmentEntry(name: "B", value: "2")]
        )
        #expect(policy.limits.tasks == 10 && policy.limits.memory == .exactly(.mebibytes(512)))
        #expect(
            policy.limits.openFiles == 100 && policy.limits.fileSize.bytes == 1000 && policy.limits.cpuSeconds == 120
        )
        #expect(policy.limits.wall == .seconds(30) && policy.limits.grace.milliseconds == 0)
        #expect(policy.limits.memory == .exactly(.mebibytes(512)) && policy.limits.memoryHigh == .mebibytes(256))
        #expect(policy.limits.requireKernel == [.cpu, .tasks] && policy.limits.cpuThousandths == 1500)
        #expect(policy.landlock == LandlockPolicy(minimumABI: 6, requirement: .bestEffort))
        #expect(policy.seccomp.without == ["debug", "sysv-ipc"])
        #expect(policy.process == ProcessPolicy(umask: 0o77, hostname: "box-1.example"))
        #expect(policy.worker.command == ["/srv/agent", "--fast", "--fast", ""])
    }

    /// Up to `limits.memory`, whichever of the two is said, and 0 for nowhere.
    @Test(
        arguments: [
            ("memory_high = 0", 0), ("memory_high = \"4GiB\"", 4 << 30), ("memory_high = 16777216", 1 << 24),
            ("memory = \"8GiB\"\nmemory_high = \"8GiB\"", 8 << 30), ("memory = \"1GiB\"", 0),
        ] as [(String, UInt64)]
    )
    func memoryIsSlowedDownFromASize(_ text: String, _ bytes: UInt64) throws {
        #expect(try Self.policy("[limits]\n\(text)").limits.memoryHigh == ByteCount(bytes: bytes))
    }

    @Test(
        arguments: [
            (
                "memory = \"1GiB\"\n  memory_high = \"2GiB\"",
                "4:3: limits.memory_high: 2 GiB, it must not exceed limits.memory, which is 1 GiB"
            ),
            (
                "memory_high = \"5GiB\"",
                "3:1: limits.memory_high: 5 GiB, it must not exceed limits.memory, which is 4 GiB at most where no text says it"
            ),
            ("memory_high = \"1MiB\"", "3:15: limits.memory_high: \"1MiB\", it is out of range"),
            ("memory_high = true", "3:15: limits.memory_high: a boolean, it must be a size"),
        ]
    )
    func whereMemoryIsSlowedDownIsNotAboveItsLimit(_ text: String, _ words: String) throws {
        let error = #expect(throws: PolicyError.self) { try Self.policy("[limits]\n\(text)") }
        #expect("\(String(describing: error))".contains(words), "\(String(describing: error))")
    }

    @Test(arguments: [("2", 2000), ("\"0.5\"", 500), ("0", 0), ("\"0\"", 0), ("1000", 1_000_000)])
    func processorsAreANumber(_ text: String, _ thousandths: UInt64) throws {
        #expect(try Self.policy("[limits]\ncpus = \(text)").limits.cpuThousandths == thousandths)
    }

    @Test(arguments: ["0.5", "\"0.009\"", "1001", "-1", "\"x\"", "true", "[1]"])
    func otherNumbersOfProcessorsAreErrors(_ text: String) throws {
        let error = #expect(throws: PolicyError.self) { try Self.policy("[limits]\ncpus = \(text)") }
        #expect("\(String(describing: error))".contains("limits.cpus"))
    }

    /// In one word, and with the list beside it.
    @Test func theKernelCanBeRequiredForAll() throws {
        let all = Set(LimitPolicy.Kind.allCases)
        #expect(try Self.policy("[limits]\nrequired = \"kernel\"").limits.requireKernel == all)
        let both = "[limits]\nrequire_kernel = [\"cpu\"]\nrequired = \"kernel\""
        #expect(try Self.policy(both).limits.requireKernel == all)
        #expect(throws: PolicyError.self) { try Self.policy("[limits]\nrequired = \"watched\"") }
        #expect(throws: PolicyError.self) { try Self.policy("[limits]\nrequired = true") }
    }

    @Test func hostNetworkNeedsTheDangerSpelledOut() throws {
        #expect(try Self.policy("[network]\nmode = \"host\"\n[danger]\nhost_network = true").network == .host)
    }

    @Test func nearestNamesWhatWasMeant() {
        #expect(nearest(to: "taks", among: ["tasks", "wall"]) == "tasks")
        #expect(nearest(to: "host-network", among: ["host_network", "full_access"]) == "host_network")
        #expect(nearest(to: "quite_else", among: ["tasks", "wall"]) == nil)
        #expect(nearest(to: String(repeating: "x", count: 100_000), among: ["tasks"]) == nil)
    }
}
