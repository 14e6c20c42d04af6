import SandboxPlan
import Synchronization
import WebTransport
import WorkspaceStore
import Workspaces

@testable import SandboxAPI

/// Workspaces in memory: jobs end at once, unless they are queued.
final class FakeWorkspaces: WorkspaceService {
    struct State {
        var projects: [Project] = []
        var jobs: [Job] = []
        var events: [String: [JobEvent]] = [:]
        var fault: WorkspaceError?
        var clock: Int64 = 1_763_000_000_000_000
        var wakes: [String: [@Sendable () -> Void]] = [:]
        var openWatches = 0
        var readiness: String?
        var statistics = WorkspaceStatistics()
        var asked = 0
        var planted: [PlantedName] = []
    }

    let state = Mutex(State())
    let folders = FakeFolders()

    static func id(_ number: Int, _ kind: Int) -> String {
        let digits = String(number, radix: 16)
        return "0000000\(kind)-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.utf8.count) + digits
    }

    private static func now(_ state: inout State) -> StoredTime {
        state.clock += 1_000_250
        return StoredTime(microseconds: state.clock)
    }

    private static func check(_ state: inout State) throws(WorkspaceError) {
        state.asked += 1
        if let fault = state.fault { throw fault }
    }

    private func locked<Value: Sendable>(
        _ body: (inout State) throws(WorkspaceError) -> Value
    ) throws(WorkspaceError) -> Value {
        try state.withLock { (state) throws(WorkspaceError) in
            try FakeWorkspaces.check(&state)
            return try body(&state)
        }
    }

    private static func project(_ id: String, _ state: State) throws(WorkspaceError) -> Int {
        guard let index = state.projects.firstIndex(where: { $0.id == id }) else {
            throw WorkspaceError(.noProject, "Project not found")
        }
        return index
    }

    private static func job(_ id: String, of project: String, _ state: State) throws(WorkspaceError) -> Int {
        guard let index = state.jobs.firstIndex(where: { $0.id == id && $0.projectID == project }) else {
            throw WorkspaceError(.noJob, "no such job")
        }
        return index
    }

    private static func run(_ project: String, _ type: JobType, _ text: String, _ waits: Bool, _ state: inout State)
        -> Job
    {
        let time = now(&state)
        var job = Job(
            id: id(state.jobs.count + 1, 2),
            projectID: project,
            type: type,
            instruction: text,
            status: waits ? .completed : .queued,
            createdAt: time,
            updatedAt: time
        )
        if waits {
            if text.contains("force_error") { job.status = .error }
            job.updatedAt = now(&state)
            job.startedAt = time
            job.endedAt = job.updatedAt
            job.result = "{\"status\": \"success\", \"n\": 1.5}"
        }
        state.jobs.append(job)
        if let index = state.projects.firstIndex(where: { $0.id == project }) {
            state.projects[index].status = job.status
            state.projects[index].summary = job.projectSummary
            state.projects[index].updatedAt = job.updatedAt
        }
        return job
    }

    func createProject(instruction: String, policy: String?, waits: Bool) async throws(WorkspaceError) -> Project {
        let project = try locked { (state) throws(WorkspaceError) in
            if let policy, policy != "read-only" {
                throw WorkspaceError(.unknownPolicy, "there is no policy \(policy)")
            }
            let time = FakeWorkspaces.now(&state)
            var project = Project(
                id: FakeWorkspaces.id(state.projects.count + 1, 1),
                instruction: instruction,
                status: .queued,
                createdAt: time,
                updatedAt: time
            )
            project.policy = policy
            state.projects.append(project)
            _ = FakeWorkspaces.run(project.id, .initialProject, instruction, waits, &state)
            return state.projects[state.projects.count - 1]
        }
        folders.add(project.id, ["README.md": "# x\n", "app.py": "print(1)\n", ".codex/result.json": "{}"])
        return project
    }

    func project(_ id: String) throws(WorkspaceError) -> Project {
        try locked { (state) throws(WorkspaceError) in state.projects[try FakeWorkspaces.project(id, state)] }
    }

    private static func start(_ ids: [String], _ after: String?) throws(WorkspaceError) -> Int {
        guard let after else { return 0 }
        guard let index = ids.firstIndex(of: after) else { throw WorkspaceError(.noPage, "there is no such entry") }
        return index + 1
    }

    func projects(in status: JobStatus?, limit: Int, after: String?) throws(WorkspaceError) -> [Project] {
        try locked { (state) throws(WorkspaceError) in
            let newest = Array(state.projects.reversed())
            let start = try FakeWorkspaces.start(newest.map(\.id), after)
            return Array(newest[start...].filter { status == nil || $0.status == status }.prefix(limit))
        }
    }

    func removeProject(_ id: String) async throws(WorkspaceError) {
        try locked { (state) throws(WorkspaceError) in
            state.projects.remove(at: try FakeWorkspaces.project(id, state))
            state.jobs.removeAll { $0.projectID == id }
        }
    }

    func workspacePath(_ id: String) -> String { "workspaces/\(id)" }

    func addJob(to project: String, type: JobType, instruction: String, waits: Bool) async throws(WorkspaceError) -> Job
    {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.project(project, state)
            return FakeWorkspaces.run(project, type, instruction, waits, &state)
        }
    }

    func job(_ id: String, of project: String) throws(WorkspaceError) -> Job {
        try locked { (state) throws(WorkspaceError) in state.jobs[try FakeWorkspaces.job(id, of: project, state)] }
    }

    func jobs(of project: String, in status: JobStatus?, limit: Int, after: String?) throws(WorkspaceError) -> [Job] {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.project(project, state)
            let all = state.jobs.filter { $0.projectID == project }
            let start = try FakeWorkspaces.start(all.map(\.id), after)
            return Array(all[start...].filter { status == nil || $0.status == status }.prefix(limit))
        }
    }

    func cancelJob(_ id: String, of project: String) async throws(WorkspaceError) -> Job {
        try locked { (state) throws(WorkspaceError) in
            let index = try FakeWorkspaces.job(id, of: project, state)
            guard !state.jobs[index].status.hasEnded else { throw WorkspaceError(.conflict, "The job has ended") }
            state.jobs[index].status = .error
            state.jobs[index].reason = "cancelled"
            return state.jobs[index]
        }
    }

    func rerunJob(_ id: String, of project: String, waits: Bool) async throws(WorkspaceError) -> Job {
        try locked { (state) throws(WorkspaceError) in
            let old = state.jobs[try FakeWorkspaces.job(id, of: project, state)]
            return FakeWorkspaces.run(project, old.type, old.instruction, waits, &state)
        }
    }

    func queuePosition(_ id: String) -> Int? {
        state.withLock { state in state.jobs.contains { $0.id == id && $0.status == .queued } ? 3 : nil }
    }

    func events(of job: String, after number: Int64, limit: Int) throws(WorkspaceError) -> [JobEvent] {
        try locked { (state) throws(WorkspaceError) in
            guard state.jobs.contains(where: { $0.id == job }) else { throw WorkspaceError(.noJob, "no such job") }
            return Array((state.events[job] ?? []).filter { $0.number > number }.prefix(limit))
        }
    }

    func watch(job: String, wake: @escaping @Sendable () -> Void) -> JobWatch {
        state.withLock { state in
            state.wakes[job, default: []].append(wake)
            state.openWatches += 1
        }
        return JobWatch { [self] in state.withLock { $0.openWatches -= 1 } }
    }

    func folder(of project: String) throws(WorkspaceError) -> ProjectFolder {
        throw WorkspaceError(.fault, "the routes have their own line to the files")
    }

    func changes(of job: String, in project: String) throws(WorkspaceError) -> JobChanges {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.job(job, of: project, state)
            return JobChanges(
                changes: [
                    .init(kind: .created, path: "a.py", difference: "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+x\n"),
                    .init(kind: .removed, path: OSString([0x62, 0xFF]), difference: nil),
                ],
                isCut: false
            )
        }
    }

    func evidence(of job: String, in project: String) throws(WorkspaceError) -> [UInt8] {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.job(job, of: project, state)
            return Array("{\"a\":1}\n".utf8)
        }
    }

    func evidence(of project: String) throws(WorkspaceError) -> [UInt8] {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.project(project, state)
            return Array("{\"a\":1}\n{\"a\":2}\n".utf8)
        }
    }

    func explanation(of project: String) throws(WorkspaceError) -> String {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.project(project, state)
            return "1. close every descriptor\n"
        }
    }

    func planted(in project: String) throws(WorkspaceError) -> [PlantedName] {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.project(project, state)
            return state.planted
        }
    }

    func removePlanted(_ path: RequestedPath, from project: String) throws(WorkspaceError) {
        try locked { (state) throws(WorkspaceError) in
            _ = try FakeWorkspaces.project(project, state)
            guard let index = state.planted.firstIndex(where: { $0.path == path.path }) else {
                throw WorkspaceError(.noFile, "no record lists it")
            }
            state.planted.remove(at: index)
        }
    }

    func policies() -> [PolicySummary] {
        [PolicySummary(name: "workspace-write", description: "writes in the workspace", isDefault: true)]
    }

    func readiness() -> String? { state.withLock { $0.readiness } }

    func statistics() -> WorkspaceStatistics { state.withLock { $0.statistics } }
}
