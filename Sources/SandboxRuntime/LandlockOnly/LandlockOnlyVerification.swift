internal import CShims
internal import SandboxKernel
internal import SandboxPlan

/// Compares what the kernel says about keeper and worker with the plan: every layer that the profile has.
struct LandlockOnlyVerification {
    let plan: LaunchPlan
    let host: HostFacts
    private let shared: ProcessVerification

    init(plan: LaunchPlan, host: HostFacts) throws(Refusal) {
        self.plan = plan
        self.host = host
        shared = try ProcessVerification(plan: plan, host: host)
    }

    /// The keeper when its steps are done: what the kernel says of it, and what it tried.
    func verifyKeeper(
        _ files: borrowing ProcessFiles,
        _ values: [Int64],
        _ findings: inout Findings
    ) throws(Refusal) {
        let status = ProcessStatus(parsing: try files.read("status"))
        verifyStatus(status, filters: 1, of: "keeper", &findings)
        let environment = try files.read("environ").count
        findings.compare(.environment, "environment of the keeper in bytes", expected: 0, found: Int64(environment))

        func value(_ index: cs_place_value) -> Int64 { values[Int(index.rawValue)] }
        func own(_ index: cs_keeper_value) -> Int64 { values[Int(index.rawValue)] }
        findings.compare(
            .attributes,
            "orphans become the keeper's",
            expected: 1,
            found: own(CS_KEEPER_SUBREAPER),
            .selfReported
        )
        findings.compare(
            .keyring,
            "session keyring is new",
            expected: "yes",
            found: value(CS_PLACE_KEYRING) > 0 && value(CS_PLACE_KEYRING) != Int64(cs_session_keyring()) ? "yes" : "no",
            .selfReported
        )
        let refused: [(Layer, String, Int64, cs_place_value)] = [
            (.nestedNamespaces, "unshare(CLONE_NEWUSER)", Errno.notPermitted, CS_PLACE_USERNS_ERRNO),
            (.seccomp, "unshare(0)", Errno.notPermitted, CS_PLACE_FILTER_ERRNO),
            (.seccomp, "umount2 with unknown flags", Errno.notPermitted, CS_PLACE_UNMOUNT_ERRNO),
            (.landlock, "list a folder", Errno.access, CS_PLACE_LANDLOCK_LIST),
        ]
        for (layer, act, error, index) in refused {
            findings.compare(layer, act, expected: error, found: value(index), .refusedAct)
        }
        LandlockActs.compare(plan.landlock, values, &findings)
        if plan.landlock.scoped & LandlockRight.scopeSignal != 0 {
            findings.compare(
                .landlock,
                "before its domain it signals the supervisor",
                expected: 1,
                found: own(CS_KEEPER_SIGNAL_CONTROL),
                .selfReported
            )
            findings.compare(
                .landlock,
                "signal the supervisor",
                expected: Errno.notPermitted,
                found: own(CS_KEEPER_SIGNAL),
                .refusedAct
            )
        }
        findings.compare(.attributes, "personality", expected: 0, found: value(CS_PLACE_PERSONALITY), .selfReported)
        for case .attributes(let attributes) in plan.steps {
            findings.compare(
                .attributes,
                "timer slack of the keeper in nanoseconds",
                expected: Int64(attributes.timerSlack),
                found: value(CS_PLACE_TIMER_SLACK),
                .selfReported
            )
            findings.compare(
                .attributes,
                "umask of the keeper",
                expected: Int64(attributes.umask),
                found: value(CS_PLACE_UMASK),
                .selfReported
            )
        }
    }

    /// The worker at gate B.
    ///
    /// - Parameters:
    ///   - files: of the process that reported, below `/proc`.
    ///   - values: its report.
    ///   - keeper: its parent.
    ///   - stdio: what 0, 1 and 2 must be.
    ///   - findings: gets what was compared.
    /// - Throws: `Refusal` when the kernel's report cannot be read.
    func verifyWorker(
        _ files: borrowing ProcessFiles,
        _ values: [Int64],
        keeper: Int32,
        stdio: [StreamIdentity],
        _ findings: inout Findings
    ) throws(Refusal) {
        let status = ProcessStatus(parsing: try files.read("status"))
        verifyStatus(status, filters: 2, of: "worker", &findings)
        func field(_ name: StaticString, _ expected: String) {
            findings.compare(.attributes, name.description, expected: expected, found: status.text(name) ?? "absent")
        }
        field("PPid", String(keeper))
        field("SigBlk", "0000000000000000")
        field("SigIgn", "0000000000000000")
        findings.compare(
            .attributes,
            "NSsid of worker",
            expected: status.lastWord("NSpid") ?? "unknown",
            found: status.lastWord("NSsid") ?? "absent"
        )
        try shared.verifyLimits(files, &findings)
        try shared.verifyScheduling(files, &findings)
        try DescriptorVerification.verify(files, stdio: stdio, &findings)

        func value(_ index: cs_process_value) -> Int64 { values[Int(index.rawValue)] }
        let refused: [(Layer, String, Int64, cs_process_value)] = [
            (.seccomp, "clone3", Errno.noSuchCall, CS_PROCESS_FILTER_ERRNO),
            (.seccomp, "fchmod to a set-id mode", Errno.notPermitted, CS_PROCESS_SETID_ERRNO),
            (.seccomp, "socket(AF_UNIX) of the worker", Errno.notPermitted, CS_PROCESS_NARROW_SOCKET),
            (.seccomp, "socketpair(SOCK_DGRAM) of it", Errno.notPermitted, CS_PROCESS_NARROW_DATAGRAM),
            (.seccomp, "chmod of no path by it", Errno.notPermitted, CS_PROCESS_NARROW_MODE),
            (.landlock, "worker opens for reading", Errno.access, CS_PROCESS_LANDLOCK_READ),
        ]
        for (layer, act, error, index) in refused {
            findings.compare(layer, act, expected: error, found: value(index), .refusedAct)
        }
        findings.compare(
            .attributes,
            "working directory is the planned one",
            expected: 1,
            found: value(CS_PROCESS_CWD),
            .selfReported
        )
        guard plan.landlock.scoped & LandlockRight.scopeSignal != 0 else { return }
        findings.compare(
            .landlock,
            "before its own domain it signals the keeper",
            expected: 1,
            found: value(CS_PROCESS_NARROW_CONTROL),
            .selfReported
        )
        findings.compare(
            .landlock,
            "in its own domain it signals the keeper",
            expected: Errno.notPermitted,
            found: value(CS_PROCESS_NARROW_SIGNAL),
            .refusedAct
        )
    }

    private func verifyStatus(_ status: ProcessStatus, filters: UInt32, of who: String, _ findings: inout Findings) {
        let (uid, gid) = (plan.identity.uid, plan.identity.gid)
        func field(_ layer: Layer, _ name: StaticString, _ expected: String) {
            findings.compare(layer, "\(name) of \(who)", expected: expected, found: status.text(name) ?? "absent")
        }
        field(.attributes, "Uid", "\(uid)\t\(uid)\t\(uid)\t\(uid)")
        field(.attributes, "Gid", "\(gid)\t\(gid)\t\(gid)\t\(gid)")
        findings.compare(
            .attributes,
            "Groups of \(who)",
            expected: NumberList.spaced(host.caller.groups),
            found: status.words("Groups") ?? "absent"
        )
        field(.noNewPrivileges, "NoNewPrivs", "1")
        field(.seccomp, "Seccomp", "2")
        field(.seccomp, "Seccomp_filters", String(host.caller.seccompFilters + filters))
        // With no_new_privs the bounding set bounds nothing that could still be had (capabilities(7)).
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] as [StaticString] {
            field(.capabilities, set, "0000000000000000")
        }
    }
}
