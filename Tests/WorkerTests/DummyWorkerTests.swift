import Testing

@Suite struct DummyWorkerTests {
    private static let names = ["README.md", "app.py", "tests/test_cli.py"]
    private static let ten = "0,1,1,2,3,5,8,13,21,34\n"

    @Test func firstJobMakesTheExample() throws {
        let project = try Project()
        let outcome = try project.job("dummy", "initial_project", "Generate a minimal Python CLI project")
        #expect(outcome.result.status == "success")
        #expect(outcome.result.created == DummyWorkerTests.names)
        #expect(outcome.result.modified.isEmpty)
        #expect(outcome.result.logs.contains { $0.contains("dummy worker used") })
        #expect(
            try project.files().keys.sorted() == [".codex/request.json", ".codex/result.json"] + DummyWorkerTests.names
        )
        #expect(try project.program().output == DummyWorkerTests.ten)
        let ways = [["tests/test_cli.py"], ["tests.test_cli"], ["discover", "-s", "tests"], ["discover", "tests"]]
        try project.runTests(after: "the dummy's first job", ways)
    }

    /// The client of the smoke tests looks at `created_files` after its edit.
    @Test func editWritesTheSameFilesAgain() throws {
        let project = try Project()
        _ = try project.job("dummy", "initial_project", "Generate")
        let first = try project.sources()
        try project.write("changed by hand\n", to: "app.py")
        let outcome = try project.job("dummy", "edit", "Append a comment line to app.py describing the change.")
        #expect(outcome.result.status == "success")
        #expect(outcome.result.modified == DummyWorkerTests.names)
        #expect(outcome.result.created == DummyWorkerTests.names)
        #expect(try project.sources() == first)
    }

    @Test func instructionIsNotRead() throws {
        let project = try Project()
        #expect(try project.job("dummy", "initial_project", "force_error: fail").result.status == "success")
    }

    @Test func modesOfRewrittenFilesStay() throws {
        let project = try Project()
        _ = try project.job("dummy", "initial_project", "Generate")
        try #require(WorkerProcess.run("/bin/chmod", ["750", project.path("app.py")], [:]).status == 0)
        _ = try project.job("dummy", "edit", "Again")
        #expect(try WorkerProcess.run("/usr/bin/stat", ["-c", "%a", project.path("app.py")], [:]).output == "750\n")
    }

    @Test func examplePassesWithPytest() throws {
        let project = try Project()
        _ = try project.job("dummy", "initial_project", "Generate")
        let run = try project.python(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(run.output.contains("3 passed"), "\(run.output)")
    }
}
