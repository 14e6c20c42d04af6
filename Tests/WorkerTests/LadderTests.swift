import Testing

/// The steps of the live suites on real folders, with real Python.
@Suite struct LadderTests {
    static let first =
        "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."

    private func started() throws -> Project {
        let project = try Project()
        let outcome = try project.job("minimal", "initial_project", LadderTests.first)
        try #require(outcome.result.created == ["README.md", "app.py", "tests/test_cli.py"])
        #expect(outcome.result.modified.isEmpty)
        return project
    }

    /// The program and its tests hold.
    private func check(_ project: Project, after step: String, count: Int) throws {
        let run = try project.program()
        #expect(run.status == 0, "after \(step): \(run.errors)")
        let numbers = run.output.split(whereSeparator: { $0 == "," || $0 == "\n" }).map(String.init)
        #expect(numbers.count == count, "after \(step): \(run.output)")
        #expect(numbers.prefix(10).joined(separator: ",") == "0,1,1,2,3,5,8,13,21,34", "after \(step)")
        try project.runTests(after: step)
    }

    @Test func firstLadder() throws {
        let project = try started()
        try check(project, after: "the first job", count: 10)
        let before = try project.text("app.py")
        #expect(try project.edit(Step.comment.rawValue).result.modified == ["app.py"])
        let commented = try project.text("app.py")
        #expect(commented.hasPrefix(before) && commented.hasSuffix("# Edit: \(Step.comment.rawValue)\n"))
        try check(project, after: "the comment", count: 10)
        #expect(try project.edit(Step.refactor.rawValue).result.modified == ["app.py"])
        let refactored = try project.text("app.py")
        for word in ["Note:", "iterative", "raise ValueError", "# Edit: \(Step.comment.rawValue)"] {
            #expect(refactored.contains(word), "\(refactored)")
        }
        try check(project, after: "the refactoring", count: 10)
    }

    @Test func secondLadder() throws {
        let project = try started()
        #expect(try project.edit(Step.fifteen.rawValue).result.modified == ["app.py"])
        #expect(try project.text("app.py").contains(/N\s*=\s*15/))
        try check(project, after: "fifteen", count: 15)
        let split = try project.edit(Step.split.rawValue).result
        #expect(split.created == ["fibonacci.py"] && split.modified == ["app.py"])
        #expect(try project.text("app.py").contains("from fibonacci import fibonacci"))
        #expect(try project.text("fibonacci.py").contains("\ndef fibonacci("))
        try check(project, after: "the split", count: 15)
        let usage = try project.edit(Step.usage.rawValue).result
        #expect(usage.created == ["CHANGELOG.md"] && usage.modified == ["README.md"])
        #expect(try project.text("README.md").contains("\n## Usage\n"))
        #expect(try project.text("CHANGELOG.md").contains(/- 20\d\d-\d\d-\d\d:/))
        let arguments = try project.edit(Step.arguments.rawValue).result
        #expect(arguments.modified.contains("app.py"))
        #expect(try project.text("app.py").contains("import argparse"))
        try check(project, after: "argument parsing", count: 15)
        #expect(try project.program(["-n", "3"]).output == "0,1,1\n")
        #expect(try project.program(["--N", "1"]).output == "0\n")
        for wrong in ["-1", "many"] { #expect(try project.program(["-n", wrong]).status == 2, "\(wrong)") }
        let utilities = try project.edit(Step.addUtilities.rawValue).result
        #expect(utilities.created == ["utils.py"] && utilities.modified.isEmpty)
        #expect(try project.text("utils.py").contains("\ndef format_sequence("))
        let used = try project.edit(Step.useUtilities.rawValue).result
        #expect(used.modified == ["app.py"])
        #expect(try project.text("app.py").contains("from utils import format_sequence"))
        #expect(try project.text("app.py").contains("print(format_sequence("))
        try check(project, after: "the use of utils.py", count: 15)
        #expect(try project.program(["-n", "4"]).output == "0,1,1,2\n")
        for _ in 0..<2 {
            let newline = try project.edit(Step.newline.rawValue).result
            #expect(newline.status == "success" && newline.created.isEmpty && newline.modified.isEmpty)
        }
    }

    @Test(arguments: Step.allCases)
    func stepAloneChangesWhatItSays(_ step: Step) throws {
        let project = try started()
        let result = try project.edit(step.rawValue).result
        #expect(result.status == "success", "\(result.errors)")
        #expect(result.created == step.changes.created && result.modified == step.changes.modified)
        try check(project, after: step.rawValue, count: step == .fifteen ? 15 : 10)
    }

    @Test(arguments: Step.allCases)
    func secondTimeChangesNothing(_ step: Step) throws {
        let project = try started()
        _ = try project.edit(step.rawValue)
        let before = try project.sources()
        let result = try project.edit(step.rawValue).result
        #expect(result.status == "success" && result.created.isEmpty)
        #expect(result.modified == (step.isIdempotent ? [] : ["app.py"]))
        #expect((try project.sources() == before) == step.isIdempotent)
        if step.isIdempotent { #expect(result.summary.hasPrefix("Nothing to change")) }
    }

    /// Every step before and behind every other one, in one order each.
    @Test(arguments: 0..<4)
    func anyOrderHolds(_ shift: Int) throws {
        let project = try started()
        // By threes, and backwards in every second one: neighbours differ from order to order.
        let steps = (0..<10).map { Step.allCases[(shift + $0 * 3) % 10] }
        var count = 10
        for step in shift % 2 == 0 ? steps : steps.reversed() {
            let result = try project.edit(step.rawValue).result
            #expect(result.status == "success", "\(step): \(result.errors)")
            if step == .fifteen { count = 15 }
            try check(project, after: "\(step) of order \(shift)", count: count)
        }
        #expect(try project.text("app.py").contains("# Edit: \(Step.comment.rawValue)"))
        // Once everything is made, no step but the comment makes anything.
        let before = try project.sources()
        for step in Step.allCases where step.isIdempotent { _ = try project.edit(step.rawValue) }
        #expect(try project.sources() == before)
    }

    @Test func stepsOnAnEmptyFolderMakeWhatTheyNeed() throws {
        for step in Step.allCases {
            let project = try Project()
            let result = try project.edit(step.rawValue).result
            #expect(result.status == "success" && result.modified.isEmpty, "\(step): \(result.errors)")
            if project.exists("app.py") {
                #expect(try project.program().output.hasPrefix("0,1,1,2,3,5,8,13,21,34"), "\(step)")
            }
        }
    }

    @Test func missingNewlineIsAddedOnce() throws {
        let project = try started()
        let readme = try project.bytes("README.md")
        try project.write(readme.dropLast(), to: "README.md")
        #expect(try project.edit(Step.newline.rawValue).result.modified == ["README.md"])
        #expect(try project.bytes("README.md") == readme)
        #expect(try project.edit(Step.newline.rawValue).result.modified.isEmpty)
    }

    @Test(arguments: [("first 1 number", 1), ("the first 1000 numbers", 1000), ("Print fifteen", 15)])
    func otherCountsAreTaken(_ instruction: String, _ count: Int) throws {
        let project = try started()
        _ = try project.edit(instruction)
        #expect(try project.program().output.split(separator: ",").count == count)
        try project.runTests(after: instruction)
    }

    @Test(arguments: ["first 0 numbers", "the first 1001", "first 99999999999999999999", "first 15x", "go", "15th"])
    func whatIsNoStepBecomesAComment(_ instruction: String) throws {
        let project = try started()
        #expect(try project.edit(instruction).result.modified == ["app.py"])
        #expect(try project.text("app.py").hasSuffix("\n# Edit: \(instruction)\n"))
        try check(project, after: instruction, count: 10)
    }

    @Test func firstJobAgainMakesTheFirstFilesAgain() throws {
        let project = try started()
        let before = try project.sources()
        let again = try project.job("minimal", "initial_project", LadderTests.first).result
        #expect(again.created.isEmpty && again.modified.isEmpty)
        for step in [Step.split, .useUtilities, .fifteen] { _ = try project.edit(step.rawValue) }
        let result = try project.job("minimal", "initial_project", LadderTests.first).result
        #expect(result.created.isEmpty && result.modified == ["app.py"])
        for (name, bytes) in before { #expect(try project.bytes(name) == bytes) }
        try check(project, after: "the first job again", count: 10)
    }

    @Test func allFormsPassWithPytest() throws {
        let project = try started()
        for step in Step.allCases { _ = try project.edit(step.rawValue) }
        let run = try project.python(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        #expect(run.status == 0 && run.output.contains("3 passed"), "\(run.output)\(run.errors)")
    }
}
