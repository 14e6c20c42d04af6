import SandboxPlan
import Testing

@testable import SandboxPolicy

/// What a place makes of `/etc` by itself, against the list that keeps policies from showing the host's there.
@Suite struct GeneratedSettingsTests {
    private func made(network: NetworkPolicy) -> [OSString] {
        var policy = CompiledPolicyCodingTests.standard.policy
        policy.network = network
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
                policyFile: nil
            ),
            host: HostFacts(
                kernelRelease: "6.18",
                bootID: "",
                landlockABI: 6,
                memoryTotal: .gibibytes(8),
                lastCapability: 40,
                caller: Caller(
                    uid: 1000,
                    gid: 1000,
                    groups: [],
                    userName: "",
                    home: "",
                    nice: 0,
                    oomScoreAdjustment: 0,
                    ignoredSignals: 0,
                    seccompFilters: 0,
                    rlimits: []
                ),
                entries: [:],
                gitUser: GitUser(name: "", email: ""),
                resolverSettings: [0x0A],
                corePatternIsPipe: false
            ),
            identity: IdentityPlan(uid: 1000, gid: 1000, dropsFromRoot: false, keptGroups: [])
        )
        var made: [OSString] = []
        for case .writeFile(let path, _, _) in settings.files + [settings.gitconfig] { made.append(path) }
        return made
    }

    @Test(arguments: [NetworkPolicy.host, .off(loopback: true)])
    func everyFileOfItsOwnIsInTheList(network: NetworkPolicy) {
        let made = made(network: network)
        #expect(made.count > 5)
        for path in made {
            #expect(path.parent == "/etc" && GeneratedSettings.names.contains(path.lastComponent), "\(path)")
        }
    }

    /// A control: nothing is in the list that no launch makes (`mtab` is a link, `MountPlanner`).
    @Test func theListHasNothingElse() {
        let made = (made(network: .host) + ["/etc/mtab"]).map(\.lastComponent)
        #expect(Set(made) == Set(GeneratedSettings.names))
    }
}
