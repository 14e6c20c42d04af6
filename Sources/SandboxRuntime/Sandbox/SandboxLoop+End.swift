internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The end of a process that ran, and of the sandbox.
extension SandboxLoop {
    /// `left` is what was found in the workspace after it, where the sandbox has ended with it.
    func finish(
        _ process: StartingProcess,
        _ outcome: Outcome,
        _ usage: Usage,
        _ execve: ExecveFact,
        _ counted: CgroupUsage?,
        left: SandboxEnd? = nil
    ) {
        var usage = usage
        // Of the whole place, up to now.
        usage.cgroup = counted
        processes[process.number] = nil
        var end = process.end(outcome)
        if let left {
            end.planted = left.planted
            end.removed = left.removed
            end.unseen = left.unseen
        }
        end.execve = execve
        end.usage = usage
        end.limitsReached = process.plan.limits.reached(outcome, usage)
        end.exitStatus = outcome.processStatus
        var told = ProcessEnd(outcome: outcome, usage: usage, limitsReached: end.limitsReached)
        if let prepared = process.prepared {
            do throws(EvidenceError) {
                try process.store.appendOutcome(prepared, end)
            } catch { told.warnings.append("the outcome is not recorded: \(error.message)") }
        }
        // It holds this loop, and nothing of it is asked for again: kept, it would hold both for ever, with the files of the place.
        process.process.take()?.ended(told)
    }

    /// Ends every process and the place, and closes the records.
    func end(_ place: OpenPlace) -> SandboxEnd {
        let late = pending + commands.end()
        // Nobody here had a reason: then it was the kernel's.
        if case .signalled(SIGKILL) = verdict, let exceeded = place.group?.memoryExceeded(place.preparation.plan) {
            verdict = exceeded
        }
        place.group?.group.kill()
        place.place.end()
        let counted = place.group?.counted()
        place.group?.group.end()
        let found = place.plants.settled()
        if let finding = found.finding { verdict = verdict ?? .protectionLost(what: finding) }
        for process in Array(processes.values) where !process.isReleased || !process.options.endsSandbox {
            if process.isReleased {
                finish(process, verdict ?? .signalled(signal: SIGKILL), .none, .notKnown, counted)
            } else {
                refuse(process, SandboxLoop.isClosed, .killedAtGate)
            }
        }
        for case .start(_, let waiting) in late { waiting.set(.failure(SandboxLoop.isClosed)) }
        let names = place.planted()
        if let lost = names.failure { verdict = verdict ?? .protectionLost(what: lost) }
        warnings += names.words + found.words + place.placeholders.end()
        let end = SandboxEnd(
            verdict: verdict,
            planted: names.made + (found.removed + found.remaining).filter { !names.made.contains($0) },
            removed: names.removed + found.removed.filter { !names.removed.contains($0) },
            unseen: names.unseen,
            warnings: warnings
        )
        for process in Array(processes.values) {
            finish(process, verdict ?? .signalled(signal: SIGKILL), .none, .notKnown, counted, left: end)
        }
        if let last = last.take() {
            // What ended the place is the cause; a process that went wrong by itself stays what it is.
            let outcome = found.finding.map { Outcome.protectionLost(what: $0) } ?? names.outcome(after: last.outcome)
            finish(last.process, outcome, last.usage, last.execve, counted, left: end)
        }
        return end
    }
}
