import Foundation
import Glibc
import SandboxPlan
import SandboxRuntime
import Synchronization
import Testing
import WorkspaceStore

@testable import Workspaces

/// What is answered beside what another client, or a job, is at.
@Suite struct OrchestratorTests {
    /// An orchestrator with one project, none of whose jobs is in the queue.
    private final class Scene: Sendable {
        let folder: String
        let store: HookedStore
        let orchestrator: Orchestrator
        let project: Project
        let job: Job
        private let said: Said

        init(maximumWaiting: Int = 1000) throws {
            var template = Array("/tmp/orchestrator-tests.XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            store = HookedStore(try SQLiteStore(try DatabaseURL("sqlite:///" + folder + "/codex.db")))
            var settings = WorkspaceSettings(
                root: OSString(folder + "/workspaces"),
                rootAsWritten: folder + "/workspaces",
                launcher: "/nonexistent",
                stateFolder: OSString(folder + "/state"),
                policy: .named("codex-worker"),
                worker: .command(["/bin/sh"], files: []),
                maximumJobs: 1,
                maximumWaiting: maximumWaiting,
                environment: [OSString("HOME=" + folder), "PATH=/usr/bin:/bin"]
            )
            // A job never runs as root.
            if geteuid() == 0 { settings.owner = FileOwner(uid: 60601, gid: 60601) }
            let said = Said()
            orchestrator = try Orchestrator(settings, store: store, withoutGroups: ()) { said.add($0) }
            self.said = said
            let (id, now) = (UUIDText.random(), StoredTime.now())
            project = Project(
                id: id,
                instruction: "one",
                status: .queued,
                summary: "",
                policy: nil,
                createdAt: now,
                updatedAt: now
            )
            job = Scene.job(of: id)
            try store.add(project, firstJob: job)
            _ = try orchestrator.folders.create(id, owner: settings.owner)
        }

        deinit {
            store.close()
            FilesFixture.run("rm -rf '\(folder)'")
        }

        static func job(of project: String) -> Job {
            Job(
                id: UUIDText.random(),
                projectID: project,
                type: .edit,
                instruction: "one",
                status: .queued,
                createdAt: .now(),
                updatedAt: .now()
            )
        }

        var log: [String] { said.all }

        /// As a job that begins: it runs, and its result is not there yet.
        func begin() {
            orchestrator.state.withLock { state in
                state.queue.add(JobQueue.Entry(job: job.id, project: project.id))
                _ = state.queue.next()
            }
        }

        func leaveResult() throws {
            try FilesFixture.write([], "\(folder)/workspaces/\(project.id)/.codex/result.json")
        }

        /// Why there is no plan; nil where there is one.
        func refusal() -> WorkspaceError? {
            do throws(WorkspaceError) {
                _ = try orchestrator.explanation(of: project.id)
                return nil
            } catch { return error }
        }

        /// Whether a job neither waits nor runs.
        func isOut(_ job: String) -> Bool {
            orchestrator.state.withLock { $0.queue.position(job) == nil && $0.controls[job] == nil }
        }

        /// As one that was completed.
        func end(_ job: Job) throws {
            var job = job
            job.status = .completed
            job.endedAt = .now()
            try store.update(job, projectStatus: .completed, projectSummary: "", events: [])
        }

        func added() async -> WorkspaceError? {
            do throws(WorkspaceError) {
                _ = try await orchestrator.addJob(to: project.id, type: .edit, instruction: "two", waits: true)
                return nil
            } catch { return error }
        }
    }

    private final class Said: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    // MARK: - The plan

    @Test func beforeAJobHasBegunThereIsNoPlan() throws {
        let scene = try Scene()
        let refusal = try #require(scene.refusal())
        #expect(refusal.kind == .conflict && refusal.message.contains("before a job has begun"), "\(refusal)")
        try scene.leaveResult()
        #expect(scene.refusal() == nil)
    }

    @Test func aPlanThatIsRefusedAloneIsUnavailable() throws {
        let scene = try Scene()
        let path = "\(scene.folder)/workspaces/\(scene.project.id)/.codex"
        // What no launch takes for a file of the result.
        for make in ["mkdir '\(path)/result.json'", "rm -r '\(path)' && touch '\(path)'"] {
            #expect(FilesFixture.run(make) == 0)
            let refusal = try #require(scene.refusal())
            #expect(refusal.kind == .unavailable && refusal.message.contains(".codex"), "\(refusal)")
        }
    }

    @Test func besideAJobThereIsNoPlanForNow() throws {
        let scene = try Scene()
        scene.begin()
        let refusal = try #require(scene.refusal())
        #expect(refusal.kind == .conflict && refusal.message.contains("ask again"), "\(refusal)")
        try scene.leaveResult()
        #expect(scene.refusal() == nil)
    }

    @Test func aPlanWaitsForTheBeginningOfAJob() throws {
        let scene = try Scene()
        scene.begin()
        let fault = Mutex(false)
        let thread = Thread {
            usleep(300_000)
            do { try scene.leaveResult() } catch { fault.withLock { $0 = true } }
        }
        thread.start()
        #expect(try scene.orchestrator.planned(scene.project, within: .seconds(600)).contains("\nsteps\n"))
        #expect(fault.withLock { !$0 })
    }

    @Test func whatWasRemovedMeanwhileHasNoPlan() throws {
        let scene = try Scene()
        try scene.orchestrator.folders.removeAll(scene.project.id)
        #expect(scene.refusal()?.kind == .unavailable)
        // There when it was asked for, and gone behind the refusal.
        let scene2 = try Scene()
        try scene2.orchestrator.folders.removeAll(scene2.project.id)
        scene2.store.finds.withLock { $0 = { $0 == 0 } }
        #expect(scene2.refusal()?.kind == .noProject)
    }

    // MARK: - Places

    /// While the database keeps one that is on its way, the next is counted with it, and a cancellation waits until it can be cancelled.
    @Test func whatIsBeingStoredHasItsPlace() async throws {
        let scene = try Scene(maximumWaiting: 8)
        let (orchestrator, project) = (scene.orchestrator, scene.project)
        // One project has an eighth: one place.
        scene.begin()
        let goesOn = Flag()
        scene.store.added.withLock { $0 = { while !goesOn.isSet { usleep(1000) } } }
        let first = Task { await scene.added() }
        let end = ContinuousClock.now + .seconds(300)
        while orchestrator.state.withLock({ $0.queue.arriving.isEmpty }), ContinuousClock.now < end { usleep(1000) }
        #expect(await scene.added()?.kind == .tooMuch)
        // Its row is there before it waits.
        var rows: [Job] = []
        while rows.isEmpty, ContinuousClock.now < end {
            rows = try scene.store.jobs(of: project.id, in: .queued, limit: 10, after: nil)
                .filter { $0.id != scene.job.id }
        }
        let job = try #require(rows.first)
        #expect(orchestrator.state.withLock { $0.queue.isArriving(job.id) })
        let cancelled = Task { try await orchestrator.cancelJob(job.id, of: project.id) }
        try await Task.sleep(for: .milliseconds(100))
        goesOn.set()
        #expect(try await cancelled.value.reason == "cancelled")
        #expect(await first.value == nil)
        #expect(orchestrator.state.withLock { $0.queue.arriving.isEmpty && $0.queue.waiting.isEmpty })
        // One that is not stored gives its place back.
        scene.store.addFault.withLock { $0 = HookedStore.fault(.busy) }
        for _ in 0..<3 { #expect(await scene.added()?.kind == .unavailable) }
        #expect(orchestrator.state.withLock { $0.queue.hasRoom(for: project.id) })
    }

    /// One that cannot begin waits on, and who waits for it learns that.
    @Test func aJobThatCannotBeginIsNotLost() async throws {
        let scene = try Scene()
        let (orchestrator, project) = (scene.orchestrator, scene.project)
        func isOver(_ isOver: @Sendable () throws -> Bool) async throws -> Bool {
            let end = ContinuousClock.now + .seconds(300)
            while ContinuousClock.now < end {
                if try isOver() { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }
        scene.store.updateFault.withLock { $0 = HookedStore.fault(.busy) }
        let refusal = try #require(await scene.added())
        #expect(refusal.kind == .unavailable && refusal.message.contains("do not send it again"), "\(refusal)")
        #expect(orchestrator.readiness()?.contains("does not take") == true)
        func job() throws -> Job {
            try #require(
                try orchestrator.jobs(of: project.id, limit: 10, after: nil).first { $0.id != scene.job.id }
            )
        }
        let (id, status) = (try job().id, try job().status)
        #expect(status == .queued)
        #expect(orchestrator.state.withLock { $0.queue.isBusy(project.id) })
        // The reason is told once, however often it is tried.
        try await Task.sleep(for: .milliseconds(1200))
        #expect(scene.log.count { $0.hasPrefix("no job begins") } == 1, "\(scene.log)")
        scene.store.updateFault.withLock { $0 = nil }
        // Its launcher is not there: that is what ends it, once.
        #expect(try await isOver { try orchestrator.job(id, of: project.id).status.hasEnded })
        #expect(try job().reason != "no-resources")
        #expect(orchestrator.state.withLock { !$0.isStalled })
    }

    /// A cancellation of one that cannot begin is stored when something is.
    @Test func aJobThatCannotBeginCanBeCancelled() async throws {
        let scene = try Scene()
        let (orchestrator, project) = (scene.orchestrator, scene.project)
        scene.store.updateFault.withLock { $0 = HookedStore.fault(.busy) }
        #expect(await scene.added() != nil)
        let id = try #require(
            try orchestrator.jobs(of: project.id, limit: 10, after: nil).first { $0.id != scene.job.id }?.id
        )
        for _ in 0..<2 {
            await #expect(throws: WorkspaceError.self) {
                do throws(WorkspaceError) { _ = try await orchestrator.cancelJob(id, of: project.id) } catch {
                    // It is not said to have ended before that is stored.
                    #expect(error.kind == .unavailable || error.kind == .conflict && scene.isOut(id), "\(error)")
                    throw error
                }
            }
        }
        scene.store.updateFault.withLock { $0 = nil }
        let end = ContinuousClock.now + .seconds(300)
        while try !orchestrator.job(id, of: project.id).status.hasEnded, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try orchestrator.job(id, of: project.id).reason == "cancelled")
    }

    // MARK: - Removal

    /// What a client has put into a project while others were removed keeps it.
    @Test func whatHasChangedSinceItWasLookedAtStays() throws {
        let scene = try Scene()
        var projects = [scene.project]
        try scene.end(scene.job)
        var second = scene.project
        second.id = UUIDText.random()
        let job = Scene.job(of: second.id)
        try scene.store.add(second, firstJob: job)
        try scene.end(job)
        _ = try scene.orchestrator.folders.create(second.id, owner: nil)
        projects.append(second)
        var retention = RetentionSettings()
        retention.projectAge = .seconds(60)
        let later = StoredTime(microseconds: StoredTime.now().microseconds + 3_600_000_000)
        var gone: [String] = []
        try scene.orchestrator.makeRoom(retention, at: later) { removal in
            gone.append(removal.project)
            for project in projects where project.id != removal.project {
                do { try FilesFixture.write([1], "\(scene.folder)/workspaces/\(project.id)/precious") } catch {
                    Issue.record("\(error)")
                }
            }
        }
        #expect(gone.count == 1)
        #expect(try scene.store.countProjects() == 1)
        // At rest it goes.
        try scene.orchestrator.makeRoom(retention, at: later) { gone.append($0.project) }
        #expect(Set(gone) == Set(projects.map(\.id)))
    }

    @Test func aJobForWhatIsRemovedMeanwhileIsForNoProject() async throws {
        let scene = try Scene()
        let (orchestrator, store, id) = (scene.orchestrator, scene.store, scene.project.id)
        let fault = Mutex<StoreError?>(nil)
        store.added.withLock {
            $0 = {
                orchestrator.state.withLock { $0.beginRemoval(of: id) }
                do throws(StoreError) { _ = try store.removeProject(id) } catch { fault.withLock { $0 = error } }
            }
        }
        #expect(await scene.added()?.kind == .noProject)
        #expect(fault.withLock { $0 } == nil)
        #expect(orchestrator.state.withLock { $0.unstored.isEmpty } && scene.log.isEmpty, "\(scene.log)")
    }

    @Test func anEndIsNotLostWithItsProject() async throws {
        let scene = try Scene()
        let (orchestrator, store) = (scene.orchestrator, scene.store)
        func isStored() async throws -> Bool {
            let end = ContinuousClock.now + .seconds(300)
            while ContinuousClock.now < end {
                if orchestrator.state.withLock({ $0.unstored.isEmpty }) { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }
        store.updateFault.withLock { $0 = HookedStore.fault(.full) }
        #expect(throws: StoreError.self) { try orchestrator.end(scene.job, "interrupted", "") }
        #expect(try store.removeProject(scene.project.id))
        store.updateFault.withLock { $0 = nil }
        #expect(try await isStored())
        #expect(scene.log.isEmpty, "\(scene.log)")
    }

    /// However the store refuses them: nothing is given up, and the project says what its last job does.
    @Test(arguments: [StoreError.Kind.full, .busy, .unwritable, .other, .corrupt])
    func endsAreStoredInTheirOrder(_ kind: StoreError.Kind) async throws {
        let scene = try Scene()
        let (orchestrator, store) = (scene.orchestrator, scene.store)
        let others = (0..<6).map { _ in Scene.job(of: scene.project.id) }
        for job in others { try store.add(job, events: []) }
        store.updateFault.withLock { $0 = HookedStore.fault(kind) }
        for job in [scene.job] + others {
            #expect(throws: StoreError.self) { try orchestrator.end(job, "interrupted", "job \(job.id)") }
        }
        // It is tried meanwhile.
        try await Task.sleep(for: .milliseconds(700))
        store.updateFault.withLock { $0 = nil }
        let end = ContinuousClock.now + .seconds(300)
        while orchestrator.state.withLock({ !$0.unstored.isEmpty }), ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try store.countJobs(.error) == 7)
        let last = try #require(others.last)
        #expect(try orchestrator.project(scene.project.id).summary?.contains(last.id) == true)
        #expect(scene.log.isEmpty, "\(scene.log)")
    }

    /// Also where the store takes something again before anybody has tried.
    @Test func aLaterEndGoesBehindAnEarlierOne() throws {
        let scene = try Scene()
        let (orchestrator, store) = (scene.orchestrator, scene.store)
        let later = Scene.job(of: scene.project.id)
        try store.add(later, events: [])
        store.updateFault.withLock { $0 = HookedStore.fault(.full) }
        #expect(throws: StoreError.self) { try orchestrator.end(scene.job, "cancelled", "first") }
        store.updateFault.withLock { $0 = nil }
        try orchestrator.end(later, "interrupted", "second")
        #expect(orchestrator.state.withLock { $0.unstored.isEmpty })
        #expect(try store.countJobs(.error) == 2)
        #expect(try orchestrator.project(scene.project.id).summary?.contains("second") == true)
    }

    /// Whoever stores the end that a project's next job has waited for: that one begins.
    @Test func whatWaitsForAnEndBeginsBehindIt() async throws {
        let scene = try Scene()
        let (orchestrator, store) = (scene.orchestrator, scene.store)
        store.updateFault.withLock { $0 = HookedStore.fault(.full) }
        #expect(throws: StoreError.self) { try orchestrator.end(scene.job, "interrupted", "") }
        let behind = try await orchestrator.addJob(
            to: scene.project.id,
            type: .edit,
            instruction: "two",
            waits: false
        )
        #expect(behind.status == .queued && orchestrator.load == (0, 1))
        store.updateFault.withLock { $0 = nil }
        orchestrator.storeUnstored()
        let end = ContinuousClock.now + .seconds(300)
        while try !orchestrator.job(behind.id, of: scene.project.id).status.hasEnded, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try orchestrator.job(behind.id, of: scene.project.id).status.hasEnded)
    }

    /// Now, and where the store takes it later only.
    @Test(arguments: [false, true]) func aResultThatIsTooLargeCostsNothingElse(_ comesLater: Bool) async throws {
        let scene = try Scene()
        let (orchestrator, store) = (scene.orchestrator, scene.store)
        var job = scene.job
        job.status = .completed
        job.result = String(repeating: "x", count: StoreLimits.textBytes + 1)
        job.endedAt = .now()
        let events = [
            JobEvent(number: 2, kind: .stdout, at: .now(), data: Array("kept".utf8)),
            JobEvent(number: 3, kind: .state, at: .now(), data: Array("completed".utf8)),
        ]
        let word = JobRun.LastWord(job, events: events, changes: "{}")
        if comesLater {
            store.updateFault.withLock { $0 = HookedStore.fault(.full) }
            #expect(throws: StoreError.self) { try orchestrator.storeEnd(word) }
            store.updateFault.withLock { $0 = nil }
            let end = ContinuousClock.now + .seconds(300)
            while orchestrator.state.withLock({ !$0.unstored.isEmpty }), ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(10))
            }
        } else {
            #expect(try orchestrator.storeEnd(word).reason == "result_too_large")
        }
        let stored = try #require(try store.job(job.id))
        #expect(stored.status == .error && stored.reason == "result_too_large" && stored.result == nil)
        let kept = try store.events(of: job.id, after: 0, limit: 10).map { String(decoding: $0.data, as: UTF8.self) }
        #expect(kept.suffix(2) == ["kept", "error result_too_large"])
        #expect(try store.changes(of: job.id) == "{}")
        #expect(scene.log.isEmpty, "\(scene.log)")
    }

    @Test func anEndThatCanNeverBeStoredIsTold() async throws {
        let scene = try Scene()
        let other = Scene.job(of: scene.project.id)
        #expect(throws: StoreError.self) { try scene.orchestrator.end(other, "interrupted", "") }
        let end = ContinuousClock.now + .seconds(300)
        while scene.log.isEmpty, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(10)) }
        #expect(scene.log.contains { $0.contains("the end of job \(other.id) is lost") }, "\(scene.log)")
    }

    /// Of two that remove a project one fails: while the other is at it nothing begins there.
    @Test func aRemovalThatFailsLeavesTheOthersMark() async throws {
        let scene = try Scene()
        let (orchestrator, id) = (scene.orchestrator, scene.project.id)
        orchestrator.state.withLock { $0.beginRemoval(of: id) }
        scene.store.removalFault.withLock { $0 = HookedStore.fault(.busy) }
        await #expect(throws: WorkspaceError.self) { try await orchestrator.removeProject(id) }
        // It may be there again in a moment: not the same as one that is gone.
        #expect(await scene.added()?.kind == .conflict)
        #expect(try scene.store.countJobs(.queued) == 1)
        #expect(orchestrator.state.withLock { $0.queue.arriving.isEmpty })
        orchestrator.state.withLock { $0.endRemoval(of: id) }
        #expect(!orchestrator.state.withLock { $0.isBeingRemoved(id) })
    }
}
