import SandboxPlan

/// The subcommands of this executable, and what to do when there is none.
enum Commands {
    static let usage = """
        Usage: codex-sandboxd COMMAND [OPTIONS]

        Commands:
          evidence   Shows, verifies and signs the records of launches
          gc         Removes old records, and leaves a checkpoint in their place
          help       This text

        codex-sandboxd COMMAND --help tells more. People normally call these as `codex-sandbox COMMAND`.
        """

    /// The exit status: 0 done, 1 not done, 2 a command line that cannot be understood.
    static func run(_ arguments: [OSString]) -> Int32 {
        switch arguments.first?.description {
        case "compile-policy": return CompilePolicyCommand.run(Array(arguments.dropFirst()))
        case "evidence": return EvidenceCommand.run(Array(arguments.dropFirst()))
        case "gc": return GcCommand.run(Array(arguments.dropFirst()))
        case "help", "--help", "-h": return Output.write(usage + "\n")
        case nil: return Output.misunderstood("a command is missing", "codex-sandboxd help")
        case let other?:
            return Output.misunderstood("there is no command \(other)", "codex-sandboxd help")
        }
    }
}
