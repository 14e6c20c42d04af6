internal import Synchronization
internal import WorkspaceStore

/// Ends of jobs on their way into the store, which may not take them for a while.
extension Orchestrator {
    /// Ends a job that never ran, behind what the store has not taken before it.
    func endLater(_ entry: JobQueue.Entry, _ reason: String) {
        storeLater(word(of: stub(entry), reason, "the job was \(reason) before it began"))
    }

    /// What an update writes needs no more of a job that has not begun.
    func stub(_ entry: JobQueue.Entry) -> Job {
        let now = StoredTime.now()
        return Job(
            id: entry.job,
            projectID: entry.project,
            type: entry.type,
            instruction: "",
            status: .queued,
            createdAt: now,
            updatedAt: now
        )
    }

    /// How long is waited between two attempts to store something, in milliseconds: at first, and at the longest.
    private static let patience = 500...5000

    /// Stores an end as soon as the store takes it, or until the server ends.
    func storeLater(_ word: JobRun.LastWord) {
        state.withLock { $0.unstored.append(word) }
        settleLater()
    }

    /// Tries again what the store has not taken, until nothing is left of it.
    func settleLater() {
        let number = state.withLock { state -> UInt64? in
            guard state.settling == nil else { return nil }
            state.settlings += 1
            state.settling = (state.settlings, Orchestrator.patience.lowerBound)
            return state.settlings
        }
        guard let number else { return }
        Task { [weak self] in
            // Where that is another one by now, this one was told to end.
            while let self, let settling = state.withLock({ $0.settling }), settling.number == number {
                do { try await Task.sleep(for: .milliseconds(settling.pause)) } catch { return }
                // Where too many wait for the database already, that is no reason to give up.
                do throws(WorkspaceError) { try await aside { [self] in settle() } } catch {}
            }
        }
    }

    private func settle() {
        // A lock is looked for, and not waited for: it would be met again and again.
        var isUsable = true
        do throws(StoreError) { try store.checkWritable() } catch { isUsable = false }
        if isUsable { storeUnstored() }
        let waiters = state.withLock { state in
            if isUsable { state.isStalled = false }
            let isOver = state.unstored.isEmpty && !state.isStalled || state.isEnding
            // What is refused for another reason than a lock may be so for long, and each refusal is in the log.
            let longer = min((state.settling?.pause ?? 0) * (isUsable ? 2 : 1), Orchestrator.patience.upperBound)
            state.settling = isOver ? nil : state.settling.map { ($0.number, longer) }
            // Who came while nothing could begin, or nothing in the project, learns that it still does not.
            return state.takeWaiters(of: isUsable ? state.blocked : nil)
        }
        for waiter in waiters { waiter.resume(returning: false) }
        // Also where another has stored the ends meanwhile: what waited for them may begin.
        if isUsable { startNext() }
    }

    /// Stores an end behind those of its project that were not stored yet; where that cannot be done now, it is tried again.
    ///
    /// - Throws: `.constraint` for one that can never be stored, which is not tried again; another `StoreError` for one that is.
    @discardableResult
    func storeEnd(_ word: JobRun.LastWord) throws(StoreError) -> Job {
        do throws(StoreError) {
            return try storing.withLock { (_) throws(StoreError) in
                do throws(StoreError) {
                    // A lock that another waits for in vain would be waited for once more by each.
                    try store.checkWritable()
                    if let lock = storeInOrder() { throw lock }
                    guard
                        state.withLock({ state in !state.unstored.contains { $0.job.projectID == word.job.projectID } })
                    else {
                        throw Orchestrator.laterOnly
                    }
                    return try word.write(to: store)
                } catch {
                    if error.kind != .constraint { state.withLock { $0.unstored.append(word) } }
                    throw error
                }
            }
        } catch {
            if error.kind != .constraint { settleLater() }
            throw error
        }
    }

    func storeUnstored() { storing.withLock { _ in _ = storeInOrder() } }

    /// With `storing`.
    ///
    /// - Returns: of a lock, which keeps the rest.
    private func storeInOrder() -> StoreError? {
        var blocked: Set<String> = []
        // A lock that comes and goes may be waited for by each; the rest is tried the next time.
        let deadline = ContinuousClock.now + .seconds(5)
        for word in state.withLock({ $0.unstored }) where !blocked.contains(word.job.projectID) {
            guard ContinuousClock.now < deadline else { return Orchestrator.laterOnly }
            do throws(StoreError) {
                try word.write(to: store)
            } catch {
                if error.kind == .busy { return error }
                // What keeps this one need not keep those of other projects.
                guard error.kind == .constraint else {
                    blocked.insert(word.job.projectID)
                    continue
                }
                // One that can never be stored would be tried for ever.
                if !isRemoved(word.job, error) { log("the end of job \(word.job.id) is lost: \(error)") }
            }
            state.withLock { state in state.unstored.removeAll { $0.job.id == word.job.id } }
            hub.wake(word.job.id)
        }
        return nil
    }

    func isUnstored(_ job: String) -> Bool { state.withLock { state in state.unstored.contains { $0.job.id == job } } }

    /// Who has waited for a job learns that its end is known, and not stored.
    func checkStored(_ job: String) throws(WorkspaceError) {
        guard isUnstored(job) else { return }
        throw WorkspaceError(
            .unavailable,
            "The job has ended, and the server cannot store that now",
            detail: "job \(job)"
        )
    }

    func word(of job: Job, _ reason: String, _ summary: String) -> JobRun.LastWord {
        var job = job
        job.status = .error
        job.reason = reason
        job.summary = summary
        job.updatedAt = .now()
        job.endedAt = job.updatedAt
        let event = JobEvent(
            number: 2,
            kind: .state,
            at: job.updatedAt,
            data: Array("\(JobStatus.error.rawValue) \(reason)".utf8)
        )
        return JobRun.LastWord(job, events: [event])
    }

    /// A job that never ran; where the store does not take its end now, it is tried again.
    func end(_ job: Job, _ reason: String, _ summary: String) throws(StoreError) {
        let word = word(of: job, reason, summary)
        do throws(StoreError) { try storeEnd(word) } catch {
            if !isRemoved(job, error) {
                // Once more, and then it is told that it is lost.
                if error.kind == .constraint { storeLater(word) }
                throw error
            }
        }
        hub.wake(job.id)
    }

    static var laterOnly: StoreError {
        StoreError(
            kind: .busy,
            message: "the store has not taken the ends of jobs before this one",
            remedy: "see the log for what keeps it"
        )
    }

    /// Whether that is why a job's end is not stored: its row has gone with its project, and nobody is to be told of it any more.
    private func isRemoved(_ job: Job, _ error: StoreError) -> Bool {
        guard error.kind == .constraint else { return false }
        do throws(StoreError) { return try store.project(job.projectID) == nil } catch { return false }
    }
}
