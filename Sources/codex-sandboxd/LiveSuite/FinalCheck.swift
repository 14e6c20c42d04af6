import Glibc
import SandboxCLI
import SandboxPlan
import SandboxRuntime

/// The last step: the records of all jobs, as the server gave them out and, where they are on this machine, as they lie there.
enum FinalCheck {
    static let scenario = SuiteRun.Scenario(id: "evidence", run: run)

    /// For one `evidence verify`, in milliseconds.
    private static let patience: UInt64 = 120_000

    private static func run(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let verification = SuiteFile(folder, "verify.txt")
        var failure: SuiteError?
        for (scenario, job) in run.jobs {
            do throws(SuiteError) {
                try RecordCheck.requireVerified(job)
                try verification.append(
                    Array("\(scenario): launch \(job.job.launch ?? ""): every layer requested is verified\n".utf8)
                )
            } catch {
                let error = SuiteError("\(scenario)/evidence.jsonl: \(error.text)")
                try verification.append(Array("\(SuiteText.line(error.text))\n".utf8))
                failure = failure ?? error
            }
        }
        var seen: [String] = []
        for (_, job) in run.jobs where !seen.contains(job.job.projectID) {
            seen.append(job.job.projectID)
            do throws(SuiteError) {
                try verify(job, run, verification)
            } catch {
                failure = failure ?? error
            }
        }
        if !run.verified.isEmpty { try verification.append(run.verified) }
        if let failure { throw failure }
    }

    /// `codex-sandbox evidence verify` over the workspace, as any operator would call it.
    private static func verify(_ job: FinishedJob, _ run: SuiteRun, _ output: SuiteFile) throws(SuiteError) {
        let project = job.job.projectID
        guard let workspace = SuiteWorkspaces.path(of: project, job.workspacePath, run.settings) else {
            return try skip("the workspace of \(project) is not on this machine (--workspace-root)", run, output)
        }
        let location: EvidenceLocation
        do throws(EvidenceError) {
            location = try Places.location(state: run.settings.stateDirectory, workspace: workspace)
        } catch { throw SuiteError("\(error.message); \(error.remedy)") }
        guard location.records.withCString({ access($0, F_OK) }) == 0 else {
            return try skip(
                "\(location.records), the records of \(project), is not there or cannot be reached (--state-dir)",
                run,
                output
            )
        }
        let (words, failure) = try verified(project, workspace, stateFolder: location.stateFolder)
        try output.append(words)
        if let failure { throw SuiteError("\(failure.text): see verify.txt") }
    }

    /// What it says of the records of a workspace, and whether they hold.
    static func verified(
        _ project: String,
        _ workspace: OSString,
        stateFolder: OSString
    ) throws(SuiteError) -> (words: [UInt8], failure: SuiteError?) {
        let launcher: OSString
        do throws(ServeError) { launcher = try OwnExecutables.launcher() } catch { throw SuiteError(error.text) }
        let arguments: [OSString] = [
            launcher, "evidence", "verify", "--workspace", workspace, "--state-dir", stateFolder,
        ]
        let ended = try SuiteProcess.output(of: arguments, environment: environment, within: patience)
        let head = "\n\(project): codex-sandbox evidence verify --workspace \(workspace)\n"
        let words = Array(head.utf8) + ended.output + Array("\(ended.end)\n".utf8)
        if ended.end == "exit status 0" { return (words, nil) }
        return (words, SuiteError("the records of \(project) do not verify (\(ended.end))"))
    }

    /// What leads to records and keys, and no credential.
    private static var environment: [OSString] {
        CallerStrings.all(environ).filter { entry in
            ["HOME=", "PATH=", "LANG=", "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "CODEX_SANDBOX_CONFIG="].contains {
                entry.bytes.starts(with: Array($0.utf8))
            }
        }
    }

    /// Never silent, and never passed: that nothing was verified stands in the file, and is said.
    ///
    /// A server at an address of this machine has its records here, so that they cannot be looked at is a failure.
    private static func skip(_ why: String, _ run: SuiteRun, _ output: SuiteFile) throws(SuiteError) {
        try output.append(Array("\nnot verified here: \(why)\n".utf8))
        guard !run.settings.address.isOfThisMachine else { throw SuiteError("not verified: \(why): see verify.txt") }
        Output.say("evidence: not verified here: \(why)")
        run.unverified += 1
    }
}
