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
        for kind in LimitPolicy.Kind.allCases where limits.requireKernel.contains(kind) {
            throw Refusal(
                stage: "plan",
                subject: "limits.require_kernel",
                message:
                    "the policy requires the kernel itself to hold the limit `\(kind)`, which needs a cgroup",
                remedy: "remove it from limits.require_kernel: this version holds it without cgroups",
                layer: kind == .memory ? .memory : .rlimits
            )
        }
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
            rlimits: rlimits
        )
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
        case Resource.tasks: return fixed(limits.tasks)
        case Resource.openFiles: return fixed(limits.openFiles)
        case Resource.nice, Resource.realTimePriority: return fixed(0)
        case Resource.core:
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
