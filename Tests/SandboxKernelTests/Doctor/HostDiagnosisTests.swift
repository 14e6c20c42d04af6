import Glibc
import SandboxPlan
import Testing

@testable import SandboxKernel

@Suite struct HostDiagnosisTests {
    /// A host that has everything.
    private var good: DoctorFacts {
        var facts = DoctorFacts(identity: ProbeIdentity(uid: 1000, gid: 1000, drops: false))
        facts.kernelRelease = "6.1.0-18-amd64"
        facts.machine = "x86_64"
        facts.seccompFilters = 0
        facts.isInUserNamespace = false
        facts.mounts = table(["/", "/proc"])
        facts.companion = .found("/usr/bin/codex-sandboxd")
        facts.folders = [DoctorFolder(name: "state-folder", path: "/s", state: .writable, setting: "--state-dir")]
        for probe in FeatureProbe.allCases { facts.probes[probe] = .works(value: probe == .landlock ? 7 : 0) }
        return facts
    }

    private func table(_ targets: [String]) -> MountTable? {
        let lines = targets.enumerated().map { "\($0 + 20) 1 0:\($0) / \($1) rw - tmpfs tmpfs rw\n" }
        return MountTable(parsing: Array(lines.joined().utf8))
    }

    private func check(_ name: String, _ change: (inout DoctorFacts) -> Void) throws -> HostCheck {
        var facts = good
        change(&facts)
        return try #require(HostDiagnosis(facts: facts).checks.first { $0.name == name })
    }

    /// As the kernel would have it: whatever stands on a failed base fails in it too.
    private func refuse(_ facts: inout DoctorFacts, _ call: String, _ errno: Int32) {
        for probe in FeatureProbe.allCases
        where ![.noNewPrivileges, .seccomp, .landlock, .pidfd, .closeRange, .keyring].contains(probe) {
            facts.probes[probe] = .failed(call: call, errno: errno)
        }
    }

    @Test func aGoodHostHasNothingToMend() {
        let checks = HostDiagnosis(facts: good).checks
        #expect(checks.allSatisfy { [.available, .information].contains($0.state) && $0.remedy.isEmpty })
        #expect(Set(checks.map(\.name)).count == checks.count)
        #expect(checks.count == 29)
    }

    @Test func whatIsMissingHasARemedy() {
        for probe in FeatureProbe.allCases {
            for outcome in [
                ProbeOutcome.failed(call: "c", errno: EPERM), .failed(call: "c", errno: ENOSYS),
                .failed(call: "c", errno: EINVAL), .failed(call: "c", errno: ENOSPC), .failed(call: "c", errno: 0),
                .failed(call: "c", errno: EIO), .timedOut, .silent(status: 9), .silent(status: 256),
                .notStarted(errno: EAGAIN),
            ] {
                var facts = good
                facts.probes[probe] = outcome
                let missing = HostDiagnosis(facts: facts).checks.filter { $0.state == .missing }
                #expect(missing.count == 1, "\(probe) \(outcome)")
                #expect(missing.allSatisfy { !$0.remedy.isEmpty && !$0.detail.isEmpty })
            }
        }
    }

    @Test(arguments: [
        ("6.1.0-18-amd64", HostCheck.State.available), ("6.18.44", .available), ("7.0-rc1", .available),
        ("5.15.0-91-generic", .untested), ("6.0.12", .untested), ("5.14.0", .untested), ("5.13.19", .missing),
        ("4.18.0-513.el8", .missing), ("what", .untested), ("", .untested), ("6.x", .untested),
    ])
    func theReleaseIsJudged(_ release: String, _ state: HostCheck.State) throws {
        #expect(try check("kernel") { $0.kernelRelease = release }.state == state)
    }

    /// Where it cannot matter it is not read: a launch is short.
    @Test(arguments: [
        ("6.1.0-56-amd64", UInt64.max, false), ("6.15.9", 1, false), ("6.16.0", 1, true), ("7.3.4", UInt64.max, true),
        ("6.1.0", 0, true), ("what", 1, true),
    ])
    func theCorePatternMattersWhereALimitMayNotStopIt(_ release: String, _ hard: UInt64, _ matters: Bool) {
        #expect(HostProbe.corePatternMatters(release: release, hardLimit: hard) == matters)
    }

    @Test func anotherArchitectureIsMissing() throws {
        #expect(try check("architecture") { $0.machine = "aarch64" }.state == .missing)
    }

    static let loadProfile =
        "codex-sandbox doctor --apparmor-profile | sudo tee /etc/apparmor.d/codex-sandbox >/dev/null && "
        + "sudo apparmor_parser -r /etc/apparmor.d/codex-sandbox"
    static let addRule =
        "Add the rule userns, to the AppArmor profile docker-default and load it again, "
        + "or start codex-sandbox outside of it."
    static let unfiltered =
        "Start the container with another filter: docker run --security-opt seccomp=unconfined "
        + "--security-opt systempaths=unconfined …, or run codex-sandbox on the host."

    /// The settings and facts beside the errno, and the command that has to come out.
    static let causes: [(errno: Int32, change: @Sendable (inout DoctorFacts) -> Void, remedy: String)] = [
        (ENOSPC, { $0.settings[.maximumUserNamespaces] = 0 }, "sudo sysctl -w user.max_user_namespaces=15000"),
        (ENOSPC, { $0.settings[.maximumUserNamespaces] = 500 }, "sudo sysctl -w user.max_user_namespaces=1000"),
        (
            ENOSPC,
            {
                $0.settings[.maximumUserNamespaces] = 0
                $0.isInUserNamespace = true
            },
            "Run codex-sandbox outside of the container or sandbox that it is in."
        ),
        (
            EUSERS, { $0.isInUserNamespace = true },
            "Run codex-sandbox outside of the container or sandbox that it is in."
        ),
        (EPERM, { $0.settings[.unprivilegedUserNamespaces] = 0 }, "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            EPERM,
            {
                $0.settings[.unprivilegedUserNamespaces] = 1
                $0.settings[.appArmorRestriction] = 1
            },
            HostDiagnosisTests.loadProfile
        ),
        (
            EACCES,
            { $0.settings[.appArmorRestriction] = 1 },
            HostDiagnosisTests.loadProfile
        ),
        (
            EPERM,
            { $0.mounts = MountTable(parsing: Array("20 1 0:1 / /proc rw - proc proc rw\n".utf8)) },
            "Run codex-sandbox outside of the chroot, or enter the tree with systemd-nspawn instead."
        ),
        (
            EPERM,
            { $0.seccompFilters = 1 },
            "Start the container with another filter: docker run --security-opt seccomp=unconfined "
                + "--security-opt systempaths=unconfined …, or run codex-sandbox on the host."
        ),
        (
            ENOSYS,
            { $0.seccompFilters = 2 },
            "Start the container with another filter: docker run --security-opt seccomp=unconfined "
                + "--security-opt systempaths=unconfined …, or run codex-sandbox on the host."
        ),
        (
            EPERM,
            { $0.securityModules = "lockdown,selinux" },
            "Run codex-sandbox outside of the chroot; for a security module see: sudo journalctl -k --grep userns"
        ),
        // A profile on us: EACCES is its answer; EPERM may be the filter's that comes with it in a container.
        (EACCES, { $0.appArmorLabel = "docker-default (enforce)" }, addRule),
        (
            EACCES,
            {
                $0.appArmorLabel = "docker-default (enforce)"
                $0.seccompFilters = 1
                $0.settings[.appArmorRestriction] = 1
            }, addRule
        ),
        (
            EPERM,
            {
                $0.appArmorLabel = "docker-default (enforce)"
                $0.seccompFilters = 1
            }, unfiltered
        ),
        (EPERM, { $0.appArmorLabel = "docker-default (enforce)" }, addRule),
        (
            EPERM,
            {
                $0.appArmorLabel = "unconfined"
                $0.settings[.appArmorRestriction] = 1
            }, loadProfile
        ),
        (
            EACCES, { $0.appArmorLabel = "codex-sandbox (complain)" },
            "Run codex-sandbox outside of the chroot; for a security module see: sudo journalctl -k --grep userns"
        ),
        (EINVAL, { _ in }, "Boot a kernel that has CONFIG_USER_NS=y."),
        (ENOSYS, { _ in }, "Boot a kernel that has CONFIG_USER_NS=y."),
        (ENOMEM, { _ in }, "Report it with what this prints: codex-sandbox doctor --json"),
    ]

    @Test(arguments: causes.indices) func aForbiddenUserNamespaceHasItsCause(_ index: Int) throws {
        let (errno, change, remedy) = Self.causes[index]
        var facts = good
        refuse(&facts, "unshare(CLONE_NEWUSER)", errno)
        change(&facts)
        let checks = HostDiagnosis(facts: facts).checks
        let check = try #require(checks.first { $0.name == "user-namespace" })
        #expect(check.state == .missing)
        #expect(check.remedy == remedy)
        #expect(check.detail.hasPrefix("unshare(CLONE_NEWUSER): \(ErrnoName.described(errno)). "))
        #expect(check.detail.hasSuffix("."))
        // The last resort is named where it would run, and is nobody's remedy.
        #expect(check.detail.contains("weaker profile landlock-only"))
        facts.probes[.landlock] = .failed(call: "landlock_create_ruleset", errno: EOPNOTSUPP)
        let without = HostDiagnosis(facts: facts).checks.first { $0.name == "user-namespace" }
        #expect(without?.detail.contains("landlock-only") == false)
        // Nothing else is blamed for it.
        #expect(checks.filter { $0.state == .missing }.map(\.name) == ["user-namespace"])
        #expect(checks.contains { $0.detail == "not tried: it needs user-namespace" && $0.name == "proc" })
    }

    /// Made, and of no use: the other half of what Ubuntu's restriction does, by a profile.
    @Test func aNamespaceWithoutCapabilitiesHasItsCause() throws {
        var facts = good
        refuse(&facts, "write /proc/self/setgroups", EACCES)
        facts.appArmorLabel = "docker-default (enforce)"
        let check = try #require(HostDiagnosis(facts: facts).checks.first { $0.name == "user-namespace" })
        #expect(check.detail.contains("allows the namespace, and no capability in it"))
        #expect(check.remedy.hasPrefix("Add the rule capability, to the AppArmor profile docker-default"))
        facts.appArmorLabel = "unconfined"
        facts.settings[.appArmorRestriction] = 1
        let other = HostDiagnosis(facts: facts).checks.first { $0.name == "user-namespace" }
        #expect(other?.remedy == HostDiagnosisTests.loadProfile)
    }

    // MARK: - Doctor's own launch

    private func remedy(_ remedy: String, errno: Int32 = ENOSYS, layer: Layer? = nil, _ facts: DoctorFacts) -> String? {
        let diagnosis = HostDiagnosis(facts: facts)
        let refusal = Refusal(stage: "place", step: "s", errno: errno, message: "m", remedy: remedy, layer: layer)
        guard case .refused(let explained) = diagnosis.explained(.refused(refusal), diagnosis.checks) else {
            return nil
        }
        return explained.remedy
    }

    /// Whoever reads it has run doctor.
    @Test func theTrialsRemedyDoesNotSendToDoctor() throws {
        let there = "run \(HostReport.command): it names what is missing"
        var facts = good
        #expect(remedy("free space", facts) == "free space")
        #expect(remedy(there, facts) == "Boot Linux 6.1 or newer.")
        #expect(remedy(there, errno: EIO, facts) == FeatureCause.report)
        facts.seccompFilters = 1
        let filter = try #require(UserNamespaceCause.filtered(facts)?.remedy)
        #expect(remedy(there, facts) == filter && remedy(there, errno: EPERM, facts) == filter)
        // What a check has found is more than a guess; of several that of the layer.
        facts.seccompFilters = 0
        facts.probes[.landlock] = .failed(call: "landlock_create_ruleset", errno: EOPNOTSUPP)
        facts.probes[.closeRange] = .failed(call: "close_range", errno: ENOSYS)
        let checks = HostDiagnosis(facts: facts).checks
        func ofCheck(_ name: String) throws -> String { try #require(checks.first { $0.name == name }).remedy }
        let landlock = try ofCheck("landlock")
        #expect(remedy("boot; " + there, layer: .landlock, facts) == landlock)
        #expect(remedy(there, layer: .mounts, facts) == landlock + " " + (try ofCheck("descriptors")))
        for outcome in [Outcome.exited(code: 0), .timedOut] {
            #expect(HostDiagnosis(facts: facts).explained(outcome, checks) == outcome)
        }
    }

    @Test func rootThatCannotBecomeAnotherIsSaid() throws {
        let check = try check("user-namespace") { refuse(&$0, "setresuid", EINVAL) }
        #expect(check.remedy.contains("ordinary user"))
    }

    @Test func aMissingProcIsSaid() throws {
        let check = try check("user-namespace") { refuse(&$0, "write /proc/self/setgroups", ENOENT) }
        #expect(check.remedy == "sudo mount -t proc proc /proc")
    }

    /// Ubuntu: the namespace is made and has no capabilities.
    @Test func appArmorIsFoundBehindALaterCall() throws {
        let check = try check("mount-namespace") {
            $0.settings[.appArmorRestriction] = 1
            $0.probes[.mountNamespace] = .failed(call: "unshare(CLONE_NEWNS)", errno: EPERM)
        }
        #expect(check.remedy == HostDiagnosisTests.loadProfile)
    }

    @Test(arguments: [
        ("network-namespace", FeatureProbe.networkNamespace, "user.max_net_namespaces"),
        ("mount-namespace", .mountNamespace, "user.max_mnt_namespaces"),
        ("pid-namespace", .pidNamespace, "user.max_pid_namespaces"),
        ("ipc-namespace", .ipcNamespace, "user.max_ipc_namespaces"),
        ("uts-namespace", .utsNamespace, "user.max_uts_namespaces"),
        ("cgroup-namespace", .cgroupNamespace, "user.max_cgroup_namespaces"),
    ])
    func aLimitOfNamespacesIsNamed(_ name: String, _ probe: FeatureProbe, _ setting: String) throws {
        let check = try check(name) { $0.probes[probe] = .failed(call: "unshare", errno: ENOSPC) }
        #expect(check.remedy == "sudo sysctl -w \(setting)=15000")
    }

    @Test func aCoveredProcIsNamed() throws {
        let check = try check("proc") {
            $0.probes[.proc] = .failed(call: "fsmount", errno: EPERM)
            $0.mounts = table(["/", "/proc", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/sys", "/process"])
        }
        #expect(check.detail.contains("(/proc/acpi, /proc/kcore, /proc/keys, …)"))
        #expect(check.remedy.contains("systempaths=unconfined"))
    }

    @Test func whatStandsOnAMissingPieceIsNotTried() throws {
        let check = try check("pivot-root") {
            for probe in [FeatureProbe.moveMount, .pivotRoot] {
                $0.probes[probe] = .failed(call: "move_mount", errno: EPERM)
            }
        }
        #expect(check.state == .untested)
        #expect(check.detail == "not tried: it needs move-mount")
    }

    @Test func aLowLandlockSaysWhoHoldsTheRest() throws {
        let two = try check("landlock") { $0.probes[.landlock] = .works(value: 2) }
        #expect(two.state == .partial)
        for right in ["truncate (ABI 3)", "ioctl_dev (ABI 5)", "abstract sockets (ABI 6)", "signals (ABI 6)"] {
            #expect(two.detail.contains(right))
        }
        #expect(!two.detail.contains("refer"))
        #expect(try check("landlock") { $0.probes[.landlock] = .works(value: 6) }.state == .available)
    }

    @Test func landlockThatIsNotSwitchedOnIsToldFromNone() throws {
        let off = try check("landlock") {
            $0.probes[.landlock] = .failed(call: "landlock_create_ruleset(version)", errno: EOPNOTSUPP)
            $0.securityModules = "capability,yama"
        }
        #expect(off.remedy == "Add to the kernel's command line and boot again: lsm=landlock,capability,yama")
        let none = try check("landlock") {
            $0.probes[.landlock] = .failed(call: "landlock_create_ruleset(version)", errno: ENOSYS)
        }
        #expect(none.remedy == "Boot Linux 6.1 or newer that has CONFIG_SECURITY_LANDLOCK=y.")
    }

    @Test func tasksThatAreNotCountedAreSaid() throws {
        let root = try check("rlimits") {
            $0.probes[.rlimitNproc] = .failed(call: "setrlimit(RLIMIT_NPROC)", errno: 0)
        }
        #expect(root.detail.contains("had no effect") && root.detail.contains("root"))
        let shared = try check("rlimits") { $0.probes[.rlimitNproc] = .failed(call: "clone", errno: EAGAIN) }
        #expect(shared.detail.contains("ulimit -u"))
    }

    @Test func aFullKeyQuotaHasItsSetting() throws {
        let check = try check("keyring") {
            $0.settings[.maximumKeys] = 200
            $0.probes[.keyring] = .failed(call: "keyctl", errno: EDQUOT)
        }
        #expect(check.remedy == "sudo sysctl -w kernel.keys.maxkeys=2000")
    }

    @Test func filtersAroundUsAreMentioned() throws {
        #expect(try check("seccomp") { $0.seccompFilters = 2 }.detail.contains("2 filters"))
    }

    @Test(arguments: [
        (CgroupOffer.none(.notMounted), "no cgroup file system"),
        (.none(.versionOne), "systemd.unified_cgroup_hierarchy=1"),
        (.none(.readOnly), "read-only"), (.none(.outsideNamespace), "outside of its cgroup namespace"),
        (.none(.notWritable(errno: EACCES)), "EACCES"), (.none(.noControllers([])), "none of the controllers"),
        (.none(.otherMount), "umount /sys/fs/cgroup"),
        (.none(.notDelegated(unit: "a.scope")), "a.scope"),
        (.none(.notDelegated(unit: "a.scope")), "systemd-run --user --scope"),
        (.none(.failed(call: "mkdir", subject: "/x", errno: EROFS)), "mkdir on /x: EROFS"),
        (
            HostDiagnosisTests.subtree([.memory, .pids, .cpu]),
            "/sys/fs/cgroup/x is delegated to us, with memory, pids, cpu"
        ),
        (
            HostDiagnosisTests.subtree([.pids]),
            "with pids, without memory, cpu: /above has memory, and does not hand on what it has (cgroup.subtree_control); on this host cgroup v1 has cpu"
        ),
    ])
    func cgroupsAreInformation(_ offer: CgroupOffer, _ words: String) throws {
        let check = try check("cgroups") { $0.cgroup = offer }
        #expect(check.state == .information)
        #expect(check.detail.contains(words), "\(check.detail)")
        let memory = try self.check("memory") { $0.cgroup = offer }
        #expect(memory.detail.hasPrefix(offer.controllers.contains(.memory) ? "held by the kernel" : "watched"))
    }

    /// What `run` will do about it.
    @Test func aScopeThatRunAsksForIsNamed() throws {
        let absence = CgroupOffer.none(.notDelegated(unit: "session-1.scope"))
        func rows(_ scope: ScopeRequest) throws -> (cgroups: String, memory: String) {
            let change: (inout DoctorFacts) -> Void = {
                $0.cgroup = absence
                $0.scope = scope
            }
            return (try check("cgroups", change).detail, try check("memory", change).detail)
        }
        let wanted = try rows(.wanted)
        #expect(
            wanted.cgroups.contains(
                "session-1.scope, which systemd has not delegated. `run` asks the user's service manager"
            )
        )
        #expect(wanted.cgroups.hasSuffix("systemd-run --user --scope -p Delegate=yes $SHELL"))
        #expect(wanted.memory == "watched, or held by the kernel: in the scope that `run` asks for (row cgroups)")
        let kept = try rows(.kept("it runs in a.service"))
        #expect(
            kept.cgroups.contains(". For `run` no scope is asked for: it runs in a.service; limits stand on rlimits")
        )
        #expect(kept.memory == (try rows(.none)).memory && kept.memory.hasPrefix("watched: "))
    }

    private static func subtree(_ controllers: [CgroupController]) -> CgroupOffer {
        .subtree(
            CgroupSubtree(
                path: "/sys/fs/cgroup/x",
                name: "/x",
                controllers: controllers,
                lacks: controllers == [.pids]
                    ? [CgroupLack(.memory, .heldBack(by: "/above")), CgroupLack(.cpu, .versionOne)] : [],
                movesProcesses: false
            )
        )
    }

    @Test func theHybridLayoutIsNamed() throws {
        let line = "35 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        let table = try #require(MountTable(parsing: Array(line.utf8)))
        let check = try check("cgroups") {
            $0.cgroup = .none(.versionOne)
            $0.mounts = table
        }
        #expect(check.detail.contains("(v2 at /sys/fs/cgroup/unified)"), "\(check.detail)")
    }

    @Test(arguments: [
        (FolderState.canBeMade(in: "/p"), HostCheck.State.available, ""),
        (.cannotBeMade(in: "/p", errno: EROFS), .missing, "Make the folder, or name another folder with --state-dir."),
        (.foreign(uid: 7), .missing, "Take it over with chown, or name another folder with --state-dir."),
        (.writableByOthers(mode: 0o777), .missing, "chmod go-w /s\\x1b"),
        (.unusable(errno: ENOTDIR), .missing, "Mend the folder, or name another folder with --state-dir."),
        (.unknown(why: "HOME is unset"), .missing, "Set HOME, or name another folder with --state-dir."),
    ])
    func foldersAreJudged(_ state: FolderState, _ expected: HostCheck.State, _ remedy: String) throws {
        let folder = DoctorFolder(name: "state-folder", path: "/s\u{1B}", state: state, setting: "--state-dir")
        let check = try check("state-folder") { $0.folders = [folder] }
        #expect(check.state == expected)
        #expect(check.remedy == remedy)
    }

    @Test(arguments: [
        CompanionExecutable.absent(tried: ["/a", "/b"]), .unusable("/a", why: "it is not a file"),
        .unknown(errno: ENOENT),
    ])
    func aCompanionThatIsNotThereIsMissing(_ companion: CompanionExecutable) throws {
        let check = try check("codex-sandboxd") { $0.companion = companion }
        #expect(check.state == .missing && !check.remedy.isEmpty)
    }
}
