internal import SandboxCLI
internal import SandboxPlan
internal import SandboxRuntime

/// `codex-sandbox run`.
enum RunCommand {
    /// Launches, waits, says how it ended, and ends this program with the exit status for that.
    static func run(_ options: RunOptions, closedStreams: Int) -> Never {
        let end = end(of: options, closedStreams: closedStreams) { end in
            say(end, options)
            // Here, where all that the launch held is still there: the kernel takes it away at once, we piece by piece.
            Program.leave(ExitStatus.of(end.outcome))
        }
        Program.leave(ExitStatus.of(end.outcome))
    }

    private static func say(_ end: RunSession.End, _ options: RunOptions) {
        var words = end.warnings.isEmpty ? "" : OwnWords.lines(end.warnings)
        if case .notExecuted(let errno, _) = end.outcome, let plan = end.plan {
            words += OwnWords.notExecuted(CommandFinding.notExecuted(errno, plan))
        } else {
            words += OwnWords.outcome(
                end.outcome,
                limits: end.plan?.limits,
                processorTime: end.usage.map { $0.userMicroseconds + $0.systemMicroseconds },
                quiet: options.quiet
            )
        }
        if !options.quiet && !end.denials.isEmpty { words += OwnWords.lines(end.denials) }
        if end.endsMidLine && !words.isEmpty { words = "\n" + words }
        // Somebody wanted us to end: not at the price of waiting for the same reader again.
        if !end.outputIsLost || Output.canBeHeard { Output.say(words) }
    }

    /// Launches, waits, and tells how it ended.
    static func outcome(of options: RunOptions) -> Outcome {
        end(of: options, closedStreams: 0) { _ in }.outcome
    }

    private static func end(
        of options: RunOptions,
        closedStreams: Int,
        _ ended: (RunSession.End) -> Void
    ) -> RunSession.End {
        let launch = LaunchOptions(options, closedStreams: closedStreams)
        // Said with the launch's own notes, which wait for no reader.
        var vain = VainWords.notes(options, environment: launch.environment)
        // Of what was offered: what nobody took yet.
        var rest: ArraySlice<UInt8> = []
        func sayRest() {
            if !rest.isEmpty { Output.say(rest) }
            rest = []
        }
        var session = RunSession(
            launch,
            exitStatus: ExitStatus.of,
            say: { notes, mayWait in
                // What was offered before held these notes already.
                if mayWait && !rest.isEmpty {
                    sayRest()
                    return true
                }
                let words = OwnWords.notes(vain + notes, quiet: options.quiet)
                vain = []
                if mayWait {
                    Output.say(words)
                    return true
                }
                rest = Output.offer(words)
                return rest.isEmpty
            }
        )
        return session.run { end in
            // Not released, or nobody took them then.
            if !end.outputIsLost {
                sayRest()
                Output.say(OwnWords.notes(vain, quiet: options.quiet))
            }
            ended(end)
        }
    }
}
