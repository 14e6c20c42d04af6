import SandboxPlan
import Testing

@testable import SandboxPolicy

/// What a place makes of `/etc` by itself, against the list that keeps policies from showing the host's there.
@Suite struct GeneratedSettingsTests {
    private func made(
        network: NetworkPolicy,
        etc: [OSString] = [],
        deny: [OSString] = [],
        resolver: OSString = "/etc/resolv.conf",
        entries: HostEntries = [:]
    ) -> [OSString] {
        var policy = CompiledPolicyCodingTests.standard.policy
        policy.network = network
        policy.filesystem.etc = etc
        policy.filesystem.deny = deny
        var host = HostFacts.sample(entries: entries, resolverSettings: [0x0A])
        host.resolverPath = resolver
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
            host: host,
            identity: IdentityPlan(uid: 1000, gid: 1000, dropsFromRoot: false, keptGroups: [])
        )
        var made: [OSString] = []
        for step in settings.files + settings.gitconfig {
            switch step {
            case .writeFile(let path, _, _), .symlink(let path, _): made.append(path)
            default: made.append("something else")
            }
        }
        #expect(Set(made).isSubset(of: GeneratedSettings.paths(policy)))
        return made
    }

    @Test func everyFileOfItsOwnIsInTheList() {
        let made = made(network: .off(loopback: true))
        #expect(made.allSatisfy { $0.parent == "/etc" })
        #expect(Set(made.map(\.lastComponent)) == Set(GeneratedSettings.names))
    }

    @Test func whatIsDeniedIsNotMade() {
        let all = made(network: .host)
        #expect(all.count == GeneratedSettings.names.count + 1)
        for path in all {
            #expect(made(network: .host, deny: [path]) == all.filter { $0 != path })
        }
        #expect(made(network: .host, deny: all) == [])
        #expect(made(network: .host, deny: ["/etc/host", "/etc/hosts2", "/etc/hosts/x"]) == all)
    }

    @Test func theResolversSettingsComeWithTheHostsNetworkUnlessThePolicyShowsThem() {
        #expect(made(network: .host).contains("/etc/resolv.conf"))
        #expect(!made(network: .host, etc: ["resolv.conf"]).contains("/etc/resolv.conf"))
        #expect(!made(network: .off(loopback: true)).contains("/etc/resolv.conf"))
    }

    /// It is a copy, and what is denied is the file: by its real path, by a folder around it, or by a link that leads there.
    @Test func theResolversSettingsAreNotCopiedFromADeniedFile() {
        let (stub, copy): (OSString, OSString) = ("/run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf")
        func isMade(_ deny: OSString, _ entries: HostEntries = [:]) -> Bool {
            made(network: .host, deny: [deny], resolver: stub, entries: entries).contains(copy)
        }
        #expect(!isMade(stub) && !isMade("/run/systemd") && !isMade(copy))
        #expect(!isMade("/run/link", ["/run/link": .throughLink(resolved: stub)]))
        #expect(!isMade("/var/run/systemd", ["/var/run/systemd": .throughLink(resolved: "/run/systemd")]))
        // The control: other files.
        #expect(isMade("/run/systemd/resolve/resolv.conf") && isMade("/run/systemd/resolve/stub"))
        #expect(isMade("/run/link", ["/run/link": .throughLink(resolved: "/run/other")]))
    }
}
