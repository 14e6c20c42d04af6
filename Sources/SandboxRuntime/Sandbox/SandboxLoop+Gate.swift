internal import CShims
internal import SandboxKernel
internal import SandboxPlan

/// How a process leaves its gate: released, or refused.
extension SandboxLoop {
    /// Compares the process at its gate, records its start, and lets it go.
    func release(_ process: StartingProcess, _ place: OpenPlace) throws(Refusal) {
        guard let worker = process.worker, let values = process.values, let number = process.startedInside else {
            return
        }
        let files = try ProcessFiles(pid: worker)
        let inside = try place.verification.verifyProcess(
            files,
            values,
            parent: place.place.pid,
            stdio: process.identities,
            &process.findings
        )
        process.findings.compare(.pidNamespace, "NSpid of worker", expected: String(number), found: inside)
        ProcessVerification.verifyNarrowing(process.plan.process, values, &process.findings)
        process.findings.compare(
            .descriptors,
            "standard streams that were made for it",
            expected: 3,
            found: Int64(process.identities.count)
        )
        try place.group?.verify(files, as: "worker", &process.findings)
        process.findings.compare(
            .mounts,
            "mount table since it was compared",
            expected: "unchanged",
            found: place.mounts.isQuiet ? "unchanged" : "changed"
        )
        process.layers = LayerReports.list(process.plan, place.observations + process.findings.observations)
        if let refusal = process.findings.refusal() { throw refusal }
        var prepared = PreparedContext(process.context)
        prepared.worker = WorkerLookup.executable(process.plan.process, root: place.root.number)
        process.prepared = prepared
        do throws(EvidenceError) {
            try process.store.appendStart(prepared, layers: process.layers)
        } catch { throw error.refusal }
        do throws(PlaceError) {
            try process.openGate()
        } catch { throw Refusal(error, steps: process.plan.steps) }
        process.releasedAt = cs_now()
        process.releasedMonotonic = cs_monotonic()
        process.deadline =
            process.options.timeout.map { process.releasedMonotonic + Int64($0.milliseconds) * 1_000_000 } ?? Int64.max
        let handle = SandboxedProcess(
            launch: process.context.id,
            ends: process.ends,
            pid: worker,
            outputLimit: process.plan.limits.output,
            number: process.number,
            loop: self
        )
        process.process = handle
        process.waiting?.set(.success(handle))
        process.waiting = nil
        process.store.settle()
    }

    /// The process has not run and never will; its end of the gate closes, and it goes.
    func refuse(_ process: StartingProcess, _ refusal: Refusal, _ proof: ExecveFact.Proof) {
        processes[process.number] = nil
        process.gate = nil
        process.closeEnds()
        let told: Refusal
        if process.store.hasStart, let prepared = process.prepared {
            var end = process.end(.refused(refusal))
            end.execve = .notReached(proof)
            end.exitStatus = 125
            told = refusal
            do throws(EvidenceError) {
                try process.store.appendOutcome(prepared, end)
            } catch { warnings.append("the outcome of \(process.context.id) is not recorded: \(error.message)") }
        } else {
            told = OpenPlace.recorded(refusal, &process.store, process.context, proof: proof, layers: process.layers)
        }
        process.waiting?.set(.failure(told))
        process.waiting = nil
    }
}
