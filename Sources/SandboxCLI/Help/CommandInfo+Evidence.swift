extension CommandInfo {
    static let evidence = CommandInfo(
        name: .evidence,
        usage: [
            "evidence show [ID] [OPTIONS]", "evidence list [OPTIONS]", "evidence verify [OPTIONS]",
            "evidence sign [OPTIONS]", "evidence export [ID] [OPTIONS]",
        ],
        description: [
            "A record says what was asked, which layers were installed, by which observation each is known to be in",
            "force, and how the launch ended. The records of a workspace are a chain: verify names each line that was",
            "changed, removed, doubled or moved. ID is the beginning of a launch's id, as list shows it.",
        ],
        actions: [
            ("show [ID]", "Shows a launch, without an ID the last one."),
            ("list", "Lists the launches of a workspace, the newest first."),
            ("verify", "Recomputes chain and signatures; keep the head that it prints elsewhere."),
            ("sign", "Signs the records that are not signed yet."),
            ("export [ID]", "Prints a launch's in-toto Statements, one a line, for other people's tools."),
        ],
        options: EvidenceOptions.table.map(\.info) + [.help],
        sections: [
            (
                "Key",
                [
                    (
                        "evidence.key",
                        "Ed25519, PKCS #8, in $XDG_CONFIG_HOME/codex-sandbox/keys; made when it is first needed"
                    ),
                    ("evidence.pub", "its public half beside it: keep a copy elsewhere, for verify --key"),
                ]
            )
        ],
        examples: [
            ("what happened in the last run", "codex-sandbox evidence show"),
            ("the last launches of another workspace", "codex-sandbox evidence list --workspace app --limit 5"),
            ("is everything as it was written", "codex-sandbox evidence verify"),
            ("sign what was written since", "codex-sandbox evidence sign --all"),
            ("is all of it signed with a key that was kept", "codex-sandbox evidence verify --key evidence.pub"),
            ("the last launch for in-toto's tools", "codex-sandbox evidence export --dsse"),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "done; of verify: everything holds that can be recomputed",
            bad: "there is no such launch, records cannot be read or signed, or verify found something"
        )
    )

    static let gc = CommandInfo(
        name: .gc,
        usage: ["gc --older-than N [OPTIONS]", "gc --keep N [OPTIONS]", "gc --keep-projects T [OPTIONS]"],
        description: [
            "Removes the records of old launches from the beginning of each workspace's file. A checkpoint takes their",
            "place: a record of the chain that says up to where, and is signed; verify then says since when the chain",
            "is complete. With both numbers, what either says goes. A launch that runs, and all behind it, is kept.",
            "Also removes projects and the output of jobs from a server's data, by age and size, while the server is not",
            "running; one that runs does it itself, as its settings KEEP_… say. Without a word, everything is kept.",
        ],
        options: GcOptions.table.map(\.info) + [.help],
        examples: [
            ("what would go", "codex-sandbox gc --older-than 90 --dry-run"),
            ("a quarter of a year is enough", "codex-sandbox gc --older-than 90"),
            ("a thousand launches of this project", "codex-sandbox gc --keep 1000 --workspace ."),
            (
                "old projects of a server that is stopped",
                "codex-sandbox gc --keep-projects 30d --data-dir DIR --dry-run"
            ),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "done, also where nothing was to be removed",
            bad: "something was to go and stays: records do not verify or cannot be read, or a server has the data"
        )
    )
}
