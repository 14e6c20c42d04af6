import SandboxPlan
import Testing

@testable import SandboxPolicy

/// What stands before the files of `/proc` that tell of the whole host.
@Suite struct ProcMountsTests {
    private static func steps(rootOnly: [OSString], uid: UInt32 = 1000) throws(Refusal) -> [LaunchStep] {
        let file = HostEntry.file(FileIdentity(device: 1, inode: 2, uid: 0, gid: 0))
        var host = HostFacts.sample(entries: [
            "/proc/keys": file, "/proc/kmsg": file, "/proc/fs": .directory(.init(device: 1, inode: 3, uid: 0, gid: 0)),
        ])
        host.rootOnly = rootOnly
        let planner = MountPlanner(
            policy: CompiledPolicyCodingTests.standard.policy,
            request: LaunchRequest(
                workspace: "/w",
                workingDirectory: "/w",
                arguments: ["true"],
                callerEnvironment: [],
                allowRootOwnedWorkspace: false,
                ownFolders: [],
                homes: [],
                policyFiles: []
            ),
            host: host,
            identity: IdentityPlan(uid: uid, gid: uid, dropsFromRoot: false, keptGroups: [])
        )
        var result = MountPlanner.Result()
        try planner.proc(&result)
        return result.steps.filter { $0.subject.hasPrefix("/proc/") && $0.subject != "/proc/sys" }
    }

    @Test func whatRootAloneMayOpenNeedsNoCover() throws {
        #expect(
            try Self.steps(rootOnly: ["/etc/shadow", "/proc/kmsg"]) == [
                .cover(path: "/proc/fs", with: .unreadableFolder), .cover(path: "/proc/keys", with: .unreadableFile),
                .rootOnly(path: "/proc/kmsg"),
            ]
        )
    }

    @Test func whatOthersMayOpenIsCovered() throws {
        #expect(try Self.steps(rootOnly: []).last == .cover(path: "/proc/kmsg", with: .unreadableFile))
    }

    /// No plan makes root the worker; should one come to, everything is covered again.
    @Test func aWorkerThatIsRootGetsCovers() throws {
        #expect(
            try Self.steps(rootOnly: ["/proc/kmsg"], uid: 0).last == .cover(path: "/proc/kmsg", with: .unreadableFile)
        )
    }
}
