import SandboxPlan

@testable import SandboxCLI

/// A plan with every kind of step in it, and with names that would drive a terminal if they were printed as they are.
enum SamplePlan {
    static let hostile = OSString("/srv/a b\u{1B}[2J\n\u{202E}x".utf8 + [0xFF])
    static let identity = FileIdentity(device: 1, inode: 2, uid: 1001, gid: 1001)

    static func bind(
        _ path: OSString,
        to target: OSString? = nil,
        _ purpose: BindMount.Purpose,
        _ options: MountOptions,
        isDirectory: Bool = true
    ) -> LaunchStep {
        .bind(
            BindMount(
                source: path,
                target: target ?? path,
                identity: identity,
                isDirectory: isDirectory,
                recursive: isDirectory,
                options: options,
                purpose: purpose
            )
        )
    }

    static let steps: [LaunchStep] = [
        .privatePropagation,
        .newRoot(size: .mebibytes(16), inodes: 4096),
        .makeFolders(path: "/home", mode: 0o755),
        .symlink(path: "/bin", target: "usr/bin"),
        .writeFile(path: "/etc/passwd", contents: Array("root:x:0:0".utf8), mode: 0o644),
        bind("/usr", .system, [.readOnly, .noSetuid, .noDevices]),
        bind("/dev/null", .device, [.noSetuid, .noExecute], isDirectory: false),
        bind(hostile, .workspace, [.noSetuid, .noDevices]),
        bind("/home/u/data", to: "/data", .read, [.readOnly, .noSetuid, .noDevices]),
        .cover(path: "/proc/kcore", with: .unreadableFile),
        .cover(path: "/srv/secret", with: .unreadableFolder),
        .cover(path: hostile.appending(".envrc"), with: .emptyFolder),
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
        .limit(RLimit(resource: 6, soft: 1024, hard: 1024)),
        .attributes(
            AttributePlan(umask: 0o22, nice: 0, oomScoreAdjustment: 0, timerSlack: 50000, resetSignals: 1 << 12 | 1)
        ),
        .dropCapabilities(last: 40),
        .noNewPrivileges,
        .landlock,
        .placeFilter(afterFirstProcess: false),
    ]

    static let landlock = LandlockPlan(
        abi: 2,
        handledFilesystem: LandlockRight.filesystem(abi: 2),
        handledNetwork: 0,
        scoped: 0,
        rules: [
            LandlockPlan.Rule(path: "/", access: LandlockRight.readDir),
            LandlockPlan.Rule(
                path: "/usr",
                access: LandlockRight.readFile | LandlockRight.readDir | LandlockRight.execute
            ),
            LandlockPlan.Rule(
                path: hostile,
                access: LandlockRight.filesystem(abi: 2) & ~(LandlockRight.makeChar | LandlockRight.makeBlock)
            ),
            LandlockPlan.Rule(path: "/nowhere", access: 0),
            LandlockPlan.Rule(path: "/odd", access: 1 << 40),
        ],
        heldElsewhere: [
            LandlockPlan.HeldElsewhere(right: "truncate", since: 3, heldBy: "mounts: all else is read-only"),
            LandlockPlan.HeldElsewhere(right: "ioctl_dev", since: 5, heldBy: "mounts and seccomp\u{1B}[0m"),
        ]
    )

    static let environment: [EnvironmentEntry] = [
        EnvironmentEntry(name: "HOME", value: "/home/sandbox"),
        EnvironmentEntry(name: "API", value: "flag-secret"),
        EnvironmentEntry(name: "LANG", value: "inherited-secret"),
        EnvironmentEntry(name: "TOKEN", value: "passed-secret"),
        EnvironmentEntry(name: "EDITOR", value: "policy-secret"),
        EnvironmentEntry(name: "X\u{1B}[1m", value: "unknown-secret"),
    ]

    static let origins: [OSString: EnvironmentOrigin] = [
        "HOME": .own, "API": .flagSet, "LANG": .inheritedCore, "TOKEN": .policyPass, "EDITOR": .policySet,
    ]

    static let plan = LaunchPlan(
        policyName: "./my\u{1B}]0;x\u{7}policy.toml",
        policyDigest: Array(0..<32),
        confinement: .sandbox,
        identity: IdentityPlan(uid: 1001, gid: 1001, dropsFromRoot: true, keptGroups: [27, 100]),
        namespaces: [.userNamespace, .mountNamespace, .pidNamespace, .networkNamespace],
        steps: steps,
        placeholders: [hostile.appending(".envrc")],
        landlock: landlock,
        limits: LimitPlan(
            memory: .gibibytes(4),
            tasks: 1024,
            wall: .hours(24),
            grace: .seconds(2),
            setUp: .seconds(10),
            memoryWatchInterval: TimeSpan(milliseconds: 50),
            rlimits: [
                RLimit(resource: 4, soft: 1, hard: 1), RLimit(resource: 7, soft: 1024, hard: 4096),
                RLimit(resource: 0, soft: .max, hard: .max), RLimit(resource: 99, soft: 5, hard: 5),
            ]
        ),
        process: ProcessPlan(
            arguments: ["make", "a b", OSString([0x1B, 0x5B, 0x41]), ""],
            candidates: ["/usr/local/bin/make", "/usr/bin/make"],
            workingDirectory: hostile,
            environment: environment
        ),
        layers: [
            PlannedLayer(layer: .userNamespace, requirement: .required, requested: true, mechanism: "one id mapped"),
            PlannedLayer(layer: .networkNamespace, requirement: .required, requested: false, mechanism: "the host's"),
            PlannedLayer(layer: .landlock, requirement: .bestEffort, requested: true, mechanism: "ABI 2\n\u{1B}[0m"),
            PlannedLayer(layer: .rlimits, requirement: .required, requested: true, mechanism: "RLIMIT_NPROC"),
            PlannedLayer(layer: .memory, requirement: .required, requested: true, mechanism: "watched every 50 ms"),
        ],
        notes: ["--cwd \(hostile) is outside\nof the workspace"]
    )
}
