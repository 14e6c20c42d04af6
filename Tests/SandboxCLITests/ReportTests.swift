import Foundation
import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct ReportTests {
    @Test func aRefusalSaysStepErrnoAndRemedy() {
        let refusal = Refusal(
            stage: "place",
            step: "bind (step 7)",
            subject: "/srv/a",
            errno: 1,
            message: "The place could not be set up.",
            remedy: "See codex-sandbox doctor.",
            layer: .mounts
        )
        #expect(
            OwnWords.refusal(refusal) == """
                codex-sandbox: refused: The place could not be set up.
                codex-sandbox:   step: bind (step 7) on /srv/a: EPERM (Operation not permitted)
                codex-sandbox:   layer: mounts
                codex-sandbox:   remedy: See codex-sandbox doctor.

                """
        )
    }

    /// No other file, folder or stream would help.
    @Test(arguments: [(24, "ulimit -n"), (23, "fs.file-max")] as [(Int32, String)])
    func tooManyOpenFilesHaveOneRemedy(_ errno: Int32, _ words: String) {
        let remedy = "name another folder with --state-dir DIR"
        #expect(Refusal(stage: "evidence", errno: errno, message: "m", remedy: remedy).remedy.contains(words))
        #expect(Refusal(stage: "evidence", errno: 13, message: "m", remedy: remedy).remedy == remedy)
    }

    @Test func theProblemsOfAPolicyStandOnLinesOfTheirOwn() {
        let refusal = Refusal(stage: "policy", message: "it is not valid:\n  p:1:1: a\n  p:2:1: b", remedy: "Mend it.")
        #expect(
            OwnWords.refusal(refusal) == """
                codex-sandbox: refused: it is not valid:
                codex-sandbox:   p:1:1: a
                codex-sandbox:   p:2:1: b
                codex-sandbox:   remedy: Mend it.

                """
        )
    }

    @Test func aRefusalWithoutStepIsShort() {
        let refusal = Refusal(
            stage: "policy",
            message: "There is no policy x.",
            remedy: "See codex-sandbox policy list."
        )
        #expect(
            OwnWords.refusal(refusal) == """
                codex-sandbox: refused: There is no policy x.
                codex-sandbox:   remedy: See codex-sandbox policy list.

                """
        )
    }

    @Test func hostilePartsOfARefusalAreEscaped() {
        let evil = "\u{1B}[2J\ncodex-sandbox: fine\u{202E}"
        let refusal = Refusal(stage: evil, step: evil, subject: evil, errno: 4095, message: evil, remedy: evil)
        let text = OwnWords.refusal(refusal)
        #expect(controlCharacters(in: text).isEmpty)
        #expect(!text.contains("\u{202E}"))
        #expect(text.split(separator: "\n").count == 3)
        #expect(text.contains("errno 4095"))
    }

    @Test(arguments: [
        (Outcome.exited(code: 0), Int32(0)), (.exited(code: 255), 255), (.signalled(signal: 11), 139),
        (.interrupted(signal: 15), 143), (.interrupted(signal: 15, wasKilled: true), 137), (.timedOut, 124),
        (.memoryExceeded(used: .gibibytes(2), limit: .gibibytes(1)), 137), (.protectionLost(what: "x"), 137),
        (.refused(Refusal(stage: "plan", message: "m", remedy: "r")), 125), (.notExecuted(errno: 2, message: "m"), 127),
        (.notExecuted(errno: 13, message: "m"), 126), (.notExecuted(errno: 8, message: "m"), 126),
    ])
    func everyOutcomeHasItsStatus(_ outcome: Outcome, _ status: Int32) {
        #expect(ExitStatus.of(outcome) == status)
    }

    @Test func outcomesAreSaidInSentences() {
        func said(_ outcome: Outcome, quiet: Bool = false) -> String {
            OwnWords.outcome(outcome, limits: nil, quiet: quiet)
        }
        func saidOfCPU(_ outcome: Outcome, used: UInt64, limit: UInt64) -> String {
            let limits = LimitPlan(
                memory: .gibibytes(1),
                tasks: 10,
                wall: .seconds(10),
                grace: .seconds(1),
                setUp: .seconds(10),
                memoryWatchInterval: TimeSpan(milliseconds: 50),
                rlimits: [RLimit(resource: 0, soft: limit, hard: limit)]
            )
            return OwnWords.outcome(outcome, limits: limits, processorTime: used, quiet: false)
        }
        #expect(said(.exited(code: 3)).isEmpty)
        #expect(said(.signalled(signal: 11)) == "codex-sandbox: The command was ended by SIGSEGV.\n")
        #expect(said(.signalled(signal: 11), quiet: true).isEmpty)
        #expect(said(.signalled(signal: 40)) == "codex-sandbox: The command was ended by signal 40.\n")
        // By RLIMIT_CPU, or for another reason.
        for (used, limit) in [(UInt64(1_004_000), UInt64(1)), (960_000, 1), (510_000, 1), (5_700_000, 7)] {
            let words = saidOfCPU(.signalled(signal: 9), used: used, limit: limit)
            #expect(words.contains("SIGKILL") && words.contains("--cpu"))
        }
        for (used, limit) in [(UInt64(490_000), UInt64(1)), (5_600_000, 7), (5_000_000, UInt64.max)] {
            #expect(saidOfCPU(.signalled(signal: 9), used: used, limit: limit) == said(.signalled(signal: 9)))
        }
        #expect(!saidOfCPU(.signalled(signal: 11), used: 2_000_000, limit: 1).contains("--cpu"))
        #expect(said(.interrupted(signal: 2)).contains("SIGINT"))
        #expect(said(.interrupted(signal: 2), quiet: true).isEmpty)
        let killed = said(.interrupted(signal: 15, wasKilled: true), quiet: true)
        #expect(killed.contains("SIGTERM") && killed.contains("--grace"))
        #expect(said(.timedOut, quiet: true).contains("wall limit"))
        #expect(said(.memoryExceeded(used: .gibibytes(2), limit: .gibibytes(1)), quiet: true).contains("2 GiB"))
        let lost = said(.protectionLost(what: "/w/.git/config"), quiet: true)
        #expect(lost.contains("/w/.git/config") && lost.contains("remedy: before you run git"))
        #expect(lost.contains("was killed") && lost.contains("put it back"))
        let afterwards = said(.protectionLost(what: "the job made /w/.envrc", afterEnd: true), quiet: true)
        #expect(afterwards.contains("/w/.envrc") && afterwards.contains("had ended"))
        #expect(!afterwards.contains("killed") && !afterwards.contains("put it back"))
        #expect(
            said(.notExecuted(errno: 2, message: "make is not there."), quiet: true) == """
                codex-sandbox: make is not there.
                codex-sandbox:   execve: ENOENT (No such file or directory)

                """
        )
    }

    @Test func notesAreKeptBackWhenQuiet() {
        #expect(OwnWords.notes(["a\nb"], quiet: false) == "codex-sandbox: note: a\\nb\n")
        #expect(OwnWords.notes(["a"], quiet: true).isEmpty)
        for warning in ["weaker profile x: NOT held: y", "no sandbox: z"] {
            #expect(OwnWords.notes(["a", warning], quiet: true) == "codex-sandbox: WARNING: \(warning)\n")
        }
    }

    @Test func escapedTextIsNotEscapedAgain() {
        #expect(Shown.text("a\\x1b b") == "a\\x1b b")
        #expect(Shown.text("a\u{1B}\\n\u{9B}ä") == "a\\x1b\\n\\xc2\\x9bä")
        #expect(Shown.whole("a b") == "\"a b\"")
        #expect(Shown.whole("") == "\"\"")
        #expect(Shown.whole("a\"b\\") == "\"a\\\"b\\\\\"")
    }

    @Test func aPastedWordStaysOneWord() {
        for plain in ["/srv/a", "a_b.c/d:e=f@g%h+i,j-0Z"] { #expect(Shown.shellWord(OSString(plain)) == plain) }
        for (word, quoted) in [
            ("", "''"), ("srv/a&b", "'srv/a&b'"), ("/$HOME/`x`", "'/$HOME/`x`'"), ("it's", "'it'\\''s'"),
            ("a b", "'a b'"),
            ("~", "'~'"), ("a\\b!", "'a\\b!'"), ("/ä", "'/ä'"), ("'\u{301}", "''\\''\u{301}'"),
            ("a\nb", "$'a\\nb'"), ("it's\u{1B}\\\t", "$'it\\'s\\x1b\\\\\\t'"), ("a\u{202E}b", "$'a\\xe2\\x80\\xaeb'"),
        ] { #expect(Shown.shellWord(OSString(word)) == quoted, "\(quoted)") }
        #expect(Shown.shellWord(OSString([0x61, 0xFF])) == "$'a\\xff'")
    }

    @Test func columnsFitTheirCells() {
        var table = TextTable(columns: 3, widestColumn: 6)
        table.add(["a", "bb", "c"])
        table.add(["aaaa", "", "cc"])
        table.add(["much too long", "b", ""])
        table.add(["", "", ""])
        #expect(table.lines(indent: 1) == [" a     bb  c", " aaaa      cc", " much too long  b", ""])
    }

    @Test func colourIsForTerminalsThatWantIt() {
        #expect(Style(isTerminal: true, environment: ["TERM=xterm", "NO_COLOR="]).isColoured)
        #expect(!Style(isTerminal: false, environment: []).isColoured)
        #expect(!Style(isTerminal: true, environment: ["NO_COLOR=1"]).isColoured)
        #expect(!Style(isTerminal: true, environment: ["TERM=dumb"]).isColoured)
        #expect(Style.plain.bad("x") == "x")
        #expect(Style(isColoured: true).bad("x") == "\u{1B}[31mx\u{1B}[0m")
        #expect(Shown.width(Style(isColoured: true).bad("x")) == 1)
    }
}
