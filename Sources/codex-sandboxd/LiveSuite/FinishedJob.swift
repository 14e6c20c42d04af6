import SandboxRuntime

/// A job that is over, with all that the suite keeps of it.
struct FinishedJob {
    var job: SuiteAPI.Job
    var workspacePath: String
    /// As it came.
    var response: [UInt8]
    var resultBytes: [UInt8]
    var result: WorkerResult
    var records: [UInt8]
}

extension SuiteRun {
    enum Asked {
        /// A project, by its creation; its first job is meant.
        case project
        /// A job, by the answer to it.
        case job
    }

    /// Follows the job of an answer to its end and keeps the files that every scenario with a job has.
    func finish(
        _ asked: Asked,
        _ response: SuiteResponse,
        _ scenario: String,
        _ folder: SuiteFolder,
        within milliseconds: UInt64? = nil,
        _ progress: Progress
    ) throws(SuiteError) -> FinishedJob {
        let milliseconds = milliseconds ?? settings.timeout
        try folder.write("response.json", response.body)
        guard response.status == 200 || response.status == 202 else {
            throw SuiteError("the job is answered with \(response.status), not 200: \(response.beginning)")
        }
        let json = try response.json("the answer")
        let projectID: String
        let jobID: String
        switch asked {
        case .project:
            projectID = try SuiteAPI.identifier(json, "id", "the new project")
            try folder.write("project_id.txt", projectID)
            guard let first = try api.project(projectID).jobs.first else {
                throw SuiteError("the new project has no job")
            }
            jobID = first
        case .job:
            projectID = try SuiteAPI.identifier(json, "project_id", "the new job")
            jobID = try SuiteAPI.identifier(json, "id", "the new job")
            guard projectID == project else { throw SuiteError("the new job is one of another project") }
        }
        let deadline = Deadline(milliseconds: milliseconds)
        let job = try api.ended(projectID, jobID, within: milliseconds, progress)
        let resultBytes = try api.result(projectID, deadline, progress)
        try folder.write("result.json", resultBytes)
        let result = try WorkerResult(resultBytes)
        try folder.write("result_excerpt.txt", result.excerpt)
        guard result.jobID == nil || result.jobID == jobID else {
            throw SuiteError(".codex/result.json is of another job than \(jobID): a stale one counts as this one's")
        }
        let records = try api.get("\(SuiteAPI.root)/\(projectID)/jobs/\(jobID)/evidence").body
        try folder.write("evidence.jsonl", records)
        let path = try api.project(projectID).workspacePath
        let finished = FinishedJob(
            job: job,
            workspacePath: path,
            response: response.body,
            resultBytes: resultBytes,
            result: result,
            records: records
        )
        jobs.append((scenario, finished))
        return finished
    }

    /// - Throws: unless the job says `completed` and its result `success`.
    func requireSuccess(_ finished: FinishedJob) throws(SuiteError) {
        guard finished.job.status == "completed", finished.result.status == "success" else {
            throw SuiteError(
                "the job is \(finished.job.status), and its result \(finished.result.status): "
                    + "\(finished.result.errors.first ?? finished.result.summary)"
            )
        }
    }

    /// - Throws: unless all are there.
    func require(_ wanted: [String], in found: [String], _ what: String) throws(SuiteError) {
        let missing = wanted.filter { !found.contains($0) }
        guard missing.isEmpty else { throw SuiteError("\(what): \(missing.joined(separator: ", ")) missing") }
    }
}
