/// A profile that holds less than a sandbox, as it is in a plan: it was asked for by name.
public struct WeakerProfile: Hashable, Sendable {
    /// `landlock-only`, `container`.
    public var name: String
    /// What the job can do although a sandbox would not let it, or what nobody sees to; in the order of `WeakerPromise`.
    public var notHeld: [NotHeld]
    /// What `landlock-only` has in place of namespaces and mounts; nil for a profile that has these.
    public var landlockOnly: LandlockOnlyProfile?

    public init(name: String, notHeld: [NotHeld], landlockOnly: LandlockOnlyProfile? = nil) {
        self.name = name
        self.notHeld = notHeld
        self.landlockOnly = landlockOnly
    }

    /// How `warning` begins, and nothing else does that is said at a launch.
    public static let warningBegins = "weaker profile "
    /// The same for a launch without any sandbox.
    public static let unconfinedBegins = "no sandbox: "

    /// For a person, at every launch: one line.
    public var warning: String { WeakerProfile.warning(name, notHeld.map(\.promise)) }

    /// The same before there is a plan.
    public static func warning(_ name: String, _ promises: [WeakerPromise]) -> String {
        "\(warningBegins)\(name): NOT held: \(promises.map(\.rawValue).joined(separator: ", ")) "
            + "(`codex-sandbox explain` says what each means)"
    }
}

/// What a launch of `landlock-only` has of its own: a folder on the host, and calls that are refused beside the policy's.
public struct LandlockOnlyProfile: Hashable, Sendable {
    /// The launch's own folder on the host: `home` and `tmp` are the job's, `probe` is what only Landlock keeps from it.
    public var scratch: OSString
    /// Numbers of calls that are answered EPERM beside those of the policy's filter.
    public var refusedCalls: [UInt32]
    /// Those that are answered EOPNOTSUPP.
    public var unsupportedCalls: [UInt32]
    /// Calls that are answered so by an argument.
    public var argumentRules: [SeccompProgram.ArgumentRule]
    /// Contents of the git settings that the job gets in place of the system's.
    public var gitSettings: [UInt8]

    public init(
        scratch: OSString,
        refusedCalls: [UInt32],
        unsupportedCalls: [UInt32],
        argumentRules: [SeccompProgram.ArgumentRule],
        gitSettings: [UInt8]
    ) {
        self.scratch = scratch
        self.refusedCalls = refusedCalls
        self.unsupportedCalls = unsupportedCalls
        self.argumentRules = argumentRules
        self.gitSettings = gitSettings
    }

    /// The job's HOME.
    public var home: OSString { scratch.appending("home") }
    /// The job's TMPDIR.
    public var temporary: OSString { scratch.appending("tmp") }
    /// Holds an empty file and an empty folder, both the caller's, that no rule names.
    public var probe: OSString { scratch.appending("probe") }
    /// The file with `gitSettings`.
    public var gitFile: OSString { scratch.appending("gitconfig") }
}

/// Something that every sandbox holds, and a weaker profile does not.
public struct NotHeld: Hashable, Sendable {
    public var promise: WeakerPromise
    /// What the job can do by it, in a sentence or two.
    public var meaning: String

    public init(_ promise: WeakerPromise, _ meaning: String) {
        self.promise = promise
        self.meaning = meaning
    }
}

/// The promises of a sandbox that a weaker profile may not keep; plans, results and records call them by these words.
public enum WeakerPromise: String, Hashable, Sendable, CaseIterable {
    /// No process of the host is addressable, not even as a number.
    case hostProcesses = "host-processes"
    /// No signal reaches a process that is not the job's.
    case signals
    /// Nothing of the job is left when it ends, whatever it or anybody outside does.
    case jobEnd = "job-end"
    /// What is not shown does not exist for the job.
    case fileMetadata = "file-metadata"
    /// What is shown read-only cannot be changed in any respect.
    case shownTimes = "shown-times"
    /// No device can be opened but the few that every job has.
    case deviceNodes = "device-nodes"
    /// Names in the workspace that tools obey stay as they are.
    case protectedNames = "protected-names"
    /// `/tmp` and home are the job's own, and of limited size.
    case temporaryFolder = "temporary-folder"
    /// Host name, accounts and the paths of the caller's folders are hidden.
    case hostIdentity = "host-identity"
    /// The limit of processes counts the job's alone.
    case taskCount = "task-count"
    /// Nothing is told of a process that is not the job's: no name, no command line, no state, no table of its namespaces.
    case processDetails = "process-details"
    /// A place's `/proc` is its own: it has the job's processes, by their numbers, and nothing is mounted in it but covers.
    case ownProc = "own-proc"
    /// A place's own count of user namespaces is 0, beside the filter that refuses the call.
    case namespaceCount = "namespace-count"
}
