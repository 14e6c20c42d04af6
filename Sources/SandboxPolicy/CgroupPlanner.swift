internal import SandboxPlan

/// What is written into the files of a place's cgroup (cgroups(7), the kernel's admin-guide/cgroup-v2).
enum CgroupPlanner {
    /// Limits of memory are counted in pages.
    private static let page: UInt64 = 4096
    /// Of cpu.max, in microseconds: the kernel's own default.
    private static let period: UInt64 = 100_000

    /// Nil where there is no subtree for one.
    static func planned(_ limits: LimitPolicy, memory: ByteCount, _ offer: CgroupOffer) -> CgroupPlan? {
        guard case .subtree(let subtree) = offer else { return nil }
        var settings: [CgroupSetting] = []
        for controller in subtree.controllers {
            switch controller {
            case .memory:
                settings += [
                    CgroupSetting(.memory, "memory.max", text(memory)),
                    // Unless somebody asks for it: slowed down below its limit, a job that wants too much would crawl for
                    // hours instead of meeting it.
                    CgroupSetting(.memory, "memory.high", high(limits, memory)),
                    // Without it the job would swap instead of meeting its limit.
                    CgroupSetting(.memory, "memory.swap.max", "0"),
                    // The whole job, pid 1 included: half a job is none.
                    CgroupSetting(.memory, "memory.oom.group", "1"),
                ]
            case .pids: settings.append(CgroupSetting(.pids, "pids.max", String(limits.tasks)))
            case .cpu:
                let share = limits.cpuThousandths
                let quota = share == 0 ? "max" : String(share * period / 1000)
                settings.append(CgroupSetting(.cpu, "cpu.max", "\(quota) \(period)"))
                if let weight = subtree.leafWeight {
                    settings.append(CgroupSetting(.cpu, "cpu.weight", String(weight)))
                }
            }
        }
        // Nobody is refused anything by it: where the controller did not come, disks are shared as before.
        if let weight = subtree.leafWeight, subtree.weighsIO {
            settings.append(CgroupSetting(nil, "io.weight", "default \(weight)"))
        }
        return CgroupPlan(subtree: subtree.path, movesProcesses: subtree.movesProcesses, settings: settings)
    }

    /// What a launch says before it begins: limits that were asked for and that nothing holds.
    static func warnings(_ limits: LimitPolicy, _ offer: CgroupOffer, _ scope: ScopeRequest = .none) -> [String] {
        // `explain` has none to look at yet.
        let held = scope == .wanted ? "is held only in the scope that run asks for" : "is not held, only a cgroup could"
        var warnings: [String] = []
        if limits.memoryHigh.bytes > 0, !offer.controllers.contains(.memory) {
            warnings.append(
                "limits.memory_high = \(limits.memoryHigh) \(held): \(why(.memory, offer))"
            )
        }
        if limits.cpuThousandths > 0, !offer.controllers.contains(.cpu) {
            let share = ProcessorShare(thousandths: limits.cpuThousandths)
            warnings.append("limits.cpus = \(share) \(held): \(why(.cpu, offer))")
        }
        return warnings
    }

    /// Why a controller is not there.
    private static func why(_ controller: CgroupController, _ offer: CgroupOffer) -> String {
        switch offer {
        case .none(let absence): absence.words
        case .subtree(let subtree): CgroupLack.words(subtree.lacks.filter { $0.controller == controller })
        }
    }

    /// What a person should know: a limit that nothing holds, and processes that are moved.
    static func notes(_ limits: LimitPolicy, _ offer: CgroupOffer, _ scope: ScopeRequest = .none) -> [String] {
        var notes = warnings(limits, offer, scope)
        if case .none(.failed) = offer, case .none(let absence) = offer {
            notes.append("no cgroup could be made for the job, and its limits are held without: \(absence.words)")
        }
        if case .subtree(let subtree) = offer, subtree.movesProcesses {
            let callers = subtree.path.appending(CgroupSubtree.callersName)
            notes.append(
                "the processes of the cgroup \(subtree.path) are moved to \(callers): with some of its own it cannot limit others"
            )
        }
        return notes
    }

    /// Never above the limit itself: a policy's own is checked, and a word of the command line or another policy may be lower.
    private static func high(_ limits: LimitPolicy, _ memory: ByteCount) -> String {
        limits.memoryHigh.bytes == 0 ? "max" : text(min(limits.memoryHigh, memory))
    }

    /// Whole pages, as the kernel reads it back; its largest amount is `max` (mm/page_counter.c).
    private static func text(_ memory: ByteCount) -> String {
        let pages = memory.bytes / page
        return pages >= UInt64(Int64.max) / page ? "max" : String(pages * page)
    }
}
