import Foundation
import Testing

@Suite(.timeLimit(.minutes(120))) struct CommandLineTests {
    @Test func answersGoToStdout() throws {
        let version = try Executable.run(["--version"])
        #expect(version.status == 0 && version.text == "codex-sandbox 0.1.0\n" && version.error.isEmpty)
        let help = try Executable.run(["run", "--help"])
        #expect(help.status == 0 && help.text.hasPrefix("codex-sandbox run: ") && help.error.isEmpty)
    }

    @Test(arguments: [
        [], ["rnu"], ["run"], ["run", "--deny"], ["run", "--network", "host", "true"], ["doctor", "x"],
        ["policy", "show"], ["explain", "--memory", "4", "true"],
    ])
    func mistakesGoToStderrWithOurName(_ arguments: [String]) throws {
        let answer = try Executable.run(arguments)
        #expect(answer.status == 2)
        #expect(answer.output.isEmpty)
        let lines = answer.error.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("codex-sandbox: ") })
    }

    @Test func bytesThatAreNotTextArriveAsTheyAre() throws {
        let answer = try Executable.shell(#"exec "$0" run "$(printf -- '--\377\033[2J')""#)
        #expect(answer.status == 2)
        #expect(answer.error.hasPrefix("codex-sandbox: There is no option --\\xff\\x1b[2J.\n"))
    }

    @Test func noArgumentsAtAllAreAMissingCommand() throws {
        // Not even a program's name: exec -a cannot do that, a name of nothing comes close.
        let answer = try Executable.shell(#"exec env -i "$0""#)
        #expect(answer.status == 2)
        #expect(answer.error.hasPrefix("codex-sandbox: A command is missing"))
    }

    @Test func argumentsDoNotNeedProc() throws {
        let answer = try Executable.shellInNamespace(#"mount -t tmpfs none /proc; exec "$0" --version"#)
        #expect(answer.status == 0 && answer.text == "codex-sandbox 0.1.0\n")
    }

    @Test func anAnswerThatCannotBeWrittenIsNoSuccess() throws {
        #expect(try Executable.shell(#"exec "$0" --help >/dev/full"#).status == 125)
        #expect(try Executable.shell(#"exec "$0" --version >&-"#).status == 125)
    }

    @Test func settingsOfOthersAreNotRead() throws {
        let variables = ["CODEX_SANDBOX": "seatbelt", "CODEX_SANDBOX_NETWORK_DISABLED": "1"]
        let answer = try Executable.run(["help"], environment: variables)
        let plain = try Executable.run(["help"])
        #expect(answer.status == 0 && answer.text == plain.text)
    }
}
