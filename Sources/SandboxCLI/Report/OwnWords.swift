public import SandboxPlan

/// Lines of codex-sandbox itself, for stderr: each begins with its name, so that nobody takes them for the command's.
public enum OwnWords {
    public static let prefix = "codex-sandbox: "

    /// The lines with prefix and newline; control bytes in them are escaped.
    public static func lines(_ lines: [String]) -> String {
        // Not by `joined`: notes are said at every launch, and its first use costs as much as ten of them.
        var text = ""
        for line in lines {
            text += prefix
            text += Shown.text(line)
            text += "\n"
        }
        return text
    }

    /// A command line that says nothing we can do.
    public static func usage(_ error: UsageError) -> String {
        lines([error.message, error.advice])
    }

    /// Why nothing ran: what, where, errno, and what to do about it.
    public static func refusal(_ refusal: Refusal) -> String {
        // A policy's problems stand on lines of their own; each gets the prefix.
        var text = "refused: \(refusal.message)".pieces(between: "\n  ")
        for index in text.indices.dropFirst() { text[index] = "  " + text[index] }
        let place = refusal.step.isEmpty ? refusal.stage : refusal.step
        if !refusal.step.isEmpty || !refusal.subject.isEmpty || refusal.errno != 0 {
            let subject = refusal.subject.isEmpty ? "" : " on \(refusal.subject)"
            let errno = refusal.errno == 0 ? "" : ": \(ErrnoName.described(refusal.errno))"
            text.append("  step: \(place)\(subject)\(errno)")
        }
        if let layer = refusal.layer { text.append("  layer: \(layer.rawValue)") }
        text.append("  remedy: \(refusal.remedy)")
        return lines(text)
    }

    /// Notes of the plan and warnings of the launch; with `--quiet` nothing but that the profile is a weaker one, or none.
    public static func notes(_ notes: [String], quiet: Bool) -> String {
        let weaker = notes.filter {
            $0.utf8.starts(with: WeakerProfile.warningBegins.utf8)
                || $0.utf8.starts(with: WeakerProfile.unconfinedBegins.utf8)
        }
        let others = quiet ? [] : notes.filter { !weaker.contains($0) }
        return lines(weaker.map { "WARNING: \($0)" } + others.map { "note: \($0)" })
    }

    /// How the launch ended, when the exit status alone does not say it.
    ///
    /// What we did to the job, and why nothing ran, is said with `--quiet` too.
    ///
    /// - Parameters:
    ///   - outcome: of the launch.
    ///   - limits: of its plan.
    ///   - processorTime: microseconds that the command used.
    ///   - quiet: whether only what we did to the job is said.
    /// - Returns: lines for standard error, or nothing.
    public static func outcome(
        _ outcome: Outcome,
        limits: LimitPlan?,
        processorTime: UInt64? = nil,
        quiet: Bool
    ) -> String {
        switch outcome {
        case .exited:
            return ""
        case .signalled(signal: 9) where processorTime.flatMap({ limits?.hasUsedUpProcessorTime($0) }) ?? false:
            return quiet
                ? ""
                : lines([
                    "The command was ended by SIGKILL; with its children it had used the CPU time that one process may use (--cpu)."
                ])
        case .signalled(let signal):
            return quiet ? "" : lines(["The command was ended by \(SignalName.name(signal))."])
        case .interrupted(let signal, wasKilled: false):
            return quiet ? "" : lines(["The job was ended because codex-sandbox got \(SignalName.name(signal))."])
        case .interrupted(let signal, wasKilled: true):
            return lines([
                "codex-sandbox got \(SignalName.name(signal)), and the job was killed: it had not ended after the grace (--grace)."
            ])
        case .timedOut:
            let limit = limits.map { " of \($0.wall)" } ?? ""
            return lines(["The wall limit\(limit) passed, and the job was ended. --timeout sets another limit."])
        case .memoryExceeded(let used, let limit):
            return lines([
                "The job used \(used) of memory, its limit is \(limit), and it was killed. --memory sets another limit."
            ])
        case .diskExceeded(let used, let limit):
            return lines([
                "The workspace held \(used), its limit (limits.workspace) is \(limit), and the job was killed.",
                "  remedy: delete what it has left there, or give the policy a higher limit; the next launch is refused before that",
            ])
        case .outputExceeded(let used, let limit):
            return lines([
                "The job wrote \(used) of output, its limit (limits.output) is \(limit), and it was killed."
            ])
        case .protectionLost(let what, afterEnd: true):
            return lines([
                "A protection did not hold, as was seen when the job had ended: \(what)",
                "  remedy: before you run git or open an editor there, look at what it names; "
                    + "codex-sandbox evidence show --last has the record",
            ])
        case .protectionLost(let what, afterEnd: false):
            return lines([
                "A protection was lost while the command ran, and the job was killed: \(what)",
                "  remedy: before you run git or open an editor there, look at what it names and put it back as it was; "
                    + "codex-sandbox evidence show --last has the record",
            ])
        case .refused(let refusal):
            return OwnWords.refusal(refusal)
        case .notExecuted(let errno, let message):
            return lines([message, "  execve: \(ErrnoName.described(errno))"])
        }
    }
}
