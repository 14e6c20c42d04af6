// swift-tools-version: 6.2
import PackageDescription

// The dependency lists below are the picture in docs/architecture.md: down means "imports".
// Nothing imports upward or sideways, and each outside library is imported by exactly one target.

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
    // Launch time: types of generic values are named by accessors instead of by text that is parsed at run time.
    .unsafeFlags(
        [
            "-Xfrontend", "-disable-concrete-type-metadata-mangled-name-accessors",
            "-Xfrontend", "-disable-generic-metadata-prespecialization", "-cross-module-optimization",
            "-Xfrontend", "-disable-type-layout",
            "-Xfrontend", "-function-sections",
        ],
        .when(configuration: .release)
    ),
]

/// What is installed uses no regular expressions: they would be a tenth of the launcher, and of what is relocated at each start.
let productSettings: [SwiftSetting] =
    swiftSettings + [.unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"])]

let cWarnings: [String] = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror"]

/// The launcher starts in under a millisecond only as a static PIE (docs/launch.md), and only lld links one.
let staticPIE: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-executable", "-use-ld=lld", "-Xclang-linker", "-static-pie",
            "-Xlinker", "--gc-sections", "-Xlinker", "--pack-dyn-relocs=relr",
            // pid 1 of a place leaves before libc and Swift start (CShims/entry.c).
            "-Xlinker", "-e", "-Xlinker", "cs_start",
            "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/Sources/codex-sandbox/launch.order",
            "-Xlinker", "--no-warn-symbol-ordering",
            "-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/Sources/codex-sandbox/unnamed.ld",
        ],
        .when(configuration: .release)
    )
]

/// The workers inside a place: a static PIE that begins as any other.
let workerPIE: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-executable", "-use-ld=lld", "-Xclang-linker", "-static-pie",
            "-Xlinker", "--gc-sections", "-Xlinker", "--pack-dyn-relocs=relr", "-Xlinker", "-s",
        ],
        .when(configuration: .release)
    )
]

/// The one that is linked dynamically: addresses of functions are written once, at the start, and read-only from then on.
let hardened: [LinkerSetting] = [
    .unsafeFlags(
        ["-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now"],
        .when(configuration: .release)
    )
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: productSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["ProjectTree"],
        exclude: exclude,
        swiftSettings: swiftSettings
    )
}

let package = Package(
    name: "codex-sandbox",
    products: [
        .executable(name: "codex-sandbox", targets: ["codex-sandbox"]),
        .executable(name: "codex-sandboxd", targets: ["codex-sandboxd"]),
        .executable(name: "codex-sandbox-worker", targets: ["codex-sandbox-worker"]),
    ],
    targets: [
        // Outside libraries, from Debian.
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .systemLibrary(name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),

        // C: what runs between clone and execve, and the calls Swift cannot see.
        .target(
            name: "CShims",
            path: "CShims",
            exclude: ["toml"],
            publicHeadersPath: "include",
            cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(cWarnings + ["-ffunction-sections"])]
        ),
        // toml++ behind an extern "C" face; a target of its own because it is another language.
        .target(
            name: "CToml",
            path: "CShims/toml",
            publicHeadersPath: "include",
            cxxSettings: [
                .define("TOML_EXCEPTIONS", to: "0"), .unsafeFlags(["-Wall", "-Wextra", "-Werror", "-fno-exceptions"]),
            ]
        ),

        // Values only.
        library("SandboxPlan"),
        // Policy to plan: pure functions over values.
        library("SandboxPolicy", ["SandboxPlan"]),
        // Argument parsing, help texts and what is printed: pure functions over values.
        library("SandboxCLI", ["SandboxPlan"]),
        // TOML and seccomp text to a compiled policy; apart because it links toml++ and libseccomp.
        library("PolicyCompiler", ["SandboxPolicy", "SandboxPlan", "CToml", "CSeccomp"]),
        // Keys and signatures; apart because it links OpenSSL, which the launcher must not.
        library("SandboxCrypto", ["SandboxPlan", "COpenSSL"]),
        // The kernel's side: descriptors, errno, probes, lowering, the spawn client.
        library("SandboxKernel", ["SandboxPlan", "CShims"]),
        // Open, verify, release, watch, record.
        library("SandboxRuntime", ["SandboxPolicy", "SandboxKernel", "SandboxPlan", "CShims"]),

        // The user's service manager: what it hands over and is told, the units; apart because it links libsystemd.
        library("ServiceManager", ["CSystemd"]),
        // HTTP/1.1 and its streams: knows no routes.
        library("WebTransport", ["CMicrohttpd"]),
        // Projects, jobs and their events, in SQLite.
        library("WorkspaceStore", ["CSQLite", "CShims"]),
        // Projects and jobs: folders, workers, the queue.
        library("Workspaces", ["WorkspaceStore", "SandboxRuntime", "SandboxKernel", "SandboxPlan", "CShims"]),
        // The HTTP API over the workspaces.
        library("SandboxAPI", ["Workspaces", "WorkspaceStore", "WebTransport", "SandboxRuntime", "SandboxPlan"]),

        .executableTarget(
            name: "codex-sandbox",
            dependencies: ["SandboxCLI", "SandboxRuntime", "SandboxPolicy", "SandboxKernel", "SandboxPlan", "CShims"],
            exclude: ["launch.order", "unnamed.ld"],
            swiftSettings: productSettings,
            linkerSettings: staticPIE
        ),
        .executableTarget(
            name: "codex-sandboxd",
            dependencies: [
                "SandboxAPI", "Workspaces", "WorkspaceStore", "WebTransport", "PolicyCompiler", "SandboxCLI",
                "SandboxCrypto", "ServiceManager",
                "SandboxRuntime", "SandboxPolicy", "SandboxKernel", "SandboxPlan",
            ],
            swiftSettings: productSettings,
            linkerSettings: hardened
        ),
        // The built-in workers of the workspace API: static, because a job's place need not have the host's libraries, and apart
        // from the launcher, because what runs inside needs nothing of what keeps it there.
        .executableTarget(
            name: "codex-sandbox-worker",
            dependencies: ["CShims"],
            swiftSettings: productSettings,
            linkerSettings: workerPIE
        ),

        // Test support: a process that refuses one of its own system calls.
        .target(
            name: "DeniedCall",
            path: "Tests/Support/DeniedCall",
            publicHeadersPath: "include",
            cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(cWarnings)]
        ),

        // Test support: where the project's files are, in a copy of the tree too.
        .target(name: "ProjectTree", path: "Tests/Support/ProjectTree", swiftSettings: swiftSettings),

        // Test support: changed inputs for readers of hostile bytes.
        .target(name: "Fuzzing", path: "Tests/Support/Fuzzing", swiftSettings: swiftSettings),

        tests("SandboxPlanTests", ["SandboxPlan"]),
        tests("SandboxCLITests", ["SandboxCLI", "SandboxPlan"], exclude: ["Fixtures"]),
        tests("SandboxPolicyTests", ["SandboxPolicy", "SandboxPlan", "Fuzzing"]),
        // Installs filters for real, in children of the test process.
        .target(
            name: "FilterProbe",
            path: "Tests/Support/FilterProbe",
            cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(cWarnings)]
        ),
        tests(
            "PolicyCompilerTests",
            ["PolicyCompiler", "SandboxPolicy", "SandboxPlan", "SandboxCLI", "FilterProbe", "Fuzzing"],
            exclude: ["Fixtures"]
        ),
        tests("SandboxKernelTests", ["SandboxKernel", "SandboxPlan", "CShims", "DeniedCall", "Fuzzing"]),
        tests(
            "ExecutableTests",
            ["codex-sandbox", "codex-sandboxd", "SandboxAPI", "SandboxRuntime", "SandboxPlan", "ServiceManager"]
        ),
        tests("ServiceManagerTests", ["ServiceManager"]),
        tests("WebTransportTests", ["WebTransport", "Fuzzing"]),
        // Writes projects as fast as it can, to be killed while it does.
        .executableTarget(
            name: "store-writer",
            dependencies: ["WorkspaceStore"],
            path: "Tests/Programs/store-writer",
            swiftSettings: swiftSettings
        ),
        tests("WorkspaceStoreTests", ["WorkspaceStore", "store-writer"]),
        tests("WorkspacesTests", ["Workspaces", "WorkspaceStore", "SandboxRuntime", "SandboxPlan", "Fuzzing"]),
        tests(
            "SandboxAPITests",
            ["SandboxAPI", "Workspaces", "WorkspaceStore", "WebTransport", "SandboxRuntime", "SandboxPlan", "Fuzzing"]
        ),
        tests("WorkerTests", ["codex-sandbox-worker", "Fuzzing"]),
        // Appends records as launches do, in a process of its own.
        .executableTarget(
            name: "evidence-writer",
            dependencies: ["SandboxRuntime", "SandboxPlan"],
            path: "Tests/Programs/evidence-writer",
            swiftSettings: swiftSettings
        ),
        tests(
            "SandboxRuntimeTests",
            [
                "SandboxRuntime", "SandboxCrypto", "SandboxPolicy", "SandboxKernel", "SandboxPlan", "CShims",
                "codex-sandboxd",
                "evidence-writer", "Fuzzing",
            ],
            exclude: ["Fixtures"]
        ),
        // Runs programs of Tests/Programs and the launcher, and judges from the host's side.
        .target(
            name: "SandboxTestSupport",
            dependencies: ["ProjectTree"],
            path: "Tests/SandboxTestSupport",
            swiftSettings: swiftSettings
        ),
        tests("SandboxEscapeTests", ["SandboxTestSupport"]),
        tests("SandboxIntegrationTests", ["SandboxTestSupport", "SandboxRuntime", "SandboxPlan"]),
    ],
    cxxLanguageStandard: .cxx20
)
