import SandboxRuntime

/// The ladder: what a project is, from its creation to a job that takes long, and what becomes of one that cannot be confined.
enum LiveScenarios {
    static let all: [SuiteRun.Scenario] = [
        SuiteRun.Scenario(id: "L01", run: environment),
        SuiteRun.Scenario(id: "L02", run: artifacts),
        SuiteRun.Scenario(id: "L03", run: listing),
        SuiteRun.Scenario(id: "L04", run: representativeFile),
        SuiteRun.Scenario(id: "L05", run: feature),
        SuiteRun.Scenario(id: "L06", run: refactoring),
        SuiteRun.Scenario(id: "L07", run: forcedError),
        SuiteRun.Scenario(id: "L08", run: longRun),
        SuiteRun.Scenario(id: "L09", run: BrokenLayers.run),
    ]

    static let instruction =
        "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."
    static let sources = ["README.md", "app.py", "tests/test_cli.py"]
    static let exchange = [".codex/request.json", ".codex/result.json"]

    /// Which credentials there are reaches the worker, and only that they are there comes back.
    private static func environment(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let progress = Progress("L01 waits for its job")
        let response = try run.api.create(instruction, progress)
        let finished = try run.finish(.project, response, "L01", folder, progress)
        run.project = finished.job.projectID
        run.first = finished
        try run.requireSuccess(finished)
        for name in ["OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT"] {
            let lines = finished.result.logs.filter { $0.hasPrefix("\(name)=") }
            guard lines == ["\(name)=present"] || lines == ["\(name)=absent"] else {
                throw SuiteError(
                    "the logs do not say once, and only, whether \(name) is there; is this the live worker?"
                )
            }
        }
    }

    private static func artifacts(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let response = try run.api.get("\(SuiteAPI.root)/\(run.project)/files")
        try folder.write("files.json", response.body)
        if let first = run.first {
            try folder.write("response.json", first.response)
            try folder.write("result.json", first.resultBytes)
            try folder.write("result_excerpt.txt", first.result.excerpt)
        }
        run.listed = try run.api.files(response)
        try run.require(exchange + sources, in: run.listed, "the list of files")
    }

    /// By the other spelling of the route.
    private static func listing(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let response = try run.api.get("\(SuiteAPI.root)/projects/\(run.project)/files")
        try folder.write("files.json", response.body)
        let files = try run.api.files(response)
        try run.require(exchange, in: files, "the list of files")
        guard files.sorted() == run.listed.sorted() else {
            throw SuiteError("the list of files is another one than before, though nothing was asked for")
        }
    }

    private static func representativeFile(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let path = "\(SuiteAPI.root)/\(run.project)/files/app.py"
        let response = try run.api.client.get(path)
        try folder.write("status.txt", "\(response.status)\n")
        try folder.write("app.json", response.body)
        guard response.status == 200 else {
            throw SuiteError("GET \(path) is answered with \(response.status), not 200")
        }
        guard let contents = try response.json("app.py")["contents"]?.string, !contents.isEmpty else {
            throw SuiteError("app.py has no contents")
        }
    }

    // MARK: - Edits

    private static func feature(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let before = try run.api.file(run.project, "app.py").contents
        let progress = Progress("L05 waits for its job")
        let response = try run.api.edit(run.project, "Append a comment line to app.py describing the change.", progress)
        let finished = try run.finish(.job, response, "L05", folder, progress)
        try requireEdit(run, finished)
        let after = try run.api.file(run.project, "app.py").contents
        guard after.utf8.count > before.utf8.count, SuiteText.contains(after, "#") else {
            throw SuiteError("app.py has no new comment in it")
        }
    }

    private static func refactoring(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let before = try run.api.file(run.project, "app.py").contents
        let progress = Progress("L06 waits for its job")
        let instruction =
            "Refactor fibonacci() in app.py: make it iterative, add a guard against bad input, and a note on that to its docstring."
        let response = try run.api.edit(run.project, instruction, progress)
        let finished = try run.finish(.job, response, "L06", folder, progress)
        let (answer, after) = try run.api.file(run.project, "app.py")
        try folder.write("app.json", answer.body)
        try requireEdit(run, finished)
        let text = after.lowercased()
        let shows = [
            ("a loop", SuiteText.contains(text, "for ") || SuiteText.contains(text, "while ")),
            ("a guard", SuiteText.contains(text, "raise ") || SuiteText.contains(text, "if n <")),
            ("a docstring", SuiteText.contains(text, "\"\"\"") || SuiteText.contains(text, "'''")),
            ("a change", after != before),
        ]
        for (what, isThere) in shows where !isThere { throw SuiteError("app.py does not show \(what)") }
    }

    private static func requireEdit(_ run: SuiteRun, _ finished: FinishedJob) throws(SuiteError) {
        try run.requireSuccess(finished)
        try run.require(["app.py"], in: finished.result.modifiedFiles, "modified_files")
    }

    // MARK: - Ends

    private static func forcedError(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let progress = Progress("L07 waits for its job")
        let response = try run.api.create("force_error: end this job with a structured error.", progress)
        let finished = try run.finish(.project, response, "L07", folder, progress)
        guard finished.result.status == "error", finished.result.errors.contains("forced_error") else {
            throw SuiteError("the result is \(finished.result.status), without forced_error among its errors")
        }
        guard finished.job.status == "error" else {
            throw SuiteError("the result is an error, and the job is \(finished.job.status)")
        }
        try requireAnswers(run)
        try folder.write(
            "notes.txt",
            """
            The job was asked to end with an error. Its result says error with forced_error, the job says error.
            After that the API showed the project of L01 and its files as before.

            """
        )
    }

    /// Asked for without waiting where the server can do that: others are served meanwhile.
    private static func longRun(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let milliseconds = run.settings.timeout * 2
        let progress = Progress("L08 waits for its job")
        let response = try run.api.create(
            "long_run: take your time, then write the example project.",
            prefer: "respond-async",
            within: milliseconds,
            progress
        )
        if response.status == 202 { try requireAnswers(run) }
        let finished = try run.finish(.project, response, "L08", folder, within: milliseconds, progress)
        let files = try run.api.get("\(SuiteAPI.root)/\(finished.job.projectID)/files")
        try folder.write("files.json", files.body)
        if finished.result.status == "success" {
            try run.requireSuccess(finished)
            try run.require(exchange + sources, in: try run.api.files(files), "the list of files")
        } else {
            guard finished.job.status == "error", !finished.result.errors.isEmpty else {
                throw SuiteError("the job ended without success, and without an error that says why")
            }
        }
        try requireAnswers(run)
    }

    private static func requireAnswers(_ run: SuiteRun) throws(SuiteError) {
        _ = try run.api.project(run.project)
        let files = try run.api.files(try run.api.get("\(SuiteAPI.root)/\(run.project)/files"))
        try run.require(exchange + sources, in: files, "the list of files of L01's project")
    }
}
