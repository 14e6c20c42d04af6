internal import Glibc
internal import SandboxPlan
internal import SandboxRuntime
internal import Synchronization
internal import WorkspaceStore

/// What jobs have left where tools obey it: who owns the project sees it, and can have it removed. Nothing writes there.
extension Orchestrator {
    /// Records that are looked at, and pages of jobs.
    private static let mostLaunches = 1000
    private static let mostPages = 100
    /// A file's time of birth is that of the last tick (CLOCK_REALTIME_COARSE): up to 10 ms early, in nanoseconds.
    private static let coarse: Int64 = 10_000_000

    public func planted(in project: String) throws(WorkspaceError) -> [PlantedName] {
        try found(in: project).map(\.name)
    }

    public func removePlanted(_ path: RequestedPath, from project: String) throws(WorkspaceError) {
        let found = try found(in: project)
        guard let one = found.first(where: { $0.name.path == path.path }) else {
            throw .noFile("\(path.path): no record lists it")
        }
        // Its place must not stand while this goes on, and no new one may be begun.
        guard state.withLock({ $0.queue.hold(project) }) else {
            throw WorkspaceError(.conflict, "A job of the project runs; cancel it, or wait for its end")
        }
        defer {
            state.withLock { $0.queue.release(project) }
            startNext()
        }
        let root = settings.root.appending(OSString(project))
        let owner = settings.owner ?? FileOwner(uid: geteuid(), gid: getegid())
        guard one.plant.remove(from: root, since: one.since, until: one.until, owner: owner.uid, group: owner.gid)
        else {
            throw WorkspaceError(
                .conflict,
                "Something of it was there before the job, or is not the server's: it stays",
                detail: "\(path.path)"
            )
        }
    }

    private struct Found {
        var name: PlantedName
        var plant: RecordedPlant
        /// Nanoseconds.
        var since: Int64
        var until: Int64
    }

    /// What is listed and still there.
    private func found(in project: String) throws(WorkspaceError) -> [Found] {
        let folder = try self.folder(of: project)
        let plants: [RecordedPlant]
        do throws(EvidenceError) {
            let launches = try WorkspaceEvidence(settings).launches(of: project, .newest(Orchestrator.mostLaunches))
            plants = RecordedPlant.listed(in: launches.reversed())
        } catch {
            throw WorkspaceError(.fault, "The records cannot be read", detail: "\(error.message); \(error.remedy)")
        }
        if plants.isEmpty { return [] }
        let root = settings.root.appending(OSString(project))
        let jobs = try jobsByLaunch(of: project)
        var found: [Found] = []
        for plant in plants where plant.path.isWithin(root) && plant.path != root {
            let path = OSString(Array(plant.path.bytes.dropFirst(root.bytes.count + 1)))
            guard let job = jobs[plant.launch.description], let started = job.startedAt, let ended = job.endedAt,
                folder.hasName(path)
            else {
                continue
            }
            found.append(
                Found(
                    name: PlantedName(path: path, job: job.id, launch: plant.launch.description),
                    plant: plant,
                    since: started.microseconds * 1000 - Orchestrator.coarse,
                    until: ended.microseconds * 1000
                )
            )
        }
        return found
    }

    private func jobsByLaunch(of project: String) throws(WorkspaceError) -> [String: Job] {
        var jobs: [String: Job] = [:]
        var after: String?
        for _ in 0..<Orchestrator.mostPages {
            let page = try self.jobs(of: project, limit: Orchestrator.mostLaunches, after: after)
            guard let last = page.last else { break }
            for job in page { if let launch = job.launch { jobs[launch] = job } }
            after = last.id
        }
        return jobs
    }
}
