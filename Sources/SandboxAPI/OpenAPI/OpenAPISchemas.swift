internal import SandboxRuntime

/// The shapes of what is sent and answered.
enum OpenAPISchemas {
    static let all: [(String, JSONValue)] = requests + things + lists + errors

    private static let fibonacci: JSONValue =
        "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."

    private static func object(_ required: [String], _ properties: JSONValue) -> JSONValue {
        [
            "type": "object", "properties": properties,
            "required": .array(required.map { .string($0) }),
        ]
    }

    private static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

    private static func list(_ name: String) -> JSONValue { ["type": "array", "items": reference(name)] }

    private static let text: JSONValue = ["type": "string"]
    private static let integer: JSONValue = ["type": "integer"]
    private static let flag: JSONValue = ["type": "boolean"]
    private static let textOrNull: JSONValue = ["type": ["string", "null"]]
    private static let integerOrNull: JSONValue = ["type": ["integer", "null"]]
    private static let time: JSONValue = [
        "type": "string", "description": "UTC without a zone, to the microsecond.",
        "examples": ["2026-01-31T09:05:00.000250"],
    ]
    private static let timeOrNull: JSONValue = ["type": ["string", "null"]]
    private static let status: JSONValue = ["type": "string", "enum": ["queued", "in_progress", "completed", "error"]]
    private static let type: JSONValue = ["type": "string", "enum": ["initial_project", "edit"]]

    // MARK: - Requests

    private static let requests: [(String, JSONValue)] = [
        (
            "ProjectCreate",
            [
                "type": "object",
                "properties": [
                    "instruction": [
                        "type": "string", "minLength": 5, "maxLength": 2000,
                        "description": "White space at both ends is taken away before it is counted.",
                    ],
                    "policy": ["type": ["string", "null"], "minLength": 1, "description": "One of `GET …/policies`."],
                ],
                "required": ["instruction"],
                "examples": [["instruction": fibonacci]],
            ]
        ),
        (
            "JobCreate",
            [
                "type": "object",
                "properties": [
                    "job_type": type,
                    "instruction": ["type": "string", "minLength": 1, "maxLength": 2000],
                ],
                "required": ["job_type", "instruction"],
                "examples": [
                    ["job_type": "initial_project", "instruction": fibonacci],
                    [
                        "job_type": "edit",
                        "instruction": "Append a comment line to app.py describing the change.",
                    ],
                ],
            ]
        ),
    ]

    // MARK: - Projects, jobs, files

    private static let projectKeys = ["id", "instruction", "status", "summary", "created_at", "updated_at"]
    private static let jobKeys = ["id", "project_id", "job_type", "instruction", "status", "created_at", "updated_at"]

    private static let things: [(String, JSONValue)] = [
        (
            "ProjectSummary",
            object(
                projectKeys,
                [
                    "id": text, "instruction": text, "status": status, "summary": textOrNull, "created_at": time,
                    "updated_at": time,
                ]
            )
        ),
        (
            "ProjectDetail",
            [
                "allOf": [
                    reference("ProjectSummary"),
                    object(
                        ["workspace_path", "jobs", "policy"],
                        ["workspace_path": text, "jobs": list("JobSummary"), "policy": textOrNull]
                    ),
                ]
            ]
        ),
        (
            "JobSummary",
            object(
                jobKeys,
                [
                    "id": text, "project_id": text, "job_type": type, "instruction": text, "status": status,
                    "created_at": time, "updated_at": time,
                ]
            )
        ),
        (
            "JobDetail",
            [
                "allOf": [
                    reference("JobSummary"),
                    object(
                        ["result_path", "logs_path"],
                        [
                            "result_path": textOrNull, "logs_path": textOrNull, "worker": textOrNull,
                            "reason": textOrNull, "summary": textOrNull, "exit_status": integerOrNull,
                            "launch": textOrNull, "queue_position": integerOrNull, "started_at": timeOrNull,
                            "ended_at": timeOrNull,
                            "result": ["description": "What the worker left, as JSON; null without one."],
                        ]
                    ),
                ]
            ]
        ),
        (
            "FileInfo",
            object(
                ["path", "size"],
                [
                    "path": text, "size": integer,
                    "encoded_path": [
                        "type": "string", "description": "For a name that is not UTF-8: as it stands in a URL.",
                    ],
                ]
            )
        ),
        (
            "FileContentResponse",
            object(
                ["path", "contents"],
                [
                    "path": text, "contents": text, "encoded_path": text,
                    "lossy": ["type": "boolean", "description": "Some bytes are not UTF-8, and shown as U+FFFD."],
                ]
            )
        ),
        (
            "LogEntry",
            object(
                ["number", "at", "stream"],
                [
                    "number": integer, "at": time, "stream": ["type": "string", "enum": ["stdout", "stderr"]],
                    "text": text,
                    "base64": ["type": "string", "description": "In the place of text that is not UTF-8."],
                ]
            )
        ),
        (
            "Change",
            object(
                ["kind", "path", "difference"],
                [
                    "kind": ["type": "string", "enum": ["created", "modified", "removed"]], "path": text,
                    "encoded_path": text, "difference": textOrNull,
                ]
            )
        ),
        (
            "Policy",
            object(
                ["name", "description", "default", "not_held", "usable"],
                [
                    "name": text, "description": text,
                    "default": [
                        "type": "boolean",
                        "description": .string(
                            "Whether projects that name no policy have it; then it may be a file of the server's, by the file's name."
                        ),
                    ],
                    "not_held": [
                        "type": "array", "items": text,
                        "description": .string(
                            "What a weaker profile does not hold; `everything` for a policy without a sandbox; empty for every other one."
                        ),
                    ],
                    "usable": ["type": "boolean", "description": "Whether a project of this server can be given it."],
                    "reason": ["type": "string", "description": "Why it cannot."],
                ]
            )
        ),
        ("Health", object(["status"], ["status": text])),
        (
            "PlantedName",
            object(
                ["path", "job_id", "launch"],
                ["path": text, "encoded_path": text, "job_id": text, "launch": text]
            )
        ),
    ]

    // MARK: - Lists

    private static let lists: [(String, JSONValue)] = [
        ("PlantedList", object(["planted"], ["planted": list("PlantedName")])),
        ("FileListResponse", object(["files"], ["files": list("FileInfo"), "truncated": flag])),
        (
            "ProjectList",
            object(
                ["projects", "total", "next"],
                ["projects": list("ProjectSummary"), "total": integer, "next": textOrNull]
            )
        ),
        (
            "JobList",
            object(
                ["jobs", "next"],
                [
                    "jobs": [
                        "type": "array",
                        "items": [
                            "allOf": [
                                reference("JobSummary"), object(["queue_position"], ["queue_position": integerOrNull]),
                            ]
                        ],
                    ],
                    "next": textOrNull,
                ]
            )
        ),
        (
            "JobLogs",
            object(
                ["job_id", "stream", "entries", "dropped_bytes", "next"],
                [
                    "job_id": text, "stream": text, "entries": list("LogEntry"), "dropped_bytes": integerOrNull,
                    "next": integerOrNull,
                ]
            )
        ),
        (
            "JobChanges",
            object(
                ["job_id", "changes", "truncated"],
                ["job_id": text, "changes": list("Change"), "truncated": flag]
            )
        ),
        ("PolicyList", object(["policies"], ["policies": list("Policy")])),
    ]

    // MARK: - Errors

    private static let errors: [(String, JSONValue)] = [
        (
            "ErrorResponse",
            object(
                ["error", "message", "code"],
                ["error": text, "message": text, "code": integer, "detail": text, "correlation_id": textOrNull]
            )
        ),
        (
            "ValidationErrorResponse",
            object(
                ["error", "message", "code"],
                [
                    "error": ["const": "validation_error"], "message": ["const": "Validation failed"],
                    "code": ["const": 422], "detail": list("ValidationError"),
                ]
            )
        ),
        (
            "ValidationError",
            object(
                ["type", "loc", "msg", "input"],
                [
                    "type": text, "msg": text, "input": [:], "ctx": ["type": "object"],
                    "loc": ["type": "array", "items": ["type": ["string", "integer"]]],
                ]
            )
        ),
    ]
}
