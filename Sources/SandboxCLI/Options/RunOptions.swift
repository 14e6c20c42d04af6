public import SandboxPlan

/// What `run` was asked to do.
///
/// Paths are as they were typed: relative ones count from the caller's folder.
public struct RunOptions: Hashable, Sendable {
    /// Nil: the caller's folder.
    public var workspace: OSString?
    /// `--cwd`; nil: the caller's folder if it is inside the workspace, else the workspace.
    public var workingDirectory: OSString?
    /// Nil: CODEX_SANDBOX_POLICY, then `workspace-write`.
    public var policy: PolicySource?
    /// What stands over the policy's own values.
    ///
    /// `network` is `.off(loopback: true)` for `--network off`; a policy that is off already, with `lo` down, is
    /// narrower and has to stay.
    public var overrides = PolicyOverrides()
    public var dangerHostNetwork = false
    public var dangerFullAccess = false
    public var allowRootOwnedWorkspace = false
    /// A further copy of the record.
    public var evidence: OSString?
    /// Whether records are on the disk before the run goes on.
    public var durable = false
    public var result: ResultTarget?
    /// No notes and warnings on stderr; refusals and errors are said all the same.
    public var quiet = false
    /// What the job is called while it runs; no other one has that name then.
    public var name: JobName?
    public var stateDirectory: OSString?
    /// `--tty`: one terminal for all three streams.
    public var wantsTerminal = false
    /// `--no-tty`: pipes in place of terminals.
    public var refusesTerminal = false
    /// `--report-denials`: refused system calls are counted and told of.
    public var reportsDenials = false
    /// The command and its arguments, byte for byte; never empty once parsed.
    public var command: [OSString] = []

    public init() {}
}

extension RunOptions {
    /// Reads what follows `run`; nil when help is asked for.
    static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> RunOptions? {
        var options = RunOptions()
        let parser = OptionParser(command: .run, options: { table })
        switch try parser.parse(arguments, plainWord: .endsOptions, into: &options) {
        case .help:
            return nil
        case .words(let words):
            try options.finish(command: words, of: .run)
            return options
        }
    }

    /// The command, and the rules that concern more than one option.
    mutating func finish(command words: [OSString], of name: CommandName) throws(UsageError) {
        guard !words.isEmpty else { throw UsageError(.missingArgument("COMMAND"), command: name) }
        command = words
        do throws(Conflict) {
            try checkHostNetwork()
            try checkFullAccess()
            try checkTerminal()
        } catch {
            throw UsageError(.conflict(error.sentence), command: name)
        }
    }

    private struct Conflict: Error {
        let sentence: String
    }

    private func checkHostNetwork() throws(Conflict) {
        if overrides.network == .host, !dangerHostNetwork {
            throw Conflict(
                sentence: "--network host gives the command everything that this machine can reach, "
                    + "services on its own loopback included. If that is meant, add --danger-host-network."
            )
        }
        if dangerHostNetwork, overrides.network != .host {
            throw Conflict(
                sentence: "--danger-host-network only permits --network host, which is not given. "
                    + "Add it, or leave both out."
            )
        }
    }

    /// What was said about terminals.
    public var terminal: TerminalChoice { wantsTerminal ? .always : refusesTerminal ? .never : .automatic }

    private func checkTerminal() throws(Conflict) {
        if wantsTerminal && refusesTerminal {
            throw Conflict(sentence: "--tty and --no-tty exclude each other. Leave one of the two out.")
        }
    }

    /// `--danger-full-access` selects the policy of that name, and the policy needs the flag.
    ///
    /// Another one beside the flag is left to the launch: its text may be full access too, and a sandbox is refused there.
    private mutating func checkFullAccess() throws(Conflict) {
        guard dangerFullAccess else {
            guard policy != .dangerFullAccess else {
                throw Conflict(
                    sentence: "The policy danger-full-access runs the command without any sandbox. "
                        + "If that is meant, add --danger-full-access."
                )
            }
            return
        }
        // Grants are given anyway; anything else would be lost without a word.
        guard let lost = lostOptions.first else {
            policy = policy ?? .dangerFullAccess
            return
        }
        throw Conflict(
            sentence: "--danger-full-access runs the command without any sandbox, so \(lost) would not hold. "
                + "Leave one of the two out."
        )
    }

    /// The options given that full access would ignore.
    ///
    /// They are what takes something away, and a value for the environment, which is the caller's own then.
    private var lostOptions: [String] {
        var names: [String] = []
        if !overrides.deny.isEmpty { names.append("--deny") }
        if case .off? = overrides.network { names.append("--network off") }
        if overrides.memory != nil { names.append("--memory") }
        if overrides.tasks != nil { names.append("--pids") }
        if overrides.cpuSeconds != nil { names.append("--cpu") }
        if overrides.cpuThousandths != nil { names.append("--cpus") }
        if overrides.tmpSize != nil { names.append("--tmp-size") }
        if overrides.fileSize != nil { names.append("--file-size") }
        if wantsTerminal { names.append("--tty") }
        if refusesTerminal { names.append("--no-tty") }
        if reportsDenials { names.append("--report-denials") }
        if !overrides.setEnvironment.isEmpty { names.append("--env NAME=VALUE") }
        return names
    }
}
