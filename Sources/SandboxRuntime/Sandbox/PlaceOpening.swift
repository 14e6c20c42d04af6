internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Carries a plan out and compares the place with it, without asking for a process.
///
/// The same comparisons as `Launch`, which interleaves them with the worker's start.
struct PlaceOpening: ~Copyable {
    let findings: Findings
    let verification: ProcessVerification
    let namespaces: [OSString]
    let mounts: MountWatch
    let names: ProtectedNames
    let memory: MemoryWatch
    let group: GroupMembership?
    let workspace: WorkspaceWatch?
    let plants: PlantWatch
    let root: OwnedFileDescriptor

    /// - Parameters:
    ///   - place: begun; given up by the caller when this throws.
    ///   - task: plan, filters and host.
    ///   - allowedSockets: sockets below a shown folder that the policy names.
    ///   - group: the place's cgroup, which pid 1 was born in if the kernel let it; nil where the plan has none.
    /// - Returns: what was found and what watches it.
    /// - Throws: `Refusal` with the step that failed, or the first difference.
    static func open(
        _ place: inout PlaceProcess,
        _ task: Launch.Task,
        allowedSockets: [OSString],
        group: LimitGroup?
    ) throws(Refusal) -> PlaceOpening {
        do throws(Refusal) {
            return try carriedOut(&place, task, allowedSockets, group)
        } catch {
            // What pid 1 says of its own end is the cause; that it could not be looked at any more is what came of it.
            throw place.lastWord(task.plan) ?? group?.lackOfMemory(task.plan) ?? error
        }
    }

    private static func carriedOut(
        _ place: inout PlaceProcess,
        _ task: Launch.Task,
        _ allowedSockets: [OSString],
        _ group: LimitGroup?
    ) throws(Refusal) -> PlaceOpening {
        let plan = task.plan
        func attempt<Value: ~Copyable>(_ body: () throws(PlaceError) -> Value) throws(Refusal) -> Value {
            do throws(PlaceError) { return try body() } catch { throw Refusal(error, steps: plan.steps) }
        }
        let patience = Int32(clamping: plan.limits.setUp.milliseconds)
        let bytes = PlanLowering.lowered(plan, filter: task.compiled.placeFilter)
        let sealed = cs_sealed_memfd("codex-sandbox plan", bytes, bytes.count)
        if sealed < 0 { throw Refusal(own: "memfd_create", sealed) }
        let file = OwnedFileDescriptor(owning: Int32(sealed))
        try attempt { () throws(PlaceError) in
            try place.go(plan: file, done: 0, idMapped: plan.idMappedSource, id: plan.identity.uid)
        }
        try attempt { () throws(PlaceError) in try place.started() }
        var findings = Findings()
        let verification = try ProcessVerification(plan: plan, host: task.host)
        let files = try ProcessFiles(pid: place.pid)
        // Before a process is asked for: it is born where pid 1 is.
        var membership = try GroupMembership(plan, group)
        try membership?.take(files)
        // Read before a process is asked for: pid 1 closes its memory then, and this file with it.
        try ProcessVerification.verifyEnvironment(files, for: plan, &findings)
        try KeptFolders.check(plan)
        try ShownSockets.check(plan, allowed: allowedSockets)
        let plants = try PlantWatch(plan)
        let namespaces = try verification.verifyNamespace(files, &findings)
        guard case .mounted = try attempt({ () throws(PlaceError) in try place.event(timeout: patience) }) else {
            throw Refusal(.unexpected("another event than the mounts"), steps: plan.steps)
        }
        let mounts = try MountWatch(files)
        let root = try files.open("root", flags: UInt64(CS_O_PATH) | UInt64(CS_O_DIRECTORY))
        try MountVerification(plan: plan).verify(mounts.text, root: root.number, &findings)
        FileVerification.verify(plan, root: root.number, &findings)
        let names = try ProtectedNames(plan, root: root)
        guard case .ready(let report) = try attempt({ () throws(PlaceError) in try place.event(timeout: patience) })
        else {
            throw Refusal(.unexpected("another event than the place's readiness"), steps: plan.steps)
        }
        let sharedMemory = OwnedFileDescriptor(owning: report.sharedMemory)
        for number in report.terminals { _ = close(number) }
        try verification.verifyPlace(files, report, &findings)
        let members = try PlaceMembers(plan, files)
        let memory = try MemoryWatch(
            root: root.number,
            targets: plan.tmpfsTargets,
            sharedMemory: sharedMemory,
            members: members
        )
        let workspace = try WorkspaceWatch(plan.limits.workspace, root: root.number, members: members)
        if let membership {
            try membership.verify(files, as: "pid 1", &findings)
            try membership.verifySettings(&findings)
        }
        findings.compare(
            .mounts,
            "mount table since it was compared",
            expected: "unchanged",
            found: mounts.isQuiet ? "unchanged" : "changed"
        )
        if let refusal = findings.refusal() { throw refusal }
        try attempt { () throws(PlaceError) in try place.freeProcessors(of: place.pid) }
        return PlaceOpening(
            findings: findings,
            verification: verification,
            namespaces: namespaces,
            mounts: mounts,
            names: names,
            memory: memory,
            group: membership,
            workspace: workspace,
            plants: plants,
            root: root
        )
    }
}
