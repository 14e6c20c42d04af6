internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// A place that stands and is verified, without a process in it.
final class OpenPlace {
    let preparation: Preparation
    let location: EvidenceLocation
    let durability: EvidenceStore.Durability
    let context: LaunchContext
    var place: PlaceProcess
    /// What was compared of the place, for the record of each process.
    let observations: [Observation]
    let verification: ProcessVerification
    /// pid 1's, as they were found.
    let namespaces: [OSString]
    let mounts: MountWatch
    let names: ProtectedNames
    var memory: MemoryWatch
    /// Where the plan has a cgroup; it is ended with the place.
    let group: GroupMembership?
    let workspaceWatch: WorkspaceWatch?
    let plants: PlantWatch
    let placeholders: Placeholders
    let root: OwnedFileDescriptor

    /// Every signal is blocked in this thread from here on.
    ///
    /// - Parameters:
    ///   - options: what was asked for.
    ///   - launcher: path of the executable that becomes pid 1.
    /// - Throws: `Refusal`; nothing is left then.
    init(_ options: LaunchOptions, launcher: OSString) throws(Refusal) {
        let blocked = cs_block_all_signals()
        if blocked < 0 { throw Refusal(own: "rt_sigprocmask", blocked) }
        guard !options.reportsDenials else {
            throw Refusal(
                stage: "plan",
                subject: "--report-denials",
                message: "refused calls are told of for the one process of a run, not in a place of many",
                remedy: "leave it out"
            )
        }
        var options = options
        options.terminal = .never
        options.makesTerminals = true
        // A plan has a process; each gets its own in place of this one.
        options.arguments = ["(none yet)"]
        let folders = try OwnFolders(options)
        let workspace = try ChosenFolder.path(options.workspace ?? ".", what: "the workspace")
        location = EvidenceLocation(stateFolder: folders.state, workspace: workspace)
        durability = options.durable ? .powerLoss : .processCrash
        let chosen = try ChosenPolicy(options, folders, workspace: workspace)
        guard chosen.policy.confinement.hasPlace else {
            throw Refusal(
                stage: "policy",
                subject: chosen.policy.name,
                message: chosen.policy.confinement == .none
                    ? "the policy \(chosen.policy.name) confines nothing: there is no place to be opened"
                    : "the policy \(chosen.policy.name) is the weaker profile landlock-only, which has no place to be opened",
                remedy: "choose another policy"
            )
        }
        // Where a record can be written is known before anything is made.
        var store = try OpenPlace.store(location, durability)
        var context = LaunchContext(
            id: try OpenPlace.newID(),
            toolVersion: ToolVersion.current,
            startedAt: .now,
            supervisor: .current,
            workspace: RecordedWorkspace(path: workspace),
            arguments: []
        )
        // Before the plan: only what is there can be planned with.
        let placed = PlaceGroup.made(for: context.id, weight: OpenPlace.weight)
        let made: Made
        do throws(Refusal) {
            made = try OpenPlace.make(options, folders, workspace, chosen, launcher, store, placed, &context)
        } catch {
            placed.group?.end()
            throw OpenPlace.recorded(error, &store, context)
        }
        self.context = context
        preparation = made.preparation
        place = made.place
        placeholders = made.placeholders
        observations = made.opened.findings.observations
        verification = made.opened.verification
        namespaces = made.opened.namespaces
        plants = made.opened.plants
        mounts = made.opened.mounts
        names = made.opened.names
        memory = made.opened.memory
        group = made.opened.group
        workspaceWatch = made.opened.workspace
        root = made.opened.root
    }

    /// A fifth of what the server has beside all of them: it answers others, and sleeps mostly.
    private static let weight: UInt64 = 20

    /// The parts, before there is an object to hold them.
    private struct Made: ~Copyable {
        let preparation: Preparation
        let placeholders: Placeholders
        let place: PlaceProcess
        let opened: PlaceOpening
    }

    private static func make(
        _ options: LaunchOptions,
        _ folders: OwnFolders,
        _ workspace: OSString,
        _ chosen: ChosenPolicy,
        _ launcher: OSString,
        _ store: borrowing EvidenceStore,
        _ placed: PlaceGroup,
        _ context: inout LaunchContext
    ) throws(Refusal) -> Made {
        // First: what a killed one has left is taken away by this, and must not be taken for the workspace's.
        let placeholders = try Placeholders(ledgerIn: store.workspaceFolder)
        let preparation = try Preparation(
            making: options,
            folders,
            workspace: workspace,
            chosen: chosen,
            cgroup: placed.offer
        )
        let plan = preparation.plan
        context.policy = preparation.compiled
        context.policy?.policy = preparation.policy
        context.plan = plan
        context.host = preparation.host
        if case .directory(let identity) = preparation.host.entries[workspace] { context.workspace.identity = identity }
        try placeholders.make(for: plan)
        var place = try begin(plan, launcher, placed.group)
        let task = Launch.Task(plan: plan, compiled: preparation.compiled, host: preparation.host, terminals: [])
        let sockets = preparation.policy.filesystem.unixSockets
        let opened = try PlaceOpening.open(&place, task, allowedSockets: sockets, group: placed.group)
        return Made(preparation: preparation, placeholders: placeholders, place: place, opened: opened)
    }

    static func store(
        _ location: EvidenceLocation,
        _ durability: EvidenceStore.Durability
    ) throws(Refusal) -> EvidenceStore {
        do throws(EvidenceError) {
            return try EvidenceStore(opening: location, copy: nil, durability: durability)
        } catch { throw error.refusal }
    }

    static func newID() throws(Refusal) -> LaunchID {
        do throws(SyscallError) {
            return try LaunchID.random(at: .now)
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
    }

    /// The refusal again, with its record; one that cannot be written is said with it.
    static func recorded(
        _ refusal: Refusal,
        _ store: inout EvidenceStore,
        _ context: LaunchContext,
        proof: ExecveFact.Proof = .noProcess,
        layers: [LayerReport] = []
    ) -> Refusal {
        do throws(EvidenceError) {
            try store.appendRefused(
                PreparedContext(context),
                refusal,
                proof: proof,
                exitStatus: 125,
                layers: layers
            )
            return refusal
        } catch {
            var refusal = refusal
            refusal.message += "; nor could that be recorded: \(error.message)"
            return refusal
        }
    }

    private static func begin(
        _ plan: LaunchPlan,
        _ launcher: OSString,
        _ group: LimitGroup?
    ) throws(Refusal) -> PlaceProcess {
        do throws(PlaceError) {
            return try PlaceProcess(
                identity: plan.identity,
                namespaces: plan.namespaces,
                executable: launcher,
                group: plan.limits.cgroup == nil ? nil : group
            )
        } catch { throw Refusal(error, steps: []) }
    }

    /// Names and repositories that were made where tools obey them, dealt with as the policy has it.
    func planted() -> Planted {
        let names = PlantedNames.found(
            MissingNames.all(
                preparation.policy,
                preparation.request,
                preparation.host,
                covered: preparation.plan.placeholders
            )
        )
        return Planted(names, preparation)
    }
}
