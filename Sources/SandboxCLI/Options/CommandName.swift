/// The commands, in the order in which help lists them.
public enum CommandName: String, Hashable, Sendable, CaseIterable {
    case run
    case explain
    case doctor
    case verify
    case policy
    case status
    case evidence
    case gc
    case serve
    case service
    case db
    case liveSuite = "live-suite"
    case completions
    case help

    public var page: HelpPage {
        switch self {
        case .run: .run
        case .explain: .explain
        case .doctor: .doctor
        case .verify: .verify
        case .policy: .policy
        case .status: .status
        case .evidence: .evidence
        case .gc: .gc
        case .serve: .serve
        case .service: .service
        case .db: .db
        case .liveSuite: .liveSuite
        case .completions: .completions
        case .help: .help
        }
    }

    /// One sentence, for the list of commands.
    var summary: String {
        switch self {
        case .run: "Runs a command in a sandbox, once every layer of it is verified."
        case .explain: "Shows what run would do with the same words, and runs nothing."
        case .doctor: "Tries on this host what run needs, and says how to mend what is missing."
        case .verify: "Tries hostile acts outside and inside of a sandbox, and says whether it holds."
        case .policy: "Lists, shows and checks policies."
        case .status: "Lists the jobs that run now, with what each uses and what holds it."
        case .evidence: "Shows, verifies and signs the records that launches leave, refused ones included."
        case .gc: "Removes old records, and leaves a checkpoint in their place."
        case .serve: "Serves the workspace API: projects, and jobs that run in verified sandboxes."
        case .service: "Installs and shows the workspace API as a service of your own account."
        case .db: "Shows and migrates the database of the workspace API."
        case .liveSuite: "Tries a running server, scenario by scenario, and keeps the evidence."
        case .completions: "Prints the completions for a shell."
        case .help: "Prints the help of a command."
        }
    }
}

/// Which help text.
public enum HelpPage: Hashable, Sendable, CaseIterable {
    case overview
    case run
    case explain
    case doctor
    case verify
    case policy
    case status
    case evidence
    case gc
    case serve
    case service
    case db
    case liveSuite
    case completions
    case help
}
