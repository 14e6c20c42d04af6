import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct UsageErrorTests {
    @Test(
        arguments: [
            ([], "A command is missing, for example: codex-sandbox run -- make test.", ""),
            (["--"], "A command is missing, for example: codex-sandbox run -- make test.", ""),
            (["rnu"], "There is no command rnu. Did you mean run?", ""),
            ([""], "There is no command \"\".", ""),
            (["completely-different"], "There is no command completely-different.", ""),
            (["--workspace", "x", "run"], "--workspace comes after the command: codex-sandbox run --workspace ….", ""),
            (["--verison"], "There is no option --verison. Did you mean --version?", ""),
            (["-x"], "There is no option -x.", ""),
            (["help", "rum"], "There is no command rum. Did you mean run?", "help "),
            (["help", "run", "x"], "x is one word too many.", "help "),
            (["run", "--worksapce", "x"], "There is no option --worksapce. Did you mean --workspace?", "run "),
            (["run", "--netwrok=host"], "There is no option --netwrok. Did you mean --network?", "run "),
            (["run", "--hepl"], "There is no option --hepl. Did you mean --help?", "run "),
            (["run", "--json", "ls"], "There is no option --json.", "run "),
            (["run", "--work", "x"], "There is no option --work.", "run "),
            (["run", "-v"], "There is no option -v.", "run "),
            (["run", "-v=1"], "There is no option -v=1.", "run "),
            (["run", "--=x"], "There is no option --.", "run "),
            (["run", "--quiet"], "COMMAND is missing.", "run "),
            (["run", "--deny"], "--deny needs a value: --deny PATH.", "run "),
            (["run", "--env"], "--env needs a value: --env NAME[=VALUE].", "run "),
            (
                ["run", "--deny", "--memory", "4GiB", "ls"],
                "--deny needs a value, and --memory looks like an option. If it is the value, write --deny=--memory.",
                "run "
            ),
            (["run", "--quiet=yes", "ls"], "--quiet takes no value.", "run "),
            (["run", "--help=x"], "--help takes no value.", "run "),
            (["run", "--pids", "2", "--pids", "3"], "--pids is given twice. Leave one of them out.", "run "),
            (
                ["run", "--pids", "many"],
                "--pids many: Write a whole number from 2 to 1000000: pid 1 of the sandbox counts too.", "run "
            ),
            (["run", "--workspace", ""], "--workspace \"\": The path is empty.", "run "),
            (["explain"], "COMMAND is missing.", "explain "),
            (["explain", "--jsno", "ls"], "There is no option --jsno. Did you mean --json?", "explain "),
            (["doctor", "me"], "me is one word too many.", "doctor "),
            (["doctor", "--quiet"], "There is no option --quiet.", "doctor "),
            (["policy"], "list, show, check, trust or untrust is missing.", "policy "),
            (["policy", "lsit"], "There is no command lsit. Did you mean list?", "policy "),
            (["policy", "list", "x"], "x is one word too many.", "policy "),
            (["policy", "show"], "NAME or FILE is missing.", "policy "),
            (["policy", "show", "a", "b"], "b is one word too many.", "policy "),
            (["policy", "check"], "NAME or FILE is missing.", "policy "),
            (["policy", "check", ""], "\"\": The path is empty.", "policy "),
            (["policy", "--json", "list"], "There is no option --json.", "policy "),
            (["evidence"], "show, list, verify, sign or export is missing.", "evidence "),
            (["evidence", "shwo"], "There is no command shwo. Did you mean show?", "evidence "),
            (["evidence", "show", "a", "b"], "b is one word too many.", "evidence "),
            (["evidence", "show", "--last", "a"], "a is one word too many.", "evidence "),
            (["evidence", "verify", "a"], "a is one word too many.", "evidence "),
            (["evidence", "show", "XYZ"], "XYZ: An id is up to 32 digits 0-9 and a-f.", "evidence "),
            (["evidence", "list", "--limit", "0"], "--limit 0: Write a whole number from 1 to 1000000.", "evidence "),
            (
                ["evidence", "show", "--limit", "1"], "--limit is an option of list, not of show.", "evidence "
            ),
            (
                ["evidence", "list", "--key", "k"], "--key is an option of verify, not of list.", "evidence "
            ),
            (
                ["evidence", "export", "--json"],
                "--json is an option of show and list and verify and sign, not of export.", "evidence "
            ),
            (
                ["evidence", "verify", "--complete-since", "01:ab"],
                "--complete-since 01:ab: Write SEQUENCE:DIGEST, a number from 1 and 64 digits 0-9 and a-f.",
                "evidence "
            ),
            (["verify", "x"], "x is one word too many.", "verify "),
            (
                ["verify", "--", "--pids", "many"],
                "--pids many: Write a whole number from 2 to 1000000: pid 1 of the sandbox counts too.", "verify "
            ),
            (["verify", "--", "--workspace", "x"], "--workspace is not for verify to pass on.", "verify "),
            (["verify", "--", "--no-such"], "There is no option --no-such.", "verify "),
            (["gc"], "--older-than N, --keep N or another --keep-… is missing.", "gc "),
            (["gc", "--keep", "-1"], "--keep -1: Write a whole number from 0 to 1000000000.", "gc "),
            (["gc", "--keep", "1", "x"], "x is one word too many.", "gc "),
        ] as [([OSString], String, String)]
    )
    func everyMistakeIsNamed(_ words: [OSString], _ message: String, _ command: String) throws {
        let error = try #require(#expect(throws: UsageError.self) { try Command.parse(words) })
        #expect(error.message == message)
        #expect(error.advice == "See codex-sandbox \(command)--help.")
        #expect(error.exitStatus == 2)
    }

    @Test func hostileWordsAreShownAndNotObeyed() throws {
        let hostile = OSString("--\u{1B}]0;owned\u{7}\ncodex-sandbox: all is well\u{202E}".utf8 + [0xFF])
        for words in [[hostile], ["run", hostile], ["run", "--pids", OSString([0x1B, 0x0A])], ["policy", hostile]] {
            let error = try #require(#expect(throws: UsageError.self) { try Command.parse(words) })
            let text = OwnWords.usage(error)
            #expect(controlCharacters(in: text).isEmpty)
            #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 3)
            #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("codex-sandbox: ") })
        }
    }

    @Test func aLongWordIsCut() throws {
        let word = OSString([UInt8](repeating: 0x61, count: 100_000))
        let error = try #require(#expect(throws: UsageError.self) { try Command.parse([word]) })
        #expect(error.message.utf8.count < 300)
        #expect(error.message.contains("…"))
    }

    @Test func theNearestWordIsTheNearest() {
        let words = ["--read", "--write", "--result"]
        #expect(Nearest.word(to: "--raed", among: words) == "--read")
        #expect(Nearest.word(to: "--resul", among: words) == "--result")
        #expect(Nearest.word(to: "--", among: words) == nil)
        #expect(Nearest.word(to: "--verbose", among: words) == nil)
        #expect(Nearest.word(to: OSString([0xFF]), among: []) == nil)
    }
}
