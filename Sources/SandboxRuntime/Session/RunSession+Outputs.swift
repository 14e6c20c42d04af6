internal import SandboxPlan

/// The files besides the record that a caller asks for: `--result` and `--evidence`.
extension RunSession {
    /// Settles `--result` and `--evidence`, now that it is known what the job may write.
    func keepOutputs(
        outside writable: [OSString],
        _ store: inout EvidenceStore,
        _ result: inout ResultFile
    ) throws(Refusal) {
        if options.result == nil && options.evidenceCopy == nil { return }
        let own = try OwnFolders(options).all.flatMap(\.names)
        do throws(EvidenceError) {
            try store.keepCopy(outside: writable, own: own, result: result.descriptor)
        } catch {
            // The other of the two may still tell of the refusal.
            do throws(Refusal) { try result.keep(outside: writable, own: own) } catch {}
            throw error.refusal
        }
        try result.keep(outside: writable, own: own)
    }

    /// The same when there is no plan: what the command line alone makes writable.
    mutating func dropOutputs(
        in workspace: OSString,
        _ store: inout EvidenceStore,
        _ result: inout ResultFile
    ) {
        do throws(Refusal) {
            try keepOutputs(outside: [workspace] + options.overrides.write, &store, &result)
        } catch {
            warnings.append("\(error.message); remedy: \(error.remedy)")
        }
    }
}
