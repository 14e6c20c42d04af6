import SandboxPlan
import Testing

@testable import SandboxPolicy

/// What holds each limit, by what the host has.
@Suite struct LimitPlannerTests {
    private static func limits(
        memory: UInt64 = 64 << 20,
        high: UInt64 = 0,
        cpus: UInt64 = 0,
        workspace: UInt64 = 0,
        output: UInt64 = 0,
        required: Set<LimitPolicy.Kind> = []
    ) -> LimitPolicy {
        LimitPolicy(
            tasks: 100,
            memory: .exactly(ByteCount(bytes: memory)),
            memoryHigh: ByteCount(bytes: high),
            openFiles: 64,
            fileSize: .mebibytes(1),
            cpuSeconds: 7,
            cpuThousandths: cpus,
            workspace: ByteCount(bytes: workspace),
            output: ByteCount(bytes: output),
            wall: .seconds(90),
            grace: .seconds(1),
            requireKernel: required
        )
    }

    private static func planned(
        _ limits: LimitPolicy,
        _ offer: CgroupOffer,
        change: (inout HostFacts) -> Void = { _ in }
    ) throws(Refusal) -> LimitPlan {
        var policy = Policy(
            name: "p",
            summary: "",
            confinement: .sandbox,
            workspace: .readWrite,
            filesystem: FilesystemPolicy(
                system: [],
                etc: [],
                read: [],
                write: [],
                deny: [],
                protect: [],
                coverMissing: [],
                unixSockets: [],
                tmpSize: .mebibytes(1),
                tmpInodes: 16
            ),
            network: .off(loopback: true),
            environment: EnvironmentPolicy(inherit: .none, exclude: [], pass: [], set: []),
            limits: limits,
            seccomp: SeccompPolicy(without: []),
            landlock: LandlockPolicy(minimumABI: 1, requirement: .required),
            process: ProcessPolicy(umask: 0o022, hostname: "h")
        )
        policy.limits = limits
        var host = HostFacts.sample()
        host.cgroup = offer
        host.caller.rlimits = [0, 1, 4, 6, 7].map { RLimit(resource: $0, soft: .max, hard: .max) }
        change(&host)
        return try LimitPlanner.planned(policy, host)
    }

    /// core(5): 1 stops a dump into a file and into a program, 0 only the first, and nothing one into a socket.
    @Test func noPlanLetsACoreOut() throws {
        let plan = try Self.planned(Self.limits(), .none(.versionOne)) { $0.corePatternIsPipe = true }
        #expect(plan.rlimits.contains(RLimit(resource: 4, soft: 1, hard: 1)))
        let zero: (inout HostFacts) -> Void = { $0.caller.rlimits = [RLimit(resource: 4, soft: 0, hard: 0)] }
        #expect(try Self.planned(Self.limits(), .none(.versionOne), change: zero).rlimits.first?.hard == 0)
        let piped = #expect(throws: Refusal.self) {
            try Self.planned(Self.limits(), .none(.versionOne)) {
                zero(&$0)
                $0.corePatternIsPipe = true
            }
        }
        #expect(piped?.subject == "RLIMIT_CORE")
        let sent = #expect(throws: Refusal.self) {
            try Self.planned(Self.limits(), .none(.versionOne)) { $0.corePatternIsSocket = true }
        }
        #expect(sent?.subject == "kernel.core_pattern" && sent?.remedy == "sudo sysctl -w kernel.core_pattern=core")
    }

    private static func subtree(
        _ controllers: [CgroupController],
        _ lacks: [CgroupLack] = [],
        moves: Bool = false
    ) -> CgroupOffer {
        .subtree(
            CgroupSubtree(path: "/c/x", name: "/x", controllers: controllers, lacks: lacks, movesProcesses: moves)
        )
    }

    private static func mechanism(_ plan: LimitPlan, _ name: HeldLimit.Name) -> LimitMechanism? {
        plan.held.first { $0.name == name }?.mechanism
    }

    @Test func withoutACgroupItIsWrittenWhatHoldsEach() throws {
        let plan = try Self.planned(Self.limits(cpus: 1500), .none(.versionOne))
        #expect(plan.cgroup == nil && !plan.memoryIsHeld)
        #expect(plan.withoutCgroup.contains("cgroup v1"))
        #expect(plan.rlimits.contains(RLimit(resource: 6, soft: 100, hard: 100)))
        #expect(
            plan.held.map(\.name) == [
                .tasks, .memory, .memoryHigh, .openFiles, .fileSize, .cpu, .cpus, .workspace, .output, .wall,
            ]
        )
        #expect(
            plan.held.map(\.mechanism) == [
                .rlimit, .watched, .unlimited, .rlimit, .rlimit, .rlimit, .notHeld, .unlimited, .unlimited, .timer,
            ]
        )
        #expect(
            plan.held.map(\.value) == [
                "100", "64 MiB", "no limit", "64", "1 MiB", "7 s", "1.5", "no limit", "no limit", "90 s",
            ]
        )
    }

    @Test func workspaceAndOutputAreWatched() throws {
        var plan = try Self.planned(Self.limits(workspace: 1 << 30, output: 1 << 20), .none(.versionOne))
        #expect(plan.output == .mebibytes(1))
        #expect(Self.mechanism(plan, .workspace) == .watched && Self.mechanism(plan, .output) == .watched)
        plan.narrowOutput(to: .mebibytes(2))
        #expect(plan.output == .mebibytes(1))
        plan.narrowOutput(to: ByteCount(bytes: 5))
        #expect(plan.output == ByteCount(bytes: 5) && plan.held.contains(HeldLimit(.output, "5 B", .watched)))
    }

    @Test func withEveryControllerTheKernelHoldsThem() throws {
        let plan = try Self.planned(Self.limits(cpus: 1500), Self.subtree([.memory, .pids, .cpu]))
        #expect(plan.memoryIsHeld && plan.withoutCgroup.isEmpty)
        #expect(Self.mechanism(plan, .memory) == .cgroup && Self.mechanism(plan, .tasks) == .cgroup)
        #expect(Self.mechanism(plan, .cpus) == .cgroup)
        #expect(
            plan.cgroup?.settings == [
                CgroupSetting(.memory, "memory.max", "67108864"), CgroupSetting(.memory, "memory.high", "max"),
                CgroupSetting(.memory, "memory.swap.max", "0"), CgroupSetting(.memory, "memory.oom.group", "1"),
                CgroupSetting(.pids, "pids.max", "100"), CgroupSetting(.cpu, "cpu.max", "150000 100000"),
            ]
        )
        // The rlimits stay behind it, one beyond: what they refuse nobody counts.
        #expect(plan.rlimits.contains(RLimit(resource: 6, soft: 101, hard: 101)))
    }

    @Test func aMissingControllerLeavesItsLimitToTheOthers() throws {
        let plan = try Self.planned(Self.limits(cpus: 1500), Self.subtree([.pids]))
        #expect(!plan.memoryIsHeld && Self.mechanism(plan, .memory) == .watched)
        #expect(Self.mechanism(plan, .tasks) == .cgroup && Self.mechanism(plan, .cpus) == .notHeld)
        // Nobody asked for one.
        #expect(Self.mechanism(try Self.planned(Self.limits(cpus: 0), Self.subtree([.pids])), .cpus) == .unlimited)
        #expect(plan.cgroup?.settings == [CgroupSetting(.pids, "pids.max", "100")])
    }

    /// Jobs of a server, beside which it has to answer others: the same share of processors and disks, where the leaf has the files.
    @Test func jobsOfAServerWeighLess() throws {
        func settings(_ controllers: [CgroupController], weight: UInt64?, io: Bool) throws -> [CgroupSetting] {
            let subtree = CgroupSubtree(
                path: "/c/x",
                name: "/x",
                controllers: controllers,
                movesProcesses: false,
                countsIO: io,
                leafWeight: weight,
                weighsIO: io
            )
            return try Self.planned(Self.limits(required: Set(LimitPolicy.Kind.allCases)), .subtree(subtree)).cgroup?
                .settings ?? []
        }
        let all = CgroupController.allCases
        let weights = [CgroupSetting(.cpu, "cpu.weight", "20"), CgroupSetting(nil, "io.weight", "default 20")]
        #expect(try settings(all, weight: 20, io: true).suffix(2) == weights)
        // One that did not come is nothing that the policy could require.
        #expect(try settings(all, weight: 20, io: false).suffix(1) == weights.prefix(1))
        // `run` leaves both as they are.
        #expect(try settings(all, weight: nil, io: true).allSatisfy { !"\($0.file)".hasSuffix(".weight") })
        #expect(weights.map(\.layer) == [.rlimits, .rlimits])
    }

    /// Where a job is slowed down: a policy's word, never above the limit that stands in the end.
    @Test(
        arguments: [
            (0, "max", "no limit"), (32 << 20, "33554432", "32 MiB"), ((32 << 20) + 1, "33554432", "33554433 B"),
            (64 << 20, "67108864", "64 MiB"), (1 << 30, "67108864", "64 MiB"),
        ] as [(UInt64, String, String)]
    )
    func memoryIsSlowedDownBelowItsLimit(_ high: UInt64, _ text: String, _ shown: String) throws {
        let limits = Self.limits(high: high)
        let held = try Self.planned(limits, Self.subtree([.memory]))
        #expect(held.cgroup?.settings.contains(CgroupSetting(.memory, "memory.high", text)) == true)
        #expect(held.held.contains(HeldLimit(.memoryHigh, shown, high == 0 ? .unlimited : .cgroup)))
        let lost = try Self.planned(limits, Self.subtree([.pids]))
        #expect(lost.held.contains(HeldLimit(.memoryHigh, shown, high == 0 ? .unlimited : .notHeld)))
        #expect(lost.cgroup?.settings.contains { $0.file == "memory.high" } == false)
        let warnings = CgroupPlanner.warnings(limits, Self.subtree([.pids], [CgroupLack(.memory, .notInKernel)]))
        #expect(warnings.count == (high == 0 ? 0 : 1))
        let isSaid = warnings.first?.hasPrefix(
            "limits.memory_high = \(limits.memoryHigh) is not held, only a cgroup could: this kernel"
        )
        #expect(high == 0 || isSaid == true, "\(warnings)")
        #expect(CgroupPlanner.warnings(limits, Self.subtree([.memory])).isEmpty)
    }

    /// `require_kernel` of memory stands for it, too.
    @Test func whereItIsSlowedDownIsRequiredWithMemory() {
        let limits = Self.limits(high: 32 << 20, required: [.memory])
        #expect(throws: Never.self) { try Self.planned(limits, Self.subtree([.memory])) }
        #expect(throws: Refusal.self) { try Self.planned(limits, Self.subtree([.pids, .cpu])) }
    }

    /// `run` says it before the command begins; where it holds, or nobody asked, there is nothing to say.
    @Test func aShareThatNothingHoldsIsSaid() {
        let none = CgroupPlanner.warnings(Self.limits(cpus: 1500), .none(.versionOne))
        #expect(none.count == 1 && none.first?.hasPrefix("limits.cpus = 1.5 is not held, only a cgroup") == true)
        let wanted = CgroupPlanner.warnings(Self.limits(cpus: 1500), .none(.versionOne), .wanted)
        #expect(wanted.first?.hasPrefix("limits.cpus = 1.5 is held only in the scope that run asks for: ") == true)
        #expect(CgroupPlanner.warnings(Self.limits(cpus: 1500), Self.subtree([.pids])).count == 1)
        #expect(CgroupPlanner.warnings(Self.limits(cpus: 1500), Self.subtree([.cpu])).isEmpty)
        #expect(CgroupPlanner.warnings(Self.limits(), .none(.versionOne)).isEmpty)
    }

    /// As the kernel reads them back: whole pages, and its own word for the largest amount.
    @Test(
        arguments: [
            ((64 << 20) + 4095, "67108864"), ((64 << 20) + 4096, "67112960"), (UInt64(Int64.max), "max"),
            (UInt64(Int64.max) - 8191, "9223372036854767616"),
        ] as [(UInt64, String)]
    )
    func memoryIsCountedInPages(_ bytes: UInt64, _ text: String) throws {
        let plan = try Self.planned(Self.limits(memory: bytes), Self.subtree([.memory]))
        #expect(plan.cgroup?.settings.first?.value == text)
    }

    @Test(
        arguments: [
            (0, "max 100000"), (10, "1000 100000"), (1000, "100000 100000"), (1_000_000, "100000000 100000"),
        ] as [(UInt64, String)]
    )
    func processorsAreAQuota(_ thousandths: UInt64, _ text: String) throws {
        let plan = try Self.planned(Self.limits(cpus: thousandths), Self.subtree([.cpu]))
        #expect(plan.cgroup?.settings == [CgroupSetting(.cpu, "cpu.max", text)])
    }

    @Test(arguments: LimitPolicy.Kind.allCases)
    func whatTheKernelMustHoldNeedsItsController(_ kind: LimitPolicy.Kind) throws {
        let limits = Self.limits(required: [kind])
        #expect(throws: Never.self) { try Self.planned(limits, Self.subtree([kind.controller])) }
        let others = CgroupController.allCases.filter { $0 != kind.controller }
        for (offer, cause) in [
            (Self.subtree(others), "no controller \(kind.controller.rawValue)"),
            (.none(.notDelegated(unit: "a.scope")), "a.scope"), (.none(.readOnly), "read-only"),
            (
                Self.subtree(others, [CgroupLack(kind.controller, .heldBack(by: "/c"))]),
                "/c has \(kind.controller.rawValue), and"
            ),
            (.none(.noControllers([CgroupLack(kind.controller, .notInKernel)])), "this kernel has no"),
        ] {
            let refusal = #expect(throws: Refusal.self) { try Self.planned(limits, offer) }
            #expect(refusal?.subject == "limits.require_kernel")
            #expect(refusal?.message.contains(cause) == true, "\(String(describing: refusal))")
            #expect(refusal?.message.contains("`\(kind)`") == true && refusal?.remedy.isEmpty == false)
        }
    }

    /// Of 7 s, what ticks may count amiss is 1.3 s.
    @Test(
        arguments: [
            (7_000_000, .signalled(signal: 9), true), (7_100_000, .signalled(signal: 24), true),
            (5_700_000, .signalled(signal: 9), true), (5_600_000, .signalled(signal: 9), false),
            (7_000_000, .signalled(signal: 15), false), (7_000_000, .exited(code: 0), false),
        ] as [(UInt64, Outcome, Bool)]
    )
    func processorTimeIsMetWithinWhatTicksCanTell(microseconds: UInt64, outcome: Outcome, isMet: Bool) throws {
        let usage = Usage(
            userMicroseconds: microseconds - 1000,
            systemMicroseconds: 1000,
            maximumResident: .mebibytes(1),
            memoryPeakWatched: .mebibytes(1)
        )
        let plan = try Self.planned(Self.limits(), Self.subtree([]))
        #expect(plan.reached(outcome, usage) == (isMet ? [.cpu] : []))
    }

    /// `explain` has no scope to look at, and `run` asks for one before it plans: only what was not had refuses.
    @Test func aScopeThatIsStillToBeAskedForRefusesNothing() throws {
        let limits = Self.limits(required: [.memory])
        let absence = CgroupOffer.none(.notDelegated(unit: "session-1.scope"))
        let plan = try Self.planned(limits, absence) { $0.scope = .wanted }
        #expect(plan.scope == .wanted && plan.scope.words.hasPrefix("run asks the user's service manager for a scope"))
        #expect(Self.mechanism(plan, .memory) == .watched && plan.withoutCgroup.contains("session-1.scope"))
        let refusal = #expect(throws: Refusal.self) {
            try Self.planned(limits, absence) { $0.scope = .failed("nobody is there") }
        }
        let why =
            "session-1.scope, which systemd has not delegated, and no scope could be had from the user's service manager: nobody is there"
        #expect(refusal?.message.hasSuffix(why) == true, "\(String(describing: refusal))")
        let without = try Self.planned(Self.limits(), absence) { $0.scope = .failed("nobody is there") }
        #expect(without.scope == .failed("nobody is there") && Self.mechanism(without, .tasks) == .rlimit)
        #expect(throws: Refusal.self) { try Self.planned(limits, absence) { $0.scope = .kept("it runs in a.service") } }
    }

    @Test func aPersonIsToldWhatIsMovedAndWhatIsNotHeld() {
        let notes = CgroupPlanner.notes(Self.limits(cpus: 500), Self.subtree([.memory], moves: true))
        #expect(notes.count == 2)
        #expect(notes[0].contains("limits.cpus = 0.5 is not held"))
        let held = Self.subtree([.memory], [CgroupLack(.pids, .notInKernel), CgroupLack(.cpu, .heldBack(by: "/c"))])
        let why = CgroupPlanner.notes(Self.limits(cpus: 500), held)
        #expect(
            why.count == 1
                && why[0].hasSuffix(": /c has cpu, and does not hand on what it has (cgroup.subtree_control)")
        )
        #expect(notes[1].contains("/c/x/codex-sandbox.callers"))
        #expect(CgroupPlanner.notes(Self.limits(), Self.subtree([.memory])).isEmpty)
        #expect(CgroupPlanner.notes(Self.limits(), .none(.readOnly)).isEmpty)
    }
}
