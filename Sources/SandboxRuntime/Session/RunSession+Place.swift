internal import SandboxPlan
internal import SandboxPolicy

/// The launch in a place of its own: what the caller of `Launch` does before, meanwhile and at its end.
extension RunSession {
    /// The launch itself; throws only before its start is recorded.
    mutating func launch(
        _ launch: consuming Launch,
        _ preparation: borrowing Preparation,
        _ placeholders: borrowing Placeholders,
        _ streams: inout StandardStreams,
        _ held: inout HeldNetwork,
        _ store: inout EvidenceStore,
        _ context: inout LaunchContext,
        _ end: inout LaunchEnd
    ) throws(Refusal) {
        let cache = try OwnFolders.cache(options)
        let plan = preparation.plan
        let filesystem = preparation.policy.filesystem
        let rules = StandardStreams.Rules(
            guarded: RunSession.guarded(plan, deny: filesystem.deny),
            writable: RunSession.writable(plan),
            landlock: plan.landlock,
            countsOutput: plan.limits.output != nil,
            worker: plan.identity
        )
        let callers = try CallerStream.all(closed: options.closedStreams)
        try TerminalLayout.check(preparation.request.terminals, options.terminal, callers)
        try streams.take(callers, rules, terminals: preparation.request.terminals)
        context.standardStreams = streams.recorded
        notes += streams.notes
        if let weaker = plan.weaker { notes.append(weaker.warning) }
        let task = Launch.Task(
            plan: plan,
            compiled: preparation.compiled,
            host: preparation.host,
            terminals: preparation.request.terminals
        )
        var prepared: PreparedContext?
        var recorded = false
        // Known when the job has ended.
        var ending: LaunchEnd?
        var text: UnlinkedRecord?
        var told: [String] = []
        // Where the job may make what is missing; worked out while it runs, before it is watched, if that is quick.
        var missing: [MissingNames]?
        let (begun, exitStatus) = (end, exitStatus)
        let recordable = context
        let say = say
        var notes = notes
        let digests = ExecutableDigests(stateFolder: store.location.stateFolder)
        let hasRepository = RunSession.mayHaveRepository(preparation)
        let home = OwnFolders.home(options)
        let done = launch.run(
            task,
            streams: &streams,
            held: &held,
            meanwhile: { () throws(Refusal) in
                prepared = PreparedContext(recordable)
                if hasRepository { prepared?.workspace.git = GitHead.observed(at: recordable.workspace.path) }
                if hasRepository {
                    notes += GitLeads.notes(plan, workspace: recordable.workspace.path, home: home)
                }
                try KeptFolders.check(plan)
                try ShownSockets.check(plan, allowed: filesystem.unixSockets)
            },
            record: { (established) throws(Refusal) in
                prepared?.worker = established.executable
                if let worker = established.executable { prepared?.worker?.sha256 = digests.known(worker) }
                if let streams = established.standardStreams { prepared?.set(standardStreams: streams) }
                guard let prepared else { return }
                defer { recorded = store.hasStart }
                do throws(EvidenceError) {
                    try store.appendStart(prepared, layers: established.layers, written: established.written)
                } catch { throw error.refusal }
            },
            released: {
                if say(notes, false) { notes = [] }
                store.settle()
                if RunSession.hasFewNames(preparation.policy) { missing = RunSession.missing(preparation) }
            },
            ended: { done in
                guard let prepared else { return }
                var draft = begun
                var done = done
                let names = PlantedNames.found(missing ?? RunSession.missing(preparation))
                let planted = Planted(names, preparation)
                done.outcome = planted.outcome(after: done.outcome)
                RunSession.fill(done, preparation.policy, plan, exitStatus(done.outcome), &draft)
                told = RunSession.tell(planted, done.plants, &draft)
                told += placeholders.end()
                text = store.outcome(prepared, draft)
                ending = draft
            }
        )
        self.notes = notes
        defer { RunSession.settleFirstSteps(done, plan, cache) }
        guard let ending, let text else {
            finish(done, preparation.policy, recorded ? prepared : nil, &store, context, &end)
            return
        }
        end = ending
        warnings += told
        do throws(EvidenceError) {
            try store.appendOutcome(text)
        } catch { warnings.append("the outcome is not recorded: \(error.message)") }
    }

    /// Whether `missing` is a matter of microseconds.
    private static func hasFewNames(_ policy: Policy) -> Bool {
        (policy.filesystem.write.count + 1) * policy.filesystem.protect.count <= 64
    }

    /// Leaves them for the next launch, whose pid 1 begins with them; takes them away where a launch with them came to nothing.
    private static func settleFirstSteps(_ done: CompletedLaunch, _ plan: LaunchPlan, _ cache: OSString?) {
        if done.released == done.beganEarly { return }
        let file = FirstStepsFile(cacheFolder: cache)
        if done.released { file?.write(plan) } else { file?.remove(plan) }
    }

    private static func writable(_ plan: LaunchPlan) -> [OSString] {
        var paths: [OSString] = []
        for case .bind(let bind) in plan.steps where bind.purpose == .workspace || bind.purpose == .write {
            paths.append(bind.source)
        }
        return paths
    }

    /// Where a file given as a stream must not lie, because the job could open it again with more rights.
    ///
    /// Every read-only mount counts, whatever it is for: Landlock gives all of a writable folder and cannot take a part of
    /// it back (landlock(7)), so in there only the job's own mounts say no, and a descriptor from outside is not on them.
    private static func guarded(_ plan: LaunchPlan, deny: [OSString]) -> [OSString] {
        var paths = deny
        for case .bind(let bind) in plan.steps where bind.options.contains(.readOnly) && bind.purpose != .device {
            paths.append(bind.target)
            if bind.source != bind.target { paths.append(bind.source) }
        }
        return paths
    }
}
