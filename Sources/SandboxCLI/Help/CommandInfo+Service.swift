extension CommandInfo {
    static let service = CommandInfo(
        name: .service,
        usage: ["service install|uninstall|status|logs [OPTIONS]"],
        description: [
            "The workspace API as a service of your own account, without root: started at boot (with lingering) or by the",
            "first client, restarted when it fails, with sockets that stay open while it is away. install writes two units",
            "to $XDG_CONFIG_HOME/systemd/user and starts them; a second time it changes only what is not as it should be,",
            "and restarts a server whose program was replaced. uninstall keeps the data and says where it is.",
        ],
        actions: [
            ("install", "Writes, enables and starts the units."),
            ("uninstall", "Stops and removes them."),
            ("status", "Shows the service, its sockets, its places and the jobs that run."),
            ("logs", "Shows what the server has logged, by journalctl."),
        ],
        options: ServiceOptions.table.map(\.info) + [.help],
        sections: [
            (
                "Files",
                [
                    ("$XDG_CONFIG_HOME/codex-sandbox/service.env", "settings, NAME=VALUE as in help serve"),
                    ("$XDG_STATE_HOME/codex-sandbox/serve/", "database and projects"),
                    ("$XDG_RUNTIME_DIR/codex-sandbox/api.sock", "where it listens, beside 127.0.0.1:8000"),
                ]
            )
        ],
        examples: [
            ("what would be done", "codex-sandbox service install --dry-run"),
            ("for programs of yours only", "codex-sandbox service install --listen unix:/run/user/1000/codex.sock"),
            ("other settings, without losing a job", "systemctl --user reload codex-sandbox"),
            ("what it says", "codex-sandbox service logs --follow"),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "done, or nothing to do; of status: it runs, or waits for its first client",
            bad: "not done: the reason is on stderr; of status: it is not installed, or has failed"
        )
    )
}
