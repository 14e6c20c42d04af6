import SandboxPlan
import Testing

@testable import SandboxPolicy

/// What a place makes of `/etc` by itself, against the list that keeps policies from showing the host's there.
@Suite struct GeneratedSettingsTests {
    private func made(network: NetworkPolicy, etc: [OSString] = []) -> [OSString] {
        var policy = CompiledPolicyCodingTests.standard.policy
        policy.network = network
        policy.filesystem.etc = etc
        let settings = GeneratedSettings(
            policy: policy,
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
            host: .sample(resolverSettings: [0x0A]),
            identity: IdentityPlan(uid: 1000, gid: 1000, dropsFromRoot: false, keptGroups: [])
        )
        var made: [OSString] = []
        for case .writeFile(let path, _, _) in settings.files + [settings.gitconfig] { made.append(path) }
        return made
    }

    @Test func everyFileOfItsOwnIsInTheList() {
        let made = made(network: .off(loopback: true))
        #expect(made.allSatisfy { $0.parent == "/etc" })
        // `mtab` is a link (MountPlanner).
        #expect(Set(made.map(\.lastComponent) + ["mtab"]) == Set(GeneratedSettings.names))
    }

    @Test func theResolversSettingsComeWithTheHostsNetworkUnlessThePolicyShowsThem() {
        #expect(made(network: .host).contains("/etc/resolv.conf"))
        #expect(!made(network: .host, etc: ["resolv.conf"]).contains("/etc/resolv.conf"))
        #expect(!made(network: .off(loopback: true)).contains("/etc/resolv.conf"))
    }
}
