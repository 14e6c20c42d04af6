internal import SandboxPlan
internal import SandboxRuntime
internal import Synchronization
internal import WorkspaceStore

/// Whether the host lets jobs be confined as the server's policy wants it: tried, not asked for.
extension Orchestrator {
    /// Opens a place as a job's, in an empty project that is removed again, and closes it; nothing runs in it.
    ///
    /// What it finds is what `readiness()` says from then on. Takes as long as a launch does, and leaves no record where records are kept.
    ///
    /// Where it cannot be tried, what was found last stands.
    ///
    /// - Returns: for the log, when it has changed: why every job would be refused, or nil in `problem` where none would be.
    public func tryHost() -> (hasChanged: Bool, problem: String?) {
        let finding = tried()
        return hostProblem.withLock { finding.settle(&$0, root: settings.root) }
    }

    private func tried() -> HostTrial {
        // Not by the trial itself, whose own record goes with it.
        do throws(EvidenceError) {
            try WorkspaceEvidence(settings).checkFolder()
        } catch { return .refused(error.refusal) }
        let project = UUIDText.random()
        defer { removeTrial(project) }
        let records: String
        do throws(WorkspaceError) {
            // Whoever is killed here leaves what the next start takes for a removal that was begun.
            _ = try removal.mark(project)
            let folder = try folders.create(project, owner: settings.owner)
            let now = StoredTime.now()
            let job = Job(
                id: project,
                projectID: project,
                type: .initialProject,
                instruction: "",
                status: .queued,
                createdAt: now,
                updatedAt: now
            )
            _ = try JobExchange(job, folder)
            records = try folders.makeHidden()
        } catch {
            // Without room there are other words for it, and they come from whoever needs the room.
            log("the host cannot be tried: \(error.detail)")
            return .untried
        }
        defer { clean { () throws(WorkspaceError) in try folders.removeHidden(records) } }
        var options = WorkerLaunch(settings: settings, project: project, policy: settings.policy).place
        options.stateFolder = settings.root.appending(OSString(records))
        do throws(Refusal) {
            _ = try Sandbox(options, launcher: settings.launcher).close()
            return .passed
        } catch { return .refused(error) }
    }

    private func removeTrial(_ project: String) {
        clean { () throws(WorkspaceError) in
            do throws(WorkspaceError) { try folders.removeAll(project) } catch {
                removal.unmark(project, stays: true)
                throw error
            }
            removal.unmark(project)
        }
    }

    private func clean(_ body: () throws(WorkspaceError) -> Void) {
        do throws(WorkspaceError) { try body() } catch {
            log("what a trial of the host has left stays: \(error.detail)")
        }
    }
}
