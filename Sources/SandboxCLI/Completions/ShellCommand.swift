/// What a shell can complete after the name of a command.
struct ShellCommand {
    /// What the words are that are no options.
    enum Operands {
        case none
        /// A command of the caller's with its own words: options end where it begins.
        case job
        /// One of these, with what may follow each.
        case words([(word: String, summary: String, next: ValueKind?)])
    }

    var name: CommandName
    var options: [OptionInfo]
    var operands: Operands

    static let all: [ShellCommand] = CommandName.allCases.map { name in
        switch name {
        case .run: ShellCommand(name: name, options: CommandInfo.run.options, operands: .job)
        case .explain: ShellCommand(name: name, options: CommandInfo.explain.options, operands: .job)
        case .doctor: ShellCommand(name: name, options: CommandInfo.doctor.options, operands: .none)
        case .verify: ShellCommand(name: name, options: CommandInfo.verify.options, operands: .none)
        case .policy:
            ShellCommand(
                name: name,
                options: CommandInfo.policy.options,
                operands: .words([
                    ("list", "lists the policies by name", nil),
                    ("show", "shows every value of one", .policy),
                    ("check", "lists every problem in one", .policy),
                    ("trust", "approves the file of a project", .folder),
                    ("untrust", "takes an approval back", .folder),
                ])
            )
        case .evidence:
            ShellCommand(
                name: name,
                options: CommandInfo.evidence.options,
                operands: .words([
                    ("show", "shows the record of a launch", nil),
                    ("list", "lists the launches of a workspace", nil),
                    ("verify", "recomputes chain and signatures", nil),
                    ("sign", "signs the records that are not signed yet", nil),
                    ("export", "prints a launch for other people's tools", nil),
                ])
            )
        case .status: ShellCommand(name: name, options: CommandInfo.status.options, operands: .none)
        case .gc: ShellCommand(name: name, options: CommandInfo.gc.options, operands: .none)
        case .serve: ShellCommand(name: name, options: CommandInfo.serve.options, operands: .none)
        case .service:
            ShellCommand(
                name: name,
                options: CommandInfo.service.options,
                operands: .words([
                    ("install", "writes, enables and starts the units", nil),
                    ("uninstall", "stops and removes them", nil),
                    ("status", "shows the service and what runs", nil),
                    ("logs", "shows what the server has logged", nil),
                ])
            )
        case .liveSuite: ShellCommand(name: name, options: CommandInfo.liveSuite.options, operands: .none)
        case .db:
            ShellCommand(
                name: name,
                options: CommandInfo.db.options,
                operands: .words([
                    ("migrate", "brings the schema up to date", nil),
                    ("stamp", "adopts a database that has the shape of a version", nil),
                    ("status", "shows which migrations are applied", nil),
                ])
            )
        case .completions:
            ShellCommand(
                name: name,
                options: CommandInfo.completions.options,
                operands: .words(Shell.allCases.map { ($0.rawValue, $0.summary, nil) })
            )
        case .help:
            ShellCommand(
                name: name,
                options: [],
                operands: .words(CommandName.allCases.map { ($0.rawValue, $0.summary, nil) })
            )
        }
    }
}
