extension Endpoint {
    /// Every route there is.
    static let table: [Endpoint] = pages + projects + files + jobs + jobDetails

    private static let afterID = Parameter(name: "after", note: "The last id of the page before.", kind: .id)

    private static let preferAsync = Parameter(
        name: "Prefer",
        note: "`respond-async` answers as soon as the job is queued.",
        kind: .text,
        example: "respond-async"
    )

    private static func ofStatus(_ note: String) -> Parameter {
        Parameter(name: "status", note: note, kind: .choice(WorkspaceAPI.statuses))
    }

    private static func pageSize(_ most: Int) -> Parameter {
        Parameter(name: "limit", note: "Entries of one page.", kind: .integer(1...most, fallback: 100))
    }

    private static func json(_ status: Int, _ note: String, _ schema: String) -> Answer {
        Answer(status: status, note: note, contents: [("application/json", schema)])
    }

    private static func queued(_ schema: String) -> Answer {
        var answer = json(202, "Queued, as preferred.", schema)
        answer.fields = [("Location", "Where to look for it."), ("Preference-Applied", "`respond-async`")]
        return answer
    }

    private static let pages: [Endpoint] = [
        Endpoint(
            name: .landingPage,
            method: "GET",
            place: .root,
            path: "/",
            access: .page,
            tag: "server",
            summary: "The page of this server",
            answers: [Answer(status: 200, note: "The page.", contents: [("text/html", nil)])]
        ),
        Endpoint(
            name: .docsPage,
            method: "GET",
            place: .root,
            path: "/docs",
            access: .page,
            tag: "server",
            summary: "A page that shows this description and tries the routes",
            answers: [Answer(status: 200, note: "The page.", contents: [("text/html", nil)])]
        ),
        Endpoint(
            name: .description,
            method: "GET",
            place: .root,
            path: "/openapi.json",
            access: .page,
            tag: "server",
            summary: "This description",
            answers: [Answer(status: 200, note: "OpenAPI 3.1.", contents: [("application/json", nil)])]
        ),
        Endpoint(
            name: .health,
            method: "GET",
            place: .root,
            path: "/healthz",
            access: .everybody,
            tag: "server",
            summary: "Whether the server answers",
            answers: [json(200, "It does.", "Health")]
        ),
        Endpoint(
            name: .readiness,
            method: "GET",
            place: .root,
            path: "/readyz",
            tag: "server",
            summary: "Whether jobs can be run now",
            answers: [json(200, "They can.", "Health")],
            errors: [503]
        ),
        Endpoint(
            name: .metrics,
            method: "GET",
            place: .root,
            path: "/metrics",
            tag: "server",
            summary: "Counts in the text format of Prometheus",
            answers: [Answer(status: 200, note: "The counts.", contents: [("text/plain", nil)])],
            errors: [503]
        ),
        Endpoint(
            name: .listPolicies,
            method: "GET",
            place: .api,
            path: "/policies",
            tag: "server",
            summary: "The policies that a project can be given",
            answers: [json(200, "The policies.", "PolicyList")]
        ),
    ]

    private static let projects: [Endpoint] = [
        Endpoint(
            name: .listProjects,
            method: "GET",
            place: .api,
            path: "/projects/",
            tag: "projects",
            summary: "List projects, the newest first",
            query: [pageSize(1000), afterID, ofStatus("Only projects in this status; `total` counts these.")],
            answers: [json(200, "A page of projects.", "ProjectList")],
            errors: [422, 503]
        ),
        Endpoint(
            name: .createProject,
            method: "POST",
            place: .api,
            path: "/projects/",
            tag: "projects",
            summary: "Make a project from an instruction, and run its first job",
            note: "Answers after the job's end. That the job has failed is said by `status`, not by the answer's code.",
            fields: [preferAsync],
            body: .json("ProjectCreate"),
            answers: [json(200, "The project.", "ProjectSummary"), queued("ProjectSummary")],
            errors: [400, 409, 413, 422, 429, 503]
        ),
        Endpoint(
            name: .readProject,
            method: "GET",
            place: .api,
            path: "/projects/{project_id}",
            tag: "projects",
            summary: "A project with its jobs",
            answers: [json(200, "The project.", "ProjectDetail")],
            errors: [404, 503]
        ),
        Endpoint(
            name: .removeProject,
            method: "DELETE",
            place: .api,
            path: "/projects/{project_id}",
            tag: "projects",
            summary: "Remove a project with its jobs and its folder",
            note: "Jobs that run are ended. The evidence stays.",
            answers: [Answer(status: 204, note: "It is gone.")],
            errors: [404, 409, 503]
        ),
        Endpoint(
            name: .readProjectEvidence,
            method: "GET",
            place: .project,
            path: "/evidence",
            tag: "evidence",
            summary: "The records of all launches in the workspace",
            answers: [Answer(status: 200, note: "One JSON record a line.", contents: [("application/jsonl", nil)])],
            errors: [404, 503]
        ),
        Endpoint(
            name: .readProjectPlan,
            method: "GET",
            place: .project,
            path: "/plan",
            tag: "evidence",
            summary: "What the next launch will do, in words",
            answers: [Answer(status: 200, note: "The plan.", contents: [("text/plain", nil)])],
            errors: [404, 409, 503]
        ),
    ]

    private static let condition: [Parameter] = [
        Parameter(name: "If-Match", note: "Only over a file with one of these tags; `*` is any.", kind: .text),
        Parameter(name: "If-Unmodified-Since", note: "A date; only without `If-Match`.", kind: .text),
        Parameter(name: "If-None-Match", note: "`*`: only where there is no file.", kind: .text),
    ]

    private static let fileFields = [
        ("ETag", "The file's tag."), ("Last-Modified", "From when on it is as it is, by the kernel's time of change."),
    ]

    private static let files: [Endpoint] = [
        Endpoint(
            name: .listFiles,
            method: "GET",
            place: .project,
            path: "/files",
            tag: "files",
            summary: "List the files of a workspace",
            note: "Hidden files are listed, folders and links that lead out are not.",
            answers: [json(200, "The files.", "FileListResponse")],
            errors: [404, 503]
        ),
        Endpoint(
            name: .readFile,
            method: "GET",
            place: .project,
            path: "/files/{path}",
            tag: "files",
            summary: "Read a file as text",
            note: "Bytes that are not UTF-8 are shown as U+FFFD, and the answer says `lossy`.",
            answers: [json(200, "The file.", "FileContentResponse")],
            errors: [400, 404, 409, 413, 503]
        ),
        Endpoint(
            name: .readRawFile,
            method: "GET",
            place: .project,
            path: "/raw/{path}",
            tag: "files",
            summary: "Download a file",
            fields: [
                Parameter(name: "Range", note: "One range of bytes.", kind: .text),
                Parameter(name: "If-Range", note: "The tag that the range is of.", kind: .text),
                Parameter(name: "If-Match", note: "Only the file with one of these tags; `*` is any.", kind: .text),
                Parameter(name: "If-Unmodified-Since", note: "A date; only without `If-Match`.", kind: .text),
                Parameter(name: "If-None-Match", note: "The tags that the client has.", kind: .text),
            ],
            answers: [
                Answer(
                    status: 200,
                    note: "Its bytes.",
                    contents: [("*/*", nil)],
                    fields: fileFields
                ),
                Answer(
                    status: 206,
                    note: "The range.",
                    contents: [("*/*", nil)],
                    fields: [("Content-Range", "Where it lies.")] + fileFields
                ),
                Answer(status: 304, note: "The client has it.", fields: fileFields),
            ],
            errors: [400, 404, 409, 412, 416, 503]
        ),
        Endpoint(
            name: .writeRawFile,
            method: "PUT",
            place: .project,
            path: "/raw/{path}",
            tag: "files",
            summary: "Upload a file",
            fields: condition,
            body: .bytes,
            answers: [
                json(200, "An older file was replaced.", "FileInfo"), json(201, "There is a new file.", "FileInfo"),
            ],
            errors: [400, 404, 409, 412, 413, 503]
        ),
        Endpoint(
            name: .removeRawFile,
            method: "DELETE",
            place: .project,
            path: "/raw/{path}",
            tag: "files",
            summary: "Remove a file",
            fields: condition,
            answers: [Answer(status: 204, note: "It is gone.")],
            errors: [400, 404, 409, 412, 503]
        ),
        Endpoint(
            name: .listPlanted,
            method: "GET",
            place: .project,
            path: "/planted",
            tag: "files",
            summary: "List what jobs have made where tools obey it",
            note:
                "`.git`, `.envrc`, `.vscode` and the like, and repositories: what the records list and is still there.",
            answers: [json(200, "The names.", "PlantedList")],
            errors: [404, 503]
        ),
        Endpoint(
            name: .removePlanted,
            method: "DELETE",
            place: .project,
            path: "/planted/{path}",
            tag: "files",
            summary: "Remove one of these",
            note: "Nothing that was there before the job, and not while a job runs.",
            answers: [Answer(status: 204, note: "It is gone, or no repository any more.")],
            errors: [400, 404, 409, 503]
        ),
        Endpoint(
            name: .readArchive,
            method: "GET",
            place: .project,
            path: "/archive",
            tag: "files",
            summary: "The whole workspace as a tar",
            answers: [Answer(status: 200, note: "The tar.", contents: [("application/x-tar", nil)])],
            errors: [404, 503]
        ),
    ]

    private static let jobs: [Endpoint] = [
        Endpoint(
            name: .listJobs,
            method: "GET",
            place: .project,
            path: "/jobs",
            tag: "jobs",
            summary: "List a project's jobs in the order of their making",
            query: [pageSize(1000), afterID, ofStatus("Only jobs in this status.")],
            answers: [json(200, "A page of jobs.", "JobList")],
            errors: [404, 422, 503]
        ),
        Endpoint(
            name: .addJob,
            method: "POST",
            place: .project,
            path: "/jobs",
            tag: "jobs",
            summary: "Run a job in a project's workspace",
            note: "Answers after the job's end. That it has failed is said by `status`, not by the answer's code.",
            fields: [preferAsync],
            body: .json("JobCreate"),
            answers: [json(200, "The job.", "JobSummary"), queued("JobSummary")],
            errors: [400, 404, 409, 413, 422, 429, 503]
        ),
        Endpoint(
            name: .readJob,
            method: "GET",
            place: .project,
            path: "/jobs/{job_id}",
            tag: "jobs",
            summary: "A job with its result",
            answers: [json(200, "The job.", "JobDetail")],
            errors: [404, 503]
        ),
        Endpoint(
            name: .cancelJob,
            method: "POST",
            place: .project,
            path: "/jobs/{job_id}/cancel",
            tag: "jobs",
            summary: "End a job that waits or runs",
            answers: [json(200, "The job, ended.", "JobDetail")],
            errors: [404, 409, 503]
        ),
        Endpoint(
            name: .rerunJob,
            method: "POST",
            place: .project,
            path: "/jobs/{job_id}/rerun",
            tag: "jobs",
            summary: "Run the same instruction once more, as a new job",
            fields: [preferAsync],
            answers: [json(200, "The new job.", "JobSummary"), queued("JobSummary")],
            errors: [404, 409, 429, 503]
        ),
    ]

    private static let jobDetails: [Endpoint] = [
        Endpoint(
            name: .readJobLogs,
            method: "GET",
            place: .project,
            path: "/jobs/{job_id}/logs",
            tag: "jobs",
            summary: "What a job has written",
            note: "As bytes, or as entries with `Accept: application/json`.",
            query: [
                Parameter(name: "stream", note: "Which output.", kind: .words(["both", "stdout", "stderr"])),
                Parameter(
                    name: "after",
                    note: "Only behind the event of this number.",
                    kind: .integer(0...Int.max, fallback: 0)
                ),
            ],
            answers: [
                Answer(
                    status: 200,
                    note: "The output.",
                    contents: [("text/plain", nil), ("application/json", "JobLogs")],
                    fields: [
                        ("X-Next-After", "Where to go on, if there is more than one answer holds."),
                        ("X-Dropped-Bytes", "How much of the job's output is not kept, where some is not."),
                    ]
                )
            ],
            errors: [404, 422, 503]
        ),
        Endpoint(
            name: .watchJobEvents,
            method: "GET",
            place: .project,
            path: "/jobs/{job_id}/events",
            tag: "jobs",
            summary: "Watch a job: its states and its output as server-sent events",
            note: "Numbered; ends with an event `end` once the job has ended and all was sent.",
            query: [
                Parameter(
                    name: "last_event_id",
                    note: "As `Last-Event-ID`, for clients that cannot send it.",
                    kind: .text
                )
            ],
            fields: [
                Parameter(
                    name: "Last-Event-ID",
                    note: "Only what came behind it; if it is no number, all.",
                    kind: .text
                )
            ],
            answers: [Answer(status: 200, note: "The events.", contents: [("text/event-stream", nil)])],
            errors: [404, 503]
        ),
        Endpoint(
            name: .readJobChanges,
            method: "GET",
            place: .project,
            path: "/jobs/{job_id}/changes",
            tag: "jobs",
            summary: "What a job has changed in the workspace",
            answers: [
                Answer(
                    status: 200,
                    note: "The changes.",
                    contents: [("application/json", "JobChanges"), ("text/x-diff", nil)]
                )
            ],
            errors: [404, 409, 503]
        ),
        Endpoint(
            name: .readJobEvidence,
            method: "GET",
            place: .project,
            path: "/jobs/{job_id}/evidence",
            tag: "evidence",
            summary: "The records of a job's launch",
            answers: [Answer(status: 200, note: "One JSON record a line.", contents: [("application/jsonl", nil)])],
            errors: [404, 503]
        ),
    ]
}
