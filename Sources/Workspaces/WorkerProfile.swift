public import SandboxPlan

/// A command that is run as the worker of a project's jobs.
public struct WorkerProfile: Hashable, Sendable {
    /// How a worker is asked and answers.
    public enum Manner: Hashable, Sendable {
        /// By `.codex/request.json` and `.codex/result.json`.
        case files
        /// `codex exec --json`: the instruction is its last argument, its events are its answer.
        case codex
    }

    /// `dummy`, `minimal`, or the name of a profile.
    public var name: String
    /// The command first, as the place sees it.
    public var arguments: [OSString]
    /// Files of the host that the place shows for it.
    public var files: [OSString]
    /// Names of the server's variables that it gets, where they are set.
    public var variables: [String]

    public var manner: Manner
    /// Whether the policy of a job's launch names the command (`worker.command`), and not this profile.
    public var isOfPolicy = false

    public init(
        name: String,
        arguments: [OSString],
        files: [OSString] = [],
        variables: [String] = [],
        manner: Manner = .files
    ) {
        self.name = name
        self.manner = manner
        self.arguments = arguments
        self.files = files
        self.variables = variables
    }

    /// Why there is no such worker; nil where there is.
    public var problem: String?

    /// A profile that nobody has defined: every job of it is an error that says so.
    public static func missing(_ name: String) -> WorkerProfile {
        var profile = WorkerProfile(name: name, arguments: [])
        profile.problem = "there is no worker profile \(name): set CODEX_WORKER_IMAGE to codex-worker:latest, or WORKER"
        return profile
    }

    /// What reaches a live worker of the server's environment, by name.
    public static let credentials = ["OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT"]

    /// The built-in one that asks no model; `executable` is the path of `codex-sandbox-worker`.
    public static func dummy(_ executable: OSString) -> WorkerProfile {
        WorkerProfile(name: "dummy", arguments: [executable, "dummy"], files: [executable])
    }

    /// The Codex CLI; its own sandbox is bypassed, because a verified one stands around it.
    ///
    /// `command` is the CLI, or what starts it, with arguments of its own; `files` are what the place has to show for it.
    public static func codex(_ command: [OSString], files: [OSString]) -> WorkerProfile {
        WorkerProfile(name: "codex", arguments: command, files: files, variables: credentials, manner: .codex)
    }

    /// A command of the operator's own, which is asked and answers by files.
    public static func command(_ command: [OSString], files: [OSString]) -> WorkerProfile {
        WorkerProfile(name: "command", arguments: command, files: files, variables: credentials)
    }

    /// The command that the policy names, which is asked and answers by files; what it needs the policy shows.
    public static var commandOfPolicy: WorkerProfile {
        var profile = WorkerProfile(name: "command", arguments: [], variables: credentials)
        profile.isOfPolicy = true
        return profile
    }

    /// What is executed for an instruction; empty where the policy is to name it, and names nothing.
    func words(for instruction: String, _ policy: Policy) -> [OSString] {
        if isOfPolicy { return policy.worker.command }
        return switch manner {
        case .files: arguments
        case .codex:
            arguments + [
                "exec", "--json", "--color", "never", "--skip-git-repo-check",
                "--dangerously-bypass-approvals-and-sandbox", "--", OSString(instruction),
            ]
        }
    }

    /// The live worker of the validation ladder; `executable` is the path of `codex-sandbox-worker`.
    public static func minimal(_ executable: OSString) -> WorkerProfile {
        WorkerProfile(
            name: "minimal",
            arguments: [executable, "minimal"],
            files: [executable],
            variables: credentials + ["SLEEP_SECONDS"]
        )
    }
}
