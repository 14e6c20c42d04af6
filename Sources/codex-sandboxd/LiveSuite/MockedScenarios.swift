import SandboxRuntime

/// The smoke set: what every worker passes, the dummy too, and what no path leads to.
enum MockedScenarios {
    static let all: [SuiteRun.Scenario] = [
        SuiteRun.Scenario(id: "M01", run: create),
        SuiteRun.Scenario(id: "M02", run: list),
        SuiteRun.Scenario(id: "M03", run: read),
        SuiteRun.Scenario(id: "M04", run: edit),
        SuiteRun.Scenario(id: "M05", run: traversal),
        SuiteRun.Scenario(id: "M06", run: absolute),
        SuiteRun.Scenario(id: "M07", run: missing),
        SuiteRun.Scenario(id: "M08", run: PlantedLinks.run),
        SuiteRun.Scenario(id: "M09", run: artifacts),
    ]

    /// Without the slash at the end: the server sends the request on (307), whole.
    private static func create(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let progress = Progress("M01 waits for its job")
        let response = try run.api.create(LiveScenarios.instruction, path: "\(SuiteAPI.root)/projects", progress)
        let finished = try run.finish(.project, response, "M01", folder, progress)
        run.project = finished.job.projectID
        run.first = finished
        try run.requireSuccess(finished)
    }

    private static func list(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let response = try run.api.get("\(SuiteAPI.root)/\(run.project)/files")
        try folder.write("files.json", response.body)
        run.listed = try run.api.files(response)
        try run.require(LiveScenarios.exchange + LiveScenarios.sources, in: run.listed, "the list of files")
    }

    private static func read(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let (response, contents) = try run.api.file(run.project, "app.py")
        try folder.write("status.txt", "\(response.status)\n")
        try folder.write("app.json", response.body)
        guard !contents.isEmpty else { throw SuiteError("app.py has no contents") }
    }

    private static func edit(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let progress = Progress("M04 waits for its job")
        let response = try run.api.edit(run.project, "Append a comment line to app.py describing the change.", progress)
        let finished = try run.finish(.job, response, "M04", folder, progress)
        try run.requireSuccess(finished)
    }

    // MARK: - Paths

    private static func traversal(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        try refuse(
            ["../secrets.txt", "%2e%2e/secrets.txt", "tests/../../secrets.txt", "..%2fsecrets.txt"],
            with: 400,
            "Invalid path",
            run,
            folder
        )
    }

    private static func absolute(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        try refuse(
            ["%2Fetc%2Fpasswd", "/etc/passwd", "C%3A%5CWindows%5Cwin.ini", "%5C%5Chost%5Cshare%5Cfile"],
            with: 400,
            "Invalid path",
            run,
            folder
        )
    }

    private static func missing(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        try refuse(["does_not_exist.txt", "no_folder/app.py"], with: 404, "File not found", run, folder)
    }

    /// Each of the paths, as it stands here, has the answer; then what is there is read all the same.
    private static func refuse(
        _ paths: [String],
        with status: Int,
        _ detail: String,
        _ run: SuiteRun,
        _ folder: SuiteFolder
    ) throws(SuiteError) {
        var lines = ""
        var last: SuiteResponse?
        var failure: SuiteError?
        for path in paths {
            let response = try run.api.client.get("\(SuiteAPI.root)/\(run.project)/files/\(path)")
            lines += "\(response.status) \(path)\n"
            last = response
            do throws(SuiteError) {
                try requireRefusal(response, status, detail, path)
            } catch {
                failure = error
                break
            }
        }
        try folder.write("status.txt", lines)
        if let last { try folder.write("response.json", last.body) }
        if let failure { throw failure }
        _ = try run.api.file(run.project, "app.py")
    }

    /// - Throws: unless it is an error of the API in its one shape.
    static func requireRefusal(
        _ response: SuiteResponse,
        _ status: Int,
        _ detail: String,
        _ path: String
    ) throws(SuiteError) {
        guard response.status == status else {
            throw SuiteError("files/\(path) is answered with \(response.status), not \(status): \(response.beginning)")
        }
        let json = try response.json("the answer to files/\(path)")
        let word = status == 400 ? "bad_request" : "not_found"
        guard json["error"]?.string == word, json["code"]?.integer == Int64(status), json["detail"]?.string == detail
        else {
            throw SuiteError(
                "files/\(path) is refused in another form than {\"error\":\"\(word)\",…,\"detail\":\"\(detail)\"}"
            )
        }
    }

    private static func artifacts(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let response = try run.api.get("\(SuiteAPI.root)/projects/\(run.project)/files")
        try folder.write("files.json", response.body)
        try run.require(
            LiveScenarios.exchange + LiveScenarios.sources,
            in: try run.api.files(response),
            "the list of files"
        )
        let request = try run.api.file(run.project, ".codex/request.json").contents
        try folder.write("request.json", request)
        let result = Array(try run.api.file(run.project, ".codex/result.json").contents.utf8)
        try folder.write("result.json", result)
        try folder.write("result_excerpt.txt", try WorkerResult(result).excerpt)
        let asked = try SuiteResponse(status: 200, headers: [], body: Array(request.utf8)).json(".codex/request.json")
        guard asked["project_id"]?.string == run.project, asked["job_type"]?.string == "edit" else {
            throw SuiteError(".codex/request.json is not that of the last job of this project")
        }
        try run.require(
            LiveScenarios.sources,
            in: run.first?.result.createdFiles ?? [],
            "created_files of the first job"
        )
    }
}
