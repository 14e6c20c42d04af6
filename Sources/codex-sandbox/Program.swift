internal import CShims
internal import Glibc
internal import SandboxCLI
internal import SandboxPlan

/// One run of this program: a command line in, an exit status out.
enum Program {
    static func status(of arguments: [OSString]) -> Int32 {
        // Before anything is opened: a descriptor of ours must never land on 0, 1 or 2.
        let closed = cs_ensure_stdio()
        guard closed >= 0 else { return ExitStatus.refused }
        // A caller that ignores the end of its children passes that on, and then nobody could wait for ours (wait(2)).
        guard cs_default_child_signal() == 0 else { return ExitStatus.refused }
        // Whoever gave this file a set-id bit has made every user of the host its owner: their folders, their policies.
        guard getuid() == geteuid(), getgid() == getegid() else {
            Output.say(
                OwnWords.lines([
                    "This executable is set-user-ID or set-group-ID, and would act with another's rights. Nothing ran.",
                    "remedy: chmod u-s,g-s codex-sandbox; it needs no privilege",
                ])
            )
            return ExitStatus.refused
        }
        let command: Command
        do throws(UsageError) {
            command = try Command.parse(arguments)
        } catch {
            Output.say(OwnWords.usage(error))
            return error.exitStatus
        }
        // `run` has no answer of its own; of any other nobody would see that it went to /dev/null.
        if closed & 1 << STDOUT_FILENO != 0, !isRun(command) {
            Output.say(OwnWords.lines(["Standard output is closed, so there is nowhere to answer."]))
            return ExitStatus.refused
        }
        switch command {
        case .run(let options): RunCommand.run(options, closedStreams: closed)
        case .explain(let options): return ExplainCommand.status(options, closedStreams: closed)
        case .doctor(let options): return DoctorCommand.status(options)
        case .verify(let options): return VerifyCommand.status(options)
        case .policy(let options): return PolicyCommand.status(options)
        case .completions(let shell): return Output.show(shell.completions, status: 0)
        case .delegate(let words): return Delegation.execute(words)
        case .help(let page): return Output.show(HelpText.text(page), status: 0)
        case .version: return Output.show(HelpText.version, status: 0)
        }
    }

    /// Ends the program: nothing is buffered in the C library, and nothing waits for its end.
    static func leave(_ status: Int32) -> Never {
        // What was begun before all this, and came to nothing: a wrong option, a refusal.
        cs_early_end()
        _exit(status)
    }

    private static func isRun(_ command: Command) -> Bool {
        if case .run = command { return true }
        return false
    }
}
