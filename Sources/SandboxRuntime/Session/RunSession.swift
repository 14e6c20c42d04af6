internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan
internal import SandboxPolicy

/// One `run` from options to record: prepares, launches, and closes the record whatever happened.
public struct RunSession: ~Copyable {
    /// What a caller needs to answer its own caller.
    public struct End: Sendable {
        public var outcome: Outcome
        public var plan: LaunchPlan?
        /// What the command used, if it ran.
        public var usage: Usage?
        /// Something went wrong after the job, which its exit status must not hide in silence.
        public var warnings: [String]
        /// Sentences about refused calls, where they were asked for.
        public var denials: [String] = []
        /// Output of the job was given up, because nobody took it: who reads ours may be the same.
        public var outputIsLost = false
        /// The job's terminal ends in the middle of a line, where words for a person would be read as its own.
        public var endsMidLine = false
    }

    private var options: LaunchOptions
    private let exitStatus: (Outcome) -> Int32
    private let say: ([String], _ mayWait: Bool) -> Bool
    private let startedAt = Timestamp.now
    private var warnings: [String] = []
    /// Not said yet: words for a person must not hold up the launch.
    private var notes: [String] = []

    /// - Parameters:
    ///   - options: what was asked for.
    ///   - exitStatus: what the caller tells for an outcome; it goes into the record.
    ///   - say: notes for a person, called as soon as the worker is released, when it must not wait for
    ///     a reader: nobody watches the job then. Answers whether they were said; else they are said at the end.
    public init(
        _ options: LaunchOptions,
        exitStatus: @escaping (Outcome) -> Int32,
        say: @escaping ([String], _ mayWait: Bool) -> Bool
    ) {
        self.options = options
        self.exitStatus = exitStatus
        self.say = say
    }

    /// Runs to the end; every way out has its record, but the one where no record can be written.
    ///
    /// - Parameter ended: called once, with everything said and recorded, and everything that the launch had open still
    ///   open: a caller that exits there spares itself taking it apart.
    /// - Returns: the same again.
    public mutating func run(_ ended: (End) -> Void) -> End {
        do throws(Refusal) {
            return try recorded(ended)
        } catch {
            let end = End(outcome: .refused(error), plan: nil, warnings: warnings)
            ended(end)
            return end
        }
    }

    /// What `run` would do with these options; nothing is made, and nothing recorded.
    public static func preparation(_ options: LaunchOptions) throws(Refusal) -> Preparation {
        let folders = try OwnFolders(options)
        let workspace = try ChosenFolder.path(options.workspace ?? ".", what: "the workspace")
        return try Preparation(
            options,
            folders,
            workspace: workspace,
            chosen: try ChosenPolicy(options, folders, workspace: workspace),
            cgroup: CgroupHost().offer()
        )
    }

    /// Throws only while there is no place for a record yet.
    private mutating func recorded(_ ended: (End) -> Void) throws(Refusal) -> End {
        // Before anything of ours is open: a number that the caller has not opened must not turn out to be one of them.
        var result = try ResultFile(options.result)
        let folders = try OwnFolders(options)
        let workspace: OSString
        var unusable: Refusal?
        do throws(Refusal) {
            workspace = try ChosenFolder.path(options.workspace ?? ".", what: "the workspace")
        } catch {
            // The refusal is recorded under the name that was asked for.
            workspace = try ChosenFolder.written(options.workspace ?? ".", otherwise: error)
            unusable = error
        }
        // First of all: the kernel takes as long for the namespaces as everything up to the plan takes here. They are those
        // of nearly every policy; for another one they are given up again.
        var started = EarlyStart()
        if unusable == nil { started.begin(options, workspace) }
        let id: LaunchID
        do throws(SyscallError) {
            id = try LaunchID.random(at: startedAt)
        } catch {
            throw Refusal(
                stage: "evidence",
                step: error.call,
                subject: error.subject,
                errno: error.errno,
                message: "no number for the launch could be drawn",
                remedy: "see why getrandom(2) fails here"
            )
        }
        let location = EvidenceLocation(stateFolder: folders.state, workspace: workspace)
        var store: EvidenceStore
        do throws(EvidenceError) {
            store = try EvidenceStore(
                opening: location,
                copy: options.evidenceCopy,
                durability: options.durable ? .powerLoss : .processCrash
            )
        } catch { throw error.refusal }
        var context = LaunchContext(
            id: id,
            toolVersion: ToolVersion.current,
            startedAt: startedAt,
            supervisor: .current,
            workspace: RecordedWorkspace(path: workspace),
            arguments: options.arguments
        )
        context.name = options.name
        var name: HeldName?
        var end = LaunchEnd(
            outcome: .timedOut,
            exitStatus: 125,
            execve: .notReached(.noProcess),
            startedAt: startedAt,
            endedAt: startedAt
        )
        var plan: LaunchPlan?
        var group: LimitGroup?
        var streams = StandardStreams()
        var held = HeldNetwork()
        do throws(Refusal) {
            if let unusable { throw unusable }
            if let asked = options.name { name = try HeldName.take(asked, options, state: folders.state) }
            let placeholders = try Placeholders(ledgerIn: store.workspaceFolder)
            let chosen = try ChosenPolicy(options, folders, workspace: workspace)
            if chosen.policy.confinement == .landlockOnly {
                started.giveUp()
                plan = try launchLandlockOnly(folders, workspace, chosen, &streams, &store, &result, &context, &end)
            } else if chosen.policy.confinement == .none {
                started.giveUp()
                let preparation = try prepare(folders, workspace, chosen, &context)
                plan = preparation.plan
                try keepOutputs(outside: [], &store, &result)
                sayNotes()
                try launchUnconfined(preparation, &store, &context, &end)
            } else {
                switch TransientScope.enter(chosen.policy.limits, id, options.environment) {
                case .notWanted: break
                // What was begun stands where we were, and cannot be moved from there.
                case .entered: started.giveUp()
                case .failed(let why): notes.append("no scope could be had from the user's service manager: \(why)")
                }
                var launch = try started.launch(chosen.policy, options, workspace)
                end.execve = .notReached(.killedAtGate)
                let made = PlaceGroup.made(for: id)
                group = made.group
                launch.use(group)
                let preparation = try prepare(folders, workspace, chosen, &context, made.offer)
                plan = preparation.plan
                try keepOutputs(outside: preparation.plan.writablePaths, &store, &result)
                try placeholders.make(for: preparation.plan)
                try self.launch(launch, preparation, placeholders, &streams, &held, &store, &context, &end)
                warnings += placeholders.end()
            }
        } catch {
            // Whoever exits in `ended` ends nothing any more: what is not launched with goes here.
            started.giveUp()
            group?.end()
            end.outcome = .refused(error)
            end.exitStatus = exitStatus(end.outcome)
            end.endedAt = .now
            if plan == nil { dropOutputs(in: workspace, &store, &result) }
            close(&store, context, end)
        }
        end.notHeld = (plan ?? context.plan)?.weaker?.notHeld ?? []
        // What runs no more has no name.
        name?.end()
        streams.settleTerminals()
        result.write(LaunchResult.json(id, end, records: location.records).bytes + [0x0A], &warnings)
        // What a person is told must not stand in the middle of what the job still shows.
        var lost = streams.isShowing ? streams.end() : nil
        // After the result: it must not wait for whoever reads words for a person.
        sayNotes()
        // Last, because it takes as long as the reader does: whatever ends us meanwhile, the record is whole.
        lost = lost ?? streams.end()
        if let lost { warnings.append(lost) }
        let told = End(
            outcome: end.outcome,
            plan: plan,
            usage: end.usage,
            warnings: warnings,
            denials: end.denials?.sentences ?? [],
            outputIsLost: lost != nil,
            endsMidLine: streams.terminals?.isMidLine ?? false
        )
        ended(told)
        return told
    }

    private mutating func sayNotes() {
        if notes.isEmpty { return }
        _ = say(notes, true)
        notes = []
    }

    /// Settles `--result` and `--evidence`, now that it is known what the job may write.
    private func keepOutputs(
        outside writable: [OSString],
        _ store: inout EvidenceStore,
        _ result: inout ResultFile
    ) throws(Refusal) {
        if options.result == nil && options.evidenceCopy == nil { return }
        let own = try OwnFolders(options).all.flatMap(\.names)
        do throws(EvidenceError) {
            try store.keepCopy(outside: writable, own: own, result: result.descriptor)
        } catch {
            // The other of the two may still tell of the refusal.
            do throws(Refusal) { try result.keep(outside: writable, own: own) } catch {}
            throw error.refusal
        }
        try result.keep(outside: writable, own: own)
    }

    /// The same when there is no plan: what the command line alone makes writable.
    private mutating func dropOutputs(
        in workspace: OSString,
        _ store: inout EvidenceStore,
        _ result: inout ResultFile
    ) {
        do throws(Refusal) {
            try keepOutputs(outside: [workspace] + options.overrides.write, &store, &result)
        } catch {
            warnings.append("\(error.message); remedy: \(error.remedy)")
        }
    }

    /// Everything up to the plan, and what of it belongs in the record.
    private mutating func prepare(
        _ folders: OwnFolders,
        _ workspace: OSString,
        _ chosen: ChosenPolicy,
        _ context: inout LaunchContext,
        _ cgroup: CgroupOffer = .none(.notUsed)
    ) throws(Refusal) -> Preparation {
        let preparation = try Preparation(
            making: options,
            folders,
            workspace: workspace,
            chosen: chosen,
            cgroup: cgroup
        )
        context.policy = chosen.compiled
        context.policy?.policy = chosen.policy
        context.plan = preparation.plan
        context.host = preparation.host
        if case .directory(let identity) = preparation.host.entries[workspace] {
            context.workspace.identity = identity
        }
        notes += preparation.notes
        return preparation
    }

    /// The launch itself; throws only before its start is recorded.
    private mutating func launch(
        _ launch: consuming Launch,
        _ preparation: borrowing Preparation,
        _ placeholders: borrowing Placeholders,
        _ streams: inout StandardStreams,
        _ held: inout HeldNetwork,
        _ store: inout EvidenceStore,
        _ context: inout LaunchContext,
        _ end: inout LaunchEnd
    ) throws(Refusal) {
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
        defer { RunSession.settleFirstSteps(done, plan, options) }
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

    private static func missing(_ preparation: borrowing Preparation) -> [MissingNames] {
        MissingNames.all(
            preparation.policy,
            preparation.request,
            preparation.host,
            covered: preparation.plan.placeholders
        )
    }

    /// Names and files that the job made where tools obey them, into `end`; and in words.
    private static func tell(_ planted: Planted, _ plants: Plants, _ end: inout LaunchEnd) -> [String] {
        end.planted = planted.made
        end.removed = planted.removed + plants.removed.filter { !planted.removed.contains($0) }
        end.unseen = planted.unseen
        end.planted += (plants.removed + plants.remaining).filter { !end.planted.contains($0) }
        return planted.words + plants.words
    }

    /// Leaves them for the next launch, whose pid 1 begins with them; takes them away where a launch with them came to nothing.
    private static func settleFirstSteps(_ done: CompletedLaunch, _ plan: LaunchPlan, _ options: LaunchOptions) {
        if done.released == done.beganEarly { return }
        let file = FirstStepsFile(cacheFolder: OwnFolders.withoutState(options).cache)
        if done.released { file?.write(plan) } else { file?.remove(plan) }
    }

    /// The weaker profile: asked for by name, and with its own launch.
    ///
    /// - Returns: the plan.
    /// - Throws: `Refusal` before its start is recorded.
    private mutating func launchLandlockOnly(
        _ folders: OwnFolders,
        _ workspace: OSString,
        _ chosen: ChosenPolicy,
        _ streams: inout StandardStreams,
        _ store: inout EvidenceStore,
        _ result: inout ResultFile,
        _ context: inout LaunchContext,
        _ end: inout LaunchEnd
    ) throws(Refusal) -> LaunchPlan {
        if case .failed(let why) = TransientScope.enter(chosen.policy.limits, context.id, options.environment) {
            notes.append("no scope could be had from the user's service manager: \(why)")
        }
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

    private mutating func launchUnconfined(
        _ preparation: borrowing Preparation,
        _ store: inout EvidenceStore,
        _ context: inout LaunchContext,
        _ end: inout LaunchEnd
    ) throws(Refusal) {
        context.standardStreams = try CallerStream.all(closed: options.closedStreams).map { $0.recorded }
        var prepared = PreparedContext(context)
        prepared.workspace.git = GitHead.observed(at: context.workspace.path)
        let start = prepared
        var recorded = false
        let process = UnconfinedProcess(plan: preparation.plan, environment: options.environment)
        let done = process.launch { (established) throws(Refusal) in
            defer { recorded = store.hasStart }
            do throws(EvidenceError) {
                try store.appendStart(start, layers: established.layers)
            } catch { throw error.refusal }
        }
        finish(done, preparation.policy, recorded ? start : nil, &store, context, &end)
    }

    /// Whether `.git` is worth a look: where it was looked at for the plan, that says it.
    private static func mayHaveRepository(_ preparation: borrowing Preparation) -> Bool {
        switch preparation.host.entries[preparation.request.workspace.appending(".git")] {
        case .directory, nil: true
        case .absent, .symlink, .file, .socket, .characterDevice, .other, .throughLink, .unreadable: false
        }
    }

    /// Closes the record; `prepared` is nil when no start was recorded.
    private mutating func finish(
        _ done: CompletedLaunch,
        _ policy: Policy,
        _ prepared: PreparedContext?,
        _ store: inout EvidenceStore,
        _ context: LaunchContext,
        _ end: inout LaunchEnd
    ) {
        RunSession.fill(done, policy, context.plan, exitStatus(done.outcome), &end)
        guard let prepared else {
            close(&store, context, end)
            return
        }
        do throws(EvidenceError) {
            try store.appendOutcome(prepared, end)
        } catch { warnings.append("the outcome is not recorded: \(error.message)") }
    }

    /// What a launch says of its end.
    private static func fill(
        _ done: CompletedLaunch,
        _ policy: Policy,
        _ plan: LaunchPlan?,
        _ exitStatus: Int32,
        _ end: inout LaunchEnd
    ) {
        end.outcome = done.outcome
        end.exitStatus = exitStatus
        end.execve = done.execve
        if case .signalled(let signal) = done.outcome { end.signal = signal }
        end.layers = done.layers
        end.denials = done.denials.map { ReportedDenials($0, policy: policy) }
        end.endedAt = .now
        if done.released {
            end.releasedAt = Timestamp(microseconds: UInt64(done.releasedAt / 1000))
            end.wallMicroseconds = UInt64(max(0, done.wallNanoseconds / 1000))
            end.usage = done.usage
            end.limitsReached = plan?.limits.reached(done.outcome, done.usage) ?? []
        }
        if case .protectionLost(let what) = done.outcome {
            end.protectionEvents = [ProtectionEvent(at: end.endedAt, what: what)]
        }
    }

    /// The one record of a launch that was refused before its start was recorded.
    private mutating func close(_ store: inout EvidenceStore, _ context: LaunchContext, _ end: LaunchEnd) {
        let refusal: Refusal
        switch end.outcome {
        case .refused(let reason): refusal = reason
        case .interrupted(let signal):
            refusal = Refusal(
                stage: "process",
                subject: "signal \(signal)",
                message: "the caller ended the launch before the job was released",
                remedy: "start it again"
            )
        case let outcome:
            refusal = Refusal(
                stage: "process",
                message: "the launch ended as \(outcome.word) before its start was recorded",
                remedy: "report this with the record"
            )
        }
        let proof: ExecveFact.Proof = if case .notReached(let proof) = end.execve { proof } else { .noProcess }
        do throws(EvidenceError) {
            do throws(EvidenceError) {
                try append(context)
            } catch {
                // On a full disk there may be room for the reason, though none for plan and host.
                guard error.call == "writev", context.plan != nil, !store.hasRefused else { throw error }
                var short = context
                (short.policy, short.plan, short.host) = (nil, nil, nil)
                try append(short)
            }
        } catch { warnings.append("the refusal is not recorded: \(error.message)") }

        func append(_ context: LaunchContext) throws(EvidenceError) {
            try store.appendRefused(
                PreparedContext(context),
                refusal,
                proof: proof,
                exitStatus: end.exitStatus,
                layers: end.layers
            )
        }
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
