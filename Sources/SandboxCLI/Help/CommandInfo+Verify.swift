extension CommandInfo {
    static let verify = CommandInfo(
        name: .verify,
        usage: ["verify [OPTIONS] [-- OPTIONS OF RUN]"],
        description: [
            "Makes hostile acts, each first outside of any sandbox, where it must be let through, then inside, through run",
            "itself: reading and writing outside of the workspace, connecting to this host, other processes, namespaces,",
            "calls of the kernel. What became of it is judged from outside where that can be: by a file, a listener, a",
            "process. An act that the host itself refuses shows nothing, and is not counted.",
        ],
        options: VerifyOptions.table.map(\.info) + [.help],
        examples: [
            ("does the sandbox hold on this host", "codex-sandbox verify"),
            ("the same for a program to read", "codex-sandbox verify --json"),
            ("of another policy", "codex-sandbox verify -- --policy read-only"),
        ],
        exitStatuses: ExitStatus.ofCheck(
            good: "every act that this host allows was refused inside",
            bad: "at least one was let through, or could not be tried"
        ) + [("125", "the acts could not be prepared")]
    )
}
