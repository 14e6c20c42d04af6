extension CommandInfo {
    static let serve = CommandInfo(
        name: .serve,
        usage: ["serve [OPTIONS]"],
        description: [
            "An HTTP API that turns an instruction into a project: a worker runs in a verified sandbox with the project's",
            "folder at /workspace, and clients list, read and edit what came out. GET /docs shows every route.",
            "Flags come before the environment, and that before the file .env. Without a token only your own account and",
            "root are served, and only on a loopback address or a unix socket. TERM or INT ends it: who is connected is still",
            "served, and jobs are ended with their records, or finished. HUP reads the settings again: token, hosts, origins,",
            "worker, number of jobs, level; policies are read for each launch anyway.",
        ],
        options: ServeOptions.table.map(\.info) + [.help],
        sections: [
            (
                "Settings",
                [
                    ("DATABASE_URL, WORKSPACE_ROOT, LISTEN, MAX_JOBS, WORKER", "as the options"),
                    ("STOP_JOBS, STOP_TIME, LOG_LEVEL", "as the options"),
                    (
                        "KEEP_PROJECTS, KEEP_LOGS, KEEP_EVIDENCE",
                        "as the options; where nobody says anything, nothing goes"
                    ),
                    ("KEEP_PROJECTS_SIZE, KEEP_LOGS_SIZE, KEEP_EVIDENCE_SIZE", "as the options; the oldest go first"),
                    ("KEEP_INTERVAL", "as the option"),
                    ("USE_DUMMY_WORKER", "true (the default): the built-in dummy worker does the jobs"),
                    ("CODEX_WORKER_IMAGE", "else the worker of this name; codex-worker:latest is minimal"),
                    ("CODEX_WORKER_COMMAND", "the words of the worker codex or command, separated by spaces"),
                    (
                        "OPENAI_API_KEY, OPENAI_ORG_ID, OPENAI_PROJECT",
                        "handed to live workers; also from .env.live beside .env"
                    ),
                    ("API_TOKEN", "the token without --token-file; else systemd's credential api-token"),
                    ("ALLOW_ORIGINS, ALLOW_METHODS, ALLOW_HEADERS, ALLOW_CREDENTIALS", "pages of other origins (CORS)"),
                    ("ALLOWED_HOSTS", "further names under which clients may address the server"),
                    ("APP_NAME, API_V1_STR", "title, and path of the API (/api/v1)"),
                ]
            )
        ],
        examples: [
            ("on this machine, for you alone", "codex-sandbox serve"),
            ("for programs of yours only", "codex-sandbox serve --listen unix:/run/user/1000/codex.sock"),
            ("with the live worker", "codex-sandbox serve --worker minimal"),
        ],
        exitStatuses: [
            ("0", "ended by TERM or INT"),
            ("1", "a setting, the address, the database or a folder cannot be used: the reason is on stderr"),
            ("2", "the arguments are wrong"),
        ]
    )

    static let db = CommandInfo(
        name: .db,
        usage: ["db migrate|stamp|status [OPTIONS]", "db backup|restore DIR [OPTIONS]"],
        description: [
            "The schema of the database comes in migrations that never change; serve applies those that are missing at",
            "its start. A database of the orchestrator that this one replaces is adopted with its rows.",
            "A backup is the database at one moment and all records with the public half of their key, with digests; neither",
            "the projects' folders nor the private key are in it. restore verifies all of it before it changes anything.",
        ],
        actions: [
            ("migrate", "Applies the migrations that are missing."),
            ("stamp", "Marks a database as being of the version whose shape it has."),
            ("status", "Shows each migration, and whether it is applied."),
            ("backup DIR", "Copies database and records to a new folder, beside a running server, too."),
            ("restore DIR", "Puts them back where no server runs and nothing is, or with --replace."),
        ],
        options: DatabaseOptions.table.map(\.info) + [.help],
        examples: [
            ("what state is it in", "codex-sandbox db status"),
            ("another one", "codex-sandbox db migrate --database sqlite:////srv/codex.db"),
            ("what the service has", "codex-sandbox db backup DIR --data-dir ~/.local/state/codex-sandbox/serve"),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "done, or shown",
            bad: "the database cannot be used: the reason is on stderr"
        )
    )
}
