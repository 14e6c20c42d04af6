internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Compares what the kernel says about a gated process with the plan.
struct ProcessVerification {
    let plan: LaunchPlan
    let host: HostFacts
    /// Namespace links of the supervisor itself, in the order of `NamespaceKind`.
    let hostNamespaces: [OSString]

    /// In the order in which they are compared (namespaces(7)).
    enum NamespaceKind: String, CaseIterable {
        case user, mnt, pid, net, ipc, uts, cgroup, time

        var layer: Layer {
            switch self {
            case .user: .userNamespace
            case .mnt: .mountNamespace
            case .pid: .pidNamespace
            case .net: .networkNamespace
            case .ipc: .ipcNamespace
            case .uts: .utsNamespace
            case .cgroup: .cgroupNamespace
            case .time: .attributes
            }
        }

        /// Below `/proc/PID`.
        var file: OSString { OSString("ns/" + rawValue) }
    }

    /// - Parameters:
    ///   - plan: what is compared with.
    ///   - host: what was found of the caller.
    /// - Throws: `Refusal` when the supervisor's own namespaces cannot be named: then nothing can be compared.
    init(plan: LaunchPlan, host: HostFacts) throws(Refusal) {
        self.plan = plan
        self.host = host
        var links: [OSString] = []
        links.reserveCapacity(NamespaceKind.allCases.count)
        let files = try ProcessFiles(pid: getpid())
        for kind in NamespaceKind.allCases {
            let found = try files.link(kind.file)
            guard NamespaceLink.isLink(found, of: kind.rawValue) else {
                throw Refusal(
                    stage: "verify",
                    step: "readlinkat",
                    subject: "/proc/\(getpid())/\(kind.file)",
                    message: "the link is \"\(found)\", which names no namespace, so nothing can be compared with it",
                    remedy: "see that /proc is the kernel's (proc(5)); if it is, report this with the record",
                    layer: kind.layer
                )
            }
            links.append(found)
        }
        hostNamespaces = links
    }

    // MARK: - pid 1

    /// pid 1 when the place is ready: ids, capabilities, filters, and its own report.
    func verifyPlace(
        _ files: borrowing ProcessFiles,
        _ report: PlaceProcess.Report,
        _ findings: inout Findings
    ) throws(Refusal) {
        let status = ProcessStatus(parsing: try files.read("status"))
        verifyStatus(status, filters: 1, of: "pid 1", &findings)
        findings.compare(
            .pidNamespace,
            "NSpid of pid 1",
            expected: "1",
            found: status.lastWord("NSpid") ?? "absent"
        )
        // In the caller's session, whose leader is not to be seen from inside, it would be 0.
        findings.compare(.attributes, "NSsid of pid 1", expected: "1", found: status.lastWord("NSsid") ?? "absent")
        verifyReport(report, &findings)
    }

    /// What of pid 1 is settled since its exec: id maps and namespaces.
    ///
    /// - Returns: its namespace links, in the order of `NamespaceKind`.
    func verifyNamespace(_ files: borrowing ProcessFiles, _ findings: inout Findings) throws(Refusal) -> [OSString] {
        try verifyMaps(files, &findings)
        return try verifyNamespaces(files, &findings)
    }

    /// Before pid 1 turns non-dumpable: afterwards its environment is closed to everybody but root.
    ///
    /// Whoever waits for an exec as vfork(2) does is woken before the kernel puts the new memory in the place of the old one
    /// (exec_mmap in fs/exec.c), and on a busy host pid 1 may stand between the two: until it goes on, what can be read is our own.
    static func verifyEnvironment(
        _ files: borrowing ProcessFiles,
        for plan: LaunchPlan,
        _ findings: inout Findings
    ) throws(Refusal) {
        let until = cs_monotonic() + Int64(plan.limits.setUp.milliseconds) * 1_000_000
        var found = try files.read("environ").count
        while found > 0 && cs_monotonic() < until {
            _ = poll(nil, 0, 1)
            found = try files.read("environ").count
        }
        // A file that was opened before the exec reads as empty once the old memory is gone: then this one is of the new.
        if found == 0 { found = try files.read("environ").count }
        findings.compare(.environment, "environment of pid 1 in bytes", expected: 0, found: Int64(found))
    }

    private func verifyMaps(_ files: borrowing ProcessFiles, _ findings: inout Findings) throws(Refusal) {
        let uid = plan.identity.uid
        let gid = plan.identity.gid
        findings.compare(
            .userNamespace,
            "uid_map",
            expected: "\(uid) \(uid) 1",
            found: try files.words("uid_map")
        )
        findings.compare(
            .userNamespace,
            "gid_map",
            expected: "\(gid) \(gid) 1",
            found: try files.words("gid_map")
        )
        findings.compare(.userNamespace, "setgroups", expected: "deny", found: try files.words("setgroups"))
    }

    private func verifyReport(_ report: PlaceProcess.Report, _ findings: inout Findings) {
        func value(_ index: cs_place_value) -> Int64 { report.values[Int(index.rawValue)] }
        findings.compare(.capabilities, "securebits", expected: 0xEF, found: value(CS_PLACE_SECUREBITS), .selfReported)
        findings.compare(
            .keyring,
            "session keyring is new",
            expected: "yes",
            found: value(CS_PLACE_KEYRING) > 0 && value(CS_PLACE_KEYRING) != Int64(cs_session_keyring()) ? "yes" : "no",
            .selfReported
        )
        findings.compare(
            .nestedNamespaces,
            "unshare(CLONE_NEWUSER)",
            // By the count, or where that cannot be set by the filter.
            expected: plan.steps.contains(.forbidUserNamespaces) ? Errno.noSpace : Errno.notPermitted,
            found: value(CS_PLACE_USERNS_ERRNO),
            .refusedAct
        )
        if plan.confinement == .container {
            let act = "read the environment of a process outside by /proc"
            let found = value(CS_PLACE_FOREIGN_ERRNO)
            findings.compare(.pidNamespace, act, expected: Errno.access, found: found, .refusedAct)
            // Not even its command line could be opened, so that nothing is known of the rest.
            if found == Errno.notPermitted || found == Errno.notFound, let mode = MountTable.hiddenProcessesHere {
                findings.explain(act, cause: HiddenProcesses.cause(mode), remedy: HiddenProcesses.remedy)
            }
        }
        findings.compare(
            .seccomp,
            "unshare(0)",
            expected: Errno.notPermitted,
            found: value(CS_PLACE_FILTER_ERRNO),
            .refusedAct
        )
        findings.compare(
            .seccomp,
            "umount2 with unknown flags",
            expected: Errno.notPermitted,
            found: value(CS_PLACE_UNMOUNT_ERRNO),
            .refusedAct
        )
        findings.compare(.attributes, "personality", expected: 0, found: value(CS_PLACE_PERSONALITY), .selfReported)
        findings.compare(
            .attributes,
            "umask of pid 1",
            expected: Int64(umask),
            found: value(CS_PLACE_UMASK),
            .selfReported
        )
        for case .attributes(let attributes) in plan.steps {
            findings.compare(
                .attributes,
                "timer slack of pid 1 in nanoseconds",
                expected: Int64(attributes.timerSlack),
                found: value(CS_PLACE_TIMER_SLACK),
                .selfReported
            )
        }
        for case .hostname(let name) in plan.steps {
            findings.compare(
                .utsNamespace,
                "host name",
                // A container's filter may refuse it: that profile does not promise it.
                expected: plan.confinement == .container && value(CS_PLACE_HOSTNAME) == 0
                    ? "another" : name.description,
                found: value(CS_PLACE_HOSTNAME) == 1 ? name.description : "another",
                .selfReported
            )
        }
        if plan.steps.contains(.loopbackUp) {
            findings.compare(.networkNamespace, "lo is up", expected: 1, found: value(CS_PLACE_LOOPBACK), .selfReported)
        }
        if plan.steps.contains(.landlock) { LandlockActs.compare(plan.landlock, report.values, &findings) }
    }

    // MARK: - One process

    /// What the worker has from pid 1 and does not change on its way to gate B: namespaces, limits, scheduling.
    ///
    /// - Parameters:
    ///   - files: of the process, below `/proc`.
    ///   - namespaces: those of pid 1, as `verifyNamespace` found them.
    ///   - findings: gets what was compared.
    /// - Throws: `Refusal` when the kernel's report cannot be read.
    func verifyInherited(
        _ files: borrowing ProcessFiles,
        namespaces: [OSString],
        _ findings: inout Findings
    ) throws(Refusal) {
        try verifyNamespaces(files, equal: namespaces, &findings)
        try verifyLimits(files, &findings)
        try verifyScheduling(files, &findings)
    }

    /// The worker at gate B.
    ///
    /// - Parameters:
    ///   - files: of the process that reported, below `/proc`.
    ///   - values: its report.
    ///   - parent: pid 1 of the place, in the supervisor's pid namespace.
    ///   - stdio: what 0, 1 and 2 must be.
    ///   - findings: gets what was compared.
    /// - Returns: its pid in the place, as the kernel says it.
    /// - Throws: `Refusal` when the kernel's report cannot be read.
    func verifyProcess(
        _ files: borrowing ProcessFiles,
        _ values: [Int64],
        parent: Int32,
        stdio: [StreamIdentity],
        _ findings: inout Findings
    ) throws(Refusal) -> String {
        let status = ProcessStatus(parsing: try files.read("status"))
        verifyStatus(status, filters: plan.process.reportsDenials ? 1 : 2, of: "worker", &findings)
        findings.compare(
            .pidNamespace,
            "PPid of worker",
            expected: String(parent),
            found: status.text("PPid") ?? "absent"
        )
        let inside = status.lastWord("NSpid") ?? "absent"
        // A session of its own; with a keyboard a group of its own in the session of pid 1.
        findings.compare(
            .attributes,
            "NSsid of worker",
            expected: plan.process.terminal == nil ? inside : "1",
            found: status.lastWord("NSsid") ?? "absent"
        )
        findings.compare(.attributes, "SigBlk", expected: "0000000000000000", found: status.text("SigBlk") ?? "absent")
        findings.compare(.attributes, "SigIgn", expected: "0000000000000000", found: status.text("SigIgn") ?? "absent")
        findings.compare(
            .attributes,
            "Umask",
            expected: octal(umask),
            found: octal(status.text("Umask"))
        )
        try DescriptorVerification.verify(files, stdio: stdio, &findings)

        func value(_ index: cs_process_value) -> Int64 { values[Int(index.rawValue)] }
        findings.compare(
            .seccomp,
            "clone3",
            expected: Errno.noSuchCall,
            found: value(CS_PROCESS_FILTER_ERRNO),
            .refusedAct
        )
        findings.compare(
            .seccomp,
            "fchmod to a set-id mode",
            expected: Errno.notPermitted,
            found: value(CS_PROCESS_SETID_ERRNO),
            .refusedAct
        )
        findings.compare(
            .attributes,
            "working directory is the planned one",
            expected: 1,
            found: value(CS_PROCESS_CWD),
            .selfReported
        )
        if plan.steps.contains(.landlock) {
            findings.compare(
                .landlock,
                "worker opens for reading",
                expected: Errno.access,
                found: value(CS_PROCESS_LANDLOCK_READ),
                .refusedAct
            )
        }
        return inside
    }

    /// What a narrower process tried after its domain stood, and could before.
    static func verifyNarrowing(_ process: ProcessPlan, _ values: [Int64], _ findings: inout Findings) {
        if process.narrowing == nil { return }
        func value(_ index: cs_process_value) -> Int64 { values[Int(index.rawValue)] }
        findings.compare(
            .landlock,
            "before its own domain it lists /tmp and signals pid 1",
            expected: 1,
            found: value(CS_PROCESS_NARROW_CONTROL),
            .selfReported
        )
        let acts: [(Layer, String, Int64, cs_process_value)] = [
            (.landlock, "in its own domain it lists /tmp", Errno.access, CS_PROCESS_NARROW_LIST),
            (.landlock, "in its own domain it signals pid 1", Errno.notPermitted, CS_PROCESS_NARROW_SIGNAL),
            (.seccomp, "socket(AF_UNIX) of a narrower process", Errno.notPermitted, CS_PROCESS_NARROW_SOCKET),
            (.seccomp, "socketpair(SOCK_DGRAM) of it", Errno.notPermitted, CS_PROCESS_NARROW_DATAGRAM),
            (.seccomp, "chmod of no path by it", Errno.notPermitted, CS_PROCESS_NARROW_MODE),
        ]
        for (layer, act, error, index) in acts {
            findings.compare(layer, act, expected: error, found: value(index), .refusedAct)
        }
    }

    private var umask: UInt32 {
        for case .attributes(let attributes) in plan.steps { return attributes.umask }
        return 0
    }

    /// Digits by hand: the first use of `String(_:radix:)` takes as long as all else that is compared here.
    private func octal(_ number: UInt32) -> String {
        var digits: [UInt8] = []
        var rest = number
        repeat {
            digits.insert(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest & 7), at: 0)
            rest >>= 3
        } while rest > 0
        return "0" + String(decoding: digits, as: UTF8.self)
    }

    /// The kernel's digits without the zeros before them.
    private func octal(_ text: String?) -> String {
        guard let text else { return "absent" }
        let digits = text.utf8.drop { $0 == UInt8(ascii: "0") }
        return "0" + (digits.isEmpty ? "0" : String(decoding: Array(digits), as: UTF8.self))
    }

    private func verifyStatus(_ status: ProcessStatus, filters: UInt32, of who: String, _ findings: inout Findings) {
        let uid = String(plan.identity.uid)
        let gid = String(plan.identity.gid)
        func field(_ layer: Layer, _ name: StaticString, _ expected: String) {
            findings.compare(layer, "\(name) of \(who)", expected: expected, found: status.text(name) ?? "absent")
        }
        field(.userNamespace, "Uid", "\(uid)\t\(uid)\t\(uid)\t\(uid)")
        field(.userNamespace, "Gid", "\(gid)\t\(gid)\t\(gid)\t\(gid)")
        let groups = plan.identity.dropsFromRoot ? [] : host.caller.groups
        findings.compare(
            .userNamespace,
            "Groups of \(who)",
            expected: NumberList.spaced(groups),
            found: status.words("Groups") ?? "absent"
        )
        field(.noNewPrivileges, "NoNewPrivs", "1")
        field(.seccomp, "Seccomp", "2")
        field(.seccomp, "Seccomp_filters", String(host.caller.seccompFilters + filters))
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] as [StaticString] {
            field(.capabilities, set, "0000000000000000")
        }
    }

    /// Those of pid 1: new ones where the plan says so.
    private func verifyNamespaces(
        _ files: borrowing ProcessFiles,
        _ findings: inout Findings
    ) throws(Refusal) -> [OSString] {
        var links: [OSString] = []
        links.reserveCapacity(NamespaceKind.allCases.count)
        for (index, kind) in NamespaceKind.allCases.enumerated() {
            let own = plan.namespaces.contains(kind.layer)
            let found = try files.link(kind.file)
            findings.compare(
                kind.layer,
                "ns/\(kind.rawValue) of pid 1",
                expected: own ? "not the host's" : "the host's",
                found: found == hostNamespaces[index] ? "the host's" : "not the host's"
            )
            links.append(found)
        }
        return links
    }

    /// Those of the worker: the very ones of pid 1, and not only others than the host's.
    private func verifyNamespaces(
        _ files: borrowing ProcessFiles,
        equal expected: [OSString],
        _ findings: inout Findings
    ) throws(Refusal) {
        for (index, kind) in NamespaceKind.allCases.enumerated() {
            let found = try files.link(kind.file)
            findings.compare(
                kind.layer,
                "ns/\(kind.rawValue) of worker",
                expected: "pid 1's",
                found: found == expected[index] ? "pid 1's" : "another"
            )
        }
    }

    /// Names in `/proc/PID/limits` by resource number (getrlimit(2)).
    private static let limitNames: [StaticString] = [
        "Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size", "Max resident set",
        "Max processes", "Max open files", "Max locked memory", "Max address space", "Max file locks",
        "Max pending signals", "Max msgqueue size", "Max nice priority", "Max realtime priority",
        "Max realtime timeout",
    ]

    /// `/proc/PID/limits` (proc(5)): name in the first 26 columns, then soft and hard.
    func verifyLimits(_ files: borrowing ProcessFiles, _ findings: inout Findings) throws(Refusal) {
        let text = try files.read("limits")
        func word(_ value: UInt64) -> String { value == UInt64.max ? "unlimited" : String(value) }
        for limit in plan.limits.rlimits {
            let name = Self.limitNames[Int(limit.resource)]
            let line = KernelText.value(name, " ", in: text) ?? 0..<0
            findings.compare(
                .rlimits,
                name.description,
                expected: "\(word(limit.soft)) \(word(limit.hard))",
                found: KernelText.words(text, in: line, limit: 2)
            )
        }
    }

    /// Nice and policy as getpriority(2) and sched_getscheduler(2) say them.
    func verifyScheduling(_ files: borrowing ProcessFiles, _ findings: inout Findings) throws(Refusal) {
        func check(_ call: String, _ result: Int) throws(Refusal) {
            guard result < 0 else { return }
            throw Refusal(
                stage: "verify",
                step: call,
                subject: "process \(files.pid)",
                errno: Int32(-result),
                message: "the kernel does not say how the gated process is scheduled, so it cannot be compared",
                remedy: "see what refuses \(call)(2) to this process: a seccomp filter, or a security module"
            )
        }
        var nice: Int32 = 0
        try check("getpriority", cs_nice(files.pid, &nice))
        let scheduler = cs_scheduler(files.pid)
        try check("sched_getscheduler", scheduler)
        for case .attributes(let attributes) in plan.steps {
            findings.compare(.attributes, "nice", expected: String(attributes.nice), found: String(nice))
            findings.compare(.attributes, "scheduler", expected: "0", found: String(scheduler))
            findings.compare(
                .attributes,
                "oom_score_adj",
                expected: String(attributes.oomScoreAdjustment),
                found: try files.words("oom_score_adj")
            )
        }
    }
}

/// The few numbers verification expects, so that no libc is needed here (errno(3), x86_64).
enum Errno {
    static let notPermitted: Int64 = 1
    static let notFound: Int64 = 2
    static let access: Int64 = 13
    static let noSpace: Int64 = 28
    static let noSuchCall: Int64 = 38
}
