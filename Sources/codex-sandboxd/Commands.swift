import SandboxPlan

/// The subcommands of this executable, and what to do when there is none.
enum Commands {
    static let usage = """
        Usage: codex-sandboxd COMMAND [OPTIONS]

        Commands:
          evidence   Shows, verifies and signs the records of launches
          status     Lists the jobs that run now
          gc         Removes old records, and leaves a checkpoint in their place
          serve      Serves the workspace API
          service    Installs and shows it as a service of your own account
          live-suite Tries a running server, and keeps the evidence
          db         Shows and migrates its database
          help       This text

        codex-sandboxd COMMAND --help tells more. People normally call these as `codex-sandbox COMMAND`.
        """

    /// The exit status: 0 done, 1 not done, 2 a command line that cannot be understood.
    static func run(_ arguments: [OSString]) -> Int32 {
        switch arguments.first?.description {
        case "compile-policy": return CompilePolicyCommand.run(Array(arguments.dropFirst()))
        case "scope": return ScopeCommand.run(Array(arguments.dropFirst()))
        case "evidence": return EvidenceCommand.run(Array(arguments.dropFirst()))
        case "status": return StatusCommand.run(Array(arguments.dropFirst()))
        case "serve": return ServeCommand.run(Array(arguments.dropFirst()))
        case "service": return ServiceCommand.run(Array(arguments.dropFirst()))
        case "live-suite": return LiveSuiteCommand.run(Array(arguments.dropFirst()))
        case "live-suite-fault": return LiveSuiteFault.run(Array(arguments.dropFirst()))
        case "db": return DbCommand.run(Array(arguments.dropFirst()))
        case "gc": return GcCommand.run(Array(arguments.dropFirst()))
        case "help", "--help", "-h": return Output.write(usage + "\n")
        case nil: return Output.misunderstood("a command is missing", "codex-sandboxd help")
        case let other?:
            return Output.misunderstood("there is no command \(other)", "codex-sandboxd help")
        }
    }
}
