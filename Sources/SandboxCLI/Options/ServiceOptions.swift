public import SandboxPlan

/// What `service` was asked for; `codex-sandboxd` does it.
public struct ServiceOptions: Hashable, Sendable {
    public enum Action: String, Hashable, Sendable, CaseIterable {
        case install
        case uninstall
        case status
        case logs
    }

    public enum StopJobs: String, Hashable, Sendable, CaseIterable {
        case end
        case finish
    }

    public var action = Action.status
    public var dryRun = false
    public var json = false
    /// Of uninstall: the data goes as well.
    public var purge = false
    /// Where to listen instead of the usual places, in the order given.
    public var listens: [OSString] = []
    public var tokenFile: OSString?
    public var stopJobs = StopJobs.end
    /// How long jobs have to finish.
    public var stopTime = TimeSpan.seconds(600)
    public var stateDirectory: OSString?
    /// Of logs: also what comes.
    public var follow = false
    /// Of logs: so many of the last lines.
    public var lines = 100

    /// `STOP_TIME`, in milliseconds.
    private static let stopTimes: ClosedRange<UInt64> = 1000...86_400_000

    public init() {}

    static let table: [Option<ServiceOptions>] = [
        .flag("--dry-run", "Of install and uninstall: says what would be done, and does nothing.") { $0.dryRun = true },
        .flag("--purge", "Of uninstall: removes projects, database and settings, too.") { $0.purge = true },
        .repeated(
            "--listen",
            .text("ADDRESS"),
            "Of install: HOST:PORT or unix:/PATH instead of the usual places.",
            parse: OptionValue.path,
            add: { $0.listens.append($1) }
        ),
        .single(
            "--token-file",
            .file,
            "Of install: file whose first line is the token that clients have to send.",
            parse: OptionValue.path,
            set: { $0.tokenFile = $1 }
        ),
        .single(
            "--stop-jobs",
            .words(StopJobs.allCases.map(\.rawValue)),
            "Of install: what becomes of jobs when the server stops.",
            default: "end",
            parse: { (word) throws(BadValue) in
                let found = StopJobs.allCases.first { word == OSString($0.rawValue) }
                guard let found else { throw BadValue(why: "Write end or finish.") }
                return found
            },
            set: { $0.stopJobs = $1 }
        ),
        .single(
            "--stop-time",
            .time,
            "Of install: how long finish may take, in whole seconds.",
            default: "10m",
            parse: { (word) throws(BadValue) in
                let span = try OptionValue.time(in: stopTimes)(word)
                guard span.milliseconds % 1000 == 0 else { throw BadValue(why: "Write whole seconds.") }
                return span
            },
            set: { $0.stopTime = $1 }
        ),
        .single(
            "--state-dir",
            .folder,
            "Of install, uninstall: holds records and serve/.",
            default: "$XDG_STATE_HOME/codex-sandbox",
            parse: OptionValue.path,
            set: { $0.stateDirectory = $1 }
        ),
        .flag("--follow", "Of logs: goes on with what comes.") { $0.follow = true },
        .single(
            "--lines",
            .number,
            "Of logs: how many of the last lines.",
            default: "100",
            parse: { (word) throws(BadValue) in
                guard let number = OptionValue.digits(word), (1...1_000_000).contains(number) else {
                    throw BadValue(why: "Write a whole number from 1 to 1000000.")
                }
                return Int(number)
            },
            set: { $0.lines = $1 }
        ),
        .json { $0.json = true },
    ]

    /// Which options belong to which action; `--help` to all.
    private static func options(of action: Action) -> [String] {
        switch action {
        case .install: ["--dry-run", "--json", "--listen", "--token-file", "--stop-jobs", "--stop-time", "--state-dir"]
        case .uninstall: ["--dry-run", "--json", "--purge", "--state-dir"]
        case .status: ["--json"]
        case .logs: ["--follow", "--lines"]
        }
    }

    /// Reads what follows `service`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> ServiceOptions? {
        var options = ServiceOptions()
        let parser = OptionParser(command: .service, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &options) else {
            return nil
        }
        let names = Action.allCases.map(\.rawValue)
        guard let word = words.first else {
            throw UsageError(.missingArgument(names.joined(separator: "|")), command: .service)
        }
        guard let action = Action.allCases.first(where: { word == OSString($0.rawValue) }) else {
            throw UsageError(.badArgument(word, why: "Write \(names.joined(separator: ", "))."), command: .service)
        }
        if words.count > 1 { throw UsageError(.unexpectedArgument(words[1]), command: .service) }
        options.action = action
        try check(arguments, action)
        if isGiven("--stop-time", arguments), options.stopJobs != .finish {
            let words =
                "--stop-time has no effect without --stop-jobs finish: running jobs are ended at once when the server stops. "
                + "Add --stop-jobs finish, or leave --stop-time out."
            throw UsageError(.conflict(words), command: .service)
        }
        return options
    }

    private static func isGiven(_ name: String, _ arguments: ArraySlice<OSString>) -> Bool {
        let name = OSString(name)
        return arguments.contains { OptionWord.isOption($0) && OptionWord($0).name == name }
    }

    private static func check(_ arguments: ArraySlice<OSString>, _ action: Action) throws(UsageError) {
        let own = self.options(of: action)
        for row in table where !own.contains(row.info.name) {
            guard isGiven(row.info.name, arguments) else { continue }
            let actions = Action.allCases.filter { options(of: $0).contains(row.info.name) }.map(\.rawValue)
            let words =
                "\(row.info.name) is an option of \(actions.joined(separator: " and ")), not of \(action.rawValue)."
            throw UsageError(.conflict(words), command: .service)
        }
    }
}
