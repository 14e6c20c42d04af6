internal import SandboxPlan

/// The launch of a policy that confines nothing.
extension RunSession {
    mutating func launchUnconfined(
        _ preparation: borrowing Preparation,
        _ store: inout EvidenceStore,
        _ context: inout LaunchContext,
        _ end: inout LaunchEnd
    ) throws(Refusal) {
        context.standardStreams = try CallerStream.all(closed: options.closedStreams).map { $0.recorded }
        var prepared = PreparedContext(context)
        prepared.workspace.git = GitHead.observed(at: context.workspace.path)
        let start = prepared
        var recorded = false
        let process = UnconfinedProcess(plan: preparation.plan, environment: options.environment)
        let done = process.launch(&warnings) { (established) throws(Refusal) in
            defer { recorded = store.hasStart }
            do throws(EvidenceError) {
                try store.appendStart(start, layers: established.layers)
            } catch { throw error.refusal }
        }
        finish(done, preparation.policy, recorded ? start : nil, &store, context, &end)
    }
}
