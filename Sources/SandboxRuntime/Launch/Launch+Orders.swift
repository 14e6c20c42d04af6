internal import CShims
internal import SandboxKernel
internal import SandboxPlan

/// What pid 1 is told: to begin, the plan, and the worker to start.
extension Launch {
    /// What was begun before `main`, if it was for the same; else from the beginning.
    static func begin(
        _ identity: IdentityPlan,
        _ namespaces: [Layer],
        _ group: LimitGroup? = nil
    ) throws(Refusal) -> PlaceProcess {
        if let begun = PlaceProcess.begun(identity: identity, namespaces: namespaces) { return begun }
        do throws(PlaceError) {
            return try PlaceProcess(identity: identity, namespaces: namespaces, group: group)
        } catch { throw Refusal(error, steps: []) }
    }

    /// Opens gate A.
    ///
    /// A place that was told to begin with something else than this plan does is given up for a new one.
    mutating func go(_ task: Task) throws(Refusal) {
        let plan = PlanLowering.lowered(task.plan, filter: task.compiled.placeFilter)
        var done = 0
        if let told = place.firstSteps {
            if let count = told.count(in: plan) {
                done = count
            } else {
                place.end()
                place = try Launch.begin(identity, namespaces, group)
            }
        }
        let file = try sealed(plan, "plan")
        try attempt(task.plan) { () throws(PlaceError) in
            try place.go(plan: file, done: done, idMapped: task.plan.idMappedSource, id: identity.uid)
        }
        doneBefore = done
    }

    /// A sealed memory file, which is how pid 1 gets a plan or a request.
    func sealed(_ bytes: [UInt8], _ name: String) throws(Refusal) -> OwnedFileDescriptor {
        let file = cs_sealed_memfd("codex-sandbox " + name, bytes, bytes.count)
        if file < 0 { throw Refusal(own: "memfd_create", file) }
        return OwnedFileDescriptor(owning: Int32(file))
    }

    /// What pid 1 gets to start the worker with; ours of it is closed when it is sent.
    struct SpawnOrder: ~Copyable {
        let request: OwnedFileDescriptor
        let gate: OwnedFileDescriptor
    }

    /// Asks pid 1 for the worker.
    func spawn(
        _ order: consuming SpawnOrder,
        _ streams: borrowing StandardStreams,
        _ plan: LaunchPlan
    ) throws(Refusal) {
        do throws(PlaceError) {
            try place.spawn(
                id: 1,
                request: order.request,
                gate: order.gate,
                stdio: streams.given,
                endsPlace: true,
                hasTerminal: plan.process.terminal != nil
            )
        } catch { throw Refusal(error, steps: plan.steps) }
    }
}
