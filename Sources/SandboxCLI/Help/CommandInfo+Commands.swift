extension CommandInfo {
    static let run = CommandInfo(
        name: .run,
        usage: ["run [OPTIONS] [--] COMMAND [ARG…]"],
        description: [
            "The command gets namespaces of its own, the system read-only, the workspace writable, a private HOME",
            "and /tmp, no network but its own loopback, Landlock, seccomp and limits. It starts only after the",
            "kernel's own report of it agrees with the plan; otherwise nothing runs, and the status is 125.",
            "Standard input, output and error are the command's, byte for byte; lines of codex-sandbox itself go to",
            "standard error and begin with \"codex-sandbox: \".",
        ],
        options: RunOptions.table.map(\.info) + [.help],
        sections: [("Values", HelpRows.values), ("Environment", HelpRows.environment)],
        examples: [
            ("run the tests of the project in the current folder", "codex-sandbox run -- make test"),
            (
                "only look: the workspace is read-only",
                "codex-sandbox run --policy read-only -- grep -rn TODO ."
            ),
            (
                "another folder, a data set beside it, limits",
                "codex-sandbox run --workspace app --read data --memory 2GiB --timeout 10m -- python3 train.py"
            ),
            ("pass one variable on, set another", "codex-sandbox run --env TERM --env CI=1 -- npm test"),
            ("a job that status shows by its name", "codex-sandbox run --name nightly --timeout 2h -- make test"),
            ("the result as JSON on descriptor 3", "codex-sandbox run --result 3 -- make 3>../result.json"),
        ],
        exitStatuses: ExitStatus.ofRun
    )

    static let explain = CommandInfo(
        name: .explain,
        usage: ["explain [OPTIONS] [--] COMMAND [ARG…]"],
        description: [
            "Prints the whole plan: identity, namespaces, each layer with what holds it, every step in order, Landlock",
            "rules, limits, and the names of the environment. What is not in the plan does not happen.",
        ],
        options: ExplainOptions.table.map(\.info) + [.help],
        sections: [("Values", HelpRows.values), ("Environment", HelpRows.environment)],
        examples: [
            ("the plan of a test run", "codex-sandbox explain -- make test"),
            ("the same for a program to read", "codex-sandbox explain --json -- make test"),
            (
                "what a policy file comes to",
                "codex-sandbox explain --policy ./strict.toml --read ~/shared -- python3 tool.py"
            ),
        ],
        exitStatuses: ExitStatus.ofShow
    )

    static let doctor = CommandInfo(
        name: .doctor,
        usage: ["doctor [OPTIONS]"],
        description: [
            "Makes every call for real, each in a process of its own, and at last launches /bin/true under the default",
            "policy as run would. The first line says whether run works here.",
        ],
        options: DoctorOptions.table.map(\.info) + [.help],
        examples: [
            ("does it work here, and if not, why", "codex-sandbox doctor"),
            ("the same for a program to read", "codex-sandbox doctor --json"),
            ("what to put into /etc/apparmor.d/codex-sandbox", "codex-sandbox doctor --apparmor-profile"),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "the default policy can be enforced here",
            bad: "it cannot: run would refuse"
        )
    )

    static let policy = CommandInfo(
        name: .policy,
        usage: [
            "policy list", "policy show NAME|FILE", "policy check NAME|FILE", "policy trust [OPTIONS] [DIR|FILE]",
            "policy untrust [DIR|FILE]",
        ],
        description: [
            "A policy says what a command may do. A word with a / or ending in .toml is a file; any other is a name,",
            "the user's own in $XDG_CONFIG_HOME/codex-sandbox/policies before the built-in one. A project's own file,",
            ".codex-sandbox.toml in the workspace, only narrows; trust approves just the bytes it has now to do more.",
        ],
        actions: [
            ("list", "Lists the policies by name, with where each comes from."),
            ("show NAME|FILE", "Shows every value of one, defaults included; of variables the names only."),
            ("check NAME|FILE", "Reads one and lists every problem in it with line and column."),
            ("trust [DIR|FILE]", "Shows what a project's file would widen, asks, and approves it."),
            ("untrust [DIR|FILE]", "Takes the approval of a project's file back."),
        ],
        options: PolicyOptions.table.map(\.info) + [.help],
        examples: [
            ("which policies are there", "codex-sandbox policy list"),
            ("all values of the default one", "codex-sandbox policy show workspace-write"),
            ("is my file right", "codex-sandbox policy check ./strict.toml"),
            ("which projects may widen", "codex-sandbox policy trust --list"),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "listed, shown, without a problem, approved",
            bad: "no such policy, problems were found, not approved"
        )
    )

    static let completions = CommandInfo(
        name: .completions,
        usage: ["completions bash|zsh|fish"],
        description: [
            "Commands, options with their values, policies, and behind run and explain the command with its own words."
        ],
        actions: Shell.allCases.map { ($0.rawValue, "For \($0.summary).") },
        options: CompletionsOptions.table.map(\.info) + [.help],
        examples: [
            ("bash: into ~/.local/share/bash-completion/completions/codex-sandbox", "codex-sandbox completions bash"),
            ("zsh: into a folder of fpath, as _codex_sandbox", "codex-sandbox completions zsh"),
            ("fish: into ~/.config/fish/completions/codex-sandbox.fish", "codex-sandbox completions fish"),
        ],
        exitStatuses: [("0", "printed"), ("2", "there are none for that shell")]
    )

    static let help = CommandInfo(
        name: .help,
        usage: ["help [COMMAND]", "COMMAND --help"],
        description: [],
        options: [],
        examples: [
            ("all commands", "codex-sandbox help"),
            ("all options of run", "codex-sandbox help run"),
        ],
        exitStatuses: [("0", "printed"), ("2", "there is no such command")]
    )
}
