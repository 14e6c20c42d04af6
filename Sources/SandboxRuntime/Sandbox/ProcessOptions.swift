public import SandboxPlan

/// What one process of an open sandbox is started with.
public struct ProcessOptions: Hashable, Sendable {
    /// What the process gets as 0, 1 and 2.
    public enum Streams: Hashable, Sendable {
        /// A pipe for each; the caller gets the other ends.
        case pipes
        /// A terminal of its own for all three, which controls its session; the caller gets the other end.
        case terminal(rows: UInt16, columns: UInt16)
        /// The null device.
        case none
    }

    /// Arguments, the command first; never empty.
    ///
    /// A command without a slash is looked for in the process's PATH.
    public var arguments: [OSString]
    /// Absolute, as the sandbox sees it; nil for the sandbox's own.
    public var workingDirectory: OSString?
    /// Set over what the policy gives every process.
    public var environment: [EnvironmentEntry]
    public var streams: Streams
    /// After this long the process group gets TERM, and after the policy's grace KILL; nil for no limit but the sandbox's.
    public var timeout: TimeSpan?
    /// What it may write to its streams in all, where the policy does not say less; nil for no limit but the policy's.
    public var output: ByteCount?
    /// What it may do less than the others; nil where it is as they are.
    public var narrowing: ProcessNarrowing?
    /// Whether the sandbox ends with it: its record then says what was left in the workspace, as that of `run` does.
    public var endsSandbox = false

    public init(
        arguments: [OSString],
        workingDirectory: OSString? = nil,
        environment: [EnvironmentEntry] = [],
        streams: Streams = .pipes,
        timeout: TimeSpan? = nil,
        narrowing: ProcessNarrowing? = nil
    ) {
        self.arguments = arguments
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.streams = streams
        self.timeout = timeout
        self.narrowing = narrowing
    }

    /// The caller's ends of a process's streams; whoever got the process closes them.
    public struct Ends: Hashable, Sendable {
        /// To write; nil where there is none.
        public var input: Int32?
        /// To read; of a terminal to write, too.
        public var output: Int32?
        public var errors: Int32?

        var all: [Int32] { [input, output, errors].compactMap(\.self) }
    }
}

/// How one process of a sandbox ended.
public struct ProcessEnd: Hashable, Sendable {
    public var outcome: Outcome
    /// Of this process and the children it has waited for (wait4(2)).
    public var usage: Usage
    /// Limits of the policy that it has met, whether that ended it or not.
    public var limitsReached: [HeldLimit.Name] = []
    /// Something about its record that went wrong after its end.
    public var warnings: [String] = []
}
