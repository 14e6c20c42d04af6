internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The launch without a place, which Landlock and seccomp alone confine.
extension RunSession {
    /// The weaker profile: asked for by name, and with its own launch.
    ///
    /// - Returns: the plan.
    /// - Throws: `Refusal` before its start is recorded.
    mutating func launchLandlockOnly(
        _ folders: OwnFolders,
        _ workspace: OSString,
        _ chosen: ChosenPolicy,
        _ wish: ScopeRequest,
        _ streams: inout StandardStreams,
        _ store: inout EvidenceStore,
        _ result: inout ResultFile,
        _ context: inout LaunchContext,
        _ end: inout LaunchEnd
    ) throws(Refusal) -> LaunchPlan {
        enterScope(wish, chosen.policy.limits, context.id)
        var scratch = try ScratchFolder.make()
        options.scratch = scratch.path
        let made = PlaceGroup.made(for: context.id)
        var isLaunched = false
        defer { if !isLaunched { made.group?.end() } }
        let preparation = try prepare(folders, workspace, chosen, &context, made.offer)
        let plan = preparation.plan
        guard let weaker = plan.weaker, let profile = weaker.landlockOnly else {
            throw Refusal(
                stage: "plan",
                message: "the plan has no weaker profile",
                remedy: "report this with the record"
            )
        }
        try scratch.write(profile)
        let writable = LandlockOnlyPlanner.writable(plan)
        try keepOutputs(outside: writable, &store, &result)
        notes.append(weaker.warning)
        let rules = StandardStreams.Rules(
            guarded: preparation.policy.filesystem.deny,
            writable: writable,
            landlock: plan.landlock,
            countsOutput: plan.limits.output != nil,
            worker: plan.identity
        )
        try streams.take(try CallerStream.all(closed: options.closedStreams), rules, terminals: [])
        context.standardStreams = streams.recorded
        notes += streams.notes
        var prepared = PreparedContext(context)
        if RunSession.mayHaveRepository(preparation) { prepared.workspace.git = GitHead.observed(at: workspace) }
        let digests = ExecutableDigests(stateFolder: store.location.stateFolder)
        let launch = LandlockOnlyLaunch(
            task: Launch.Task(plan: plan, compiled: preparation.compiled, host: preparation.host, terminals: []),
            group: made.group
        )
        end.execve = .notReached(.killedAtGate)
        isLaunched = true
        var recorded = false
        let say = say
        var notes = notes
        let done = launch.run(
            streams: &streams,
            record: { (established) throws(Refusal) in
                prepared.worker = established.executable
                if let worker = established.executable { prepared.worker?.sha256 = digests.known(worker) }
                defer { recorded = store.hasStart }
                do throws(EvidenceError) {
                    try store.appendStart(prepared, layers: established.layers)
                } catch { throw error.refusal }
            },
            released: {
                if say(notes, false) { notes = [] }
                store.settle()
            }
        )
        self.notes = notes
        var told = done
        let planted = Planted(PlantedNames.found(RunSession.missing(preparation)), preparation)
        if done.released {
            told.outcome = planted.outcome(after: done.outcome)
            warnings += RunSession.tell(planted, done.plants, &end)
        }
        finish(told, preparation.policy, recorded ? prepared : nil, &store, context, &end)
        if let left = scratch.end() { warnings.append(left) }
        return plan
    }
}
