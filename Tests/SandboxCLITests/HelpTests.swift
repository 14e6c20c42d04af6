import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct HelpTests {
    @Test(arguments: HelpPage.allCases) func helpIsAsReviewed(_ page: HelpPage) throws {
        try expectGolden(HelpText.text(page), "help-\(page).txt")
    }

    @Test(arguments: HelpPage.allCases) func helpFitsAndEnds(_ page: HelpPage) {
        let text = HelpText.text(page)
        #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
        for line in text.split(separator: "\n") {
            #expect(line.count <= 120, "\(line)")
            #expect(line.last != " ", "\(line)")
        }
        #expect(text.contains("\nExamples:\n"))
        #expect(text.contains("\nExit status"))
        #expect(controlCharacters(in: text).isEmpty)
    }

    /// An example that our own parser refuses teaches the wrong thing.
    @Test(arguments: HelpPage.allCases) func everyExampleCanBeRead(_ page: HelpPage) throws {
        let lines = HelpText.text(page).split(separator: "\n").filter { $0.hasPrefix("  codex-sandbox ") }
        #expect(lines.count >= 2)
        for line in lines {
            let words = line.split(separator: " ").dropFirst().map { OSString(String($0)) }
            #expect(throws: Never.self, "\(line)") { try Command.parse(words) }
        }
    }

    @Test func everyOptionIsListed() {
        let text = HelpText.text(.run)
        for option in RunOptions.table {
            #expect(text.contains("\n  \(option.info.form)"))
            #expect(option.info.summary.hasSuffix("."))
        }
    }
}
