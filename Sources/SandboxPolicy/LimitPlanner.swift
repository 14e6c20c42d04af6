internal import SandboxPlan

/// The limits of a launch, each with the value the kernel will accept from this caller.
enum LimitPlanner {
    /// Resource numbers on x86_64 (getrlimit(2), asm-generic/resource.h).
    enum Resource {
        static let cpu: Int32 = 0
        static let fileSize: Int32 = 1
        static let core: Int32 = 4
        static let tasks: Int32 = 6
        static let openFiles: Int32 = 7
        static let nice: Int32 = 13
        static let realTimePriority: Int32 = 14
    }

    static func planned(_ policy: Policy, _ host: HostFacts) throws(Refusal) -> LimitPlan {
        let limits = policy.limits
        try checkRequired(limits, host)
        var rlimits: [RLimit] = []
        for inherited in host.caller.rlimits {
            rlimits.append(try limit(inherited, limits, host))
        }
        let memory: ByteCount =
            switch limits.memory {
            case .exactly(let amount): amount
            case .upToHalfOfRAM(let amount): min(amount, ByteCount(bytes: host.memoryTotal.bytes / 2))
            }
        return LimitPlan(
            memory: memory,
            tasks: limits.tasks,
            wall: limits.wall,
            grace: limits.grace,
            setUp: .seconds(10),
            memoryWatchInterval: TimeSpan(milliseconds: 50),
            rlimits: rlimits,
            cgroup: CgroupPlanner.planned(limits, memory: memory, host.cgroup),
            withoutCgroup: absence(host.cgroup),
            scope: host.scope,
            output: limits.output.bytes == 0 ? nil : limits.output,
            held: held(limits, memory: memory, rlimits, host.cgroup.controllers)
        )
    }

    /// What the workspace may hold; nil for no limit.
    ///
    /// - Throws: `Refusal` where there is no folder to be measured.
    static func workspace(
        _ limits: LimitPolicy,
        _ request: LaunchRequest,
        _ host: HostFacts
    ) throws(Refusal) -> WorkspaceLimit? {
        if limits.workspace.bytes == 0 { return nil }
        guard case .directory(let identity) = host.entries[request.workspace] else {
            throw Refusal(
                stage: "plan",
                subject: request.workspace.description,
                message: "limits.workspace cannot be held: the workspace is no folder that can be measured",
                remedy: "choose a folder, or take limits.workspace out of the policy"
            )
        }
        return WorkspaceLimit(path: request.workspace, identity: identity, most: limits.workspace)
    }

    /// Limits that the policy wants a cgroup to hold.
    private static func checkRequired(_ limits: LimitPolicy, _ host: HostFacts) throws(Refusal) {
        let offer = host.cgroup
        // Asked for before the launch is planned: this plan is not the one that it will have.
        if host.scope == .wanted { return }
        for kind in LimitPolicy.Kind.allCases where limits.requireKernel.contains(kind) {
            if offer.controllers.contains(kind.controller) { continue }
            let cause: String
            let remedy: String
            switch offer {
            case .none(let absence):
                remedy = absence.remedy
                if case .failed = host.scope {
                    cause = "\(absence.words), and \(host.scope.words)"
                } else {
                    cause = absence.words
                }
            case .subtree(let subtree):
                let lacks = subtree.lacks.filter { $0.controller == kind.controller }
                cause = "\(subtree.path) has no controller \(kind.controller.rawValue): \(CgroupLack.words(lacks))"
                remedy = CgroupLack.remedy(lacks)
            }
            throw Refusal(
                stage: "plan",
                subject: "limits.require_kernel",
                message:
                    "the policy requires the kernel itself to hold the limit `\(kind)`, which needs a cgroup, and \(cause)",
                remedy: "\(remedy); or take `\(kind)` out of limits.require_kernel",
                layer: kind == .memory ? .memory : .rlimits
            )
        }
    }

    private static func absence(_ offer: CgroupOffer) -> String {
        switch offer {
        case .subtree: ""
        case .none(let absence): absence.words
        }
    }

    /// In the order of a policy's keys.
    private static func held(
        _ limits: LimitPolicy,
        memory: ByteCount,
        _ rlimits: [RLimit],
        _ controllers: [CgroupController]
    ) -> [HeldLimit] {
        func soft(_ resource: Int32) -> UInt64 { rlimits.first { $0.resource == resource }?.soft ?? .max }
        let cpu = soft(Resource.cpu)
        let files = soft(Resource.openFiles)
        let size = soft(Resource.fileSize)
        let share = limits.cpuThousandths
        let high = min(limits.memoryHigh, memory)
        return [
            HeldLimit(.tasks, String(limits.tasks), controllers.contains(.pids) ? .cgroup : .rlimit),
            HeldLimit(.memory, memory.description, controllers.contains(.memory) ? .cgroup : .watched),
            HeldLimit(
                .memoryHigh,
                high.bytes == 0 ? "no limit" : high.description,
                high.bytes == 0 ? .unlimited : controllers.contains(.memory) ? .cgroup : .notHeld
            ),
            HeldLimit(.openFiles, files == .max ? "no limit" : String(files), files == .max ? .unlimited : .rlimit),
            HeldLimit(
                .fileSize,
                size == .max ? "no limit" : ByteCount(bytes: size).description,
                size == .max ? .unlimited : .rlimit
            ),
            HeldLimit(.cpu, cpu == .max ? "no limit" : "\(cpu) s", cpu == .max ? .unlimited : .rlimit),
            HeldLimit(
                .cpus,
                share == 0 ? "no limit" : ProcessorShare(thousandths: share).description,
                share == 0 ? .unlimited : controllers.contains(.cpu) ? .cgroup : .notHeld
            ),
            HeldLimit(
                .workspace,
                limits.workspace.bytes == 0 ? "no limit" : limits.workspace.description,
                limits.workspace.bytes == 0 ? .unlimited : .watched
            ),
            HeldLimit(
                .output,
                limits.output.bytes == 0 ? "no limit" : limits.output.description,
                limits.output.bytes == 0 ? .unlimited : .watched
            ),
            HeldLimit(.wall, limits.wall.description, .timer),
        ]
    }

    /// Never above the caller's own hard limit: only CAP_SYS_RESOURCE on the host could raise that.
    private static func limit(
        _ inherited: RLimit,
        _ limits: LimitPolicy,
        _ host: HostFacts
    ) throws(Refusal) -> RLimit {
        func fixed(_ value: UInt64) -> RLimit {
            let value = min(value, inherited.hard)
            return RLimit(resource: inherited.resource, soft: value, hard: value)
        }
        switch inherited.resource {
        case Resource.cpu: return limits.cpuSeconds == 0 ? inherited : fixed(limits.cpuSeconds)
        case Resource.fileSize: return fixed(limits.fileSize.bytes)
        // Behind pids.max, not before it: the kernel asks for the rlimit first, and counts only what the group has refused.
        case Resource.tasks: return fixed(host.cgroup.controllers.contains(.pids) ? limits.tasks + 1 : limits.tasks)
        case Resource.openFiles: return fixed(limits.openFiles)
        case Resource.nice, Resource.realTimePriority: return fixed(0)
        case Resource.core:
            if host.corePatternIsSocket {
                throw Refusal(
                    stage: "plan",
                    subject: "kernel.core_pattern",
                    message: "this host sends core dumps to a socket, and no limit stops that: what a command that "
                        + "crashes has in memory would leave the sandbox",
                    remedy: "sudo sysctl -w kernel.core_pattern=core",
                    layer: .rlimits
                )
            }
            // core(5): 1 is the one value that also stops a dump into a program; 0 does not.
            if inherited.hard == 0 && host.corePatternIsPipe {
                throw Refusal(
                    stage: "plan",
                    subject: "RLIMIT_CORE",
                    message: "the caller's hard core limit is 0, and this host pipes core dumps into a program, which "
                        + "only a limit of 1 stops",
                    remedy: "start it from a shell whose hard core limit is not 0 (ulimit -Hc unlimited)",
                    layer: .rlimits
                )
            }
            return fixed(1)
        default: return inherited
        }
    }
}
