import Foundation
import ProjectTree
import SandboxCLI
import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// Every built-in policy has its plan on one host reviewed: `Fixtures/NAME.explain.txt`.
@Suite struct BuiltinPlanTests {
    /// `SANDBOX_UPDATE_GOLDENS=1` writes the files; look at the difference as a security change.
    @Test(arguments: BuiltinPolicy.all.map { "\($0.name)" }) func planIsAsReviewed(name: String) throws {
        let builtin = try #require(BuiltinPolicy.named(name))
        let compiled = try compiled(name, String(decoding: builtin.text.bytes, as: UTF8.self))
        let effective = try EffectivePolicy(compiled)
        let policy = effective.policy
        let host = SampleHost.facts(policy)
        let plan = try LaunchPlanner.plan(compiled, policy: policy, request: SampleHost.request, host: host)
        let report = PolicyReport(policy: policy, origins: effective.origins, style: .plain)
        let text = ExplainReport(plan: plan, origins: [:], style: .plain, policy: report).text
        let file = ProjectTree.url(#filePath).deletingLastPathComponent().appending(
            path: "Fixtures/\(name).explain.txt"
        )
        if ProcessInfo.processInfo.environment["SANDBOX_UPDATE_GOLDENS"] == "1" {
            try Data(text.utf8).write(to: file)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "\(name).explain.txt differs")
    }

    /// No file of a policy that is gone.
    @Test func everyReviewedPlanIsOfAPolicyThatIsThere() throws {
        let folder = ProjectTree.url(#filePath).deletingLastPathComponent().appending(path: "Fixtures")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix(".explain.txt")
        }
        #expect(files.sorted() == BuiltinPolicy.all.map { "\($0.name).explain.txt" }.sorted())
    }
}

/// One host with one project on it, in values.
enum SampleHost {
    static let workspace: OSString = "/home/ann/project"

    static let request = LaunchRequest(
        workspace: workspace,
        workingDirectory: workspace,
        arguments: ["make", "test"],
        callerEnvironment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8", "API_TOKEN=x", "HOME=/home/ann"],
        allowRootOwnedWorkspace: false,
        ownFolders: [ResolvedPath(written: "/home/ann/.cache/codex-sandbox", real: "/home/ann/.cache/codex-sandbox")],
        homes: [ResolvedPath(written: "/home/ann", real: "/home/ann")],
        policyFiles: []
    )

    private static let folders: [OSString] = [
        "/usr", "/opt", "/etc/ssl/certs", "/etc/alternatives", "/etc/fonts", "/etc/ld.so.conf.d", "/proc/acpi",
        "/proc/bus", "/proc", "/proc/sys/fs/binfmt_misc",
        workspace, workspace.appending(".git"), workspace.appending(".git/hooks"), workspace.appending(".codex"),
    ]
    private static let files: [OSString] = [
        "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/os-release", "/proc/kcore", "/proc/kmsg",
        workspace.appending(".git/config"), workspace.appending(".codex/result.json"),
    ]
    private static let links: [(path: OSString, target: OSString)] = [
        ("/bin", "usr/bin"), ("/sbin", "usr/sbin"), ("/lib", "usr/lib"), ("/lib64", "usr/lib64"),
    ]
    private static let devices: [(name: OSString, major: UInt32, minor: UInt32)] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9),
    ]

    /// What a look at every path that the policy is about would find.
    static func facts(_ policy: Policy) -> HostFacts {
        var entries: HostEntries = [:]
        func look(at paths: [OSString]) { for path in paths { entries[path] = entry(path) } }
        look(at: PathInventory.systemPaths(policy, request))
        look(at: PathInventory.chosenPaths(policy, request))
        look(at: PathInventory.repositoryPaths(policy, request, entries))
        return HostFacts(
            kernelRelease: "6.18.0",
            bootID: "",
            landlockABI: 7,
            memoryTotal: .gibibytes(16),
            lastCapability: 40,
            caller: Caller(
                uid: 1000,
                gid: 1000,
                groups: [1000],
                userName: "ann",
                home: "/home/ann",
                nice: 0,
                oomScoreAdjustment: 0,
                ignoredSignals: 0,
                seccompFilters: 0,
                rlimits: [0, 1, 4, 6, 7].map { RLimit(resource: $0, soft: .max, hard: .max) }
            ),
            entries: entries,
            gitUser: GitUser(name: "Ann", email: "ann@example.org"),
            resolverSettings: [],
            corePatternIsPipe: false
        )
    }

    private static func entry(_ path: OSString) -> HostEntry {
        let root = FileIdentity(device: 1, inode: 1, uid: 0, gid: 0)
        let own = FileIdentity(device: 1, inode: 2, uid: 1000, gid: 1000)
        let identity = path.isWithin("/home") ? own : root
        if folders.contains(path) { return .directory(identity) }
        if files.contains(path) { return .file(identity) }
        if let link = links.first(where: { $0.path == path }) { return .symlink(target: link.target) }
        if path.isWithin("/dev"), let device = devices.first(where: { $0.name == path.lastComponent }) {
            return .characterDevice(root, major: device.major, minor: device.minor)
        }
        return .absent
    }
}
