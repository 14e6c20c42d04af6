import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct PolicyReportTests {
    private let policy = Policy(
        name: "./strict\u{1B}.toml",
        summary: "Strict.\nVery.",
        confinement: .sandbox,
        workspace: .readOnly,
        filesystem: FilesystemPolicy(
            system: ["/usr", "/opt"],
            etc: ["ssl"],
            read: [],
            write: [SamplePlan.hostile],
            deny: ["/srv"],
            protect: [".codex", ".git/config"],
            coverMissing: [".codex"],
            unixSockets: [],
            tmpSize: .gibibytes(1),
            tmpInodes: 100_000
        ),
        network: .off(loopback: false),
        environment: EnvironmentPolicy(
            inherit: .core,
            exclude: ["*TOKEN*"],
            pass: ["TERM"],
            set: [EnvironmentEntry(name: "API", value: "very-secret")]
        ),
        limits: LimitPolicy(
            tasks: 1024,
            memory: .upToHalfOfRAM(.gibibytes(4)),
            memoryHigh: ByteCount(bytes: 0),
            openFiles: 4096,
            fileSize: .gibibytes(8),
            cpuSeconds: 0,
            cpuThousandths: 0,
            workspace: ByteCount(bytes: 0),
            output: ByteCount(bytes: 0),
            wall: .hours(24),
            grace: .seconds(2),
            requireKernel: [.memory, .tasks]
        ),
        seccomp: SeccompPolicy(without: ["ptrace"]),
        landlock: LandlockPolicy(minimumABI: 1, requirement: .bestEffort),
        process: ProcessPolicy(umask: 0o22, hostname: "sandbox")
    )

    @Test func everyValueIsShown() throws {
        let origins = ["limits.tasks": "strict.toml:12", "filesystem.write": "strict\u{1B}.toml:4"]
        let text = PolicyReport(policy: policy, origins: origins, style: .plain).text
        try expectGolden(text, "policy.txt")
        #expect(controlCharacters(in: text).isEmpty)
    }

    @Test func ofVariablesTheNamesOnly() {
        let text = PolicyReport(policy: policy, style: .plain).text
        #expect(text.contains("API"))
        #expect(!text.contains("very-secret"))
    }

    @Test func theListHasNameOriginAndSummary() {
        let list = PolicyReport.list([
            PolicyReport.Entry(name: "read-only", origin: "built-in", summary: "Looks only."),
            PolicyReport.Entry(name: "mine", origin: "/home/u/mine\u{1B}.toml", summary: "Mine."),
        ])
        #expect(
            list == """
                read-only  built-in               Looks only.
                mine       /home/u/mine\\x1b.toml  Mine.

                """
        )
    }
}
