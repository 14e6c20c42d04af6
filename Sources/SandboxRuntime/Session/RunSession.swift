internal import CShims
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

    var options: LaunchOptions
    let exitStatus: (Outcome) -> Int32
    let say: ([String], _ mayWait: Bool) -> Bool
    private let startedAt = Timestamp.now
    var warnings: [String] = []
    /// Not said yet: words for a person must not hold up the launch.
    var notes: [String] = []

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
    ///
    /// - Parameters:
    ///   - options: as for `run`.
    ///   - ofRun: whether `run` itself would do it, which may ask for a scope: the plan says so.
    /// - Returns: what `explain` shows.
    /// - Throws: `Refusal` for what would be refused.
    public static func preparation(_ options: LaunchOptions, ofRun: Bool = false) throws(Refusal) -> Preparation {
        var options = options
        let folders = try OwnFolders(options)
        let workspace = try ChosenFolder.path(options.workspace ?? ".", what: "the workspace")
        let chosen = try ChosenPolicy(options, folders, workspace: workspace)
        let offer = CgroupHost().offer()
        if ofRun && chosen.policy.confinement != .none {
            options.scope = TransientScope.announced(chosen.policy.limits, options, offer)
        }
        return try Preparation(
            options,
            folders,
            workspace: workspace,
            chosen: chosen,
            cgroup: offer
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
        let wish = unusable == nil ? TransientScope.wish(options) : .none
        // First of all: the kernel takes as long for the namespaces as everything up to the plan takes here. They are those
        // of nearly every policy; for another one they are given up again. Where a scope is asked for, they are made in it.
        var started = EarlyStart()
        if wish == .wanted {
            // Before `main` there is less to go by (CShims/early.c).
            cs_early_end()
        } else if unusable == nil {
            started.begin(options, workspace)
        }
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
                plan = try launchLandlockOnly(
                    folders,
                    workspace,
                    chosen,
                    wish,
                    &streams,
                    &store,
                    &result,
                    &context,
                    &end
                )
            } else if chosen.policy.confinement == .none {
                started.giveUp()
                let preparation = try prepare(folders, workspace, chosen, &context)
                plan = preparation.plan
                try keepOutputs(outside: [], &store, &result)
                notes.append(UnconfinedProcess.warning)
                sayNotes()
                try launchUnconfined(preparation, &store, &context, &end)
            } else {
                enterScope(wish, chosen.policy.limits, id)
                // What was begun stands where we were, and cannot be moved from there.
                if case .entered = options.scope { started.giveUp() }
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

    /// Where it is asked for and not had, the launch goes on without, and says so; the plan refuses what the policy requires.
    mutating func enterScope(_ wish: ScopeRequest, _ limits: LimitPolicy, _ id: LaunchID) {
        options.scope = TransientScope.enter(wish, limits, id, options)
        if case .failed = options.scope { notes.append(options.scope.words) }
    }

    private mutating func sayNotes() {
        if notes.isEmpty { return }
        _ = say(notes, true)
        notes = []
    }

    /// Everything up to the plan, and what of it belongs in the record.
    mutating func prepare(
        _ folders: OwnFolders,
        _ workspace: OSString,
        _ chosen: ChosenPolicy,
        _ context: inout LaunchContext,
        _ cgroup: CgroupOffer = .none(.notUsed)
    ) throws(Refusal) -> Preparation {
        options.scope = TransientScope.unasked(options.scope, cgroup)
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

    /// Whether `.git` is worth a look: where it was looked at for the plan, that says it.
    static func mayHaveRepository(_ preparation: borrowing Preparation) -> Bool {
        switch preparation.host.entries[preparation.request.workspace.appending(".git")] {
        case .directory, nil: true
        case .absent, .symlink, .file, .socket, .characterDevice, .other, .throughLink, .unreadable: false
        }
    }
}
