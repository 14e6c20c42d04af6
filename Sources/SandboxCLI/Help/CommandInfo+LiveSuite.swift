extension CommandInfo {
    static let liveSuite = CommandInfo(
        name: .liveSuite,
        usage: ["live-suite [OPTIONS]"],
        description: [
            "Checks a running server from outside, one scenario after the other, and keeps what it answered: the ladder L01",
            "to L08 with its live worker, then L09 with servers of its own, in which a layer of the sandbox cannot be had. The",
            "first scenario that fails ends the suite. At the end the records of all jobs are checked: a server at an address",
            "of this machine has to have them here (--workspace-root, --state-dir); those elsewhere are NOT VERIFIED.",
            "The results go to OUT/TIME/live/ID (mocked/ID with --mocked), modes 0700 and 0600. Before a file is written, it is",
            "searched for the values of secrets in the environment and in .env.live of the current folder; one that has any is",
            "not written, and the scenario fails.",
        ],
        options: LiveSuiteOptions.table.map(\.info) + [.help],
        sections: [
            (
                "Environment",
                [
                    ("BASE_URL, OUTROOT", "as --base-url and --out, which come first"),
                    (
                        "*KEY*, *TOKEN*, *SECRET*, *PASSWORD*, OPENAI_*",
                        "their values, from 6 bytes on, are never written"
                    ),
                ]
            )
        ],
        examples: [
            (
                "against a server with the live worker",
                "codex-sandbox live-suite --base-url http://localhost:8000 --out evidence"
            ),
            ("the smoke set, against any worker", "codex-sandbox live-suite --mocked"),
        ],
        exitStatuses: [
            ("0", "every scenario passed, and every record that is on this machine"),
            ("1", "one did not: the reason stands behind its id"),
            ("2", "the arguments, BASE_URL or OUTROOT are wrong"),
        ]
    )
}
