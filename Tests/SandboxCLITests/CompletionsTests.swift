import SandboxPlan
import Testing

@testable import SandboxCLI

/// What shells complete comes from the tables of parsing and help; `CompletionTests` asks the shells themselves.
@Suite struct CompletionsTests {
    @Test(arguments: Shell.allCases) func scriptIsAsReviewed(_ shell: Shell) throws {
        try expectGolden(shell.completions, "completions-\(shell.rawValue).txt")
    }

    @Test(arguments: Shell.allCases) func everyCommandAndOptionIsInIt(_ shell: Shell) {
        let text = shell.completions
        for command in CommandName.allCases { #expect(text.contains(command.rawValue)) }
        for command in ShellCommand.all {
            for option in command.options {
                let name = shell == .fish ? "-l \(option.name.dropFirst(2)) " : option.name
                #expect(text.contains(name), "\(command.name.rawValue) \(option.name)")
            }
        }
        #expect(controlCharacters(in: text).isEmpty)
    }

    @Test func optionsAreThoseOfParsing() throws {
        let run = try #require(ShellCommand.all.first { $0.name == .run })
        #expect(run.options.map(\.name) == RunOptions.table.map(\.info.name) + ["--help"])
        #expect(ShellCommand.all.map(\.name) == CommandName.allCases)
    }

    @Test func quotesAreKept() {
        #expect(ShellText.quoted("it's", quote: "'\\''") == "'it'\\''s'")
        #expect(ShellText.escaped("[a:b]\\", "\\[]:") == "\\[a\\:b\\]\\\\")
    }

    @Test func wordsAreRead() throws {
        #expect(try Command.parse(["completions", "zsh"]) == .completions(.zsh))
        #expect(try Command.parse(["completions", "--help"]) == .help(.completions))
        #expect(try Command.parse(["help", "completions"]) == .help(.completions))
        #expect(throws: UsageError.self) { try Command.parse(["completions"]) }
        #expect(throws: UsageError.self) { try Command.parse(["completions", "csh"]) }
        #expect(throws: UsageError.self) { try Command.parse(["completions", "zsh", "fish"]) }
    }
}
