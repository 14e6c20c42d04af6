extension CommandInfo {
    static let status = CommandInfo(
        name: .status,
        usage: ["status [OPTIONS] [NAME]"],
        description: [
            "Lists your running jobs: name, process number of the supervisor, since when, workspace, policy, network,",
            "use of memory, tasks and CPU time with the limits, layers, command. Nothing is kept for it: /proc says which",
            "supervisors hold their records open, and the records say the rest, so that no dead job can show.",
        ],
        options: StatusOptions.table.map(\.info) + [.help],
        examples: [
            ("what runs", "codex-sandbox status"),
            ("a job by its name", "codex-sandbox run --name nightly -- make test & codex-sandbox status nightly"),
            ("for a program to read", "codex-sandbox status --json"),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "listed, also where nothing runs",
            bad: "no job of that name runs, or not everything could be looked at"
        )
    )
}
