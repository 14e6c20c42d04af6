internal import SandboxPlan
internal import SandboxRuntime
internal import WorkspaceStore
internal import Workspaces

/// Projects and jobs in the shapes of the original; what is ours comes behind.
extension JSONText {
    /// `ProjectSummary`.
    mutating func project(_ project: Project) {
        object { $0.members(of: project) }
    }

    private mutating func members(of project: Project) {
        member("id", project.id)
        member("instruction", project.instruction)
        member("status", project.status.rawValue)
        member("summary", orNull: project.summary)
        member("created_at", project.createdAt)
        member("updated_at", project.updatedAt)
    }

    /// `ProjectDetail`.
    mutating func project(_ project: Project, workspacePath: String, jobs: [Job]) {
        object { json in
            json.members(of: project)
            json.member("workspace_path", workspacePath)
            json.member("jobs", array: jobs) { $0.job($1) }
            json.member("policy", orNull: project.policy)
        }
    }

    /// `JobSummary`.
    mutating func job(_ job: Job) {
        object { $0.members(of: job) }
    }

    private mutating func members(of job: Job) {
        member("id", job.id)
        member("project_id", job.projectID)
        member("job_type", job.type.rawValue)
        member("instruction", job.instruction)
        member("status", job.status.rawValue)
        member("created_at", job.createdAt)
        member("updated_at", job.updatedAt)
    }

    /// A job in a list.
    mutating func job(_ job: Job, queuePosition: Int?) {
        object { json in
            json.members(of: job)
            json.key("queue_position")
            if let queuePosition { json.integer(queuePosition) } else { json.null() }
        }
    }

    /// `JobDetail`.
    mutating func job(_ job: Job, queuePosition: Int?, logsPath: String) {
        object { json in
            json.members(of: job)
            json.member("result_path", orNull: job.result == nil ? nil : ".codex/result.json")
            json.member("logs_path", orNull: job.startedAt == nil ? nil : logsPath)
            json.member("worker", orNull: job.worker)
            json.member("reason", orNull: job.reason)
            json.member("summary", orNull: job.summary)
            json.key("exit_status")
            if let status = job.exitStatus { json.integer(status) } else { json.null() }
            json.member("launch", orNull: job.launch)
            json.key("queue_position")
            if let queuePosition { json.integer(queuePosition) } else { json.null() }
            json.member("started_at", orNull: job.startedAt?.naiveText)
            json.member("ended_at", orNull: job.endedAt?.naiveText)
            json.key("result")
            json.result(job.result)
        }
    }

    /// What a worker left: its JSON where it is some, else as text.
    private mutating func result(_ text: String?) {
        guard let text else { return null() }
        do throws(JSONRequestError) {
            value(try JSONRequestReader.value(in: Array(text.utf8)))
        } catch {
            string(text)
        }
    }

    mutating func event(_ event: JobEvent) {
        object { json in
            json.member("number", event.number)
            json.member("at", event.at)
            switch event.kind {
            case .state:
                let words = String(decoding: event.data, as: UTF8.self).split(separator: " ", maxSplits: 1)
                json.member("status", words.first.map { String($0) } ?? "")
                json.member("reason", orNull: words.count > 1 ? String(words[1]) : nil)
            case .stdout, .stderr: json.data(event.data)
            case .worker:
                json.key("event")
                json.result(String(decoding: event.data, as: UTF8.self))
            case .dropped:
                // Decimal by its definition; anything else is shown as it is.
                let text = String(decoding: event.data, as: UTF8.self)
                json.key("bytes")
                if let count = Int64(text) { json.integer(count) } else { json.string(text) }
            }
        }
    }

    mutating func change(_ change: JobChanges.Change) {
        object { json in
            json.member("kind", change.kind.rawValue)
            json.path(change.path)
            json.member("difference", orNull: change.difference)
        }
    }
}
