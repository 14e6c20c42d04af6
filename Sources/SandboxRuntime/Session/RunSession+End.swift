internal import SandboxPlan
internal import SandboxPolicy

/// How a launch ended, for its record.
extension RunSession {
    /// Closes the record; `prepared` is nil when no start was recorded.
    mutating func finish(
        _ done: CompletedLaunch,
        _ policy: Policy,
        _ prepared: PreparedContext?,
        _ store: inout EvidenceStore,
        _ context: LaunchContext,
        _ end: inout LaunchEnd
    ) {
        RunSession.fill(done, policy, context.plan, exitStatus(done.outcome), &end)
        guard let prepared else {
            close(&store, context, end)
            return
        }
        do throws(EvidenceError) {
            try store.appendOutcome(prepared, end)
        } catch { warnings.append("the outcome is not recorded: \(error.message)") }
    }

    /// What a launch says of its end.
    static func fill(
        _ done: CompletedLaunch,
        _ policy: Policy,
        _ plan: LaunchPlan?,
        _ exitStatus: Int32,
        _ end: inout LaunchEnd
    ) {
        end.outcome = done.outcome
        end.exitStatus = exitStatus
        end.execve = done.execve
        if case .signalled(let signal) = done.outcome { end.signal = signal }
        end.layers = done.layers
        end.denials = done.denials.map { ReportedDenials($0, policy: policy) }
        end.endedAt = .now
        if done.released {
            end.releasedAt = Timestamp(microseconds: UInt64(done.releasedAt / 1000))
            end.wallMicroseconds = UInt64(max(0, done.wallNanoseconds / 1000))
            end.usage = done.usage
            end.limitsReached = plan?.limits.reached(done.outcome, done.usage) ?? []
        }
        if case .protectionLost(let what, _) = done.outcome {
            end.protectionEvents = [ProtectionEvent(at: end.endedAt, what: what)]
        }
    }

    /// The one record of a launch that was refused before its start was recorded.
    mutating func close(_ store: inout EvidenceStore, _ context: LaunchContext, _ end: LaunchEnd) {
        let refusal: Refusal
        switch end.outcome {
        case .refused(let reason): refusal = reason
        case .interrupted(let signal, _):
            refusal = Refusal(
                stage: "process",
                subject: "signal \(signal)",
                message: "the caller ended the launch before the job was released",
                remedy: "start it again"
            )
        case let outcome:
            refusal = Refusal(
                stage: "process",
                message: "the launch ended as \(outcome.word) before its start was recorded",
                remedy: "report this with the record"
            )
        }
        let proof: ExecveFact.Proof = if case .notReached(let proof) = end.execve { proof } else { .noProcess }
        do throws(EvidenceError) {
            do throws(EvidenceError) {
                try append(context)
            } catch {
                // On a full disk there may be room for the reason, though none for plan and host.
                guard error.call == "writev", context.plan != nil, !store.hasRefused else { throw error }
                var short = context
                (short.policy, short.plan, short.host) = (nil, nil, nil)
                try append(short)
            }
        } catch { warnings.append("the refusal is not recorded: \(error.message)") }

        func append(_ context: LaunchContext) throws(EvidenceError) {
            try store.appendRefused(
                PreparedContext(context),
                refusal,
                proof: proof,
                exitStatus: end.exitStatus,
                layers: end.layers
            )
        }
    }
}
