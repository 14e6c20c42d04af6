internal import CShims
internal import Glibc
internal import SandboxCLI
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxRuntime

/// `codex-sandbox run`.
enum RunCommand {
    static func status(_ options: RunOptions, closedStreams: Int) -> Int32 {
        let end = end(of: options, closedStreams: closedStreams)
        var words = end.warnings.isEmpty ? "" : OwnWords.lines(end.warnings)
        if let elsewhere = foundOutside(end) {
            words += OwnWords.lines([elsewhere])
        } else {
            words += OwnWords.outcome(end.outcome, limits: end.plan?.limits, quiet: options.quiet)
        }
        // Somebody wanted us to end: not at the price of waiting for the same reader again.
        if !end.outputIsLost || Output.canBeHeard { Output.say(words) }
        return ExitStatus.of(end.outcome)
    }

    /// Launches, waits, and says how it ended.
    static func outcome(of options: RunOptions) -> Outcome {
        end(of: options, closedStreams: 0).outcome
    }

    private static func end(of options: RunOptions, closedStreams: Int) -> RunSession.End {
        var session = RunSession(
            LaunchOptions(options, closedStreams: closedStreams),
            exitStatus: ExitStatus.of,
            say: { notes, mayWait in
                let words = OwnWords.notes(notes, quiet: options.quiet)
                if !mayWait && !Output.takes(words) { return false }
                Output.say(words)
                return true
            }
        )
        return session.run()
    }

    /// For a command that is on the host's disk but not in the sandbox: where, and how to show it.
    private static func foundOutside(_ end: RunSession.End) -> String? {
        guard case .notExecuted(ENOENT, _) = end.outcome, let plan = end.plan else { return nil }
        for candidate in plan.process.candidates where candidate.isAbsolute {
            let path = candidate.bytes.map { CChar(bitPattern: $0) } + [0]
            if access(path, X_OK) == 0 {
                return "\(plan.process.arguments[0]) is not in the sandbox: found at \(candidate); "
                    + "add --read \(candidate.parent)"
            }
        }
        return nil
    }
}
