import SandboxPlan

@testable import SandboxRuntime

/// A made-up launch with every kind of value in it, the same each time.
enum SampleLaunch {
    /// Value of every environment entry: no record, result or text may ever hold it.
    static let canary = "canary-5b1f0c2e"

    /// 2026-01-31T09:05:00.000250Z.
    static let time = Timestamp(microseconds: 1_769_850_300_000_250)
    static let id = LaunchID([0x01, 0x9C, 0x12, 0x34] + [UInt8](repeating: 0xAB, count: 12))
    static let workspace: OSString = "/home/ada/a project"
    static let arguments: [OSString] = ["python3", "-m", "unittest", ""]
    static let digest = [UInt8](repeating: 0x11, count: 32)
    /// A name that drives a terminal, forges a line, turns text around and is not UTF-8.
    static let hostileName = OSString(
        [UInt8]("/home/ada/\u{1B}[2J\r\nlaunch 00: exited 0\u{202E}\u{9B}2J".utf8) + [0xFF]
    )

    static func identity(_ inode: UInt64) -> FileIdentity {
        FileIdentity(device: 2049, inode: inode, uid: 1000, gid: 1000)
    }

    static let context = LaunchContext(
        id: id,
        toolVersion: "0.1.0",
        startedAt: time,
        supervisor: SupervisorFacts(
            pid: 4242,
            bootedAt: Timestamp(microseconds: 1_769_800_000_000_000),
            bootMilliseconds: 50_300_000
        ),
        workspace: RecordedWorkspace(
            path: workspace,
            identity: identity(77),
            git: GitHead(head: "ref: refs/heads/main", commit: String(repeating: "c0", count: 20))
        ),
        arguments: arguments,
        standardStreams: [
            StandardStream(number: 0, kind: .nullDevice, device: 5, inode: 4, isRelayed: false),
            StandardStream(number: 1, kind: .pipe, device: 14, inode: 9001, isRelayed: true),
            StandardStream(number: 2, kind: .terminal, device: 14, inode: 9002, isRelayed: true),
        ],
        worker: WorkerExecutable(
            path: "/usr/bin/python3.11",
            device: 2049,
            inode: 18_446_744_073_709_551_615,
            size: 6_800_000,
            modified: 1_700_000_000_000_000_001,
            changed: 1_700_000_000_000_000_002,
            sha256: digest
        ),
        policy: CompiledPolicy(
            policy: policy,
            digest: digest,
            placeFilter: SeccompProgram(instructions: [0x0000_0000_0000_0020, 0x7FFF_0000_0000_0006]),
            processFilter: SeccompProgram(instructions: [0x0005_0001_0000_0006])
        ),
        plan: plan,
        host: host
    )

    static let policy = Policy(
        name: "workspace-write",
        summary: "Writes in the workspace only.",
        confinement: .sandbox,
        workspace: .readWrite,
        filesystem: FilesystemPolicy(
            system: ["/usr", "/bin"],
            etc: ["ssl/certs"],
            read: [hostileName],
            write: [],
            deny: ["/home/ada/a project/.env"],
            protect: [".codex", ".git/config"],
            coverMissing: [".codex"],
            unixSockets: [],
            tmpSize: .gibibytes(1),
            tmpInodes: 100_000
        ),
        network: .off(loopback: true),
        environment: EnvironmentPolicy(
            inherit: .core,
            exclude: ["*TOKEN*"],
            pass: ["MY_TOKEN"],
            set: [EnvironmentEntry(name: "API_KEY", value: OSString(canary))]
        ),
        limits: LimitPolicy(
            tasks: 1024,
            memory: .upToHalfOfRAM(.gibibytes(4)),
            memoryHigh: .gibibytes(3),
            openFiles: 4096,
            fileSize: .gibibytes(8),
            cpuSeconds: 0,
            cpuThousandths: 0,
            workspace: ByteCount(bytes: 0),
            output: ByteCount(bytes: 0),
            wall: .hours(24),
            grace: .seconds(2),
            requireKernel: [.memory]
        ),
        seccomp: SeccompPolicy(without: ["ptrace"]),
        landlock: LandlockPolicy(minimumABI: 1, requirement: .required),
        process: ProcessPolicy(umask: 0o022, hostname: "sandbox")
    )

    static let plan = LaunchPlan(
        policyName: "workspace-write",
        policyDigest: digest,
        confinement: .sandbox,
        identity: IdentityPlan(uid: 1000, gid: 1000, dropsFromRoot: false, keptGroups: [27]),
        namespaces: [.userNamespace, .mountNamespace],
        steps: steps,
        placeholders: ["/home/ada/a project/.codex"],
        landlock: LandlockPlan(
            abi: 2,
            handledFilesystem: LandlockRight.filesystem(abi: 2),
            handledNetwork: 0,
            scoped: 0,
            rules: [LandlockPlan.Rule(path: workspace, access: LandlockRight.filesystem(abi: 2))],
            heldElsewhere: [LandlockPlan.HeldElsewhere(right: "truncate", since: 3, heldBy: "read-only mounts")]
        ),
        limits: LimitPlan(
            memory: .gibibytes(4),
            tasks: 1024,
            wall: .hours(24),
            grace: .seconds(2),
            setUp: .seconds(10),
            memoryWatchInterval: TimeSpan(milliseconds: 50),
            rlimits: [RLimit(resource: 7, soft: 4096, hard: 4096), RLimit(resource: 0, soft: .max, hard: .max)]
        ),
        process: ProcessPlan(
            arguments: arguments,
            candidates: ["/usr/local/bin/python3", "/usr/bin/python3"],
            workingDirectory: workspace,
            environment: [
                EnvironmentEntry(name: "PATH", value: OSString(canary)),
                EnvironmentEntry(name: "API_KEY", value: OSString(canary)),
                EnvironmentEntry(name: OSString([0x41, 0xFF]), value: OSString(canary)),
            ]
        ),
        layers: [
            PlannedLayer(
                layer: .userNamespace,
                requirement: .required,
                requested: true,
                mechanism: "2 namespaces in one clone(2)"
            ),
            PlannedLayer(layer: .landlock, requirement: .bestEffort, requested: true, mechanism: "ABI 2, 1 rule"),
            PlannedLayer(layer: .memory, requirement: .required, requested: true, mechanism: "watched every 50 ms"),
            PlannedLayer(layer: .keyring, requirement: .required, requested: false, mechanism: "none"),
        ],
        notes: ["group 27 stays: only root can drop it"]
    )

    /// One of each.
    static let steps: [LaunchStep] = [
        .privatePropagation,
        .newRoot(size: .mebibytes(16), inodes: 4096),
        .makeFolders(path: workspace, mode: 0o755),
        .symlink(path: "/bin", target: "usr/bin"),
        .writeFile(path: "/etc/passwd", contents: Array("ada:x:1000:1000::/home/sandbox:/bin/sh\n".utf8), mode: 0o644),
        .bind(
            BindMount(
                source: workspace,
                target: workspace,
                identity: identity(77),
                isDirectory: true,
                recursive: false,
                options: [.noSetuid, .noDevices],
                purpose: .workspace
            )
        ),
        .cover(path: "/home/ada/a project/.env", with: .unreadableFile),
        .cover(path: "/proc/kcore", with: .unreadableFolder),
        .cover(path: "/home/ada/a project/.codex", with: .emptyFolder),
        .cover(path: "/proc/sys", with: .itselfReadOnly),
        .tmpfs(path: "/tmp", size: .gibibytes(1), inodes: 100_000, mode: 0o1777, options: [.noSetuid, .noDevices]),
        .procfs(path: "/proc"),
        .devpts(path: "/dev/pts"),
        .remount(path: "/", options: [.readOnly, .noSetuid, .noDevices]),
        .enterRoot,
        .hostname("sandbox"),
        .loopbackUp,
        .forbidUserNamespaces,
        .freshKeyring,
        .limit(RLimit(resource: 4, soft: 1, hard: 1)),
        .attributes(
            AttributePlan(umask: 0o022, nice: 0, oomScoreAdjustment: 0, timerSlack: 50_000, resetSignals: 1 << 12)
        ),
        .dropCapabilities(last: 40),
        .noNewPrivileges,
        .landlock,
        .placeFilter(afterFirstProcess: false),
    ]

    static let host = HostFacts(
        kernelRelease: "6.1.0-40-amd64",
        bootID: "11111111-2222-4333-8444-555555555555",
        landlockABI: 2,
        memoryTotal: .gibibytes(16),
        lastCapability: 40,
        caller: Caller(
            uid: 1000,
            gid: 1000,
            groups: [27, 1000],
            userName: "ada",
            home: "/home/ada",
            nice: -5,
            oomScoreAdjustment: -100,
            ignoredSignals: 1 << 12,
            seccompFilters: 0,
            rlimits: [RLimit(resource: 7, soft: 1024, hard: 524_288)]
        ),
        entries: [
            "/usr": .directory(identity(2)),
            "/bin": .symlink(target: "usr/bin"),
            "/nix": .absent,
            "/etc/hosts": .file(identity(5)),
            "/home/ada/a project/s": .socket(identity(6)),
            "/dev/null": .characterDevice(identity(7), major: 1, minor: 3),
            "/dev/sda": .other(identity(8)),
            "/opt/tool": .throughLink(resolved: "/srv/tool"),
            "/lost": .unreadable(errno: 13),
        ],
        gitUser: GitUser(name: "Ada", email: "ada@example.org"),
        resolverSettings: [],
        corePatternIsPipe: true
    )

    static let layers = [
        LayerReport(
            layer: .userNamespace,
            requirement: .required,
            enforcement: .enforced,
            observations: [
                Observation(
                    layer: .userNamespace,
                    field: "uid_map",
                    expected: "1000 1000 1",
                    found: "1000 1000 1",
                    observer: .outside
                )
            ]
        ),
        LayerReport(
            layer: .landlock,
            requirement: .bestEffort,
            enforcement: .degraded(missing: ["truncate: held by read-only mounts"]),
            observations: [
                Observation(
                    layer: .landlock,
                    field: "open a denied file",
                    expected: "EACCES",
                    found: "EACCES",
                    observer: .refusedAct
                ),
                Observation(
                    layer: .landlock,
                    field: "abi",
                    expected: "2",
                    found: "2",
                    observer: .selfReported
                ),
            ]
        ),
        LayerReport(layer: .memory, requirement: .required, enforcement: .watched, observations: []),
        LayerReport(layer: .keyring, requirement: .required, enforcement: .notRequested, observations: []),
    ]

    static let childReport = [ReportedFact(name: "securebits", value: "0xef")]

    static let refusal = Refusal(
        stage: "place",
        step: "bind (step 5)",
        subject: hostileName.description,
        errno: 13,
        message: "cannot bind \(hostileName): EACCES",
        remedy: "see who may read it",
        layer: .mounts
    )

    static func end(_ outcome: Outcome, execve: ExecveFact = .succeeded, exitStatus: Int32 = 0) -> LaunchEnd {
        LaunchEnd(
            outcome: outcome,
            exitStatus: exitStatus,
            execve: execve,
            signal: nil,
            startedAt: time,
            releasedAt: Timestamp(microseconds: time.microseconds + 2500),
            endedAt: Timestamp(microseconds: time.microseconds + 1_002_500),
            wallMicroseconds: 1_000_000,
            usage: Usage(
                userMicroseconds: 900_000,
                systemMicroseconds: 50_000,
                maximumResident: .mebibytes(12),
                memoryPeakWatched: .mebibytes(30)
            ),
            layers: layers,
            protectionEvents: [ProtectionEvent(at: time, what: "/home/ada/a project/.git/config was unmounted")],
            planted: ["/home/ada/a project/.claude", hostileName],
            unseen: ["/home/ada/a project/.git"]
        )
    }

    /// With refused calls: known and unknown ones, one by the policy's choice.
    static let endWithDenials: LaunchEnd = {
        var denials = Denials()
        for _ in 0..<3 { denials.add(number: 101, errno: 1, argument: nil) }
        denials.add(number: 41, errno: 97, argument: 17)
        denials.add(number: 9999, errno: 38, argument: nil)
        for number in Int32(10_000)..<10_200 { denials.add(number: number, errno: 38, argument: nil) }
        var policy = SampleLaunch.policy
        policy.seccomp.without = ["debug"]
        var ended = SampleLaunch.end(.exited(code: 0))
        ended.denials = ReportedDenials(denials, policy: policy)
        return ended
    }()

    /// One of each.
    static let ends: [LaunchEnd] = [
        end(.exited(code: 0)),
        end(.signalled(signal: 11), exitStatus: 139),
        end(.timedOut, exitStatus: 124),
        end(.memoryExceeded(used: .gibibytes(5), limit: .gibibytes(4)), exitStatus: 137),
        end(.protectionLost(what: ".git/config"), exitStatus: 125),
        end(.interrupted(signal: 15), exitStatus: 143),
        end(.refused(refusal), execve: .notReached(.killedAtGate), exitStatus: 125),
        end(.refused(refusal), execve: .notKnown, exitStatus: 125),
        end(.notExecuted(errno: 2, message: "not found"), execve: .failed, exitStatus: 127),
        endWithDenials,
    ]

    static let prepared = PreparedContext(context)
    /// Where every sample record stands in its chain.
    static let link = ChainLink(previous: [UInt8](repeating: 0x22, count: 32), sequence: 7)
    static let start = linked(
        LaunchStatement.start(prepared, layers: layers, childReport: childReport, at: time)
    )

    static func outcome(_ end: LaunchEnd) -> CanonicalJSON {
        linked(LaunchStatement.outcome(id, end, toolVersion: "0.1.0", startDigest: SHA256.digest(start.bytes)))
    }

    static func linked(_ record: UnlinkedRecord) -> CanonicalJSON { LinkedRecord(record, link).line }

    /// Refused knowing everything, and knowing as little as possible.
    static let refusals: [CanonicalJSON] = [
        context,
        LaunchContext(
            id: id,
            toolVersion: "0.1.0",
            startedAt: time,
            supervisor: context.supervisor,
            workspace: RecordedWorkspace(path: hostileName),
            arguments: []
        ),
    ].map { known in
        linked(
            LaunchStatement.refused(
                PreparedContext(known),
                refusal,
                proof: .noProcess,
                exitStatus: 125,
                layers: [],
                childReport: [],
                at: time
            )
        )
    }

    /// Every record there is.
    static let records: [CanonicalJSON] = [start] + ends.map(outcome) + refusals
}
