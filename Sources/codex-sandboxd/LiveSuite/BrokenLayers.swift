import SandboxPlan
import SandboxRuntime

/// L09: a layer that cannot be had, and launches that fail in the middle.
///
/// Nothing may run then, everybody is told why, and the server
/// goes on. Each case has a control: the same server without the fault does the same job.
enum BrokenLayers {
    private struct Case {
        var name: String
        /// The system call that fails; nil: none does.
        var fault: Int?
        var policy: String?
        /// The layer that the refusal has to be about.
        var layer: String
        /// What its record has to say of the call that failed.
        var errno: String?
        var notes: String
    }

    private static let cases = [
        Case(
            name: "policy",
            policy: PrivateServer.impossiblePolicy,
            layer: "landlock",
            notes: "the project's policy wants Landlock ABI \(PrivateServer.impossibleABI), which no kernel has"
        ),
        Case(
            name: "landlock_restrict_self",
            fault: 446,
            layer: "landlock",
            errno: "EPERM",
            notes: "landlock_restrict_self(2) fails with EPERM for the server and all that it starts"
        ),
        Case(
            name: "move_mount",
            fault: 429,
            layer: "mounts",
            errno: "EPERM",
            notes: "move_mount(2) fails with EPERM for the server and all that it starts"
        ),
    ]

    /// What is kept of the cases, also of those before one that fails.
    private struct Kept {
        var responses: [(String, [UInt8])] = []
        var records: [(String, [[UInt8]])] = []
        var excerpts = ""
        var notes = ""
        /// What `evidence verify` said.
        var verified: [UInt8] = []
    }

    static func run(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        var kept = Kept()
        var failure: SuiteError?
        do throws(SuiteError) {
            let temporary = try TemporaryFolder()
            try all(in: temporary, run.settings.timeout, &kept)
        } catch {
            failure = error
            kept.notes += "not passed: \(SuiteText.line(run.settings.secrets.shown(error.text)))\n"
        }
        try folder.write("response.json", object(kept.responses.map { ($0, trimmed($1)) }))
        try folder.write("result_excerpt.txt", kept.excerpts)
        try folder.write(
            "evidence.json",
            object(
                kept.records.map {
                    ($0, Array("[".utf8) + Array($1.joined(separator: Array(",".utf8))) + Array("]".utf8))
                }
            )
        )
        try folder.write("notes.txt", kept.notes)
        run.verified = kept.verified
        if let failure { throw failure }
    }

    private static func all(in temporary: borrowing TemporaryFolder, _ timeout: UInt64, _ kept: inout Kept)
        throws(SuiteError)
    {
        for fault in [nil] + cases.compactMap(\.fault).map(Optional.some) {
            let name = fault.map { "fault-\($0)" } ?? "whole"
            let server = try PrivateServer(
                in: temporary,
                name: name,
                fault: fault ?? LiveSuiteFault.nothing,
                timeout: timeout
            )
            if fault == nil { try control(server, &kept) }
            for item in cases where item.fault == fault {
                do throws(SuiteError) {
                    try refuse(item, server, &kept)
                } catch {
                    kept.notes += "  the server says: \(server.lastWords)\n"
                    throw SuiteError("\(item.name): \(error.text)")
                }
            }
        }
    }

    /// The same job, the same filter about the server, and nothing wrong.
    private static func control(_ server: borrowing PrivateServer, _ kept: inout Kept) throws(SuiteError) {
        let progress = Progress("L09 waits for its control")
        let response = try server.api.create(LiveScenarios.instruction, progress)
        kept.responses.append(("control", response.body))
        let (project, job) = try job(of: response, server, progress)
        let records = try RecordCheck.records(evidence(server, project, job.id))
        kept.records.append(("control", records.map(\.line)))
        kept.verified += try verified(server, project)
        let result = try result(server, project, progress)
        kept.excerpts += "case: control\n" + result.excerpt
        guard job.status == "completed" else {
            throw SuiteError(
                "control: without any fault the job is \(job.status) too: \(result.summary); see `codex-sandbox doctor`"
            )
        }
        let names = try FolderWalk.names(below: server.workspaces.appending(OSString(project)))
        for source in LiveScenarios.sources where !names.contains(source) {
            throw SuiteError("control: the worker left no \(source)")
        }
        kept.notes += "control: nothing is wrong; the job completed and its files are there\n"
    }

    private static func refuse(_ item: Case, _ server: borrowing PrivateServer, _ kept: inout Kept) throws(SuiteError) {
        let progress = Progress("L09 waits for \(item.name)")
        kept.notes += "\(item.name): \(item.notes)\n"
        let response = try server.api.create(LiveScenarios.instruction, policy: item.policy, progress)
        kept.responses.append((item.name, response.body))
        let (project, job) = try job(of: response, server, progress)
        let records = try RecordCheck.records(evidence(server, project, job.id))
        kept.records.append((item.name, records.map(\.line)))
        kept.verified += try verified(server, project)
        let result = try result(server, project, progress)
        kept.excerpts += "case: \(item.name)\n" + result.excerpt
        guard job.status == "error" else { throw SuiteError("the job is \(job.status), not error") }
        guard result.status == "error" else { throw SuiteError("the job is error, and its result \(result.status)") }
        let names = try FolderWalk.names(below: server.workspaces.appending(OSString(project)))
        let own = [".codex/"] + LiveScenarios.exchange
        for name in names where !own.contains(name) { throw SuiteError("something was left in the workspace: \(name)") }
        kept.notes += "  job error; in the workspace: \(names.joined(separator: " "))\n"
        kept.notes += "  refused: \(try requireRefusal(records, item))\n"
        guard try server.api.project(project).status == "error" else { throw SuiteError("the project is not error") }
        _ = try server.api.get("/healthz")
        _ = try server.api.files(try server.api.get("\(SuiteAPI.root)/\(project)/files"))
        kept.notes += "  the API answers\n"
    }

    /// What the records say of the refusal, for the notes.
    private static func requireRefusal(_ records: [RecordCheck.Record], _ item: Case) throws(SuiteError) -> String {
        guard records.count == 1, let record = records.first, record.type == RecordCheck.refused else {
            throw SuiteError("the records are \(records.count), not the one of a refused launch")
        }
        guard record.predicate["execveReached"]?.bool == false else {
            throw SuiteError("the record does not say that nothing was executed")
        }
        guard let refusal = record.predicate["outcome"]?["refusal"], let stage = refusal["stage"]?.string,
            !stage.isEmpty
        else {
            throw SuiteError("the record has no refusal with a stage")
        }
        let step = refusal["step"]?.string ?? ""
        let errno = refusal["errno"]?["name"]?.string ?? ""
        let layer = refusal["layer"]?.string ?? ""
        func word(_ text: String) -> String { text.isEmpty ? "none" : text }
        let said =
            "layer \(word(layer)), stage \(stage), step \(word(step)), errno \(word(errno)): \(refusal["message"]?.string ?? "")"
        guard layer == item.layer else { throw SuiteError("the record does not name the layer \(item.layer): \(said)") }
        if let wanted = item.errno {
            guard !step.isEmpty, errno == wanted else {
                throw SuiteError("the record does not name step and \(wanted): \(said)")
            }
        }
        return SuiteText.line(said)
    }

    // MARK: - Asking

    private static func job(
        of response: SuiteResponse,
        _ server: borrowing PrivateServer,
        _ progress: Progress
    ) throws(SuiteError) -> (project: String, job: SuiteAPI.Job) {
        guard response.status == 200 else {
            throw SuiteError("the project is answered with \(response.status), not 200: \(response.beginning)")
        }
        let project = try SuiteAPI.identifier(try response.json("the new project"), "id", "the new project")
        guard let id = try server.api.project(project).jobs.first else {
            throw SuiteError("the new project has no job")
        }
        return (project, try server.api.ended(project, id, within: server.api.timeout, progress))
    }

    private static func evidence(_ server: borrowing PrivateServer, _ project: String, _ job: String) throws(SuiteError)
        -> [UInt8]
    {
        try server.api.get("\(SuiteAPI.root)/\(project)/jobs/\(job)/evidence").body
    }

    /// While the server's folder is there: what `evidence verify` says of the project's records.
    private static func verified(_ server: borrowing PrivateServer, _ project: String) throws(SuiteError) -> [UInt8] {
        let workspace = server.workspaces.appending(OSString(project))
        let (words, failure) = try FinalCheck.verified(project, workspace, stateFolder: server.state)
        if let failure {
            throw SuiteError("\(failure.text): \(SuiteText.line(String(decoding: words, as: UTF8.self)))")
        }
        return words
    }

    private static func result(_ server: borrowing PrivateServer, _ project: String, _ progress: Progress)
        throws(SuiteError) -> WorkerResult
    {
        try WorkerResult(try server.api.result(project, Deadline(milliseconds: SuiteClient.patience), progress))
    }

    // MARK: - Texts

    /// An object of texts that are JSON already, by the names of our cases.
    private static func object(_ members: [(String, [UInt8])]) -> [UInt8] {
        let parts = members.map { Array("\"\($0)\":".utf8) + $1 }
        return Array("{".utf8) + Array(parts.joined(separator: Array(",\n".utf8))) + Array("}\n".utf8)
    }

    /// What came as an answer, as a member: JSON, or else a text that says what came.
    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        do throws(JSONError) {
            _ = try JSONReader.value(in: bytes)
            return bytes
        } catch { return JSONValue.string(SuiteText.quoted(bytes.prefix(2000))).canonical.bytes }
    }
}
