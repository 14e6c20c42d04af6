internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The place's cgroup from the plan's side: puts the place into it, and compares what the kernel says about both.
struct GroupMembership {
    let group: LimitGroup
    private let plan: CgroupPlan
    /// pid 1 of the place, once it is in.
    private var first: Int32?

    /// Nil for a plan without one.
    ///
    /// - Throws: `Refusal` for a plan with a group that nobody has made.
    init?(_ plan: LaunchPlan, _ group: LimitGroup?) throws(Refusal) {
        guard let planned = plan.limits.cgroup else { return nil }
        guard let group else {
            throw Refusal(
                stage: "place",
                subject: planned.subtree.description,
                message: "the plan has a cgroup, and none was made",
                remedy: "report this with the record"
            )
        }
        self.group = group
        self.plan = planned
    }

    /// Sets the limits, and moves pid 1 in if it was not born there (clone3(2), CLONE_INTO_CGROUP).
    ///
    /// What it has done up to here is carried out by us; what is charged to its old group stays there (some pages).
    mutating func take(_ process: borrowing ProcessFiles) throws(Refusal) {
        first = process.pid
        let isThere = try GroupMembership.name(process) == group.name
        do throws(SyscallError) {
            try group.apply(plan.settings)
            if !isThere { try group.enter(process.pid) }
        } catch {
            throw Refusal(
                stage: "place",
                step: error.call,
                subject: group.path.appending(OSString(error.subject)).description,
                errno: error.errno,
                message: "the place could not be put into its cgroup with its limits",
                remedy: "see what else writes to \(plan.subtree), or start it in a fresh scope: "
                    + "systemd-run --user --scope -p Delegate=yes …",
                layer: plan.uses(.memory) ? .memory : .rlimits
            )
        }
    }

    /// Whether pid 1 and the worker are in it, and each limit reads as it was written.
    func verify(
        _ first: borrowing ProcessFiles,
        _ worker: borrowing ProcessFiles,
        _ findings: inout Findings
    ) throws(Refusal) {
        try verify(first, as: "pid 1", &findings)
        try verify(worker, as: "worker", &findings)
        try verifySettings(&findings)
    }

    /// Whether one process is in it.
    ///
    /// - Parameters:
    ///   - process: the process.
    ///   - who: what the observation calls it.
    ///   - findings: gets the observation.
    /// - Throws: `Refusal` when it has ended.
    func verify(_ process: borrowing ProcessFiles, as who: String, _ findings: inout Findings) throws(Refusal) {
        let layer: Layer = plan.uses(.memory) ? .memory : .rlimits
        let expected = group.name.description
        findings.compare(layer, "cgroup of \(who)", expected: expected, found: try text(process))
    }

    /// Whether each limit reads as it was written.
    func verifySettings(_ findings: inout Findings) throws(Refusal) {
        for setting in plan.settings {
            findings.compare(
                setting.layer,
                setting.file.description,
                expected: setting.value,
                found: try value(setting.file) ?? "absent"
            )
        }
    }

    /// What of the limits is not as it was written, in words, or that pid 1 is not where it was put; nil when all is.
    ///
    /// Somebody of the same user outside can move processes. That each other one is still there is not looked at.
    func lost() -> String? {
        if let moved { return moved }
        for setting in plan.settings {
            do throws(SyscallError) {
                let found = try group.value(of: setting.file)
                if found == setting.value { continue }
                return "\(setting.file) of the job's cgroup was \(setting.value) and is \(found ?? "gone")"
            } catch {
                return
                    "\(setting.file) of the job's cgroup cannot be read: \(SandboxPlan.ErrnoName.described(error.errno))"
            }
        }
        return nil
    }

    /// What was counted; nil when it cannot be read any more, which costs the record these numbers.
    func counted() -> CgroupUsage? { group.counted() }

    /// The outcome of a place whose processes the kernel has killed at its own memory limit; nil when that was not it.
    func memoryExceeded(_ plan: LaunchPlan) -> Outcome? {
        guard plan.limits.memoryIsHeld, let counted = counted(), counted.memoryLimitHits > 0, counted.memoryKills > 0
        else { return nil }
        return .memoryExceeded(used: counted.memoryPeak ?? plan.limits.memory, limit: plan.limits.memory)
    }

    private var moved: String? {
        // An unreaped child of ours: the number is nobody else's.
        guard let first else { return nil }
        do throws(SyscallError) {
            let found = CgroupName.of(try FileReading.read(OSString("/proc/\(first)/cgroup")))
            if found == group.name { return nil }
            return "the place was in the cgroup \(group.name) and is in \(found?.description ?? "none")"
        } catch {
            return error.errno == ENOENT || error.errno == ESRCH
                ? nil : "the place's cgroup cannot be read: \(SandboxPlan.ErrnoName.described(error.errno))"
        }
    }

    private func text(_ process: borrowing ProcessFiles) throws(Refusal) -> String {
        try GroupMembership.name(process)?.description ?? "none"
    }

    private static func name(_ process: borrowing ProcessFiles) throws(Refusal) -> OSString? {
        CgroupName.of(try process.read("cgroup"))
    }

    private func value(_ file: OSString) throws(Refusal) -> String? {
        do throws(SyscallError) {
            return try group.value(of: file)
        } catch {
            throw Refusal(
                stage: "verify",
                step: error.call,
                subject: group.path.appending(file).description,
                errno: error.errno,
                message: "a limit of the job's cgroup could not be read back, so nothing is known about it",
                remedy: "see what else writes to \(plan.subtree)"
            )
        }
    }
}

extension LimitGroup {
    /// What was counted; nil when it cannot be read any more, which costs the record these numbers.
    func counted() -> CgroupUsage? {
        do throws(SyscallError) { return try usage() } catch { return nil }
    }

    /// The refusal for a place that did not fit into its own memory limit; nil when that was not it.
    func lackOfMemory(_ plan: LaunchPlan) -> Refusal? {
        guard plan.limits.memoryIsHeld, let usage = counted(), usage.memoryLimitHits > 0, usage.memoryKills > 0 else {
            return nil
        }
        return Refusal(
            stage: "place",
            subject: name.description,
            message: "the memory limit of \(plan.limits.memory) does not suffice to set the place up",
            remedy: "raise it: --memory, or limits.memory",
            layer: .memory
        )
    }
}
